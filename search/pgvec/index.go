package pgvec

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/lib/pq"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/internal/vectorrows"
	"github.com/curatore/curatore-go/search/vectors"
)

// Options are the settings of [New]. The zero value is ready to use.
type Options struct {
	// Exact is the number of vectors up to which a search compares all that it may
	// find; 0 means 2,000.
	Exact int
	// IndexAbove is the number of vectors of a model, in all organizations, from
	// which on [Index.Maintain] builds an index for it; 0 means 10,000.
	IndexAbove int
}

// An Index is the vectors of all organizations of a Postgres database. It is
// safe for concurrent use, also by several processes, and holds nothing in memory.
//
// Its methods take the id of an organization as it is: the caller has checked a
// content.Scope. No method looks at rows of another organization.
type Index struct {
	exact, indexAbove int
	walkCost          float64
}

// New returns the index in the table that [Index.Prepare] makes.
func New(o Options) *Index {
	return &Index{exact: cmp.Or(o.Exact, 2000), indexAbove: cmp.Or(o.IndexAbove, 10_000), walkCost: walkCost}
}

// Missing returns the numbers of chunks above one that have no vector of a
// model, ascending: what is to be embedded next.
func (x *Index) Missing(ctx context.Context, tx *database.Tx, organization string, model vectors.Model, after int64, limit int) ([]int64, error) {
	numbers, err := vectorrows.Missing(ctx, tx, organization, model, after, limit)
	return numbers, explain(err)
}

// Stats returns how many vectors an organization has, for each model of which it
// has any.
func (x *Index) Stats(ctx context.Context, tx *database.Tx, organization string) ([]vectors.Stats, error) {
	return vectorrows.Stats(ctx, tx, organization)
}

// explain says what to do about a table that is not there.
func explain(err error) error {
	var e *pq.Error
	if errors.As(err, &e) && (e.Code == "42P01" || e.Code == "42704") { // undefined table, undefined type
		return fmt.Errorf("vectors: call pgvec's Prepare before anything else: %w", err)
	}
	return err
}
