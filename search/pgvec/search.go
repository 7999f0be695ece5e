package pgvec

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/lib/pq"
	"github.com/pgvector/pgvector-go"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/vectors"
)

// Search returns the chunks whose vectors are nearest to the request's, as the
// transaction sees them: in the transaction of a change with that change.
func (x *Index) Search(ctx context.Context, tx *database.Tx, organization string, req vectors.Request) ([]vectors.Hit, error) {
	if err := req.Check(); err != nil {
		return nil, err
	}
	unit, err := req.Model.Unit(req.Vector)
	if err != nil {
		return nil, err
	}
	s := &search{tx: tx, organization: organization, key: req.Model.Key(), req: req, query: pgvector.NewVector(unit).String()}
	if err := s.count(ctx); err != nil || s.stored == 0 || req.Limit == 0 {
		return []vectors.Hit{}, err
	}
	if p := s.plan(x.exact, x.walkCost); p.indexed {
		hits, err := s.nearest(ctx, p)
		if err != nil || len(hits) == min(req.Limit, s.candidates()) {
			return hits, err
		}
		// the index gave up before it had enough
	}
	return s.compareAll(ctx)
}

// A search answers one request in one transaction.
type search struct {
	tx           *database.Tx
	organization string
	key          string
	req          vectors.Request
	query        string // the request's vector, of length 1, as text

	stored  int // vectors of the organization and model
	indexed int // vectors in the model's index, of all organizations; 0 without an index
}

// count reads what a plan depends on.
func (s *search) count(ctx context.Context) error {
	err := s.tx.QueryRow(ctx, `SELECT vectors, coalesce((SELECT greatest(c.reltuples, 1) FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid
			WHERE c.oid = to_regclass(?) AND i.indisvalid), 0)
		FROM search_vector_models WHERE organization_id = ? AND model = ?`, indexName(s.key), s.organization, s.key).Scan(&s.stored, &s.indexed)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("vectors: read the state of model %q: %w", s.req.Model.Name, err)
	}
	return nil
}

// candidates returns about how many vectors the search may find, and never fewer.
func (s *search) candidates() int {
	if s.req.Within == nil {
		return s.stored
	}
	return min(s.stored, s.req.Within.Len())
}

// compareAll compares all vectors that may be found. The product is of the
// vectors as they are stored, for which there is no index that could be used by
// mistake.
func (s *search) compareAll(ctx context.Context) ([]vectors.Hit, error) {
	within, args := "", []any{s.query, s.organization, s.key}
	if s.req.Within != nil {
		within = " AND chunk = ANY(CAST(? AS BIGINT[]))"
		args = append(args, pq.Array(slices.Collect(s.req.Within.All())))
	}
	return s.read(ctx, nil, `SELECT chunk, embedding <#> CAST(? AS vector) AS distance FROM search_vectors
		WHERE organization_id = ? AND model = ?`+within+` ORDER BY distance, chunk LIMIT ?`, append(args, s.req.Limit)...)
}

// nearest asks the index, for more each time too few have passed. It returns too
// few when the index cannot give more.
func (s *search) nearest(ctx context.Context, p plan) ([]vectors.Hit, error) {
	query := s.indexQuery()
	for {
		if err := s.tx.Run(ctx, p.settings()); err != nil {
			return nil, fmt.Errorf("vectors: search: %w", err)
		}
		seen := 0
		hits, err := s.read(ctx, &seen, query, s.query, s.organization, s.key, s.query, p.fetch)
		if err != nil || len(hits) >= s.req.Limit || seen < p.fetch || !p.more() {
			return hits[:min(len(hits), s.req.Limit)], err
		}
	}
}

// indexQuery is ordered by the expression of the index, cast and all: by no other
// is it used.
func (s *search) indexQuery() string {
	return fmt.Sprintf(`SELECT chunk, embedding <#> CAST(? AS vector) FROM search_vectors WHERE organization_id = ? AND model = ?
		ORDER BY embedding::halfvec(%[1]d) <#> CAST(? AS halfvec(%[1]d)) LIMIT ?`, s.req.Model.Dimension)
}

// read reads hits with what pgvector calls the negative inner product, and brings
// them into order. What is not within the request's set is left out, but counted.
func (s *search) read(ctx context.Context, seen *int, query string, args ...any) ([]vectors.Hit, error) {
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
		if seen != nil {
			*seen++
			if s.req.Within != nil && !s.req.Within.Contains(h.Chunk) {
				continue
			}
		}
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
