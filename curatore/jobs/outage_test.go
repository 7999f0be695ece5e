package jobs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A run that can go on does so after its database was away, however its queue
// retries; another one has failed.
func TestDatabaseAway(t *testing.T) {
	away := func(_ context.Context, task *jobs.Task) (any, error) {
		if task.Run().Attempt < 3 {
			return nil, fmt.Errorf("%w: the server has closed the connection", content.ErrBusy)
		}
		return nil, nil
	}
	eachDatabase(t, []decl{{Type: "goes-on", Resumable: true, Handle: away}, {Type: "once", Handle: away}}, func(w *world) {
		w.start(w.Service)
		goesOn, once := w.submit("goes-on"), w.submit("once")
		for attempt := 1; attempt < 3; attempt++ {
			run := w.until(goesOn, func(r jobs.Run) bool { return r.Status == jobs.Parked && r.Attempt == attempt })
			if wait := time.Until(*run.NotBefore); wait > 3*time.Second || !strings.Contains(run.WaitReason, "of 100 after a failure") {
				w.t.Errorf("it waits %s: %s", wait, run.WaitReason)
			}
			w.exec("UPDATE runs SET not_before = "+w.db.Dialect().Now()+" WHERE id = ?", goesOn)
		}
		if run := w.wait(goesOn, jobs.Completed); run.Attempt != 3 || run.Failures != 2 {
			w.t.Errorf("%d attempts, %d failures", run.Attempt, run.Failures)
		}
		if run := w.wait(once, jobs.Failed); run.Attempt != 1 {
			w.t.Errorf("%d attempts of a run that cannot go on", run.Attempt)
		}
	})
}

// A run that loses its process again and again is given up only when it gets no
// further: a new checkpoint, set before a commit or in it, makes it forget.
func TestLossesAreForgotten(t *testing.T) {
	commits := map[string]func(ctx context.Context, task *jobs.Task) error{
		"before": func(ctx context.Context, task *jobs.Task) error {
			task.SetCheckpoint(1)
			return task.Commit(ctx, nil)
		},
		"inside": func(ctx context.Context, task *jobs.Task) error {
			return task.Commit(ctx, func(context.Context, *database.Tx) error { task.SetCheckpoint(1); return nil })
		},
		"none": func(ctx context.Context, task *jobs.Task) error { return task.Commit(ctx, nil) },
	}
	declared := []decl{{Type: "a", Resumable: true, Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
		return nil, commits[task.Run().Label](ctx, task)
	}}}
	eachDatabase(t, declared, func(w *world) {
		want, ids := map[string]int{"before": 0, "inside": 0, "none": 18}, map[string]string{}
		for label := range want {
			run, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "a", Label: label})
			if err != nil {
				w.t.Fatal(err)
			}
			ids[label] = run.ID
		}
		w.exec("UPDATE runs SET lost = ?", 18)
		w.start(w.Service)
		for label, id := range ids {
			w.wait(id, jobs.Completed)
			if n := w.count("SELECT lost FROM runs WHERE id = ?", id); n != want[label] {
				w.t.Errorf("checkpoint %s: %d losses, want %d", label, n, want[label])
			}
		}
	})
}
