package flatvec

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/internal/vectorrows"
	"github.com/curatore/curatore-go/search/vectors"
)

// Options are the settings of [New]. The zero value is ready to use.
type Options struct {
	// MemoryBytes bounds the memory of all mirrors together; 0 means 256 MB, less
	// than 0 that there are none. A vector takes 4 bytes for each dimension, one
	// bit for each, and 48 bytes: 1,632 bytes with 384 dimensions. When the vectors
	// of one organization and model do not fit, their mirror holds no values, which
	// are read from rows for the best candidates: 96 bytes with 384 dimensions.
	// When even that does not fit, each search reads all of them. Mirrors that were
	// used last stay. Searches in progress, and the loading of a mirror, may hold
	// more for as long as they last.
	MemoryBytes int64

	// Exact is the number of vectors up to which a search compares all that it may
	// find; 0 means 2,000. Among more it compares those whose codes say that they
	// may be among the best.
	Exact int
}

// An Index is the vectors of all organizations of an SQLite database. It is safe
// for concurrent use, also by several processes.
//
// Its methods take the id of an organization as it is: the caller has checked a
// content.Scope. No method looks at rows of another organization.
type Index struct {
	memory *memory
	exact  int
}

// New returns the index in the tables that the core's migrations create.
func New(o Options) *Index {
	return &Index{memory: newMemory(cmp.Or(o.MemoryBytes, 256<<20)), exact: cmp.Or(o.Exact, 2000)}
}

// Prepare does nothing: the tables are there. It is for search/pgvec that callers
// call it before the first use.
func (x *Index) Prepare(context.Context, *database.DB) error { return nil }

// Maintain does nothing: there is no index to be built, and mirrors look after
// themselves. It is for search/pgvec that callers call it after a load.
func (x *Index) Maintain(context.Context, *database.DB) error { return nil }

// Search returns the chunks whose vectors are nearest to the request's, as the
// transaction sees them: in the transaction of a change with that change. The
// first search reads all vectors of the organization and model into memory, later
// ones what has changed.
func (x *Index) Search(ctx context.Context, tx *database.Tx, organization string, req vectors.Request) ([]vectors.Hit, error) {
	if err := req.Check(); err != nil {
		return nil, err
	}
	unit, err := req.Model.Unit(req.Vector)
	if err != nil {
		return nil, err
	}
	state, err := vectorrows.Read(ctx, tx, organization, req.Model)
	if err != nil {
		return nil, err
	}
	s := &search{table: table{tx, organization, req.Model}, req: req, unit: unit, exact: x.exact, best: newTop(req.Limit)}
	switch {
	case state.Vectors == 0 && tx.ReadOnly():
		x.memory.forget(organization, req.Model.Key(), state.ID)
		return []vectors.Hit{}, nil
	case state.Vectors == 0 || req.Limit == 0:
		return []vectors.Hit{}, nil
	}
	if err := x.find(ctx, s, state); err != nil {
		return nil, err
	}
	return s.best.hits(), nil
}

// find looks into a mirror when there is one that is any good.
func (x *Index) find(ctx context.Context, s *search, state vectorrows.State) error {
	key := mirrorKey{s.organization, s.model.Key(), state.ID}
	few := s.req.Within != nil && s.req.Within.Len() <= x.exact
	m := x.memory.get(key, state.Vectors, s.model.Dimension, s.tx.ReadOnly() && !few)
	if m == nil {
		return s.withoutMirror(ctx, state.Vectors)
	}
	for {
		m.mu.RLock()
		point, latest := m.point(state.Version), m.latest()
		if point == state.Version {
			defer m.mu.RUnlock()
			return s.in(ctx, m, point, delta{})
		}
		m.mu.RUnlock()
		switch {
		case latest == 0 && few:
			return s.withoutMirror(ctx, state.Vectors)
		case latest < state.Version && s.tx.ReadOnly():
			if err := s.fill(ctx, m, state.Version, x.memory.grown); err != nil {
				return err
			}
			continue
		case point == 0:
			return s.withoutMirror(ctx, state.Vectors)
		}
		// between two versions of the mirror, or in the transaction of a change
		since, known, err := s.since(ctx, point, state.Version)
		if err != nil {
			return err
		}
		if !known {
			return s.withoutMirror(ctx, state.Vectors)
		}
		m.mu.RLock()
		if slices.Contains(m.points, point) {
			defer m.mu.RUnlock()
			return s.in(ctx, m, point, since)
		}
		m.mu.RUnlock() // it was given up meanwhile
	}
}

// withoutMirror compares what is in rows.
func (s *search) withoutMirror(ctx context.Context, stored int) error {
	compare := func(chunk int64, values []float32) { s.best.offer(chunk, dot(s.unit, values)) }
	within := s.req.Within
	switch {
	case within == nil:
		return s.all(ctx, compare)
	case within.Len() > stored/4:
		return s.all(ctx, func(chunk int64, values []float32) {
			if within.Contains(chunk) {
				compare(chunk, values)
			}
		})
	}
	part := make([]int64, 0, rowBatch)
	for chunk := range within.All() {
		if part = append(part, chunk); len(part) == rowBatch {
			if err := s.some(ctx, part, compare); err != nil {
				return err
			}
			part = part[:0]
		}
	}
	return s.some(ctx, part, compare)
}

// Missing returns the numbers of chunks above one that have no vector of a
// model, ascending: what is to be embedded next.
func (x *Index) Missing(ctx context.Context, tx *database.Tx, organization string, model vectors.Model, after int64, limit int) ([]int64, error) {
	return vectorrows.Missing(ctx, tx, organization, model, after, limit)
}

// Stats returns how many vectors an organization has, for each model of which it
// has any.
func (x *Index) Stats(ctx context.Context, tx *database.Tx, organization string) ([]vectors.Stats, error) {
	return vectorrows.Stats(ctx, tx, organization)
}

// scan runs a query and hands each row to do.
func scan(ctx context.Context, tx *database.Tx, do func(*sql.Rows) error, query string, args ...any) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
