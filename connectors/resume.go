package connectors

import (
	"context"
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// restart takes back what an interrupted attempt has noted about a stream that
// cannot go on where it was: its counts, failures and keys seen. The records
// that it wrote stay, and count as what they were when they come again.
func (im *importing) restart(ctx context.Context, typ *content.Type) error {
	set, err := im.openSeen(ctx, im.task.Run().ID, typ)
	if err != nil {
		return err
	}
	if err := im.drop(ctx, set); err != nil {
		return err
	}
	for _, name := range append([]string{typ.Name()}, im.state.Companions[typ.Name()]...) {
		counts := im.result.counts(name)
		*counts = Counts{Deleted: counts.Deleted, Indexed: counts.Indexed} // which are not done again
	}
	im.result.Failures = slices.DeleteFunc(im.result.Failures, func(f Failure) bool { return f.Type == typ.Name() })
	im.state.Batch = 0
	im.state.Part = nil
	delete(im.state.Nameless, typ.Name())
	return im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
		if !im.options.DryRun {
			im.task.SetCheckpoint(im.state)
		}
		_, err := tx.Exec(ctx, "DELETE FROM import_failures WHERE organization_id = ? AND run_id = ? AND type = ?", im.organization, im.task.Run().ID, typ.Name())
		return err
	})
}

// sweep removes the keys that runs which have ended for good left behind.
func (im *importing) sweep(ctx context.Context) error {
	var left []struct {
		Run  string `db:"run_id"`
		Type string `db:"type"`
	}
	if err := im.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Select(ctx, &left, `SELECT s.run_id, s.type FROM run_key_sets s JOIN runs r ON r.id = s.run_id
WHERE r.organization_id = ? AND r.id <> ? AND r.status NOT IN ('pending', 'running', 'parked')`, im.organization, im.task.Run().ID)
	}); err != nil {
		return fmt.Errorf("look for the keys of ended runs: %w", err)
	}
	for _, l := range left {
		typ, known := im.Store.Registry().Type(l.Type)
		if !known {
			continue // of a connection that another program has
		}
		set, err := im.openSeen(ctx, l.Run, typ)
		if err == nil {
			err = im.drop(ctx, set)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (im *importing) openSeen(ctx context.Context, run string, typ *content.Type) (set store.Seen, err error) {
	err = im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
		set, err = im.Store.OpenSeen(ctx, tx, run, typ)
		return err
	})
	return im.within(set, typ), err
}

// drop removes a set of keys, in short transactions.
func (im *importing) drop(ctx context.Context, set store.Seen) error {
	for more := true; more; {
		if err := im.task.Commit(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
			more, err = set.Drop(ctx, tx)
			return err
		}); err != nil {
			return fmt.Errorf("remove keys seen: %w", err)
		}
	}
	return nil
}
