package inverted

import "context"

// A reading is a view with what nearly every question needs of its segments.
type reading struct {
	*View
	tables  []*chunkTable
	dead    []*tombstoneSet
	columns map[string][]*column // by name
	chosen  selection            // what the filters leave
}

// open reads the tables of chunks, the tombstones and the columns of a request,
// and applies its filters. What is not in the cache comes with one statement, and
// with it the further columns of all segments that are named.
func (v *View) open(ctx context.Context, req Request, further ...string) (*reading, error) {
	for _, h := range req.Histograms {
		if err := h.Interval.check(); err != nil {
			return nil, err
		}
	}
	names := columnNames(req)
	own := *v
	r := &reading{View: &own}
	err := r.prefetch(ctx, append(append([]string{chunksColumn}, further...), names...))
	if err != nil {
		return nil, err
	}
	if r.tables, err = r.View.tables(ctx, r.segments); err != nil {
		return nil, err
	}
	if r.dead, err = r.View.dead(ctx, r.tables); err != nil {
		return nil, err
	}
	if r.columns, err = r.column(ctx, names); err != nil {
		return nil, err
	}
	r.chosen, err = selectDocuments(r.segments, r.columns, req.Filters, req.Any)
	return r, err
}
