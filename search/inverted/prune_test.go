package inverted

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
)

// A zipf makes texts in which few words are very frequent.
type zipf struct {
	rnd  *rand.Rand
	rank *rand.Zipf
}

func newZipf(seed uint64) *zipf {
	rnd := rand.New(rand.NewPCG(seed, 1))
	return &zipf{rnd, rand.NewZipf(rnd, 1.1, 2, 3000)}
}

func (z *zipf) words(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("q%cz%c", 'a'+rune(z.rank.Uint64()%26), 'a'+rune(z.rank.Uint64()%26))
	}
	return strings.Join(list, " ")
}

func (z *zipf) index(t testing.TB) *memoryIndex {
	m := newMemoryIndex()
	for _, size := range []int{1500, 40, 900, 7} {
		var docs []Document
		for i := range size {
			d := Document{Title: z.words(z.rnd.IntN(5)), Values: map[string]any{"n": i % 10, "kind": fmt.Sprint("kind ", z.rnd.IntN(4))}}
			for range 1 + z.rnd.IntN(4)*z.rnd.IntN(2) {
				d.Chunks = append(d.Chunks, z.words(z.rnd.IntN(60)))
			}
			docs = append(docs, d)
		}
		first := m.build(t, docs...)
		s := m.view.segments[len(m.view.segments)-1]
		table, err := decodeChunks(m.rows[cacheKey{"", s.id, chunksColumn, 0}])
		if err != nil {
			t.Fatal(err)
		}
		var gone []int64
		for o := range table.len() {
			if table.begins(o) && z.rnd.IntN(20) == 0 {
				for last := table.end(o); o <= last; o++ {
					gone = append(gone, first+int64(o))
				}
			}
		}
		m.remove(t, gone...)
	}
	return m
}

// Scores that are not computed must not be missed: hits, scores, totals, facets
// and pages are what they are when every chunk is scored.
func TestPrunedEqualsExhaustive(t *testing.T) {
	z := newZipf(3)
	m := z.index(t)
	all := *m.ranking
	all.exhaustive = true
	saved := 0
	for round := range 60 {
		text := z.words(1 + z.rnd.IntN(12))
		switch round % 5 {
		case 0:
			text += " "
		case 1:
			text += ` "` + z.words(2) + `"`
		}
		req := Request{Query: Parse(text), Limit: []int{0, 1, 3, 10, 50}[z.rnd.IntN(5)], Facets: []string{"kind"}, Explain: round%7 == 0}
		if z.rnd.IntN(2) == 0 {
			req.Filters = []content.Filter{{Field: "n", Op: content.Less, Values: []string{fmt.Sprint(z.rnd.IntN(11))}}}
		}
		m.ranking = defaultRanking()
		got := m.search(t, req)
		m.ranking = &all
		want := m.search(t, req)
		same := want.Query.Equal(got.Query)
		if got.Query, want.Query = nil, nil; !same || !reflect.DeepEqual(want, got) {
			t.Fatalf("%q, limit %d (-all +pruned):\n%s", text, req.Limit, cmp.Diff(want, got))
		}
		saved += prunedChunks(t, m, req)
		if req.Limit == 0 || round%4 > 0 {
			continue
		}
		// the pages that follow each other are the one long page
		m.ranking = defaultRanking()
		var paged []Hit
		for req.After = nil; ; {
			res := m.search(t, req)
			if res.Total != got.Total {
				t.Fatalf("%q: total %d on a later page, %d on the first", text, res.Total, got.Total)
			}
			paged = append(paged, res.Hits...)
			if len(res.Hits) < req.Limit || len(paged) > 300 {
				break
			}
			req.After = &res.Hits[len(res.Hits)-1].At
		}
		req.After, req.Limit = nil, len(paged)
		if long := m.search(t, req).Hits; len(paged) > 0 && !reflect.DeepEqual(long, paged) {
			t.Fatalf("%q (-one page +pages of %d):\n%s", text, len(paged), cmp.Diff(long, paged))
		}
	}
	if saved < 3_000 {
		t.Errorf("pruning left out %d chunks only: nothing was tested", saved)
	}
}

// prunedChunks returns the number of matching chunks that a request does not
// score to the end.
func prunedChunks(t *testing.T, m *memoryIndex, req Request) int {
	t.Helper()
	v := m.view
	v.ranking = defaultRanking()
	r, err := v.open(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	x := &matcher{reading: r, query: req.Query}
	if err := x.prepare(context.Background()); err != nil {
		t.Fatal(err)
	}
	saved := 0
	for i := range v.segments {
		s, err := x.segment(i, wanted{hits: req.Limit})
		if err != nil {
			t.Fatal(err)
		}
		if s.chosen != nil {
			saved += s.matched.count() - s.chosen.count()
		}
	}
	return saved
}

func TestExplanationsAddUp(t *testing.T) {
	z := newZipf(5)
	m := z.index(t)
	m.build(t, Document{Title: "Cloud migration plan", Chunks: []string{"Migrating FA8750-24-R-0001 to the cloud, the migration of clouds"}},
		Document{Title: "Other", Chunks: []string{"clouds and migrations, a plan apart"}})
	kinds := map[TermKind]bool{}
	for _, text := range []string{"cloud migration plan", `"migration of" cloudz FA8750-24-R-0001`, "qaza qbzb qazb", "migratino ", "qa qazbx ", "clo"} {
		res := m.search(t, Request{Query: Parse(text), Limit: 20, Explain: true})
		if len(res.Hits) == 0 {
			t.Errorf("%q finds nothing", text)
		}
		for _, h := range res.Hits {
			sum := 0.0
			for _, x := range h.Terms {
				sum += x.Score
				kinds[x.Kind] = true
				if x.Score <= 0 || x.Text == "" && x.Kind != TitleTerm {
					t.Errorf("%q: %+v", text, x)
				}
			}
			if sum != h.Score {
				t.Errorf("%q: the terms add up to %v, the score is %v: %+v", text, sum, h.Score, h.Terms)
			}
		}
	}
	for _, k := range []TermKind{WordTerm, IdentifierTerm, PrefixTerm, SpellingTerm, PhraseTerm, NearTerm, TitleTerm} {
		if !kinds[k] {
			t.Errorf("nothing was explained as %q", k)
		}
	}
	if res := m.search(t, Request{Query: Parse("cloud "), Limit: 5}); res.Hits[0].Terms != nil {
		t.Error("terms that nobody asked for")
	}
}
