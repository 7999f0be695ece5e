package functions

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

type getInput struct {
	Type     string `json:"type" jsonschema_description:"Type of the record"`
	ID       string `json:"id,omitempty" jsonschema:"minLength=1,maxLength=200" jsonschema_description:"Its id, from the result of another function"`
	Key      string `json:"key,omitempty" jsonschema:"minLength=1,maxLength=1000" jsonschema_description:"In place of id: its id in the system that it comes from"`
	Instance string `json:"instance,omitempty" jsonschema:"maxLength=200" jsonschema_description:"With key, where a connection has several instances"`
	Text     bool   `json:"text,omitempty" jsonschema_description:"The whole text; false for its beginning alone"`
	Children bool   `json:"children,omitempty" jsonschema_description:"Also the first 20 records of each relation below it, in short form"`
}

// item is a content.Item as the result of a function.
type item struct {
	ID          string              `json:"id"`
	Type        string              `json:"type"`
	DisplayType string              `json:"display_type"`
	Title       string              `json:"title"`
	Text        string              `json:"text,omitempty"`
	TextFormat  content.TextFormat  `json:"text_format,omitempty"`
	TextPreview string              `json:"text_preview,omitempty"`
	Fields      Object              `json:"fields"`
	Metadata    Object              `json:"metadata,omitempty"`
	ParentID    string              `json:"parent_id,omitempty"`
	ParentType  string              `json:"parent_type,omitempty"`
	Children    map[string]children `json:"children,omitempty" jsonschema_description:"By relation"`
}

// children are records below one.
type children struct {
	Items []child `json:"items"`
	Total int64   `json:"total"`
}

// child is a record in short form. It has no children of its own.
type child struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	DisplayType string `json:"display_type"`
	Title       string `json:"title"`
	Fields      Object `json:"fields"`
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
		Needs:       s.Registry.Names(),
		Defaults:    map[string]any{"text": true},
		Input:       func(schema *jsonschema.Schema) { enum(schema, "type", s.Registry.Names()) },
	}, func(ctx context.Context, call *Call, in getInput) (item, error) {
		typ, err := s.lookup(call, in.Type)
		if err != nil {
			return item{}, err
		}
		row, err := s.find(ctx, call, typ, in)
		if err != nil {
			return item{}, err
		}
		full := typ.Item(row, "")
		if in.Text {
			if full.Text, err = s.text(ctx, call.Scope(), typ, row); err != nil {
				return item{}, err
			}
		}
		if len(typ.With(content.Hidden)) > 0 {
			delete(full.Metadata, "raw_data") // it holds what the fields hide
		}
		long := shortener{limit: maxValue}
		out := itemOf(full, &long)
		if in.Children {
			if out.Children, err = s.childrenOf(ctx, call, typ, full.ID, &long); err != nil {
				return item{}, err
			}
		}
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

// find returns the record that is meant, by its id or its key.
func (s Sources) find(ctx context.Context, call *Call, typ *content.Type, in getInput) (row content.Row, err error) {
	name, value := "id", in.ID
	switch {
	case in.ID == "" && in.Key == "":
		return nil, invalid([]Problem{{"id", "is required, or key in its place"}}, "")
	case in.ID != "" && in.Key != "":
		return nil, invalid([]Problem{{"key", "cannot be used beside id"}}, "")
	case in.ID != "":
		row, err = s.records(call).Get(ctx, call.Scope(), typ, in.ID)
	default:
		name, value = "key", in.Key
		row, err = s.records(call).GetByKey(ctx, call.Scope(), typ, in.Instance, in.Key)
	}
	if errors.Is(err, content.ErrNotFound) {
		return nil, &Error{Code: CodeNotFound, Cause: err, Hint: "Use an id from the result of search or query_model.",
			Message: "There is no " + typ.Label("") + " with the " + name + " " + show(value) + "."}
	}
	return row, err
}

// childrenShown is how many records of a relation get returns.
const childrenShown = 20

// childrenOf returns the first records of each relation below one.
func (s Sources) childrenOf(ctx context.Context, call *Call, typ *content.Type, id string, long *shortener) (map[string]children, error) {
	off, err := s.offTypes(call)
	if err != nil {
		return nil, err
	}
	all := map[string]children{}
	for _, relation := range typ.Children() {
		below, known := s.Registry.Type(relation.Type)
		if !known || slices.Contains(off, relation.Type) {
			continue
		}
		page, err := s.records(call).List(ctx, call.Scope(), below, store.Query{Limit: childrenShown, Total: true,
			Filters: []content.Filter{{Field: relation.Field, Op: content.Equal, Values: []string{id}}}})
		if err != nil {
			return nil, err
		}
		list := children{Total: page.Total}
		for _, row := range page.Items {
			short := itemOf(below.Item(row, "").Summary(), long)
			list.Items = append(list.Items, child{short.ID, short.Type, short.DisplayType, short.Title, short.Fields})
		}
		all[relation.Relation] = list
		if page.NextCursor != "" {
			call.Truncate()
			call.Note("%d of %d %s; query_model with model %q and a filter on %s reads the others", len(page.Items), page.Total, relation.Relation, relation.Type, relation.Field)
		}
	}
	return all, nil
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
