// Package localrunner works on runs in the process that stores them.
//
// Most programs that import data have one process and no message broker, and
// should not need one. A [Runner] keeps the ids of dispatched runs in memory and
// hands them to goroutines. It remembers nothing: after a crash package jobs
// finds in its table what is left to do. Several processes on one database may
// each have one.
package localrunner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// Config is optional; its zero value is ready to use.
type Config struct {
	// PerQueue is how many runs of one queue this process works on at a time,
	// whatever the queue itself allows; 0 means 100.
	PerQueue int
	Logger   *slog.Logger // nil is silent
}

// New returns a Runner that is not started yet.
func New(c Config) *Runner {
	r := &Runner{perQueue: cmp.Or(max(c.PerQueue, 0), 100), log: c.Logger, lanes: map[string]*lane{}}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	return r
}

// A Runner delivers runs to goroutines of this process, those of each queue in
// the order in which they were dispatched. It has no goroutines while it has
// nothing to do.
type Runner struct {
	perQueue int
	log      *slog.Logger

	mu      sync.Mutex
	deliver func(runID string) error // nil before Start
	cancel  context.CancelCauseFunc  // ends the context of all deliveries
	stopped bool
	lanes   map[string]*lane
	work    sync.WaitGroup
}

var _ jobs.Runner = (*Runner)(nil)

// A lane is the runs of one queue that wait for a goroutine.
type lane struct {
	waiting []string
	known   map[string]bool // those in waiting
	workers int
}

// Start implements jobs.Runner.
func (r *Runner) Start(ctx context.Context, deliver func(ctx context.Context, runID string) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deliver != nil || r.stopped {
		return fmt.Errorf("%w: the local runner was started before; make a new one", content.ErrConflict)
	}
	ctx, r.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	r.deliver = func(id string) error { return deliver(ctx, id) }
	return nil
}

// Dispatch implements jobs.Runner. A run that waits already is not added again.
func (r *Runner) Dispatch(_ context.Context, queue string, runIDs ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deliver == nil || r.stopped {
		return nil
	}
	l := r.lanes[queue]
	if l == nil {
		l = &lane{known: map[string]bool{}}
		r.lanes[queue] = l
	}
	for _, id := range runIDs {
		if l.known[id] {
			continue
		}
		l.known[id] = true
		l.waiting = append(l.waiting, id)
		if l.workers < r.perQueue {
			l.workers++
			r.work.Add(1)
			go r.deliverAll(l)
		}
	}
	return nil
}

// deliverAll is a worker: it delivers the runs of a lane until none waits.
func (r *Runner) deliverAll(l *lane) {
	defer r.work.Done()
	for {
		r.mu.Lock()
		if r.stopped || len(l.waiting) == 0 {
			l.workers--
			r.mu.Unlock()
			return
		}
		id := l.waiting[0]
		l.waiting = l.waiting[1:]
		delete(l.known, id)
		r.mu.Unlock()
		if err := r.deliver(id); err != nil && !errors.Is(err, jobs.ErrStopped) {
			r.log.Warn("a delivery failed; the run is dispatched again by the next sweep", "run", id, "error", err)
		}
	}
}

// Stop implements jobs.Runner.
func (r *Runner) Stop(ctx context.Context) error {
	r.mu.Lock()
	r.stopped = true
	clear(r.lanes)
	if r.cancel != nil {
		r.cancel(jobs.ErrStopped)
	}
	r.mu.Unlock()
	quiet := make(chan struct{})
	go func() {
		r.work.Wait()
		close(quiet)
	}()
	select {
	case <-quiet:
		return nil
	case <-ctx.Done():
		return errors.Join(errors.New("stop the local runner: deliveries are still at work"), context.Cause(ctx))
	}
}
