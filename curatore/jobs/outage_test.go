package jobs_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
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
			if wait := time.Until(*run.NotBefore); wait > 3*time.Second || !strings.Contains(run.WaitReason, "of 20 after a failure") {
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
