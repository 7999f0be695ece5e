package inverted

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
)

// valued is an index of documents with values of all kinds in several segments.
func valued(t *testing.T) (*memoryIndex, []map[string]any) {
	rnd := rand.New(rand.NewPCG(21, 4))
	m := newMemoryIndex()
	day := time.Date(2025, 12, 29, 0, 0, 0, 0, time.UTC)
	var values []map[string]any
	for range 6 {
		var docs []Document
		for range 40 {
			v := map[string]any{"number": float64(rnd.IntN(30)) / 2, "whole": rnd.IntN(9), "text": []string{"b", "A", "ä", "a", ""}[rnd.IntN(5)],
				"time": day.Add(time.Duration(rnd.IntN(500)) * 7 * time.Hour), "list": []string{"x", "y", "z"}[:rnd.IntN(4)], "flag": rnd.IntN(2) == 0}
			for name := range v {
				if rnd.IntN(5) == 0 {
					delete(v, name)
				}
			}
			docs = append(docs, Document{Title: fmt.Sprint("title ", rnd.IntN(5)), Chunks: []string{"common words", "and more common"}[:1+rnd.IntN(2)], Values: v})
			values = append(values, v)
		}
		m.build(t, docs...)
	}
	return m, values
}

func TestSortsAndTheirPages(t *testing.T) {
	m, values := valued(t)
	byNumber := map[int64]map[string]any{}
	next := int64(1)
	for i, s := range m.view.segments {
		table, err := decodeChunks(m.rows[cacheKey{"", s.id, chunksColumn, 0}])
		if err != nil {
			t.Fatal(err)
		}
		doc := 40 * i
		for o := range table.len() {
			if table.begins(o) {
				byNumber[next+int64(o)] = values[doc]
				doc++
			}
		}
		next += int64(table.len())
	}
	less := func(a, b any) bool {
		switch x := a.(type) {
		case float64:
			return x < b.(float64)
		case int:
			return x < b.(int)
		case bool:
			return !x && b.(bool)
		case time.Time:
			return x.Before(b.(time.Time))
		case string:
			return strings.ToLower(x) < strings.ToLower(b.(string))
		}
		t.Fatalf("%T", a)
		return false
	}
	for _, name := range []string{"number", "whole", "text", "time", "flag", "none", "list"} {
		for _, ascending := range []bool{true, false} {
			for _, query := range []*Query{nil, Parse("common "), Parse("more ")} {
				req := Request{Query: query, Sort: Sort{name, ascending}, Limit: 1000, Facets: []string{"whole"}}
				all := m.search(t, req)
				if len(all.Hits) != all.Total || all.Total == 0 {
					t.Fatalf("%d hits, total %d", len(all.Hits), all.Total)
				}
				key := func(h Hit) (v any) {
					v = byNumber[h.Document][name]
					if list, ok := v.([]string); ok {
						v = nil
						if len(list) > 0 && ascending {
							v = list[0]
						} else if len(list) > 0 {
							v = list[len(list)-1]
						}
					}
					return v
				}
				for i, h := range all.Hits[1:] {
					a, b := key(all.Hits[i]), key(h)
					wrong := a == nil && b != nil
					if a != nil && b != nil {
						wrong = ascending && less(b, a) || !ascending && less(a, b)
					}
					if wrong || (a == nil && b == nil || a != nil && b != nil && !less(a, b) && !less(b, a)) && h.Document < all.Hits[i].Document {
						t.Fatalf("%s, ascending %t: %v (%d) before %v (%d)", name, ascending, a, all.Hits[i].Document, b, h.Document)
					}
					if (h.Score > 0) != (query != nil) {
						t.Fatalf("score %v", h.Score)
					}
				}
				var paged []Hit
				for req.Limit = 7; ; req.After = &paged[len(paged)-1].At {
					res := m.search(t, req)
					paged = append(paged, res.Hits...)
					if d := cmp.Diff(all.Facets, res.Facets); d != "" || res.Total != all.Total {
						t.Fatalf("facets differ between pages: %s", d)
					}
					if len(res.Hits) < req.Limit {
						break
					}
				}
				if d := cmp.Diff(all.Hits, paged); d != "" {
					t.Fatalf("%s, ascending %t (-one page +pages of 7):\n%s", name, ascending, d)
				}
			}
		}
	}
}

func TestHistograms(t *testing.T) {
	m, values := valued(t)
	begin := map[Interval]func(time.Time) time.Time{
		Day:   func(t time.Time) time.Time { return t.Truncate(24 * time.Hour) },
		Month: func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC) },
		Year:  func(t time.Time) time.Time { return time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC) },
		Week: func(t time.Time) time.Time {
			for t.Weekday() != time.Monday {
				t = t.AddDate(0, 0, -1)
			}
			return t.Truncate(24 * time.Hour)
		},
	}
	filter := content.Filter{Field: "whole", Op: content.Less, Values: []string{"5"}}
	for interval, start := range begin {
		want := map[time.Time]int{}
		for _, v := range values {
			if n, ok := v["whole"].(int); ok && n < 5 && v["time"] != nil {
				want[start(v["time"].(time.Time))]++
			}
		}
		res := m.search(t, Request{Query: Parse("common "), Filters: []content.Filter{filter}, Histograms: []Histogram{{"time", interval}, {"whole", interval}, {"none", interval}}})
		got := map[time.Time]int{}
		for _, b := range res.Histograms[0] {
			got[b.Start] = b.Count
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", interval, d)
		}
		if !slices.IsSortedFunc(res.Histograms[0], func(a, b Bar) int { return a.Start.Compare(b.Start) }) {
			t.Errorf("%s: not in order", interval)
		}
		if len(res.Histograms[1])+len(res.Histograms[2]) > 0 {
			t.Errorf("%s of what are no times: %v", interval, res.Histograms[1:])
		}
	}
	if _, err := m.view.Search(t.Context(), Request{Histograms: []Histogram{{"time", "decade"}}}); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("decade: %v", err)
	}
}

func TestOtherCountsWhatTheLimitCutsOff(t *testing.T) {
	m, _ := valued(t)
	whole := m.search(t, Request{Facets: []string{"whole", "list"}})
	cut := m.search(t, Request{Facets: []string{"whole", "list"}, FacetLimit: 3})
	for _, name := range []string{"whole", "list"} {
		rest := 0
		for _, c := range whole.Facets[name][3:] {
			rest += c.Count
		}
		if d := cmp.Diff(whole.Facets[name][:3], cut.Facets[name]); d != "" || cut.Other[name] != rest || whole.Other[name] != 0 {
			t.Errorf("%s: other %d, want %d; %s", name, cut.Other[name], rest, d)
		}
	}
}

func TestWithout(t *testing.T) {
	m, _ := valued(t)
	all := m.search(t, Request{Query: Parse("common "), Limit: 1000, Facets: []string{"flag"}})
	first, last := all.Hits[0].Document, all.Hits[len(all.Hits)-1].Document
	some := m.search(t, Request{Query: Parse("common "), Limit: 1000, Without: []int64{first, last, first, 1 << 40}})
	if some.Total != all.Total-2 {
		t.Errorf("total %d without two of %d", some.Total, all.Total)
	}
	if d := cmp.Diff(all.Hits[1:len(all.Hits)-1], some.Hits); d != "" {
		t.Error(d)
	}
}
