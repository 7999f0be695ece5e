package jobs

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// watchers wakes those who follow a run, or an organization, in this process.
type watchers struct {
	count atomic.Int64 // so that a wake without watchers costs next to nothing
	mu    sync.Mutex
	all   map[watched]map[chan struct{}]bool
}

// watched is what somebody waits for: changes of a run, or with an empty run
// those of all runs of an organization.
type watched struct{ organization, run string }

// watch returns a channel on which changes of a run are told. Several of them
// become one.
func (w *watchers) watch(organization, run string) (changed <-chan struct{}, stop func()) {
	c, key := make(chan struct{}, 1), watched{organization, run}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[watched]map[chan struct{}]bool{}
	}
	if w.all[key] == nil {
		w.all[key] = map[chan struct{}]bool{}
	}
	w.all[key][c] = true
	w.count.Add(1)
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.count.Add(-1)
		delete(w.all[key], c)
		if len(w.all[key]) == 0 {
			delete(w.all, key)
		}
	}
}

// wake tells that a run has changed; "*" means several of the organization.
func (w *watchers) wake(organization, run string) {
	if w.count.Load() == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, channels := range w.all {
		if key.organization == organization && (key.run == run || key.run == "" || run == "*") {
			ring(channels)
		}
	}
}

func (w *watchers) wakeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, channels := range w.all {
		ring(channels)
	}
}

func ring(channels map[chan struct{}]bool) {
	for c := range channels {
		select {
		case c <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// A backoff waits for changes that another process makes.
type backoff struct{ pause time.Duration }

const (
	firstPause = 10 * time.Millisecond
	lastPause  = time.Second
)

func (b *backoff) reset() { b.pause = 0 }

// next returns a channel that fires after a pause, longer each time.
func (b *backoff) next() <-chan time.Time {
	b.pause = min(max(2*b.pause, firstPause), lastPause)
	return time.After(b.pause)
}

// Wait returns a run when it has ended, however it ended: see [Run.Err]. An
// error means that it could not wait; when ctx ends the run goes on. A run at
// work in this process is waited for without asking the database; for one that
// waits or is at work elsewhere, the database is asked each second at most.
func (s *Service) Wait(ctx context.Context, scope content.Scope, id string) (Run, error) {
	organization, err := s.authority.Organization(scope)
	if err != nil {
		return Run{}, err
	}
	changed, stop := s.watchers.watch(organization, id)
	defer stop()
	var b backoff
	for status := Status(""); ; {
		t := s.task(id)
		run, err := s.Get(ctx, scope, id)
		if err != nil || run.Status.Ended() {
			return run, err
		}
		if run.Status != status {
			b.reset()
			status = run.Status
		}
		if t != nil {
			select {
			case <-t.done:
			case <-ctx.Done():
				return run, context.Cause(ctx)
			}
			continue
		}
		select {
		case <-changed:
		case <-b.next():
		case <-ctx.Done():
			return run, context.Cause(ctx)
		}
	}
}

// An Update is what [Service.Follow] tells: the run as it is now, and the events
// since the Update before.
type Update struct {
	Run    Run
	Events []Event
}

// updatePause is the least time between two Updates of a run at work.
const updatePause = 50 * time.Millisecond

// Follow yields an Update at once, with the events so far, and another one after
// each change until the run has ended; the last one shows how. Changes that
// come fast are told together. Progress of a run at work in this process
// arrives at once; what other processes do is seen within a second. An error is
// the last thing that it yields. Leaving the loop ends it; the run goes on.
func (s *Service) Follow(ctx context.Context, scope content.Scope, id string) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		organization, err := s.authority.Organization(scope)
		if err != nil {
			yield(Update{}, err)
			return
		}
		f := follower{s: s, organization: organization, id: id}
		changed, stop := s.watchers.watch(organization, id)
		defer stop()
		for {
			u, news, err := f.look(ctx)
			if err != nil {
				yield(Update{}, err)
				return
			}
			if news && !yield(u, nil) || f.over {
				return
			}
			if f.more {
				continue
			}
			if err := f.wait(ctx, changed, news); err != nil {
				yield(Update{}, err)
				return
			}
		}
	}
}

// A follower is where a caller of Follow stands.
type follower struct {
	s                *Service
	organization, id string
	b                backoff

	shown bool // something was
	run   Run  // as it was shown
	last  int64
	more  bool // there are further events to read now
	over  bool // the run has ended and all was shown

	task   *Task // when it is at work here
	stored int   // the task's count of stores at the last reading
}

// look returns what there is to tell.
func (f *follower) look(ctx context.Context) (u Update, news bool, err error) {
	task, before := f.s.task(f.id), f.stored
	if task != nil {
		task.mu.Lock()
		f.stored = task.stored
		task.mu.Unlock()
	}
	u.Run = f.run
	if task == nil || task != f.task || f.stored != before || f.more {
		err = f.s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
			r, err := f.s.get(ctx, tx, f.organization, f.id)
			if err != nil {
				return err
			}
			u.Run = r.Run
			u.Events, err = f.s.events(ctx, tx, f.organization, f.id, f.last, defaultEvents)
			return err
		})
		if err != nil {
			return Update{}, false, err
		}
		f.more = len(u.Events) == defaultEvents
		f.over = u.Run.Status.Ended() && !f.more
	}
	f.task = task
	if task != nil && u.Run.Status == Running {
		now := task.Run()
		u.Run.Phase, u.Run.Done, u.Run.Total = now.Phase, now.Done, now.Total
	}
	if n := len(u.Events); n > 0 {
		f.last = u.Events[n-1].ID
	}
	was := &f.run
	news = !f.shown || len(u.Events) > 0 || was.Status != u.Run.Status || was.Phase != u.Run.Phase || was.Done != u.Run.Done ||
		was.Total != u.Run.Total || was.Attempt != u.Run.Attempt || was.CancelCause != u.Run.CancelCause
	f.shown, f.run = true, u.Run
	return u, news, nil
}

// wait returns when it is time to look again.
func (f *follower) wait(ctx context.Context, changed <-chan struct{}, news bool) error {
	if news {
		f.b.reset()
	}
	if f.task == nil {
		select {
		case <-changed:
		case <-f.b.next():
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		return nil
	}
	select {
	case <-time.After(updatePause):
	case <-f.task.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case <-changed:
	case <-f.task.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}
