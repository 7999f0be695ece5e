package functions

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
)

type getInput struct {
	Type string `json:"type" jsonschema_description:"Type of the record"`
	ID   string `json:"id" jsonschema:"minLength=1,maxLength=200" jsonschema_description:"Its id, from the result of another function"`
}

// item is a content.Item as the result of a function.
type item struct {
	ID          string             `json:"id"`
	Type        string             `json:"type"`
	DisplayType string             `json:"display_type"`
	Title       string             `json:"title"`
	Text        string             `json:"text,omitempty"`
	TextFormat  content.TextFormat `json:"text_format,omitempty"`
	TextPreview string             `json:"text_preview,omitempty"`
	Fields      Object             `json:"fields"`
	Metadata    Object             `json:"metadata,omitempty"`
	ParentID    string             `json:"parent_id,omitempty"`
	ParentType  string             `json:"parent_type,omitempty"`
}

// itemOf converts an Item, shortening its values.
func itemOf(i content.Item, long *shortener) item {
	out := item{ID: i.ID, Type: i.Type, DisplayType: i.DisplayType, Title: i.Title, Text: i.Text, TextFormat: i.TextFormat,
		TextPreview: i.TextPreview, Fields: Object(i.Fields), Metadata: Object(i.Metadata), ParentID: i.ParentID, ParentType: i.ParentType}
	for _, values := range []Object{out.Fields, out.Metadata} {
		for name, v := range values {
			values[name] = long.value(name, v)
		}
	}
	if raw, ok := out.Metadata["raw_data"].(json.RawMessage); ok {
		out.Metadata["raw_data"] = checked(raw) // by content.Type.Item
	}
	return out
}

func get(s Sources) *Function {
	return Define(Spec{
		Name:        "get",
		Description: "Reads one record in full: its fields, its text and what it belongs to.",
		Category:    "records",
		Tags:        []string{"read"},
		Input:       func(schema *jsonschema.Schema) { enum(schema, "type", s.Registry.Names()) },
	}, func(ctx context.Context, call *Call, in getInput) (item, error) {
		typ, err := s.Registry.Lookup(in.Type)
		if err != nil {
			return item{}, err
		}
		row, err := s.Records.Get(ctx, call.Scope(), typ, in.ID)
		if errors.Is(err, content.ErrNotFound) {
			return item{}, &Error{Code: CodeNotFound, Cause: err, Hint: "Use an id from the result of search or query_model.",
				Message: "There is no " + typ.Label("") + " with the id " + show(in.ID) + "."}
		}
		if err != nil {
			return item{}, err
		}
		full := typ.Item(row, "")
		if full.Text, err = s.text(ctx, call.Scope(), typ, row); err != nil {
			return item{}, err
		}
		if len(typ.With(content.Hidden)) > 0 {
			delete(full.Metadata, "raw_data") // it holds what the fields hide
		}
		long := shortener{limit: maxValue}
		out := itemOf(full, &long)
		long.report(call)
		text := shortener{limit: maxText}
		out.Text, _ = text.value("text", out.Text).(string)
		text.report(call)
		if out.Text != "" {
			out.TextPreview = "" // the beginning of the text again
		}
		call.SetSource(typ.Name())
		call.SetMessage("Found 1 record")
		return out, nil
	})
}

// text returns the text of a record, unless it would repeat the fields.
func (s Sources) text(ctx context.Context, scope content.Scope, typ *content.Type, row content.Row) (string, error) {
	switch source, _ := typ.TextSource(); source {
	case content.TextField:
		return typ.Text(row), nil
	case content.TextObject, content.TextLinked:
		if s.Text != nil {
			return s.Text(ctx, scope, typ, row)
		}
	}
	return "", nil
}
