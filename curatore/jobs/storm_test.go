package jobs_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A storm is many families of runs in groups, on which processes work that are stopped
// at bad moments, while others cancel some.
type storm struct {
	w     *world
	start *jobs.Service // only stores runs
	mu    sync.Mutex
	rnd   *rand.Rand
	ids   []string
	after map[string]string // the run that waits for a group, by the group's id
}

// n returns a number below most.
func (s *storm) n(most int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rnd.IntN(most)
}

// pause returns a time up to some milliseconds.
func (s *storm) pause(most int) time.Duration { return time.Duration(s.n(most)) * time.Millisecond }

// act ends in any way that there is. It has one effect when it completes.
func (s *storm) act(ctx context.Context, task *jobs.Task) (any, error) {
	switch s.n(8) {
	case 0:
		panic("a panic")
	case 1:
		return nil, errors.New("an error")
	case 2:
		return nil, jobs.Park(time.Now().Add(s.pause(50)), "a quota")
	case 3:
		time.Sleep(s.pause(200)) // deaf to its context
	case 4:
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(s.pause(200)):
		}
	}
	once := func(ctx context.Context, tx *database.Tx) error { return effect(ctx, tx, task.Run().ID) }
	if s.n(2) == 0 {
		return nil, task.Complete(ctx, nil, once)
	}
	if task.Checkpoint() != nil {
		return nil, nil
	}
	task.SetCheckpoint("done")
	return nil, task.Commit(ctx, once)
}

func (s *storm) process() *jobs.Service {
	often := jobs.Retry{MaxAttempts: 3, Backoff: 5 * time.Millisecond}
	drain := time.Duration(s.n(2)) * 30 * time.Millisecond
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.newService(config{Lease: 400 * time.Millisecond, Drain: drain, Queues: []jobs.Queue{{Name: "q"}, {Name: "narrow", Concurrency: 3}}, Jobs: []decl{
		{Type: "plain", Job: jobs.Job{Retry: often}, Timeout: 150 * time.Millisecond, Handle: s.act},
		{Type: "resumable", Job: jobs.Job{Retry: often}, Resumable: true, Handle: s.act},
		{Type: "narrow", Queue: "narrow", Handle: s.act},
		{Type: "after", Resumable: true, Handle: noop},
	}})
}

// enqueue stores families until ctx ends, each in a group of its own, which is sealed
// while its runs end.
func (s *storm) enqueue(ctx context.Context) {
	kinds := []string{"plain", "resumable", "narrow"}
	for ctx.Err() == nil {
		var g jobs.Group
		var family []string
		s.w.write(func(ctx context.Context, tx *database.Tx) (err error) {
			if g, err = s.start.NewGroup(ctx, tx, s.w.acme, "family"); err != nil {
				return err
			}
			store := func(kind string, o jobs.Options) (string, error) {
				s.mu.Lock()
				typed := s.w.typed[s.start][kind]
				s.mu.Unlock()
				run, err := typed.Enqueue(ctx, tx, s.w.acme, nil, o)
				if err != nil {
					return "", err
				}
				return run.ID, nil
			}
			for n := 1 + s.n(8); len(family) < n; {
				o := jobs.Options{Group: g.ID}
				if len(family) > 0 {
					o.Parent = family[s.n(len(family))]
				}
				id, err := store(kinds[s.n(3)], o)
				if err != nil {
					return err
				}
				family = append(family, id)
			}
			after, err := store("after", jobs.Options{After: g.ID})
			s.mu.Lock()
			defer s.mu.Unlock()
			s.after[g.ID] = after
			return err
		})
		s.mu.Lock()
		s.ids = append(s.ids, family...)
		s.mu.Unlock()
		time.Sleep(s.pause(30))
		s.w.write(func(ctx context.Context, tx *database.Tx) error { return s.start.SealGroup(ctx, tx, s.w.acme, g.ID) })
	}
}

