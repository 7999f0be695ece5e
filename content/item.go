package content

import (
	"encoding/json"
	"strings"
	"time"
)

// An Item is a record as the outside sees it: a program, a page, a model.
type Item struct {
	ID           string            `json:"id"`
	Type         string            `json:"type"`
	DisplayType  string            `json:"display_type"` // the label in the asked context
	Title        string            `json:"title"`
	Text         string            `json:"text,omitempty"` // empty until asked for
	TextFormat   TextFormat        `json:"text_format,omitempty"`
	TextPreview  string            `json:"text_preview,omitempty"`
	Fields       map[string]any    `json:"fields,omitempty"`
	Metadata     map[string]any    `json:"metadata,omitempty"`
	ParentID     string            `json:"parent_id,omitempty"`
	ParentType   string            `json:"parent_type,omitempty"`
	Children     map[string][]Item `json:"children,omitempty"` // by relation; summaries
	ChildrenMore map[string]int    `json:"children_more,omitempty"`
}

// PreviewLength is the number of characters of a text preview.
const PreviewLength = 300

// Item returns a row as an Item, named for a display context ("" is the
// default one), without text and children. Times are in UTC.
func (t *Type) Item(r Row, context string) Item {
	rec := r.record()
	item := Item{
		ID: rec.ID, Type: t.Name(), DisplayType: t.Label(context), Title: t.Title(r),
		Fields: make(map[string]any, len(t.fields)), Metadata: map[string]any{},
	}
	for _, f := range t.fields {
		if !f.Readable() {
			continue
		}
		v := t.shown(f, r)
		if f.Has(Parent) {
			item.ParentType = f.LinkType
			item.ParentID, _ = v.(string)
		}
		if f.Has(Metadata) {
			item.Metadata[f.Name] = v
		} else if !f.Has(Text) {
			item.Fields[f.Name] = v
		}
	}
	if t.HasText() {
		item.TextFormat = t.TextFormat()
		item.TextPreview = Preview(t.Text(r))
	}
	item.Metadata["created_at"] = rec.CreatedAt.UTC().Format(time.RFC3339)
	item.Metadata["updated_at"] = rec.UpdatedAt.UTC().Format(time.RFC3339)
	if json.Valid(rec.Raw) {
		item.Metadata["raw_data"] = json.RawMessage(rec.Raw)
	}
	return item
}

// shown is a field's value as an Item and a query show it: dates without a
// clock, times in RFC 3339.
func (t *Type) shown(f *Field, r Row) any { return f.Show(f.Value(r)) }

// Show returns a value of the field as it stands in an Item or a query's
// result: dates as "2006-01-02", times in RFC 3339 UTC, the rest unchanged.
func (f *Field) Show(v any) any {
	if at, ok := v.(time.Time); ok {
		if f.Kind == Date {
			return at.Format(time.DateOnly)
		}
		return at.UTC().Format(time.RFC3339)
	}
	return v
}

// Summary returns the Item cut down to what a list needs: no text, children,
// raw data or empty fields.
func (i Item) Summary() Item {
	s := Item{ID: i.ID, Type: i.Type, DisplayType: i.DisplayType, Title: i.Title, TextPreview: i.TextPreview, ParentID: i.ParentID, ParentType: i.ParentType}
	s.Fields = map[string]any{}
	for name, v := range i.Fields {
		if v != nil && v != "" {
			s.Fields[name] = v
		}
	}
	return s
}

// Text returns the text that the row itself holds: its text fields joined by
// empty lines, or the record as JSON. It is empty when the text stands
// elsewhere (TextObject, TextLinked) or there is none.
func (t *Type) Text(r Row) string {
	switch t.spec.Text {
	case TextField:
		var text string
		for _, f := range t.With(Text) {
			if s, _ := f.Value(r).(string); s != "" {
				if text != "" {
					text += "\n\n"
				}
				text += s
			}
		}
		return text
	case TextRecord:
		values := map[string]any{}
		for _, f := range t.fields {
			if v := t.shown(f, r); f.Readable() && v != nil {
				values[f.Name] = v
			}
		}
		b, err := json.MarshalIndent(values, "", "  ")
		if err != nil {
			return ""
		}
		return string(b)
	}
	return ""
}

// Preview returns the first [PreviewLength] characters of a text, with "…"
// where it was cut, as valid UTF-8.
func Preview(text string) string {
	n := 0
	for i := range text {
		if n == PreviewLength {
			return strings.ToValidUTF8(text[:i], "\uFFFD") + "…"
		}
		n++
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
