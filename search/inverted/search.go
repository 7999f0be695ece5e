package inverted

import (
	"context"
	"slices"

	"github.com/curatore/curatore-go/content"
)

// A Request says what to look for in the index of one organization.
type Request struct {
	Query   *Query           // nil: every document matches
	Filters []content.Filter // on names of [Document.Values]; all of them must hold
	Any     []content.Filter // at least one of them must hold, unless there are none
	OrderBy string           // without a Query: the name of the values that order documents, largest first
	Facets  []string         // names whose values are counted over all matching documents
	Limit   int              // number of hits; 0 counts only
	After   *Position        // hits begin behind this one
}

// A Position is a hit's place in the order of hits.
type Position struct {
	Score    float64
	Document int64
}

// A Hit is a document with the chunk that matches best.
type Hit struct {
	Document int64 // number of the document's first chunk
	Chunk    int64 // number of the best chunk
	Score    float64
}

// A Count is the number of matching documents with a value.
type Count struct {
	Value string
	Count int
}

// A Result holds hits in descending order of score, equal scores in ascending
// order of document; the number of documents that match on all pages together;
// and for each facet asked for the values of these documents, most frequent
// first. A document with several values counts for each.
type Result struct {
	Total  int
	Hits   []Hit
	Facets map[string][]Count
}

// search answers a request from what a view sees.
func (v *view) search(ctx context.Context, r *ranking, req Request) (*Result, error) {
	names := columnNames(req)
	base := []string{chunksColumn}
	if req.Query != nil {
		base = append(base, termsColumn)
	}
	if err := v.prefetch(ctx, append(base, names...)); err != nil {
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
	chosen, err := selectDocuments(v.segments, columns, req.Filters, req.Any)
	if err != nil {
		return nil, err
	}
	c := newCollector(v, req, tables, dead, chosen, columns)
	if req.Query == nil {
		for _, i := range slices.Backward(c.order()) {
			var order *column
			if req.OrderBy != "" {
				order = columns[req.OrderBy][i]
			}
			c.collectAll(i, order)
		}
		return c.result(), nil
	}
	m := &matcher{view: v, ranking: r, query: req.Query, tables: tables, dead: dead}
	if err := m.prepare(ctx); err != nil {
		return nil, err
	}
	for _, i := range c.order() {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		scores, err := m.segment(i)
		if err != nil {
			return nil, v.unreadable(i, err)
		}
		c.collect(i, scores)
		putScores(scores)
	}
	return c.result(), nil
}

// columnNames returns the names of all columns that a request needs, each once.
func columnNames(req Request) []string {
	var names []string
	seen := map[string]bool{"": true}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	for _, f := range req.Filters {
		add(f.Field)
	}
	for _, f := range req.Any {
		add(f.Field)
	}
	for _, name := range req.Facets {
		add(name)
	}
	if req.Query == nil {
		add(req.OrderBy)
	}
	return names
}

// prefetch reads the columns that are not in the cache with one query.
func (v *view) prefetch(ctx context.Context, names []string) error {
	var missing []cacheKey
	asked := map[cacheKey]bool{}
	for _, name := range names {
		for _, k := range v.keys(name) {
			if _, ok := v.cache.get(k); !ok {
				missing = append(missing, k)
				asked[k] = true
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	rows, err := v.read.columns(ctx, missing)
	if err != nil {
		return err
	}
	v.read = &prefetched{v.read, asked, rows}
	return nil
}

// prefetched is a reader that has some columns at hand.
type prefetched struct {
	reader
	asked map[cacheKey]bool
	rows  map[cacheKey][]byte
}

func (p *prefetched) columns(ctx context.Context, keys []cacheKey) (map[cacheKey][]byte, error) {
	for _, k := range keys {
		if !p.asked[k] { // it was in the cache a moment ago
			return p.reader.columns(ctx, keys)
		}
	}
	return p.rows, nil
}
