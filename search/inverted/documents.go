package inverted

import (
	"cmp"
	"context"
	"slices"
)

// Score tells what a query says about some documents, given by the numbers of
// their first chunks: the chunks that match, the best first, up to a number of
// them for each document. Documents that do not match, or are not there, are
// missing. A chunk has the score that it has in [View.Search]. The hits say what
// their scores consist of.
func (v *View) Score(ctx context.Context, q *Query, documents []int64, chunks int) (map[int64][]Hit, error) {
	found := map[int64][]Hit{}
	if q == nil || len(documents) == 0 || chunks <= 0 {
		return found, nil
	}
	r, err := v.open(ctx, Request{}, termsColumn)
	if err != nil {
		return nil, err
	}
	m := &matcher{reading: r, query: q}
	if err := m.prepare(ctx); err != nil {
		return nil, err
	}
	sets := r.chunksOf(documents)
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
				h := Hit{Document: r.tables[i].number(r.tables[i].begin(o)), Chunk: r.tables[i].number(o), Score: float64(score) / m.scale}
				h.At = Position{Score: h.Score, Document: h.Document}
				found[h.Document] = append(found[h.Document], h)
			}
			s.space.free()
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
func (v *View) Count(ctx context.Context, documents []int64, req Request) (*Result, error) {
	req = Request{Facets: req.Facets, FacetLimit: req.FacetLimit, Histograms: req.Histograms}
	r, err := v.open(ctx, req)
	if err != nil {
		return nil, err
	}
	c := newCollector(r, req)
	for i, set := range r.chunksOf(documents) {
		if set != nil {
			c.count(i, set)
		}
	}
	return c.result(), nil
}

// chunksOf returns the live chunks of documents in each segment; nil for none.
func (r *reading) chunksOf(documents []int64) []bitset {
	sets := make([]bitset, len(r.tables))
	for _, number := range documents {
		for i, t := range r.tables {
			o, ok := t.ordinal(number)
			if !ok || !t.begins(o) || r.dead[i] != nil && r.dead[i].bits.has(o) {
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
