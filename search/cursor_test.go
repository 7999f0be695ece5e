package search

import (
	"encoding/base64"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
)

func TestCursor(t *testing.T) {
	q := Query{Text: "cloud", Types: []string{"a"}, Filters: []content.Filter{{Field: "type", Op: content.Equal, Values: []string{"a"}}}}
	for _, c := range []cursor{{Score: 1.25, Document: 7}, {Score: -math.MaxFloat64, Document: 1 << 60}, {}, {Text: "é\x00", Rank: 20, With: withVectors + withReranker}} {
		q.Cursor = c.encode("acme", q)
		got, err := decodeCursor("acme", q)
		if err != nil || cmp.Diff(&c, got) != "" {
			t.Errorf("%+v became %+v, %v", c, got, err)
		}
	}
	page := q
	page.Limit, page.Facets, page.Highlight, page.Explain, page.Passages = 5, []string{"type"}, Highlight{Off: true}, true, 3
	if _, err := decodeCursor("acme", page); err != nil {
		t.Errorf("another size of page: %v", err)
	}
	raw := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for name, change := range map[string]func(*Query){
		"text":      func(q *Query) { q.Text += " " },
		"groups":    func(q *Query) { q.Groups = []string{"a"} },
		"filters":   func(q *Query) { q.Filters = nil },
		"mode":      func(q *Query) { q.Mode = ModeVector },
		"fusion":    func(q *Query) { q.Fusion = ReciprocalRank },
		"sort":      func(q *Query) { q.Sort.Field = "updated_at" },
		"language":  func(q *Query) { q.Language = "de" },
		"min score": func(q *Query) { q.MinScore = 1 },
		"cut":       func(q *Query) { q.Cursor = q.Cursor[1:] },
		"base64":    func(q *Query) { q.Cursor = "!" + q.Cursor[1:] },
		"long":      func(q *Query) { q.Cursor = strings.Repeat("A", maxCursor+1) },
		"number":    func(q *Query) { q.Cursor = raw(`{"h":"AAAA","s":1e999,"d":1}`) },
		"rank":      func(q *Query) { q.Cursor = raw(`{"h":"AAAA","r":99999999,"d":1}`) },
		"no cursor": func(q *Query) { q.Cursor = raw(`{"x":1}`) },
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
	f.Add(cursor{Score: 1, Document: 2, Rank: 3}.encode("acme", Query{}))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := decodeCursor("acme", Query{Cursor: text})
		if err == nil && text != "" && (c == nil || math.IsNaN(c.Score) || c.Rank < 0) {
			t.Fatalf("%q became %v", text, c)
		}
	})
}
