package jobs_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

func TestCancelPending(t *testing.T) {
	eachDatabase(t, []decl{{Type: "a", Handle: noop}}, func(w *world) {
		id := w.submit("a")
		for _, cause := range []string{"", "again"} { // the second one changes nothing
			if err := w.Cancel(w.t.Context(), w.acme, id, cause); err != nil {
				w.t.Fatal(err)
			}
		}
		run := w.wait(id, jobs.Cancelled)
		if run.Error != "cancelled: by alice" || run.CancelCause != "by alice" || run.FinishedAt == nil || run.StartedAt != nil {
			w.t.Errorf("run %+v", run)
		}
		if diff := cmp.Diff([]string{"cancelled"}, w.events(id)); diff != "" {
			w.t.Error(diff)
		}
		w.start(w.Service)
		done := w.submit("a")
		w.wait(done, jobs.Completed)
		if err := w.Cancel(w.t.Context(), w.acme, done, ""); !errors.Is(err, content.ErrConflict) || !strings.Contains(err.Error(), "it is completed") {
			w.t.Errorf("cancelling what has completed: %v", err)
		}
		if run := w.get(id); run.Status != jobs.Cancelled || run.Attempt != 0 {
			w.t.Errorf("the cancelled run was started: %+v", run)
		}
	})
}

// A run at work is cancelled through its context, with the cause, from its own
// process and from another one, and keeps its partial result.
func TestCancelRunning(t *testing.T) {
	began := make(chan *jobs.Task, 1)
	causes := make(chan error, 1)
	declared := []decl{{Type: "a", Resumable: true, Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
		result, err := untilDone(began)(ctx, task)
		causes <- context.Cause(ctx)
		return result, err
	}}}
	for _, from := range []string{"this process", "another process"} {
		t.Run(from, func(t *testing.T) {
			databasetestRun(t, func(w *world) {
				w.Service = w.service(config{Jobs: declared, Poll: time.Hour}) // it hears of it without a sweep
				w.start(w.Service)
				id := w.submit("a")
				<-began
				canceller := w.Service
				if from == "another process" {
					canceller = w.service(config{Jobs: declared}) // not started
				}
				for _, cause := range []string{"the wrong file", "again"} {
					if err := canceller.Cancel(w.t.Context(), w.acme, id, cause); err != nil {
						w.t.Fatal(err)
					}
				}
				if cause := <-causes; !errors.Is(cause, jobs.ErrCancelled) || !errors.Is(cause, context.Canceled) || cause.Error() != "cancelled: the wrong file" {
					w.t.Errorf("the cause of the context: %v", cause)
				}
				run := w.wait(id, jobs.Cancelled)
				if run.Error != "cancelled: the wrong file" || run.CancelCause != "the wrong file" || strings.ReplaceAll(string(run.Result), " ", "") != `{"seen":3}` {
					w.t.Errorf("run %+v", run)
				}
				if diff := cmp.Diff([]string{"cancel_requested", "cancelled"}, w.events(id)); diff != "" {
					w.t.Error(diff)
				}
			})
		})
	}
}

// A commit of a cancelled run is refused with the cause, also before its
// process has heard of it.
func TestCommitOfACancelledRun(t *testing.T) {
	inside(t, config{Poll: time.Hour}, func(w *world, ctx context.Context, task *jobs.Task) error {
		w.exec("UPDATE runs SET cancel_cause = 'no longer needed' WHERE id = ?", task.Run().ID) // as another process does
		task.Info("kept", "kept", nil)
		err := task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error { return effect(ctx, tx, "1") })
		if !errors.Is(err, jobs.ErrCancelled) || !strings.Contains(err.Error(), "no longer needed") || ctx.Err() == nil {
			w.t.Errorf("commit: %v; context: %v", err, ctx.Err())
		}
		return err
	}, func(w *world, run jobs.Run) {
		if run.Status != jobs.Cancelled || run.Error != "cancelled: no longer needed" || w.count(countEffects, "%") != 0 {
			w.t.Errorf("the run is %s (%s) with %d effects", run.Status, run.Error, w.count(countEffects, "%"))
		}
		if diff := cmp.Diff([]string{"kept", "cancelled"}, w.events(run.ID)); diff != "" {
			w.t.Error(diff)
		}
	})
}

// A job that completes in spite of a cancellation is completed.
func TestCancelTooLate(t *testing.T) {
	inside(t, config{}, func(w *world, _ context.Context, task *jobs.Task) error {
		return w.Cancel(w.t.Context(), w.acme, task.Run().ID, "too late")
	}, func(w *world, run jobs.Run) {
		if run.Status != jobs.Completed || run.Error != "" {
			w.t.Errorf("the run is %s (%s)", run.Status, run.Error)
		}
	})
}

