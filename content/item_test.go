package content_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
)

func TestDocumentAndItem(t *testing.T) {
	typ := ticketType()
	body, due := "It burns.", time.Date(2026, 5, 6, 0, 0, 0, 0, time.UTC)
	row := &ticket{Key: "T-1", Subject: "Printer", Body: &body, Status: "open", Due: &due, Site: &address{City: "Rome"}}
	row.ID, row.Raw = "id-1", []byte(`{"x":1}`)
	d := typ.Document(row)
	want := content.Document{ID: "id-1", Type: "ticket", Group: "helpdesk", Title: "Printer", Text: "Status: open\n\nIt burns.",
		Filename: "T-1", Language: "en", Metadata: map[string]any{"helpdesk": map[string]any{"ticket_id": "T-1", "status": "open", "due_on": due}}}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
	later := *row
	later.UpdatedAt = due
	if string(typ.Document(&later).Hash()) != string(d.Hash()) {
		t.Error("the hash of a document depends on when it was updated")
	}
	item := typ.Item(row, "crm")
	if item.DisplayType != "Case" || item.Title != "Printer" || item.Fields["due_on"] != "2026-05-06" || item.TextPreview != "It burns." {
		t.Errorf("item %+v", item)
	}
	if _, shown := item.Fields["parent_key"]; shown {
		t.Error("a hidden field is shown")
	}
	if string(item.Metadata["site"].(json.RawMessage)) != `{"city":"Rome"}` || item.Metadata["raw_data"] == nil {
		t.Errorf("metadata %v", item.Metadata)
	}
	if s := item.Summary(); s.Metadata != nil || s.Fields["status"] != "open" || s.Fields["score"] != nil {
		t.Errorf("summary %+v", s)
	}
}

// A title to sort by stands in the metadata, too, which go with each part of a text:
// there it is cut. Text of any length is not.
func TestLongTitlesInDocuments(t *testing.T) {
	type note struct {
		content.Record
		Key   string `db:"key" content:"key"`
		Title string `db:"title" content:"title,sort"`
		Body  string `db:"body" content:"text"`
	}
	typ := content.Define(content.Spec[note]{Name: "note", Label: "Note", Group: "notes"})
	long := strings.Repeat("é", 5000)
	d := typ.Document(&note{Key: "1", Title: "x" + long, Body: long})
	cut, _ := d.Metadata["notes"].(map[string]any)["title"].(string)
	if cut != "x"+strings.Repeat("é", 511) || d.Title != "x"+long || d.Text != long {
		t.Errorf("%d bytes in the metadata, %d of title, %d of text", len(cut), len(d.Title), len(d.Text))
	}
}

// Two documents that differ in anything that is indexed have different hashes.
func TestDocumentHashesDiffer(t *testing.T) {
	in := func(m map[string]any) content.Document { return content.Document{Metadata: m} }
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	seen := map[string]int{}
	for i, d := range []content.Document{
		{}, {ID: "a"}, {Type: "a"}, {Group: "a"}, {Title: "a"}, {Text: "a"}, {Filename: "a"}, {ContentType: "a"}, {URL: "a"}, {Language: "a"},
		{Title: "ab"}, {Title: "a", Text: "b"}, {Title: "a\x01b"}, in(map[string]any{}), in(map[string]any{"a": nil}), in(map[string]any{"a": ""}),
		in(map[string]any{"a": "1"}), in(map[string]any{"a": int64(1)}), in(map[string]any{"a": 1.0}), in(map[string]any{"a": true}), in(map[string]any{"a": false}),
		in(map[string]any{"a": at}), in(map[string]any{"a": at.Add(time.Microsecond)}), in(map[string]any{"a": map[string]any{"b": "1"}}), in(map[string]any{"a": map[string]any{"b": "1", "c": "1"}}),
		in(map[string]any{"a": "1", "b": "1"}), in(map[string]any{"a": []string{"1"}}), in(map[string]any{"a": []string{"1", "2"}}), in(map[string]any{"a": struct{ F func() }{}}),
	} {
		if j, again := seen[string(d.Hash())]; again && (i != 13 || j != 0) {
			t.Errorf("documents %d and %d have one hash", j, i)
		}
		seen[string(d.Hash())] = i
		later := d
		later.UpdatedAt = at
		if string(later.Hash()) != string(d.Hash()) {
			t.Errorf("document %d: its hash depends on when it was updated", i)
		}
	}
}

func TestPreviewIsShortValidAndWhole(t *testing.T) {
	for text, want := range map[string]string{
		"":                                    "",
		"short":                               "short",
		strings.Repeat("é", 300):              strings.Repeat("é", 300),
		strings.Repeat("é", 301):              strings.Repeat("é", 300) + "…",
		"a\xffb":                              "a\uFFFDb",
		"\xff" + strings.Repeat("x", 400):     "\uFFFD" + strings.Repeat("x", 299) + "…",
		strings.Repeat("x", 299) + "\xe2\x82": strings.Repeat("x", 299) + "\uFFFD",
	} {
		got := content.Preview(text)
		if got != want && utf8.ValidString(text) || !utf8.ValidString(got) || utf8.RuneCountInString(got) > content.PreviewLength+1 {
			t.Errorf("%.20q… is shown as %q, want %q", text, got, want)
		}
	}
}
