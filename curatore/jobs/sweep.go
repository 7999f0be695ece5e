package jobs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// strayEvery is how many sweeps there are for one that looks for what is rarely
// there.
const strayEvery = 60

func (s *Service) keepSweeping(ctx context.Context) {
	tick := time.NewTicker(s.poll)
	defer tick.Stop()
	for n := 1; ; {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-s.nudges:
			err = s.follow(ctx)
		case <-tick.C:
			err = s.sweep(ctx, n%strayEvery == 0)
			n++
		}
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "the sweep of the runs failed; it is tried again", "error", err)
		}
	}
}

// sweep makes up for what a Runner, another process, or a crash left undone.
// Strays are looked for now and then only.
func (s *Service) sweep(ctx context.Context, strays bool) error {
	var errs []error
	due, err := s.overdue(ctx)
	if err != nil {
		return fmt.Errorf("look for runs whose process ended: %w", err)
	}
	for _, r := range due {
		held := s.holds(r.id)
		switch {
		case held && r.cancel != "":
			s.interrupt(r.id, cancelled(r.cancel)) // another process asked for it
		case !held && r.expired:
			_, err := s.reclaim(ctx, r)
			errs = append(errs, err)
		}
	}
	errs = append(errs, s.unpark(ctx), s.fireSchedules(ctx), s.stayConsumer(ctx))
	if strays {
		for _, name := range sorted(s.queues) {
			errs = append(errs, s.adopt(ctx, s.queues[name]))
		}
	}
	for _, name := range sorted(s.queues) {
		errs = append(errs, s.feed(ctx, s.queues[name]))
	}
	if strays {
		errs = append(errs, s.lookForAlarms(ctx)) // when there is work to do, which does not wait for it
	}
	return errors.Join(errs...)
}

func (s *Service) holds(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[id] != nil
}

// unpark lets the runs wait for a place whose time has come.
func (s *Service) unpark(ctx context.Context) error {
	due := "wait_reason <> '' AND status = 'parked' AND not_before <= " + s.db.Dialect().Now()
	var ids []string
	if err := s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Select(ctx, &ids, "SELECT id FROM runs WHERE "+due+" ORDER BY not_before LIMIT ?", ahead)
	}); err != nil || len(ids) == 0 {
		return err
	}
	slices.Sort(ids) // rows are locked in one order
	return s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		for _, id := range ids {
			r, err := s.move(ctx, tx, move{id: id, from: Parked, to: Pending, where: "not_before <= " + tx.Dialect().Now()})
			if errors.Is(err, errNotMoved) {
				continue // another process was faster
			}
			if err != nil {
				return fmt.Errorf("let run %s go on: %w", id, err)
			}
			s.dispatchAfter(ctx, tx, &r.Run)
		}
		return nil
	})
}

// An overdue run is marked as running and needs a look.
type overdue struct {
	id, organization, typ, label, cancel string
	fence                                int64
	failures, lost, maxAttempts          int
	resumable, expired                   bool
}

func (s *Service) overdue(ctx context.Context) (all []overdue, err error) {
	expired := "(lease_until IS NULL OR lease_until < " + s.db.Dialect().Now() + ")"
	query := `SELECT runs.id, organization_id, cancel_cause, type, label, fence, failures, lost, max_attempts, resumable, ` + expired + `
FROM working_runs AS w JOIN runs ON runs.id = w.id WHERE status = 'running' AND (cancel_cause <> '' OR ` + expired + `)`
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		rows, err := tx.Query(ctx, query)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, rows.Close()) }()
		for rows.Next() {
			var r overdue
			if err := rows.Scan(&r.id, &r.organization, &r.cancel, &r.typ, &r.label, &r.fence, &r.failures, &r.lost, &r.maxAttempts, &r.resumable, &r.expired); err != nil {
				return err
			}
			all = append(all, r)
		}
		return rows.Err()
	})
	return all, err
}

// Of a run whose process ended.
const (
	processGone = "the process that ran it ended"
	lostOnce    = processGone + "; start it again"
)

// reclaim takes a run from a process that no longer renews its lease: it goes
// back to those that wait, when it can go on or be tried again, and ends otherwise.
// When this process does not have its job, which says how often it is tried, another
// one decides: see exhausted. The process that ran it, should it live after all, is
// refused at its next commit. It returns false when another process was faster, or the
// next sweep does it.
func (s *Service) reclaim(ctx context.Context, r overdue) (moved bool, _ error) {
	m := move{id: r.id, from: Running, set: "failures = failures + 1, lost = lost + 1", where: "fence = ? AND (lease_until IS NULL OR lease_until < " + s.db.Dialect().Now() + ")", args: []any{r.fence}}
	var n note
	waits := func(what string) {
		m.to, n = Pending, newNote(s.now(), Warn, EventReleased, processGone+"; it waits "+what, nil)
	}
	ends := func(to Status, text string) {
		m.to, m.set, m.setArgs = to, m.set+", error = ?", []any{text}
		n = s.declared(r.typ).closing(s.now(), r.label, ending{to: to, text: text})
	}
	most := r.maxAttempts
	if j := s.byType[r.typ]; most == 0 && j != nil && j.handle != nil { // else what is declared here may not be all
		most = j.retry().MaxAttempts
	}
	switch {
	case r.cancel != "":
		ends(Cancelled, cancelled(r.cancel).Error())
	case r.resumable && r.lost+1 >= maxLost:
		ends(Failed, fmt.Sprintf("%s, as it did %d times before, and it gets no further; find out what ends it before you start it again", processGone, r.lost))
	case r.resumable:
		waits("to go on from its last checkpoint")
	case most == 0:
		waits("for one that knows whether it is tried again")
	case most == 1:
		ends(Failed, lostOnce)
	case r.failures+1 >= most:
		ends(Failed, fmt.Sprintf("%s, and it had failed %d times before; find out what ends it before you start it again", processGone, r.failures))
	default:
		waits("to be tried again")
	}
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		run, err := s.move(ctx, tx, m)
		if err != nil {
			return err
		}
		if run.Status.Ended() {
			if err := s.leaveGroup(ctx, tx, r.organization, run.GroupID); err != nil {
				return err
			}
		}
		return s.tell(ctx, tx, told{r.organization, r.id, []note{n}})
	})
	switch {
	case err == nil:
		s.watchers.wake(r.organization, r.id)
		return true, nil
	case errors.Is(err, errNotMoved), errors.Is(err, content.ErrBusy):
		return false, nil
	}
	return false, fmt.Errorf("take run %s from a process that ended: %w", r.id, err)
}

// adopt moves runs that wait in a queue of an earlier version of the program to
// the one in which their job is declared now. Nobody would look for them there.
func (s *Service) adopt(ctx context.Context, q *queue) error {
	if len(q.types) == 0 {
		return nil
	}
	types, arg := anyOf(s.db.Dialect(), "type", q.types)
	where := ` FROM waiting_runs WHERE queue <> ? AND ` + types
	args := []any{q.Name, arg}
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