// cancel cancels one of the latest runs, again and again.
func (s *storm) cancel(ctx context.Context) {
	for ctx.Err() == nil {
		time.Sleep(s.pause(10))
		back := s.n(50)
		s.mu.Lock()
		id := ""
		if back < len(s.ids) {
			id = s.ids[len(s.ids)-1-back]
		}
		s.mu.Unlock()
		if id == "" {
			continue
		}
		if err := s.start.Cancel(s.w.t.Context(), s.w.acme, id, "a whim"); err != nil && !errors.Is(err, content.ErrConflict) {
			s.w.t.Errorf("cancel: %v", err)
		}
	}
}

// Whatever processes do to each other and whoever cancels what, each run ends once and
// says so last, with one effect when it completed; each group is complete once, with
// exact counts, and what waits for it runs.
func TestStorm(t *testing.T) {
	databasetestRun(t, func(w *world) {
		seed := uint64(time.Now().UnixNano())
		w.t.Logf("seed %d", seed)
		s := &storm{w: w, rnd: rand.New(rand.NewPCG(seed, 0)), after: map[string]string{}}
		s.start = s.process()
		w.Service = s.start
		processes := []*jobs.Service{s.process(), s.process(), s.process()}
		w.start(processes...)
		ctx, over := context.WithTimeout(w.t.Context(), 1500*time.Millisecond)
		defer over()
		var group sync.WaitGroup
		group.Go(func() { s.enqueue(ctx) })
		group.Go(func() { s.enqueue(ctx) })
		group.Go(func() { s.cancel(ctx) })
		group.Go(func() { s.cancel(ctx) })
		for ctx.Err() == nil {
			time.Sleep(s.pause(300))
			i := s.n(len(processes))
			hasty, cancel := context.WithTimeout(w.t.Context(), s.pause(100))
			_ = processes[i].Stop(hasty) // names the runs that did not stop in time
			cancel()
			processes[i] = s.process()
			w.start(processes[i])
		}
		group.Wait()
		const active = "SELECT count(*) FROM runs WHERE status IN ('pending', 'running', 'parked') AND id <> ?"
		for wait := deadline(w.t); w.count(active, "") > 0; time.Sleep(10 * time.Millisecond) {
			if wait.Err() != nil {
				w.t.Fatalf("%d runs do not end", w.count(active, ""))
			}
		}
		for _, p := range processes {
			if err := p.Stop(deadline(w.t)); err != nil {
				w.t.Error(err)
			}
		}
		s.check()
	})
}

func (s *storm) check() {
	w := s.w
	for _, id := range s.ids {
		run := w.get(id)
		if n := w.count(countEffects, id); run.Status == jobs.Completed && n != 1 {
			w.t.Errorf("a run completed with %d effects: %+v", n, run)
		}
		last := ""
		for i, kind := range w.events(id) {
			switch kind {
			case jobs.EventCompleted, jobs.EventFailed, jobs.EventTimedOut, jobs.EventCancelled:
				if last != "" {
					w.t.Errorf("a run ended twice: %v", w.events(id))
				}
				last = kind
			default:
				if last != "" {
					w.t.Errorf("event %d of a run is behind its end: %v", i, w.events(id))
				}
			}
		}
		if last != string(run.Status) {
			w.t.Errorf("a run is %s, and its last event %q", run.Status, last)
		}
	}
	for id, after := range s.after {
		g, err := w.Group(w.t.Context(), w.acme, id)
		if err != nil || g.CompletedAt == nil || g.Total() != w.count("SELECT count(*) FROM runs WHERE group_id = ?", id) {
			w.t.Errorf("%+v, %v", g, err)
		}
		for status, n := range g.Counts {
			if is := w.count("SELECT count(*) FROM runs WHERE group_id = ? AND status = ?", id, string(status)); is != n {
				w.t.Errorf("%d runs of a group are %s, and it counts %d", is, status, n)
			}
		}
		w.wait(after, jobs.Completed)
	}
	if n := w.count("SELECT (SELECT count(*) FROM waiting_runs WHERE id <> ?) + (SELECT count(*) FROM working_runs)", ""); n != 0 {
		w.t.Errorf("%d runs that have ended are said to wait or work", n)
	}
}
