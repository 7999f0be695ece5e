package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// maxAttempts bounds how often a resumable run is started, so that one that
// kills its process does not do so for ever.
const maxAttempts = 20

func (s *Service) keepSweeping(ctx context.Context) {
	tick := time.NewTicker(s.poll)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.sweep(ctx, n%60 == 0); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "the sweep of the runs failed; it is tried again", "error", err)
		}
	}
}

// sweep makes up for what a Runner, another process, or a crash left undone.
// Strays are looked for now and then only.
func (s *Service) sweep(ctx context.Context, strays bool) error {
	due, err := s.overdue(ctx)
	if err != nil {
		return fmt.Errorf("look for runs whose process ended: %w", err)
	}
	var errs []error
	for _, r := range due {
		held := s.holds(r.id)
		switch {
		case held && r.cancel != "":
			s.interrupt(r.id, cancelled(r.cancel)) // another process asked for it
		case !held && r.expired:
			errs = append(errs, s.reclaim(ctx, r))
		}
	}
	for _, q := range s.queues {
		if strays {
			errs = append(errs, s.adopt(ctx, q))
		}
		errs = append(errs, s.feed(ctx, q))
	}
	return errors.Join(errs...)
}

func (s *Service) holds(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[id] != nil
}

// An overdue run is marked as running and needs a look.
type overdue struct {
	id, organization, cancel string
	fence                    int64
	attempt                  int
	resumable, expired       bool
}

func (s *Service) overdue(ctx context.Context) (all []overdue, err error) {
	expired := "(lease_until IS NULL OR lease_until < " + s.db.Dialect().Now() + ")"
	query := `SELECT id, organization_id, cancel_cause, fence, attempt, resumable, ` + expired + `
FROM runs WHERE status IN ('pending', 'running') AND status = ? AND (cancel_cause <> '' OR ` + expired + `)`
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		rows, err := tx.Query(ctx, query, Running)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var r overdue
			if err := rows.Scan(&r.id, &r.organization, &r.cancel, &r.fence, &r.attempt, &r.resumable, &r.expired); err != nil {
				return err
			}
			all = append(all, r)
		}
		return rows.Err()
	})
	return all, err
}

// reclaim takes a run from a process that no longer renews its lease: it goes
// back to those that wait, when it can go on, and ends otherwise. The process,
// should it live after all, is refused at its next commit.
func (s *Service) reclaim(ctx context.Context, r overdue) error {
	const gone = "the process that ran it ended"
	m := move{id: r.id, from: Running, where: "fence = ? AND (lease_until IS NULL OR lease_until < " + s.db.Dialect().Now() + ")", args: []any{r.fence}}
	var n note
	fail := func(to Status, level Level, kind, text string) {
		m.to, m.set, m.setArgs = to, "error = ?", []any{text}
		n = newNote(s.now(), level, kind, text, nil)
	}
	switch {
	case r.cancel != "":
		fail(Cancelled, Warn, EventCancelled, cancelled(r.cancel).Error())
	case !r.resumable:
		fail(Failed, Error, EventFailed, gone+"; start it again")
	case r.attempt >= maxAttempts:
		fail(Failed, Error, EventFailed, fmt.Sprintf("%s, for the %dth time; find out what ends it before you start it again", gone, r.attempt))
	default:
		m.to = Pending
		n = newNote(s.now(), Warn, EventReleased, gone+"; it waits to go on from its last checkpoint", nil)
	}
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if _, err := m.apply(ctx, tx, s.now()); err != nil {
			return err
		}
		return insertNotes(ctx, tx, r.organization, r.id, []note{n})
	})
	switch {
	case err == nil:
		s.watchers.wake(r.id)
		return nil
	case errors.Is(err, errNotMoved), errors.Is(err, content.ErrBusy): // somebody else was faster; or the next sweep does it
		return nil
	}
	return fmt.Errorf("take run %s from a process that ended: %w", r.id, err)
}

// adopt moves runs that wait in a queue of an earlier version of the program to
// the one in which their job is declared now. Nobody would look for them there.
func (s *Service) adopt(ctx context.Context, q *queue) error {
	if len(q.types) == 0 {
		return nil
	}
	where := ` FROM runs WHERE status IN ('pending', 'running') AND status = 'pending' AND queue <> ? AND type IN (` + database.Placeholders(len(q.types)) + `)`
	args := append([]any{q.Name}, q.types...)
	var strays []string
	if err := s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Select(ctx, &strays, "SELECT id"+where+" LIMIT 1000", args...)
	}); err != nil || len(strays) == 0 {
		return err
	}
	return s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		for _, id := range strays {
			if _, err := tx.Exec(ctx, `UPDATE runs SET queue = ? WHERE id = ? AND status = 'pending'`, q.Name, id); err != nil {
				return err
			}
		}
		return nil
	})
}
