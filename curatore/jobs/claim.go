package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/curatore/curatore-go/content/database"
)

// Why a delivery finds nothing to do. The run stays as it is.
var (
	errFull    = errors.New("the queue has no free place")
	errUnknown = errors.New("this program does not know the job")
	errRefused = errors.New("this process does not accept the run")
)

// deliver works on a run unless it is at work elsewhere, has ended, or has to
// wait. It is what a Runner calls.
func (s *Service) deliver(ctx context.Context, id string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if !s.hold(id, cancel) {
		return nil
	}
	defer s.release(id)
	r, err := s.claim(ctx, id)
	switch {
	case err == nil:
		s.run(ctx, cancel, r)
		return nil
	case errors.Is(err, errNotMoved), errors.Is(err, errFull), errors.Is(err, errUnknown), errors.Is(err, errRefused), errors.Is(err, ErrCancelled):
		return nil
	}
	return fmt.Errorf("claim run %s: %w", id, err)
}

// claim makes this process the one that works on a run, if nobody does.
func (s *Service) claim(ctx context.Context, id string) (r *record, err error) {
	m := move{id: id, from: Pending, to: Running,
		set:     "attempt = attempt + 1, fence = fence + 1, started_at = COALESCE(started_at, ?), lease_until = " + s.db.Dialect().After(),
		setArgs: []any{s.db.Dialect().Time(s.now()), s.lease.Seconds()}}
	err = s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if r, err = m.apply(ctx, tx, s.now()); err != nil {
			return err
		}
		if s.jobs[r.Type] == nil {
			s.reportUnknown(ctx, r)
			return errUnknown
		}
		if accept := s.jobs[r.Type].Accept; accept != nil && !accept(r.Run) {
			return errRefused
		}
		q := s.queues[r.Queue]
		if q == nil || q.Concurrency == 0 {
			return nil
		}
		// Who has the lock sees all claims before its own, so the count is exact.
		if err := tx.Lock(ctx, "jobs queue "+q.Name); err != nil {
			return err
		}
		n, err := q.running(ctx, tx)
		if err == nil && n > q.Concurrency {
			return errFull
		}
		return err
	})
	return r, err
}

// reportUnknown logs a job type that another program stored, once.
func (s *Service) reportUnknown(ctx context.Context, r *record) {
	s.mu.Lock()
	known := s.unknown[r.Type]
	s.unknown[r.Type] = true
	s.mu.Unlock()
	if !known {
		s.log.WarnContext(ctx, "a run waits for a program that knows its job", "type", r.Type, "label", r.Label, "run", r.ID)
	}
}
