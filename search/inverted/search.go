package inverted

import (
	"context"
	"slices"
)

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
