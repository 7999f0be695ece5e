package jobs_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// The effects of a job and the end of its run are stored together or not at all: a
// process that dies in between leaves neither, one that dies behind them both.
func TestComplete(t *testing.T) {
	var calls atomic.Int64
	var w *world
	no := errors.New("no")
	declared := []decl{{Type: "a", Job: jobs.Job{Retry: quickly}, Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
		calls.Add(1)
		task.Progress("storing", 1, 1)
		task.Info("before", "before", nil)
		if err := task.Complete(ctx, 1, func(ctx context.Context, tx *database.Tx) error { return errors.Join(effect(ctx, tx, "1"), no) }); !errors.Is(err, no) {
			w.t.Errorf("Complete: %v, want the error of the function", err)
		}
		if run := w.get(task.Run().ID); run.Status != jobs.Running || w.count(countEffects, "%") != 0 {
			w.t.Errorf("after a rollback the run is %s, with %d effects", run.Status, w.count(countEffects, "%"))
		}
		if err := task.Complete(ctx, make(chan int), nil); err == nil {
			w.t.Error("a result that cannot be stored is accepted")
		}
		err := task.Complete(ctx, "all", func(ctx context.Context, tx *database.Tx) error {
			task.Info("inside", "inside", nil)
			return effect(ctx, tx, "1")
		})
		if err != nil {
			return nil, err
		}
		if run := w.get(task.Run().ID); run.Status != jobs.Completed || string(run.Result) != `"all"` || run.Phase != "storing" || run.FinishedAt == nil || w.count(countEffects, "%") != 1 {
			w.t.Errorf("after Complete: %+v, %d effects", run, w.count(countEffects, "%"))
		}
		ctx = context.WithoutCancel(ctx) // the process stops meanwhile
		for _, err := range []error{task.Commit(ctx, nil), task.Complete(ctx, 2, nil)} {
			if !errors.Is(err, content.ErrSuperseded) {
				w.t.Errorf("a commit behind the end: %v", err)
			}
		}
		panic("too late to fail")
	}}, {Type: "after", Handle: noop}}
	eachDatabase(t, declared, func(world *world) {
		w = world
		calls.Store(0)
		w.start(w.Service)
		var g jobs.Group
		var run, after *jobs.Run
		w.write(func(ctx context.Context, tx *database.Tx) (err error) {
			if g, err = w.NewGroup(ctx, tx, w.acme, "g"); err != nil {
				return err
			}
			if run, err = w.Enqueue(ctx, tx, w.acme, newRun{Type: "a", Options: jobs.Options{Group: g.ID}}); err != nil {
				return err
			}
			if after, err = w.Enqueue(ctx, tx, w.acme, newRun{Type: "after", Options: jobs.Options{After: g.ID}}); err != nil {
				return err
			}
			return w.SealGroup(ctx, tx, w.acme, g.ID)
		})
		w.wait(after.ID, jobs.Completed)
		if err := w.Stop(deadline(w.t)); err != nil {
			w.t.Fatal(err)
		}
		if got := w.wait(run.ID, jobs.Completed); string(got.Result) != `"all"` || got.Error != "" || got.Failures != 0 || calls.Load() != 1 {
			w.t.Errorf("%+v after %d calls", got, calls.Load())
		}
		if diff := cmp.Diff([]string{"before", "inside", "completed"}, w.events(run.ID)); diff != "" {
			w.t.Error(diff)
		}
	})
}

// A run that was cancelled meanwhile is not completed, and has no effects.
func TestCompleteOfACancelledRun(t *testing.T) {
	inside(t, config{}, func(w *world, ctx context.Context, task *jobs.Task) error {
		w.exec("UPDATE runs SET cancel_cause = 'no longer needed' WHERE id = ?", task.Run().ID)
		err := task.Complete(context.WithoutCancel(ctx), nil, func(ctx context.Context, tx *database.Tx) error { return effect(ctx, tx, "1") })
		if !errors.Is(err, jobs.ErrCancelled) || !strings.Contains(err.Error(), "no longer needed") {
			w.t.Errorf("Complete: %v", err)
		}
		return err
	}, func(w *world, run jobs.Run) {
		if run.Status != jobs.Cancelled || w.count(countEffects, "%") != 0 {
			w.t.Errorf("the run is %s, with %d effects", run.Status, w.count(countEffects, "%"))
		}
	})
}
