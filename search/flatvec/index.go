package flatvec

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/internal/vectorrows"
	"github.com/curatore/curatore-go/search/vectors"
)

// Options are the settings of [New]. The zero value is ready to use.
type Options struct{}

// An Index is the vectors of all organizations of an SQLite database. It is safe
// for concurrent use, also by several processes.
//
// Its methods take the id of an organization as it is: the caller has checked a
// content.Scope. No method looks at rows of another organization.
type Index struct{}

// New returns the index in the tables that the core's migrations create.
func New(Options) *Index { return &Index{} }

// Prepare does nothing: the tables are there. It is for search/pgvec that callers
// call it before the first use.
func (x *Index) Prepare(context.Context, *database.DB) error { return nil }

// Maintain does nothing yet: there is no index to be built.
func (x *Index) Maintain(context.Context, *database.DB) error { return nil }

// Search returns the nearest chunks, as the transaction sees them.
func (x *Index) Search(ctx context.Context, tx *database.Tx, organization string, req vectors.Request) ([]vectors.Hit, error) {
	if err := req.Check(); err != nil {
		return nil, err
	}
	query, err := req.Model.Unit(req.Vector)
	if err != nil {
		return nil, err
	}
	best := newTop(req.Limit)
	values := make([]float32, req.Model.Dimension)
	err = scan(ctx, tx, func(rows *sql.Rows) error {
		var chunk int64
		var data sql.RawBytes
		if err := rows.Scan(&chunk, &data); err != nil {
			return err
		}
		if req.Within != nil && !req.Within.Contains(chunk) {
			return nil
		}
		if err := vectors.Unpack(data, values); err != nil {
			return fmt.Errorf("chunk %d: %w", chunk, err)
		}
		best.offer(chunk, dot(query, values))
		return nil
	}, "SELECT chunk, data FROM search_vectors WHERE organization_id = ? AND model = ?", organization, req.Model.Key())
	if err != nil {
		return nil, fmt.Errorf("vectors: search: %w", err)
	}
	return best.hits(), nil
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
