package pgvec

import (
	"context"
	"fmt"

	"github.com/lib/pq"
	"github.com/pgvector/pgvector-go"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/internal/vectorrows"
	"github.com/curatore/curatore-go/search/vectors"
)

// insertRows is the number of vectors in one statement, some megabytes of text.
const insertRows = 500

// Put stores vectors of one model in the caller's transaction, in place of
// earlier ones of the same chunks. It returns the number stored: chunks that no
// longer exist are left out, since they may have been deleted while the model was
// at work. Of two vectors of one chunk the later one counts. A vector that is not
// one (see [vectors.Model.Unit]) is an error, and nothing is stored. Until the
// transaction ends, other changes of the organization's chunks wait.
func (x *Index) Put(ctx context.Context, tx *database.Tx, organization string, model vectors.Model, list []vectors.Vector) (int, error) {
	if err := model.Check(); err != nil {
		return 0, err
	}
	if err := vectorrows.Lock(ctx, tx, organization); err != nil {
		return 0, err
	}
	ready, err := vectorrows.Prepare(ctx, tx, organization, model, list)
	if err != nil || len(ready) == 0 {
		return 0, err
	}
	key := model.Key()
	numbers, texts := make([]int64, len(ready)), make([]string, len(ready))
	for i, v := range ready {
		numbers[i], texts[i] = v.Chunk, pgvector.NewVector(v.Values).String()
	}
	replaced, err := vectorrows.Delete(ctx, tx, organization, key, numbers)
	if err != nil {
		return 0, explain(err)
	}
	for from := 0; from < len(ready); from += insertRows {
		to := min(from+insertRows, len(ready))
		_, err := tx.Exec(ctx, `INSERT INTO search_vectors (organization_id, model, chunk, embedding)
			SELECT ?, ?, k.chunk, CAST(k.embedding AS vector) FROM unnest(CAST(? AS BIGINT[]), CAST(? AS TEXT[])) AS k(chunk, embedding)`,
			organization, key, pq.Array(numbers[from:to]), pq.Array(texts[from:to]))
		if err != nil {
			return 0, fmt.Errorf("vectors: store: %w", err)
		}
	}
	_, err = vectorrows.Change(ctx, tx, organization, key, len(ready)-len(replaced))
	return len(ready), err
}

// Delete deletes the vectors of chunks, of all models, in the caller's
// transaction. Chunks without a vector are ignored.
func (x *Index) Delete(ctx context.Context, tx *database.Tx, organization string, chunks []int64) error {
	if len(chunks) == 0 {
		return nil
	}
	return x.each(ctx, tx, organization, func(key string) ([]int64, error) {
		return vectorrows.Delete(ctx, tx, organization, key, chunks)
	})
}

// Prune deletes the vectors of chunks that no longer exist and returns their
// number. There are some only when chunks were deleted without [Index.Delete], as
// by a program that had vectors switched off.
func (x *Index) Prune(ctx context.Context, tx *database.Tx, organization string) (int, error) {
	n := 0
	err := x.each(ctx, tx, organization, func(key string) ([]int64, error) {
		deleted, err := vectorrows.Orphans(ctx, tx, organization, key)
		n += len(deleted)
		return deleted, err
	})
	return n, err
}

// Drop deletes all vectors that an organization has of a model, those in the
// cache too.
func (x *Index) Drop(ctx context.Context, tx *database.Tx, organization string, model vectors.Model) error {
	if err := model.Check(); err != nil {
		return err
	}
	if err := vectorrows.Lock(ctx, tx, organization); err != nil {
		return err
	}
	return explain(vectorrows.Drop(ctx, tx, organization, model, "search_vectors"))
}

// each lets remove delete vectors of each model of an organization, and counts
// them.
func (x *Index) each(ctx context.Context, tx *database.Tx, organization string, remove func(key string) ([]int64, error)) error {
	if err := vectorrows.Lock(ctx, tx, organization); err != nil {
		return err
	}
	keys, err := vectorrows.Keys(ctx, tx, organization)
	if err != nil {
		return err
	}
	for _, key := range keys {
		deleted, err := remove(key)
		if err == nil && len(deleted) > 0 {
			_, err = vectorrows.Change(ctx, tx, organization, key, -len(deleted))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
