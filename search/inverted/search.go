package inverted

import (
	"context"
	"slices"
)

// Search finds documents.
func (v *View) Search(ctx context.Context, req Request) (*Result, error) {
	var further []string
	if req.Query != nil {
		further = append(further, termsColumn)
		if len(req.Query.prefixes) > 0 {
			further = append(further, dictionaryColumn)
		}
	}
	r, err := v.open(ctx, req, further...)
	if err != nil {
		return nil, err
	}
	r.chosen.without(r.tables, req.Without)
	c := newCollector(r, req)
	if req.Query == nil {
		for i := range slices.Backward(r.segments) {
			var order *column
			if req.OrderBy != "" && !c.order.sorted {
				order = r.columns[req.OrderBy][i]
			}
			c.collectAll(i, order)
		}
		return c.result(), nil
	}
	m := &matcher{reading: r, query: req.Query}
	if err := m.prepare(ctx); err != nil {
		return nil, err
	}
	if err := m.collect(ctx, c); err != nil {
		return nil, err
	}
	res := c.result()
	res.Query = m.query
	if req.Explain {
		return res, m.explain(ctx, res.Hits)
	}
	return res, nil
}

// collect scores all segments, as many at a time as fit into memory.
func (m *matcher) collect(ctx context.Context, c *collector) error {
	c.scale = m.scale
	for _, group := range m.inSequence(c.sequence()) {
		if err := m.load(ctx, group, m.clauses); err != nil {
			return err
		}
		for _, i := range group {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			w := c.wanted(i)
			s, err := m.segment(i, w)
			if err == nil {
				err = c.collect(s, w.valid)
				s.space.free()
			}
			if err != nil {
				return m.unreadable(i, err)
			}
		}
	}
	return nil
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
	for _, h := range req.Histograms {
		add(h.Name)
	}
	add(req.Sort.Name)
	if req.Query == nil {
		add(req.OrderBy)
	}
	return names
}

// prefetch reads the columns that are not in the cache with one query.
func (v *View) prefetch(ctx context.Context, names []string) error {
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
