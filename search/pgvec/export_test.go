package pgvec

import (
	"context"
	"strings"

	"github.com/pgvector/pgvector-go"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/vectors"
)

const MaxIndexed = maxIndexed

func IndexName(key string) string { return indexName(key) }

// AlwaysIndexed lets the index be used wherever there is one, also where it does
// not pay.
func (x *Index) AlwaysIndexed() *Index {
	x.exact, x.walkCost = 1, 0
	return x
}

// ThroughIndex searches with the index and returns the hits, what the plan depends
// on, and how Postgres finds them.
func ThroughIndex(ctx context.Context, tx *database.Tx, organization string, req vectors.Request) (hits []vectors.Hit, stored, indexed int, explained string, err error) {
	s := &search{tx: tx, organization: organization, key: req.Model.Key(), query: pgvector.NewVector(req.Vector).String(), req: req}
	if err := s.count(ctx); err != nil {
		return nil, 0, 0, "", err
	}
	hits, err = s.nearest(ctx, s.plan(1, 0))
	if err == nil {
		err = tx.Run(ctx, "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
	}
	var lines []string
	if err == nil {
		err = tx.Select(ctx, &lines, "EXPLAIN "+s.indexQuery(), s.query, s.organization, s.key, s.query, 10)
	}
	return hits, s.stored, s.indexed, strings.Join(lines, "\n"), err
}
