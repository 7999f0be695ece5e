package flatvec

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/curatore/curatore-go/search/internal/vectorrows"
	"github.com/curatore/curatore-go/search/vectors"
)

// all calls do with each vector, in order of chunk. The values are overwritten
// with the next ones.
func (t table) all(ctx context.Context, do func(chunk int64, values []float32)) error {
	return t.read(ctx, do, "SELECT chunk, data FROM search_vectors WHERE organization_id = ? AND model = ? ORDER BY chunk", t.organization, t.model.Key())
}

// some is all for chunks with given numbers; those that have no vector are left
// out.
func (t table) some(ctx context.Context, chunks []int64, do func(chunk int64, values []float32)) error {
	if len(chunks) == 0 {
		return nil
	}
	in, arg := vectorrows.List(t.tx, chunks)
	return t.read(ctx, do, "SELECT chunk, data FROM search_vectors WHERE organization_id = ? AND model = ? AND chunk IN ("+in+")", t.organization, t.model.Key(), arg)
}

func (t table) read(ctx context.Context, do func(int64, []float32), query string, args ...any) error {
	values := make([]float32, t.model.Dimension)
	err := scan(ctx, t.tx, func(rows *sql.Rows) error {
		var chunk int64
		var data sql.RawBytes
		if err := rows.Scan(&chunk, &data); err != nil {
			return err
		}
		if err := vectors.Unpack(data, values); err != nil {
			return fmt.Errorf("chunk %d: %w", chunk, err)
		}
		do(chunk, values)
		return nil
	}, query, args...)
	if err != nil {
		return fmt.Errorf("vectors: read those of model %q: %w", t.model.Name, err)
	}
	return nil
}

// since returns what was changed after one version, up to another one, which is
// what the transaction sees. It reports false when that is no longer known.
func (t table) since(ctx context.Context, from, to int64) (delta, bool, error) {
	if to-from > keptChanges {
		return delta{}, false, nil
	}
	changed := map[int64]bool{}
	known := int64(0)
	err := scan(ctx, t.tx, func(rows *sql.Rows) error {
		var data sql.RawBytes
		if err := rows.Scan(&data); err != nil {
			return err
		}
		known++
		return unpackNumbers(data, func(n int64) { changed[n] = true })
	}, "SELECT chunks FROM search_vector_changes WHERE organization_id = ? AND model = ? AND version > ? AND version <= ?", t.organization, t.model.Key(), from, to)
	if err != nil {
		return delta{}, false, fmt.Errorf("vectors: read changes of model %q: %w", t.model.Name, err)
	}
	if known != to-from {
		return delta{}, false, nil
	}
	d := delta{chunks: slices.Sorted(maps.Keys(changed)), vectors: map[int64][]float32{}}
	for part := range slices.Chunk(d.chunks, 4096) {
		if err := t.some(ctx, part, func(chunk int64, values []float32) { d.vectors[chunk] = slices.Clone(values) }); err != nil {
			return delta{}, false, err
		}
	}
	return d, true, nil
}
