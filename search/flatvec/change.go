package flatvec

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/internal/vectorrows"
	"github.com/curatore/curatore-go/search/vectors"
)

// keptChanges is the number of changes that are remembered. A mirror that is
// further behind is read anew.
const keptChanges = 1000

// Put stores vectors of one model in the caller's transaction, in place of
// earlier ones of the same chunks. It returns the number stored: chunks that no
// longer exist are left out, since they may have been deleted while the model was
// at work. Of two vectors of one chunk the later one counts. A vector that is not
// one (see [vectors.Model.Unit]) is an error, and nothing is stored.
func (x *Index) Put(ctx context.Context, tx *database.Tx, organization string, model vectors.Model, list []vectors.Vector) (int, error) {
	if err := model.Check(); err != nil {
		return 0, err
	}
	ready, err := vectorrows.Prepare(ctx, tx, organization, model, list)
	if err != nil || len(ready) == 0 {
		return 0, err
	}
	key := model.Key()
	numbers := make([]int64, len(ready))
	for i, v := range ready {
		numbers[i] = v.Chunk
	}
	replaced, err := vectorrows.Delete(ctx, tx, organization, key, numbers)
	if err != nil {
		return 0, err
	}
	const width = 4
	values := make([]any, 0, len(ready)*width)
	for _, v := range ready {
		values = append(values, organization, key, v.Chunk, vectors.Pack(v.Values))
	}
	for _, size := range []int{64, 8, 1} { // few different statements, prepared once
		for ; len(values) >= size*width; values = values[size*width:] {
			_, err := tx.Exec(ctx, "INSERT INTO search_vectors (organization_id, model, chunk, data) VALUES "+database.Rows(size, width), values[:size*width]...)
			if err != nil {
				return 0, fmt.Errorf("vectors: store: %w", err)
			}
		}
	}
	return len(ready), note(ctx, tx, organization, key, numbers, len(ready)-len(replaced))
}

// Delete deletes the vectors of chunks, of all models, in the caller's
// transaction. Chunks without a vector are ignored.
func (x *Index) Delete(ctx context.Context, tx *database.Tx, organization string, chunks []int64) error {
	if len(chunks) == 0 {
		return nil
	}
	keys, err := vectorrows.Keys(ctx, tx, organization)
	if err != nil {
		return err
	}
	for _, key := range keys {
		deleted, err := vectorrows.Delete(ctx, tx, organization, key, chunks)
		if err == nil {
			err = note(ctx, tx, organization, key, deleted, -len(deleted))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Prune deletes the vectors of chunks that no longer exist and returns their
// number. There are some only when chunks were deleted without [Index.Delete], as
// by a program that had vectors switched off.
func (x *Index) Prune(ctx context.Context, tx *database.Tx, organization string) (int, error) {
	keys, err := vectorrows.Keys(ctx, tx, organization)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, key := range keys {
		deleted, err := vectorrows.Orphans(ctx, tx, organization, key)
		if err == nil {
			err = note(ctx, tx, organization, key, deleted, -len(deleted))
		}
		if err != nil {
			return n, err
		}
		n += len(deleted)
	}
	return n, nil
}

// Drop deletes all vectors that an organization has of a model, those in the
// cache too.
func (x *Index) Drop(ctx context.Context, tx *database.Tx, organization string, model vectors.Model) error {
	if err := model.Check(); err != nil {
		return err
	}
	return vectorrows.Drop(ctx, tx, organization, model, "search_vectors", "search_vector_changes")
}

// note writes down which chunks a change concerns.
func note(ctx context.Context, tx *database.Tx, organization, key string, chunks []int64, added int) error {
	if len(chunks) == 0 {
		return nil
	}
	version, err := vectorrows.Change(ctx, tx, organization, key, added)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO search_vector_changes (organization_id, model, version, chunks) VALUES (?, ?, ?, ?)",
		organization, key, version, packNumbers(chunks))
	if err == nil {
		_, err = tx.Exec(ctx, "DELETE FROM search_vector_changes WHERE organization_id = ? AND model = ? AND version <= ?",
			organization, key, version-keptChanges)
	}
	if err != nil {
		return fmt.Errorf("vectors: note a change: %w", err)
	}
	return nil
}

// packNumbers writes numbers as the distances between them, in ascending order.
func packNumbers(numbers []int64) []byte {
	numbers = slices.Sorted(slices.Values(numbers))
	var data []byte
	last := int64(0)
	for _, n := range numbers {
		data = binary.AppendVarint(data, n-last)
		last = n
	}
	return data
}

// unpackNumbers calls do with each number that packNumbers wrote.
func unpackNumbers(data []byte, do func(int64)) error {
	last := int64(0)
	for len(data) > 0 {
		d, n := binary.Varint(data)
		if n <= 0 {
			return errors.New("the list of changed chunks is broken")
		}
		last += d
		do(last)
		data = data[n:]
	}
	return nil
}
