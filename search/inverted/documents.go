package inverted

import (
	"cmp"
	"context"
	"slices"

	"github.com/curatore/curatore-go/content/database"
)

// Score tells what a query says about some documents, given by the numbers of
// their first chunks: the chunks that match, the best first, up to a number of
// them for each document. Documents that do not match, or are not there, are
// missing. A chunk has the score that it has in [Index.Search]. The hits say what
// their scores consist of.
func (x *Index) Score(ctx context.Context, tx *database.Tx, organization string, q *Query, documents []int64, chunks int) (map[int64][]Hit, error) {
	found := map[int64][]Hit{}
	if q == nil || len(documents) == 0 || chunks <= 0 {
		return found, nil
	}
	v, err := x.view(ctx, tx, organization)
	if err != nil {
		return nil, err
	}
	if err := v.prefetch(ctx, []string{chunksColumn, termsColumn}); err != nil {
		return nil, err
	}
	tables, err := v.tables(ctx, v.segments)
	if err != nil {
		return nil, err
	}
	dead, err := v.dead(ctx, tables)
	if err != nil {
		return nil, err
	}
	m := &matcher{view: v, ranking: x.ranking, query: q, tables: tables, dead: dead}
	if err := m.prepare(ctx); err != nil {
		return nil, err
	}
	sets := chunksOf(tables, dead, documents)
	var hits []Hit
	for _, group := range m.groups() {
		if err := m.load(ctx, group, m.clauses); err != nil {
			return nil, err
		}
		for _, i := range group {
			if sets[i] == nil {
				continue
			}
			s, err := m.segment(i, wanted{hits: 1, all: true, only: sets[i]})
			if err != nil {
				return nil, v.unreadable(i, err)
			}
			s.matched.and(sets[i])
			for o := s.matched.next(0); o >= 0; o = s.matched.next(o + 1) {
				score := s.acc[o]
				if s.near != nil {
					s.near.at(o, func(_ *pair, part uint32) { score += part })
				}
				h := Hit{Document: tables[i].number(tables[i].begin(o)), Chunk: tables[i].number(o), Score: float64(score) / m.scale}
				h.At = Position{Score: h.Score, Document: h.Document}
				found[h.Document] = append(found[h.Document], h)
			}
			putScores(s.acc)
			if s.near != nil && s.near.err() != nil {
				return nil, v.unreadable(i, s.near.err())
			}
		}
	}
	for document, list := range found {
		slices.SortFunc(list, func(a, b Hit) int { return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Chunk, b.Chunk)) })
		found[document] = list[:min(chunks, len(list))]
		hits = append(hits, found[document]...)
	}
	if err := m.explain(ctx, hits); err != nil {
		return nil, err
	}
	for i := range hits {
		list := found[hits[i].Document]
		list[slices.IndexFunc(list, func(h Hit) bool { return h.Chunk == hits[i].Chunk })] = hits[i]
	}
	return found, nil
}

// Count counts the values of some documents, given by the numbers of their first
// chunks, for the facets and histograms of a request. What else the request asks
// for does not count; documents that are not there are ignored.
func (x *Index) Count(ctx context.Context, tx *database.Tx, organization string, documents []int64, req Request) (*Result, error) {
	for _, h := range req.Histograms {
		if err := h.Interval.check(); err != nil {
			return nil, err
		}
	}
	req = Request{Facets: req.Facets, FacetLimit: req.FacetLimit, Histograms: req.Histograms}
	v, err := x.view(ctx, tx, organization)
	if err != nil {
		return nil, err
	}
	names := columnNames(req)
	if err := v.prefetch(ctx, append([]string{chunksColumn}, names...)); err != nil {
		return nil, err
	}
	tables, err := v.tables(ctx, v.segments)
	if err != nil {
		return nil, err
	}
	dead, err := v.dead(ctx, tables)
	if err != nil {
		return nil, err
	}
	columns, err := v.column(ctx, names)
	if err != nil {
		return nil, err
	}
	c := newCollector(v, req, tables, dead, make(selection, len(tables)), columns)
	for i, set := range chunksOf(tables, dead, documents) {
		if set != nil {
			c.count(i, set)
		}
	}
	return c.result(), nil
}

// chunksOf returns the live chunks of documents in each segment; nil for none.
func chunksOf(tables []*chunkTable, dead []*tombstoneSet, documents []int64) []bitset {
	sets := make([]bitset, len(tables))
	for _, number := range documents {
		for i, t := range tables {
			o, ok := t.ordinal(number)
			if !ok || !t.begins(o) || dead[i] != nil && dead[i].bits.has(o) {
				continue
			}
			if sets[i] == nil {
				sets[i] = newBitset(t.len())
			}
			for last := t.end(o); o <= last; o++ {
				sets[i].set(o)
			}
		}
	}
	return sets
}

// Phrases reports whether the query has phrases, which have to be there.
func (q *Query) Phrases() bool { return len(q.phrases) > 0 }
