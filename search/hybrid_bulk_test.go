//go:build !race

package search_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/inverted"
	"github.com/curatore/curatore-go/search/searchtest"
)

// In each mode the pages are disjoint and together the whole, scores do not depend
// on the page or its size, and numbers agree with the hits.
func TestPagesInEachMode(t *testing.T) {
	onBoth(t, func(t *testing.T, h *hybrid) {
		org := h.Organization("acme")
		rnd := rand.New(rand.NewPCG(5, 6))
		for range 4 { // fewer documents than a page can have
			h.Put(org, randomDocuments(rnd, 24)...)
		}
		h.embed(org)
		for _, mode := range modes {
			for _, fusion := range []search.Fusion{search.MinMax, search.ReciprocalRank} {
				for _, text := range []string{"cloud migration", "agency notice of the state", "zzzz"} {
					q := search.Query{Text: text + " ", Mode: mode, Fusion: fusion, Facets: []string{"type", "crm.industry"}, Histograms: []search.Histogram{{Field: "updated_at", Interval: inverted.Year}}, Limit: 100}
					name := fmt.Sprint(mode, " ", fusion, " ", text)
					whole := h.Search(org, q)
					seen := map[string]bool{}
					for _, x := range whole.Hits {
						seen[x.Type+x.ID] = true
					}
					if whole.Total != len(whole.Hits) || len(seen) != whole.Total || whole.NextCursor != "" {
						t.Errorf("%s: total %d, %d hits of %d documents, next %q", name, whole.Total, len(whole.Hits), len(seen), whole.NextCursor)
					}
					counted := map[string]int{}
					for _, x := range whole.Hits {
						counted[x.Type]++
					}
					for _, c := range whole.Facets["type"] {
						if counted[c.Value] != c.Count {
							t.Errorf("%s: %d %s counted, %d found", name, c.Count, c.Value, counted[c.Value])
						}
						delete(counted, c.Value)
					}
					if bars := whole.Histograms[0].Bars; len(counted) > 0 || whole.Total > 0 && (len(bars) != 1 || bars[0].Count != whole.Total) {
						t.Errorf("%s: not counted %v; bars %v", name, counted, bars)
					}
					for _, limit := range []int{1, 7} {
						pages := []search.Hit{}
						page := q
						for page.Limit = limit; ; {
							res := h.Search(org, page)
							pages = append(pages, res.Hits...)
							diff(t, name+": numbers of a page", []any{whole.Total, whole.Facets, whole.Histograms}, []any{res.Total, res.Facets, res.Histograms})
							if page.Cursor = res.NextCursor; page.Cursor == "" {
								break
							}
						}
						diff(t, fmt.Sprint(name, ", pages of ", limit), whole.Hits, pages)
					}
					page := q
					page.Limit, page.Offset = 5, 3
					diff(t, name+": by offset", whole.Hits[min(3, len(whole.Hits)):min(8, len(whole.Hits))], h.Search(org, page).Hits)
				}
			}
		}
	})
}

func TestMinScoreCountsWhatItLeaves(t *testing.T) {
	onBoth(t, func(t *testing.T, h *hybrid) {
		org := h.Organization("acme")
		h.Put(org, randomDocuments(rand.New(rand.NewPCG(7, 8)), 80)...)
		h.embed(org)
		for _, mode := range modes {
			q := search.Query{Text: "cloud contract ", Mode: mode, Limit: 100}
			all := h.Search(org, q)
			q.MinScore = all.Hits[len(all.Hits)/2].Score
			some := h.Search(org, q)
			want := slices.DeleteFunc(slices.Clone(all.Hits), func(x search.Hit) bool { return x.Score < q.MinScore })
			diff(t, string(mode), want, some.Hits)
			counted := 0
			for _, c := range some.Facets["type"] {
				counted += c.Count
			}
			diff(t, string(mode)+": numbers", []int{len(want), len(want)}, []int{some.Total, counted})
		}
	})
}

// A new model takes over when it has made all vectors, and not before.
func TestChangeOfModel(t *testing.T) {
	onBoth(t, func(t *testing.T, h *hybrid) {
		org := h.Organization("acme")
		var docs []content.Document
		for i := range 600 {
			docs = append(docs, searchtest.Doc(i, "", fmt.Sprintf("word%d other%d", i, i/2)))
		}
		h.Put(org, append(docs, searchtest.Doc(700, "", "an automobile"))...)
		h.embed(org)
		old := h.model
		q := search.Query{Text: "car", Mode: search.ModeVector, Limit: 3}
		before := h.Search(org, q)
		diff(t, "old", "doc700", before.Hits[0].ID)

		h.model = &model{name: "better", older: map[string]*model{"concepts": old}}
		h.open(nil)
		diff(t, "search goes on with the old one", before.Hits, h.Search(org, q).Hits)
		calls := 0
		h.model.fail = func(texts []string) error {
			if calls++; calls > 2 {
				return errors.New("interrupted")
			}
			return nil
		}
		if _, err := h.Indexer.Embed(t.Context(), org, nil); err == nil {
			t.Fatal("not interrupted")
		}
		if n := h.stored(org); n["concepts"] != 601 || n["better"] == 0 || n["better"] == 601 {
			t.Errorf("half way: %v", n)
		}
		diff(t, "half way", before.Hits, h.Search(org, q).Hits)
		h.model.older = nil
		h.open(nil)
		if res := h.Search(org, q); !res.Degraded || !strings.Contains(res.DegradedReason, "concepts") {
			t.Errorf("the old model is gone: %+v", res.DegradedReason)
		}
		h.model.fail = nil
		h.embed(org)
		diff(t, "the old vectors are gone", map[string]int{"better": 601}, h.stored(org))
		res := h.Search(org, q)
		diff(t, "new", "doc700", res.Hits[0].ID)
		if res.Degraded || res.Hits[0].Score == before.Hits[0].Score {
			t.Errorf("%+v", res)
		}
	})
}

