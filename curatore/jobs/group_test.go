package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A group of many runs, which end at once in two processes in every way, is
// complete once, and what waits for it begins once, when all have ended.
func TestGroupCompletesOnce(t *testing.T) {
	const runs = 60
	var ended, early, after atomic.Int64
	var w *world
	declared := []decl{
		{Type: "member", Handle: func(_ context.Context, task *jobs.Task) (any, error) {
			defer ended.Add(1)
			switch task.Run().Label {
			case "1":
				return nil, errors.New("fails")
			case "2":
				panic("panics")
			}
			return nil, nil
		}},
		{Type: "after", Handle: func(context.Context, *jobs.Task) (any, error) {
			if ended.Load() < runs {
				early.Add(1)
			}
			after.Add(1)
			return nil, nil
		}},
	}
	eachDatabase(t, declared, func(world *world) {
		w = world
		ended.Store(0)
		early.Store(0)
		after.Store(0)
		w.start(w.Service, w.service(config{Jobs: declared}))
		var g jobs.Group
		var last *jobs.Run
		w.write(func(ctx context.Context, tx *database.Tx) (err error) {
			if g, err = w.NewGroup(ctx, tx, w.acme, "files"); err != nil {
				return err
			}
			last, err = w.Enqueue(ctx, tx, w.acme, newRun{Type: "after", Options: jobs.Options{After: g.ID}})
			return err
		})
		for i := range runs {
			if _, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "member", Label: fmt.Sprint(i % 5), Options: jobs.Options{Group: g.ID}}); err != nil {
				w.t.Fatal(err)
			}
		}
		if why := w.why(last.ID); why.Reason != jobs.ForGroup {
			w.t.Errorf("%+v", why)
		}
		w.write(func(ctx context.Context, tx *database.Tx) error { return w.SealGroup(ctx, tx, w.acme, g.ID) })
		w.wait(last.ID, jobs.Completed)
		g, err := w.Group(w.t.Context(), w.acme, g.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		want := map[jobs.Status]int{jobs.Completed: runs * 3 / 5, jobs.Failed: runs * 2 / 5}
		if diff := cmp.Diff(want, g.Counts); diff != "" || g.CompletedAt == nil || g.Total() != runs {
			w.t.Errorf("%+v: %s", g, diff)
		}
		if early.Load() != 0 || after.Load() != 1 || ended.Load() != runs {
			w.t.Errorf("what waits was called %d times, %d of them early; %d members", after.Load(), early.Load(), ended.Load())
		}
		if _, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "member", Options: jobs.Options{Group: g.ID}}); !errors.Is(err, content.ErrConflict) {
			w.t.Errorf("joining a complete group: %v", err)
		}
		if run, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "after", Options: jobs.Options{After: g.ID}}); err != nil || run.Status != jobs.Pending {
			w.t.Errorf("waiting for a complete group: %v %v", run, err)
		}
		if _, err := w.Group(w.t.Context(), w.other, g.ID); !errors.Is(err, content.ErrNotFound) {
			w.t.Errorf("another organization reads it: %v", err)
		}
	})
}

// A group without runs is complete when it is sealed; one whose last run is
// cancelled, then.
func TestGroupsThatEndOddly(t *testing.T) {
	eachDatabase(t, []decl{{Type: "a", Handle: noop}}, func(w *world) {
		var empty, cancelled jobs.Group
		w.write(func(ctx context.Context, tx *database.Tx) (err error) {
			if empty, err = w.NewGroup(ctx, tx, w.acme, "empty"); err != nil {
				return err
			}
			if cancelled, err = w.NewGroup(ctx, tx, w.acme, "cancelled"); err != nil {
				return err
			}
			return w.SealGroup(ctx, tx, w.acme, empty.ID)
		})
		run, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "a", Options: jobs.Options{Group: cancelled.ID}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.write(func(ctx context.Context, tx *database.Tx) error { return w.SealGroup(ctx, tx, w.acme, cancelled.ID) })
		if g, err := w.Group(w.t.Context(), w.acme, cancelled.ID); err != nil || g.CompletedAt != nil || g.Counts[jobs.Pending] != 1 {
			w.t.Errorf("%+v %v", g, err)
		}
		if err := w.Cancel(w.t.Context(), w.acme, run.ID, ""); err != nil {
			w.t.Fatal(err)
		}
		for _, id := range []string{empty.ID, cancelled.ID} {
			if g, err := w.Group(w.t.Context(), w.acme, id); err != nil || g.CompletedAt == nil {
				w.t.Errorf("%+v %v", g, err)
			}
		}
	})
}
