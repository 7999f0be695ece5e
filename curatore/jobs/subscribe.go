package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// Newest is a Subscription.After: it begins with the events that are yet to come.
const Newest = -1

// A Subscription says which events to yield.
type Subscription struct {
	RunID string // only of this run; empty means of all runs of the organization
	// After is the id of the last event that the caller has seen, 0 to begin with
	// the oldest, or [Newest]. An event that is not there any more, because its run
	// was removed, gives content.ErrNotFound.
	After int64
}

// Subscribe yields events as they are stored, each once and each in the order of
// its run, until ctx ends, whose cause is the last thing that it yields. Who
// stops, and comes back with the id of the last event seen, misses none, also
// of those whose transactions took long. It is woken by what this process
// stores, and by others as database.DB.Listen says in a started Service; else it
// looks within a second.
//
// On Postgres the events of an organization are yielded when no transaction that
// writes, in whatever database of the server, is older than theirs; those of one
// run at once. Of a run there is nothing more when it has ended, but the
// subscription goes on; see [Service.Follow].
func (s *Service) Subscribe(ctx context.Context, scope content.Scope, sub Subscription) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		organization, err := s.authority.Organization(scope)
		if err != nil {
			yield(Event{}, err)
			return
		}
		changed, stop := s.watchers.watch(organization, sub.RunID)
		defer stop()
		c := place{organization: organization, run: sub.RunID}
		if err := s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error { return s.find(ctx, tx, &c, sub.After) }); err != nil {
			yield(Event{}, err)
			return
		}
		for b := (backoff{}); ; {
			events, err := s.behind(ctx, &c)
			if err != nil {
				yield(Event{}, err)
				return
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
			if len(events) == defaultEvents {
				continue
			}
			if len(events) > 0 {
				b.reset()
			}
			select {
			case <-changed:
				b.reset() // a transaction before it may still be open
			case <-b.next():
			case <-ctx.Done():
				yield(Event{}, context.Cause(ctx))
				return
			}
		}
	}
}

// A place is how far a subscription has come: behind an event and the
// transaction that wrote it.
type place struct {
	organization, run string
	writer, id        int64
}

// oldest is the number of the oldest transaction that may still write.
const oldest = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"

// find sets the place to begin at.
func (s *Service) find(ctx context.Context, tx *database.Tx, c *place, after int64) error {
	if c.run != "" {
		if _, err := s.get(ctx, tx, c.organization, c.run); err != nil {
			return err
		}
	}
	var err error
	switch {
	case after == 0:
		return nil
	case after == Newest && c.run != "":
		err = tx.QueryRow(ctx, "SELECT writer, id FROM run_events WHERE organization_id = ? AND run_id = ? ORDER BY id DESC LIMIT 1", c.organization, c.run).Scan(&c.writer, &c.id)
	case after == Newest:
		visible := ""
		if tx.Dialect().Name() == database.Postgres {
			visible = " AND writer < " + oldest
		}
		err = tx.QueryRow(ctx, "SELECT writer, id FROM run_events WHERE organization_id = ?"+visible+" ORDER BY writer DESC, id DESC LIMIT 1", c.organization).Scan(&c.writer, &c.id)
	default:
		err = tx.QueryRow(ctx, "SELECT writer, id FROM run_events WHERE organization_id = ? AND id = ?", c.organization, after).Scan(&c.writer, &c.id)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("event %d: %w; begin anew", after, content.ErrNotFound)
		}
		return err
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil // there is none yet
	}
	return err
}

// behind reads the next events and moves the place behind them.
func (s *Service) behind(ctx context.Context, c *place) (events []Event, err error) {
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		where, args := "organization_id = ? AND run_id = ? AND id > ? ORDER BY id", []any{c.organization, c.run, c.id}
		if c.run == "" {
			where, args = "organization_id = ? AND (writer, id) > (?, ?)", []any{c.organization, c.writer, c.id}
			if tx.Dialect().Name() == database.Postgres {
				where += " AND writer < " + oldest
			}
			where += " ORDER BY writer, id"
		}
		rows, err := tx.Query(ctx, "SELECT writer, id, run_id, at, level, type, message, data FROM run_events WHERE "+where+" LIMIT ?", append(args, defaultEvents)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var e Event
			if err := rows.Scan(&c.writer, &e.ID, &e.RunID, database.ScanTime(&e.At), &e.Level, &e.Type, &e.Message, (*[]byte)(&e.Data)); err != nil {
				return err
			}
			c.id = e.ID
			events = append(events, e)
		}
		return rows.Err()
	})
	return events, err
}
