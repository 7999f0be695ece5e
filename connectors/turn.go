package connectors

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// turnStream is the row of connection_state that names the run which imports an
// instance. No type has such a name.
const turnStream = "#import"

// turnPause is how long a run waits before it looks again whether it may begin.
const turnPause = 200 * time.Millisecond

// takeTurn returns when it is this run's turn to import its instance of the
// connection: no other run does, and none that was started earlier waits to. Two
// full syncs at once would each delete what only the other has seen, and an older
// one must not write over a newer one. A turn is not given back: it ends with its
// run, however that ends.
func (im *importing) takeTurn(ctx context.Context) error {
	for waiting := false; ; waiting = true {
		mine := false
		err := im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
			mine, err = im.tryTurn(ctx, tx)
			return err
		})
		if err != nil || mine {
			return err
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

// tryTurn takes the turn if it is free.
func (im *importing) tryTurn(ctx context.Context, tx *database.Tx) (mine bool, err error) {
	run, key := im.task.Run(), []any{im.organization, im.c.Name(), im.options.Instance, turnStream}
	// The lock makes the statements see each claim before it.
	if err := tx.Lock(ctx, fmt.Sprintf("import %q", key)); err != nil {
		return false, err
	}
	var holder, status sql.NullString
	err = tx.QueryRow(ctx, `SELECT s.position, r.status FROM connection_state s LEFT JOIN runs r ON r.id = s.position
WHERE s.organization_id = ? AND s.connection = ? AND s.instance = ? AND s.stream = ?`, key...).Scan(&holder, &status)
	switch {
	case err != nil && !errors.Is(err, sql.ErrNoRows):
		return false, err
	case holder.String == run.ID:
		return true, nil
	case im.resumed && holder.Valid:
		return false, fmt.Errorf("%w: another import has begun since this one was interrupted; start it again", content.ErrConflict)
	case status.String == string(jobs.Running):
		return false, nil
	}
	var earlier int
	// Those at work come first, which are few, however many runs there have been.
	err = tx.QueryRow(ctx, `SELECT count(*) FROM working_runs AS w CROSS JOIN runs AS r WHERE r.id = w.id AND r.organization_id = ? AND r.type = ? AND r.id <> ?
AND r.created_at < ? AND COALESCE(r.config ->> 'instance', '') = ? AND COALESCE(CAST(r.config ->> 'dry_run' AS TEXT), '') NOT IN ('1', 'true')`,
		im.organization, run.Type, run.ID, tx.Dialect().Time(run.CreatedAt), im.options.Instance).Scan(&earlier)
	if err != nil || earlier > 0 {
		return false, err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO connection_state (organization_id, connection, instance, stream, position, updated_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (organization_id, connection, instance, stream) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at`,
		append(key, run.ID, tx.Dialect().Time(im.now()))...); err != nil {
		return false, err
	}
	return true, nil
}
