package search

import (
	"encoding/base64"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search/inverted"
)

func TestCursor(t *testing.T) {
	q := Query{Text: "cloud", Types: []string{"a"}, Filters: []content.Filter{{Field: "type", Op: content.Equal, Values: []string{"a"}}}}
	for _, p := range []inverted.Position{{Score: 1.25, Document: 7}, {Score: -math.MaxFloat64, Document: 1 << 60}, {}} {
		q.Cursor = encodeCursor("acme", q, p)
		got, err := decodeCursor("acme", q)
		if err != nil || cmp.Diff(&p, got) != "" {
			t.Errorf("%+v became %+v, %v", p, got, err)
		}
	}
	page := q
	page.Limit, page.Facets, page.Highlight = 5, []string{"type"}, Highlight{Off: true}
	if _, err := decodeCursor("acme", page); err != nil {
		t.Errorf("another size of page: %v", err)
	}
	nan := append(queryHash("acme", q), 0x7f, 0xf8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1)
	for name, change := range map[string]func(*Query){
		"text":    func(q *Query) { q.Text += " " },
		"groups":  func(q *Query) { q.Groups = []string{"a"} },
		"filters": func(q *Query) { q.Filters = nil },
		"cut":     func(q *Query) { q.Cursor = q.Cursor[1:] },
		"base64":  func(q *Query) { q.Cursor = "!" + q.Cursor[1:] },
		"NaN":     func(q *Query) { q.Cursor = base64.RawURLEncoding.EncodeToString(nan) },
	} {
		other := q
		change(&other)
		if _, err := decodeCursor("acme", other); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := decodeCursor("other", q); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("another organization: %v", err)
	}
}

func FuzzCursor(f *testing.F) {
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := decodeCursor("acme", Query{Cursor: text})
		if err == nil && text != "" && (p == nil || math.IsNaN(p.Score)) {
			t.Fatalf("%q became %v", text, p)
		}
	})
}
