package connectors

import (
	"context"
	"fmt"
	"time"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// turnStream is the row of connection_state that names the run which imports an
// instance. No type has such a name.
const turnStream = "#import"

// turnPause is how long a run waits before it looks again whether it may begin.
const turnPause = 200 * time.Millisecond

// takeTurn returns when no other run imports the same instance of the
// connection. Two full syncs at once would each delete what only the other has
// seen. A turn is not given back: it ends with its run, however that ends.
func (im *importing) takeTurn(ctx context.Context) error {
	for waiting := false; ; waiting = true {
		mine := false
		err := im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
			// The lock makes the statement see each claim before it.
			if err := tx.Lock(ctx, "import "+im.organization+" "+im.c.Name()+" "+im.options.Instance); err != nil {
				return err
			}
			n, err := tx.Exec(ctx, `INSERT INTO connection_state (organization_id, connection, instance, stream, position, updated_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (organization_id, connection, instance, stream) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at
WHERE connection_state.position = excluded.position OR NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = connection_state.position AND runs.status = 'running')`,
				im.organization, im.c.Name(), im.options.Instance, turnStream, im.task.Run().ID, tx.Dialect().Time(im.now()))
			mine = n > 0
			return err
		})
		if err != nil {
			return fmt.Errorf("wait for an earlier import: %w", err)
		}
		if mine {
			return nil
		}
		if !waiting {
			im.task.Info(jobs.EventProgress, "waits for another import of "+im.c.Label()+" to end", nil)
		}
		select {
		case <-time.After(turnPause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
