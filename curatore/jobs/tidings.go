package jobs

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content/database"
)

// channel is where processes on one Postgres tell each other what they have
// stored. SQLite has none; there each looks when the file has changed.
const channel = "curatore_jobs"

// What there is to tell. Tidings may be lost: whoever waits for one also looks
// now and then.
const (
	tidingsQueue  = "queue"  // a run waits in a queue
	tidingsRun    = "run"    // a run, or "*" for several of an organization, has changed
	tidingsCancel = "cancel" // a run at work is to be cancelled
)

// tidings makes what is told: its kind, who tells it, and what it is about.
func (s *Service) tidings(kind string, about ...string) string {
	return strings.Join(append([]string{kind, s.process}, about...), "\n")
}

// tidingsOf makes what is told about some runs, not too much at a time.
func (s *Service) tidingsOf(all []told) (list []string) {
	seen := map[string]bool{}
	for _, t := range all {
		run := t.run
		if len(all) > 16 {
			run = "*"
		}
		if text := s.tidings(tidingsRun, t.organization, run); !seen[text] {
			seen[text] = true
			list = append(list, text)
		}
	}
	return list
}

// announce tells other processes something when the transaction is committed.
func (s *Service) announce(ctx context.Context, tx *database.Tx, kind string, about ...string) error {
	if tx.Dialect().Name() != database.Postgres {
		return nil
	}
	_, err := tx.Exec(ctx, "SELECT pg_notify(?, ?)", channel, s.tidings(kind, about...))
	return err
}

// keepListening hears what other processes tell, until ctx ends.
func (s *Service) keepListening(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.db.Listen(ctx, channel, s.hear)
		if ctx.Err() != nil {
			return
		}
		s.log.WarnContext(ctx, "cannot hear what other processes do; it is seen within the next sweeps", "error", err)
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
		}
	}
}

// hear takes a piece of tidings, or, when it is empty, takes everything for
// changed.
func (s *Service) hear(text string) {
	parts := strings.Split(text, "\n")
	if len(parts) < 3 {
		s.watchers.wakeAll()
		s.nudge("")
		return
	}
	if parts[1] == s.process {
		return // this process knows
	}
	switch parts[0] {
	case tidingsQueue:
		s.nudge(parts[2])
	case tidingsCancel:
		s.nudge("")
	case tidingsRun:
		if len(parts) == 4 {
			s.watchers.wake(parts[2], parts[3])
		}
	}
}

// nudge asks for a look at a queue, or with "" at all of them and at runs to be
// cancelled.
func (s *Service) nudge(queue string) {
	s.mu.Lock()
	s.nudged[queue] = true
	s.mu.Unlock()
	select {
	case s.nudges <- struct{}{}:
	default: // asked for already
	}
}

// follow looks where it was asked to.
func (s *Service) follow(ctx context.Context) error {
	s.mu.Lock()
	asked := s.nudged
	s.nudged = map[string]bool{}
	s.mu.Unlock()
	if asked[""] {
		return errors.Join(s.overseeHeld(ctx), s.feedWaiting(ctx))
	}
	var errs []error
	for name := range asked {
		if q := s.queues[name]; q != nil {
			errs = append(errs, s.feed(ctx, q))
		}
	}
	return errors.Join(errs...)
}

// overseeHeld interrupts the runs at work here that another process has
// cancelled.
func (s *Service) overseeHeld(ctx context.Context) error {
	s.mu.Lock()
	n := len(s.held)
	s.mu.Unlock()
	if n == 0 {
		return nil
	}
	due, err := s.overdue(ctx)
	for _, r := range due {
		if r.cancel != "" {
			s.interrupt(r.id, cancelled(r.cancel))
		}
	}
	return err
}

// feedWaiting feeds the queues in which runs wait.
func (s *Service) feedWaiting(ctx context.Context) error {
	if s.waitingQuery == "" {
		return nil
	}
	var names []string
	if err := s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Select(ctx, &names, s.waitingQuery, s.waitingArgs...)
	}); err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, s.feed(ctx, s.queues[name]))
	}
	return errors.Join(errs...)
}
