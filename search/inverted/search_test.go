package inverted

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A naive is BM25 written down as in the book, over documents of one chunk.
type naive struct {
	docs map[int64]map[string][2]int // number -> term -> times in body, title
	len  map[int64]float64
}

func (n *naive) add(number int64, d Document) {
	if n.docs == nil {
		n.docs, n.len = map[int64]map[string][2]int{}, map[int64]float64{}
	}
	a, terms := newAnalyzer(defaultLanguage), map[string][2]int{}
	body := a.each(d.Chunks[0], func(t token) { c := terms[a.term(t, d.Chunks[0])]; c[0]++; terms[a.term(t, d.Chunks[0])] = c })
	title := a.each(d.Title, func(t token) { c := terms[a.term(t, d.Title)]; c[1]++; terms[a.term(t, d.Title)] = c })
	n.docs[number], n.len[number] = terms, float64(body)+titleWeight*float64(title)
}

func (n *naive) search(words []string) []Hit {
	live, length := float64(len(n.docs)), 0.0
	for _, l := range n.len {
		length += l
	}
	scores := map[int64]float64{}
	for _, w := range words {
		df := 0.0
		for _, d := range n.docs {
			if _, ok := d[w]; ok {
				df++
			}
		}
		for number, d := range n.docs {
			if c, ok := d[w]; ok {
				tf := float64(c[0]) + titleWeight*float64(c[1])
				scores[number] += math.Log(1+(live-df+0.5)/(df+0.5)) * tf * 2.2 / (tf + 1.2*(0.25+0.75*n.len[number]/(length/live)))
			}
		}
	}
	var hits []Hit
	for number, s := range scores {
		hits = append(hits, Hit{Document: number, Chunk: number, Score: s})
	}
	slices.SortFunc(hits, func(a, b Hit) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Document, b.Document)) })
	return hits
}

func TestScoresAreBM25(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 12))
	word := func() string { return fmt.Sprintf("q%c", 'a'+int(math.Floor(rnd.ExpFloat64()*4))%26) }
	text := func(n int) string {
		var w []string
		for range rnd.IntN(n) {
			w = append(w, word())
		}
		return strings.Join(w, " ")
	}
	m, ref := newMemoryIndex(), &naive{}
	m.ranking = &ranking{} // BM25 and nothing else
	var numbers []int64
	for range 8 {
		var docs []Document
		for range 60 {
			docs = append(docs, Document{Title: text(4), Chunks: []string{text(60)}})
		}
		first := m.build(t, docs...)
		for i, d := range docs {
			ref.add(first+int64(i), d)
			numbers = append(numbers, first+int64(i))
		}
	}
	for round := range 4 {
		for range 50 {
			var words []string
			for range 1 + rnd.IntN(4) {
				if w := word(); !slices.Contains(words, w) {
					words = append(words, w)
				}
			}
			got := m.search(t, Request{Query: Parse(strings.Join(words, " ") + " "), Limit: 1000})
			want := ref.search(words)
			if len(got.Hits) != len(want) || got.Total != len(want) {
				t.Fatalf("round %d, %v: %d hits, total %d, want %d", round, words, len(got.Hits), got.Total, len(want))
			}
			for i, h := range got.Hits {
				if math.Abs(h.Score-want[i].Score) > 1e-4*want[i].Score+1e-5*float64(len(words)) {
					t.Fatalf("round %d, %v, hit %d: %+v, want %+v", round, words, i, h, want[i])
				}
			}
		}
		var gone []int64
		for range 60 {
			i := rnd.IntN(len(numbers))
			gone = append(gone, numbers[i])
			delete(ref.docs, numbers[i])
			delete(ref.len, numbers[i])
		}
		m.remove(t, gone...)
	}
}

func TestReadsAreFew(t *testing.T) {
	m := newMemoryIndex()
	for range 20 {
		var docs []Document
		for j := range 50 {
			docs = append(docs, Document{Title: "title", Chunks: []string{fmt.Sprint("alpha beta gamma ", j)}, Values: map[string]any{"type": "x", "n": j}})
		}
		m.build(t, docs...)
	}
	req := Request{Query: Parse(`alpha "beta gamma" delt`), Limit: 10, Facets: []string{"type", "n"}}
	m.search(t, req)
	if m.reads != 3 {
		t.Errorf("%d reads for a first search; want one for columns, one for postings, one for positions", m.reads)
	}
	m.reads = 0
	m.search(t, req)
	if m.reads != 0 {
		t.Errorf("%d reads for a search of what is in memory", m.reads)
	}
}

func TestCacheIsBounded(t *testing.T) {
	m := newMemoryIndex()
	m.view.cache = newCache(20_000)
	for i := range 30 {
		var docs []Document
		for j := range 100 {
			docs = append(docs, Document{Chunks: []string{fmt.Sprintf("alpha%d beta%d gamma", i, j)}, Values: map[string]any{"n": j}})
		}
		m.build(t, docs...)
	}
	want := newMemoryIndex()
	want.view.segments, want.rows = m.view.segments, m.rows
	for i := range 30 {
		req := Request{Query: Parse(fmt.Sprintf("alpha%d beta%d gamma ", i, i)), Limit: 5, Facets: []string{"n"}}
		if got, want := fmt.Sprint(m.search(t, req)), fmt.Sprint(want.search(t, req)); got != want {
			t.Fatalf("got %s\nwant %s", got, want)
		}
		if c := m.view.cache; c.used > c.limit {
			t.Fatalf("%d bytes in a cache of %d", c.used, c.limit)
		}
		size := 0
		for _, item := range m.view.cache.items {
			size += item.size
		}
		if size != m.view.cache.used || len(m.view.cache.items) != m.view.cache.order.Len() {
			t.Fatalf("%d bytes are counted, %d are there", m.view.cache.used, size)
		}
	}
}

func TestBrokenRowsAreErrors(t *testing.T) {
	for _, name := range []string{chunksColumn, termsColumn, dataBlock, positionBlock, "n"} {
		for how, change := range map[string]func([]byte) []byte{
			"cut":     func(b []byte) []byte { return b[:len(b)/2] },
			"garbage": func(b []byte) []byte { return []byte(strings.Repeat("\xff", len(b))) },
		} {
			m := newMemoryIndex()
			m.build(t, Document{Title: "alpha", Chunks: []string{"alpha beta gamma alpha"}, Values: map[string]any{"n": "x"}})
			for k, data := range m.rows {
				if k.name == name {
					m.rows[k] = change(slices.Clone(data))
				}
			}
			res, err := m.view.Search(t.Context(), Request{Query: Parse(`"beta gamma" alpha `), Facets: []string{"n"}, Limit: 1})
			if err == nil && (res.Total != 0 || name != termsColumn) {
				t.Errorf("%s of %s is not noticed: %+v", how, name, res)
			}
		}
	}
}
