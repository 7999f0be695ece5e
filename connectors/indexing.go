package connectors

import (
	"context"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// indexBatch is how many records one transaction indexes.
const indexBatch = 2000

// index indexes the records of the connection that wait for it, those that an
// earlier run left included. A record that cannot be indexed stays queued, is
// counted, and does not fail the run.
func (im *importing) index(ctx context.Context) error {
	var done int64
	for _, typ := range im.c.spec.Types {
		counts, after := im.result.counts(typ.Name()), ""
		for {
			rows, err := im.Store.Pending(ctx, im.scope, typ, after, indexBatch)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				break
			}
			after = content.RecordOf(rows[len(rows)-1]).ID
			done += int64(len(rows))
			im.task.Progress(PhaseIndexing, done, 0)
			failed, err := im.indexRows(ctx, typ, rows)
			if err != nil {
				return fmt.Errorf("index %s: %w", typ.Name(), err)
			}
			counts.Indexed += int64(len(rows) - failed)
			counts.IndexFailed += int64(failed)
		}
	}
	if done > 0 {
		if err := im.Index.Merge(ctx, im.scope); err != nil {
			return fmt.Errorf("merge the index: %w", err)
		}
		im.task.Info(jobs.EventIndexing, fmt.Sprintf("%d records indexed", done), map[string]any{"count": done})
	}
	return nil
}

// indexRows writes the chunks of a batch and takes it off the queue, in one
// transaction.
func (im *importing) indexRows(ctx context.Context, typ *content.Type, rows []content.Row) (failed int, err error) {
	documents := make([]content.Document, len(rows))
	for i, row := range rows {
		documents[i] = typ.Document(row)
	}
	err = im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
		reasons, err := im.Index.Put(ctx, tx, im.scope, documents)
		if err != nil {
			return err
		}
		indexed := rows
		if failed = len(reasons); failed > 0 {
			indexed = nil
			for _, row := range rows {
				id := content.RecordOf(row).ID
				if reason, bad := reasons[id]; bad {
					im.task.Warn(jobs.EventIndexing, fmt.Sprintf("%s %s cannot be indexed: %v", typ.Name(), id, reason), nil)
				} else {
					indexed = append(indexed, row)
				}
			}
		}
		return im.Store.SetIndexed(ctx, tx, im.scope, typ, indexed)
	})
	return failed, err
}
