package connectors

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// putBatch is how many records are written by one statement.
const putBatch = 1000

// Put stores records that the program itself makes, of a type that no connection
// brings, in a transaction: those whose key is new and those that differ are written
// and indexed, unless the index is off or kept later. The index is to be merged
// behind it; see [Indexer].
func (e *Engine) Put(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, rows []content.Row) (n store.Counts, err error) {
	im, err := e.byHand(ctx, tx, scope, typ)
	if err != nil {
		return n, err
	}
	batch := store.Batch{Time: im.now()}
	if im.indexes() {
		batch.Index = func(ctx context.Context, documents []content.Document) func(context.Context) ([]string, error) {
			return im.indexDocuments(ctx, tx, documents, &Counts{})
		}
	}
	for batch.Rows = range slices.Chunk(rows, putBatch) {
		one, err := e.Store.Upsert(ctx, tx, scope, typ, batch)
		if err != nil {
			return n, err
		}
		n.Created, n.Updated, n.Unchanged, n.Duplicates = n.Created+one.Created, n.Updated+one.Updated, n.Unchanged+one.Unchanged, n.Duplicates+one.Duplicates
	}
	return n, nil
}

// Remove deletes such records by id, with what the index has of them and what goes
// with them, and returns how many there were. Records that others below them hold are
// content.ErrConflict, and then nothing is to be committed.
func (e *Engine) Remove(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, ids []string) (n int64, err error) {
	im, err := e.byHand(ctx, tx, scope, typ)
	if err != nil {
		return 0, err
	}
	blocked, err := im.delete(ctx, tx, typ, ids)
	if err == nil && len(blocked) > 0 {
		err = fmt.Errorf("%w: records below %s %s would be left behind; delete them first", content.ErrConflict, typ.Name(), blocked[0])
	}
	for _, c := range im.result.Streams {
		n += c.Deleted
	}
	return n, err
}

// byHand is an import of one type without a task.
func (e *Engine) byHand(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type) (*importing, error) {
	im, err := e.onBehalf(scope, &Connection{spec: Spec[json.RawMessage]{Name: typ.Name(), Types: []*content.Type{typ}}}, Options{})
	if err != nil {
		return nil, err
	}
	im.result = &Result{Streams: map[string]*Counts{}}
	return im, im.lockIndex(ctx, tx)
}