// What is cancelled with a run: its children at work, with one cause wherever they
// are told it, and what those have started that ended before. One that cannot be
// cancelled goes on, with what it has started.
func TestCancelFamily(t *testing.T) {
	began := make(chan *jobs.Task, 4)
	let := make(chan bool)
	declared := []decl{
		{Type: "long", Handle: untilDone(began)},
		{Type: "short", Handle: noop},
		{Type: "strict", Queue: "strict", Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
			began <- task
			select {
			case <-let:
				return nil, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}},
	}
	databasetestRun(t, func(w *world) {
		w.Service = w.service(config{Jobs: declared, Queues: []jobs.Queue{{Name: "q"}, {Name: "strict", NoCancel: true}}})
		w.start(w.Service)
		child := func(kind, parent string, o jobs.Options) string {
			o.Parent = parent
			run, err := w.Submit(w.t.Context(), w.acme, newRun{Type: kind, Options: o})
			if err != nil {
				w.t.Fatal(err)
			}
			return run.ID
		}
		later := jobs.Options{NotBefore: time.Now().Add(time.Hour)}
		parent := w.submit("long")
		atWork, strict := child("long", parent, jobs.Options{}), child("strict", parent, jobs.Options{})
		ofStrict := child("short", strict, later)
		ended := child("short", parent, jobs.Options{})
		for range 3 {
			<-began
		}
		w.wait(ended, jobs.Completed)
		endedToo := child("short", ended, jobs.Options{})
		w.wait(endedToo, jobs.Completed)
		ofEnded := child("short", endedToo, later)
		if err := w.Cancel(w.t.Context(), w.acme, parent, "enough"); err != nil {
			w.t.Fatal(err)
		}
		w.wait(parent, jobs.Cancelled)
		for _, id := range []string{atWork, ofEnded} {
			const want = "with the run that started it: enough"
			if run := w.wait(id, jobs.Cancelled); run.Error != "cancelled: "+want || run.CancelCause != want {
				w.t.Errorf("a child: %q, %q", run.Error, run.CancelCause)
			}
		}
		let <- true
		w.wait(strict, jobs.Completed)
		if run := w.get(ofStrict); run.Status != jobs.Pending {
			w.t.Errorf("the child of a run that goes on is %s", run.Status)
		}
	})
}

// The context of a synchronous caller ends: the run is cancelled.
func TestWaitOrCancel(t *testing.T) {
	began := make(chan *jobs.Task, 1)
	declared := []decl{{Type: "long", Handle: untilDone(began)}, {Type: "short", Handle: noop}}
	eachDatabase(t, declared, func(w *world) {
		w.start(w.Service)
		if run, err := w.WaitOrCancel(deadline(w.t), w.acme, w.submit("short")); err != nil || run.Status != jobs.Completed {
			w.t.Errorf("without a cancellation: %s, %v", run.Status, err)
		}
		for _, c := range []struct {
			cause error
			want  string
		}{
			{nil, "cancelled: its caller was interrupted"},
			{errors.New("the user pressed Ctrl-C"), "cancelled: the user pressed Ctrl-C"},
		} {
			ctx, cancel := context.WithCancelCause(deadline(w.t))
			id := w.submit("long")
			go func() {
				<-began
				cancel(c.cause)
			}()
			run, err := w.WaitOrCancel(ctx, w.acme, id)
			if run.Status != jobs.Cancelled || run.Error != c.want || !errors.Is(err, context.Cause(ctx)) {
				w.t.Errorf("the run is %s (%s), the error %v", run.Status, run.Error, err)
			}
		}
	})
}

// A Runner that gives up a delivery cancels the run, unless the process stops.
func TestDeliveryIsCancelled(t *testing.T) {
	began := make(chan *jobs.Task, 1)
	declared := []decl{{Type: "a", Handle: untilDone(began)}, {Type: "b", Resumable: true, Handle: untilDone(began)}}
	eachDatabase(t, declared, func(w *world) {
		runner := &manualRunner{}
		w.start(w.service(config{Runner: runner, Jobs: declared}))
		for _, c := range []struct {
			kind   string
			cause  error
			status jobs.Status
			error  string
		}{
			{"a", errors.New("the request ended"), jobs.Cancelled, "cancelled: the request ended"},
			{"a", jobs.ErrStopped, jobs.Failed, "the process was stopped; start it again"},
			{"b", jobs.ErrStopped, jobs.Pending, ""},
		} {
			id := w.submit(c.kind)
			ctx, cancel := context.WithCancelCause(w.t.Context())
			go func() {
				<-began
				cancel(c.cause)
			}()
			if err := runner.deliver(ctx, id); err != nil {
				w.t.Error(err)
			}
			if run := w.until(id, func(r jobs.Run) bool { return r.Status == c.status }); run.Error != c.error {
				w.t.Errorf("%s after %v: %s (%s), want %s (%s)", c.kind, c.cause, run.Status, run.Error, c.status, c.error)
			}
		}
	})
}
