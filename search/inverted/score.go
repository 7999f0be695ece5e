package inverted

import (
	"cmp"
	"context"
	"slices"

	"github.com/curatore/curatore-go/content/database"
)

// Phrases reports whether the query has phrases, without which nothing matches.
func (q *Query) Phrases() bool { return len(q.phrases) > 0 }

// Score returns the best chunks of those among some documents that match a
// query, best first, at most so many of each. Documents are given by number, and
// so is the result. A document has the score that [Index.Search] gives it. It is
// for documents that were found in another way, and for showing more than one
// chunk of those on a page.
func (x *Index) Score(ctx context.Context, tx *database.Tx, organization string, q *Query, documents []int64, chunks int) (map[int64][]Hit, error) {
	found := map[int64][]Hit{}
	if len(documents) == 0 || q == nil || q.Empty() {
		return found, nil
	}
	v, tables, dead, err := x.open(ctx, tx, organization, []string{chunksColumn, termsColumn})
	if err != nil {
		return nil, err
	}
	m := &matcher{view: v, ranking: x.ranking, query: q, tables: tables, dead: dead}
	if err := m.prepare(ctx); err != nil {
		return nil, err
	}
	for i, ordinals := range v.places(tables, dead, documents) {
		if len(ordinals) == 0 {
			continue
		}
		scores, err := m.segment(i)
		if err != nil {
			return nil, v.unreadable(i, err)
		}
		for _, first := range ordinals {
			document := tables[i].number(first)
			var hits []Hit
			for o := first; o < len(scores) && tables[i].doc(o) == tables[i].doc(first); o++ {
				if scores[o] > 0 {
					hits = append(hits, Hit{Document: document, Chunk: tables[i].number(o), Score: float64(scores[o])})
				}
			}
			if len(hits) > 0 {
				slices.SortFunc(hits, func(a, b Hit) int {
					return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Chunk, b.Chunk))
				})
				found[document] = hits[:min(len(hits), chunks)]
			}
		}
		putScores(scores)
	}
	return found, nil
}

// Count counts some documents, given by number, as [Index.Search] counts those
// that match: of the request it looks at what is to be counted alone. Documents
// that are not there do not count.
func (x *Index) Count(ctx context.Context, tx *database.Tx, organization string, documents []int64, req Request) (*Result, error) {
	req = Request{Facets: req.Facets}
	names := columnNames(req)
	v, tables, dead, err := x.open(ctx, tx, organization, append([]string{chunksColumn}, names...))
	if err != nil {
		return nil, err
	}
	columns, err := v.column(ctx, names)
	if err != nil {
		return nil, err
	}
	c := newCollector(v, req, tables, dead, make(selection, len(tables)), columns)
	for i, ordinals := range v.places(tables, dead, documents) {
		c.docs = c.docs[:0]
		for _, o := range ordinals {
			c.docs = append(c.docs, uint16(tables[i].doc(o)))
		}
		c.count(i)
	}
	return c.result(), nil
}

// open reads what every look into the segments begins with.
func (x *Index) open(ctx context.Context, tx *database.Tx, organization string, names []string) (*view, []*chunkTable, []*tombstoneSet, error) {
	v, err := x.view(ctx, tx, organization)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := v.prefetch(ctx, names); err != nil {
		return nil, nil, nil, err
	}
	tables, err := v.tables(ctx, v.segments)
	if err != nil {
		return nil, nil, nil, err
	}
	dead, err := v.dead(ctx, tables)
	return v, tables, dead, err
}

// places returns, for each segment, the ordinals of the first chunks of those
// documents that are alive in it, each once.
func (v *view) places(tables []*chunkTable, dead []*tombstoneSet, documents []int64) [][]int {
	ordinals := make([][]int, len(tables))
	documents = slices.Compact(slices.Sorted(slices.Values(documents)))
	for i, s := range v.segments {
		from, _ := slices.BinarySearch(documents, s.first)
		for _, n := range documents[from:] {
			if n > s.last {
				break
			}
			if o, ok := tables[i].ordinal(n); ok && (dead[i] == nil || !dead[i].bits.has(o)) {
				ordinals[i] = append(ordinals[i], o)
			}
		}
	}
	return ordinals
}