// Whoever searches while a new model takes over gets the answer of the old one or of
// the new one, whole.
func TestSearchWhileTheModelChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, h *hybrid) {
		org := h.Organization("acme")
		h.Put(org, randomDocuments(rand.New(rand.NewPCG(3, 9)), 60)...)
		h.embed(org)
		q := search.Query{Text: "cloud migration ", Mode: search.ModeVector, Limit: 100}
		answers := map[string]bool{}
		shown := func(res *search.Result) string { return fmt.Sprintf("%v %+v", res.DegradedReason, res.Hits) }
		answers[shown(h.Search(org, q))] = true
		h.model = &model{name: "better", older: map[string]*model{"concepts": h.model}}
		h.open(nil)
		var met []string
		done := make(chan struct{})
		go func() {
			defer close(done)
			if _, err := h.Indexer.Embed(t.Context(), org, nil); err != nil {
				t.Error(err)
			}
		}()
		for changed := false; !changed; {
			select {
			case <-done:
				changed = true
			default:
			}
			met = append(met, shown(h.Search(org, q)))
		}
		answers[met[len(met)-1]] = true
		if len(answers) != 2 {
			t.Error("the new model makes no difference")
		}
		for _, x := range met {
			if !answers[x] {
				t.Fatalf("neither the old nor the new answer: %.500s", x)
			}
		}
	})
}

// A model takes over between the embedding of a query by the old one and its search.
func TestModelChangesDuringASearch(t *testing.T) {
	onBoth(t, func(t *testing.T, h *hybrid) {
		org := h.Organization("acme")
		h.Put(org, searchtest.Doc(1, "", "an automobile"), searchtest.Doc(2, "", "a physician"))
		h.embed(org)
		old, changed := h.model, false
		h.model = &model{name: "better", older: map[string]*model{"concepts": old}}
		h.open(nil)
		old.fail = func([]string) error {
			if !changed {
				changed = true
				h.embed(org)
			}
			return nil
		}
		q := search.Query{Text: "car", Mode: search.ModeVector, Limit: 1}
		res := h.Search(org, q)
		diff(t, "found by the new one", h.Search(org, q).Hits, res.Hits)
		if !changed || res.Degraded || len(res.Hits) != 1 || res.Hits[0].ID != "doc001" {
			t.Errorf("changed %v: %+v", changed, res)
		}
	})
}

// A judge finds the texts with a word relevant.
type judge struct {
	word string
	err  error
	seen int
}

func (j *judge) Rerank(_ context.Context, _ string, texts []string) ([]float64, error) {
	j.seen = len(texts)
	scores := make([]float64, len(texts))
	for i, t := range texts {
		if strings.Contains(t, j.word) {
			scores[i] = 0.9
		}
	}
	return scores, j.err
}

func TestReranker(t *testing.T) {
	onBoth(t, func(t *testing.T, h *hybrid) {
		org := h.Organization("acme")
		var docs []content.Document
		for i := range 80 {
			text := strings.Repeat("cloud ", 1+i%7)
			if i%20 == 10 {
				text += " gold"
			}
			docs = append(docs, searchtest.Doc(i, fmt.Sprintf("Title %d", i), text))
		}
		h.Put(org, docs...)
		j := &judge{word: "gold"}
		for _, mode := range modes {
			h.open(func(c *search.Config) { c.Reranker = j })
			h.embed(org)
			q := search.Query{Text: "cloud ", Mode: mode, Limit: 100, Explain: true}
			whole := h.Search(org, q)
			if j.seen != 50 || *whole.Hits[0].Explanation.Relevance != 0.9 || whole.Hits[0].Score <= whole.Hits[60].Score {
				t.Errorf("%s: it saw %d; first %+v", mode, j.seen, whole.Hits[0])
			}
			var pages []search.Hit
			page := q
			for page.Limit = 30; ; {
				res := h.Search(org, page)
				pages = append(pages, res.Hits...)
				if page.Cursor = res.NextCursor; page.Cursor == "" {
					break
				}
			}
			diff(t, string(mode)+": pages", whole.Hits, pages)
			page.Limit = 10
			next := h.Search(org, page).NextCursor
			j.err = errors.New("out of order")
			res := h.Search(org, page)
			if !res.Degraded || !strings.Contains(res.DegradedReason, "out of order") || res.Hits[0].Explanation.Relevance != nil {
				t.Errorf("%s: %+v", mode, res.DegradedReason)
			}
			page.Cursor = next
			if _, err := h.Searcher.Search(t.Context(), org, page); err == nil {
				t.Errorf("%s: a page behind one that was reranked", mode)
			}
			j.err = nil
		}
	})
}
