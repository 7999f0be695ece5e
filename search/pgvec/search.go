package pgvec

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/lib/pq"
	"github.com/pgvector/pgvector-go"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/internal/vectorrows"
	"github.com/curatore/curatore-go/search/vectors"
)

// Search returns the nearest chunks, as the transaction sees them.
func (x *Index) Search(ctx context.Context, tx *database.Tx, organization string, req vectors.Request) ([]vectors.Hit, error) {
	if err := req.Check(); err != nil {
		return nil, err
	}
	unit, err := req.Model.Unit(req.Vector)
	if err != nil {
		return nil, err
	}
	state, err := vectorrows.Read(ctx, tx, organization, req.Model)
	if err != nil || state.Vectors == 0 || req.Limit == 0 {
		return []vectors.Hit{}, err
	}
	s := &searcher{tx: tx, organization: organization, key: req.Model.Key(), req: req, query: pgvector.NewVector(unit).String()}
	return s.exact(ctx)
}

// A searcher answers one request.
type searcher struct {
	tx           *database.Tx
	organization string
	key          string
	req          vectors.Request
	query        string // of length 1, as text
}

// exact compares all vectors that may be found. The product is of the vectors as
// they are stored, for which there is no index that could be used by mistake.
func (s *searcher) exact(ctx context.Context) ([]vectors.Hit, error) {
	within, args := "", []any{s.query, s.organization, s.key}
	if s.req.Within != nil {
		within = " AND chunk = ANY(CAST(? AS BIGINT[]))"
		args = append(args, pq.Array(slices.Collect(s.req.Within.All())))
	}
	hits, err := s.read(ctx, `SELECT chunk, embedding <#> CAST(? AS vector) AS distance FROM search_vectors
		WHERE organization_id = ? AND model = ?`+within+` ORDER BY distance, chunk LIMIT ?`, append(args, s.req.Limit)...)
	return hits, err
}

// read reads hits with what pgvector calls the negative inner product.
func (s *searcher) read(ctx context.Context, query string, args ...any) ([]vectors.Hit, error) {
	hits := []vectors.Hit{}
	rows, err := s.tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("vectors: search: %w", explain(err))
	}
	defer rows.Close()
	for rows.Next() {
		var h vectors.Hit
		if err := rows.Scan(&h.Chunk, &h.Score); err != nil {
			return nil, fmt.Errorf("vectors: search: %w", err)
		}
		h.Score = max(-1, min(1, -h.Score))
		hits = append(hits, h)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("vectors: search: %w", err)
	}
	slices.SortFunc(hits, func(a, b vectors.Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Chunk, b.Chunk))
	})
	return hits, nil
}
