package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A process that was taken for dead comes back while the next attempt is at work: it
// can store neither effects nor an end, and that attempt does not notice.
func TestBackFromTheDead(t *testing.T) {
	began, goOn, refused := make(chan int, 2), make(chan bool), make(chan error, 1)
	declared := []decl{{Type: "a", Resumable: true, Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
		attempt := task.Run().Attempt
		began <- attempt
		<-goOn
		err := task.Commit(context.WithoutCancel(ctx), func(ctx context.Context, tx *database.Tx) error { return effect(ctx, tx, task.Run().Type) })
		if attempt == 1 {
			refused <- err
			return attempt, nil // as if nothing had been refused
		}
		return attempt, err
	}}}
	databasetestRun(t, func(w *world) {
		w.Service = w.service(config{Jobs: declared, Lease: time.Hour}) // too long for a heartbeat
		w.start(w.Service)
		id := w.submit("a")
		<-began
		w.exec("UPDATE runs SET lease_until = "+w.db.Dialect().After()+" WHERE id = ?", -1, id)
		next := w.service(config{Jobs: declared, Lease: time.Hour})
		w.start(next)
		<-began
		goOn <- true
		if err := <-refused; !errors.Is(err, content.ErrSuperseded) {
			w.t.Errorf("the commit of the first attempt: %v, want %v", err, content.ErrSuperseded)
		}
		if err := w.Stop(deadline(w.t)); err != nil { // its end would be stored by now
			w.t.Error(err)
		}
		if run := w.get(id); run.Status != jobs.Running || run.Attempt != 2 || run.Result != nil || w.count(countEffects, "%") != 0 {
			w.t.Errorf("the first attempt changed the run: %+v, %d effects", run, w.count(countEffects, "%"))
		}
		goOn <- true
		w.Service = next
		if run := w.wait(id, jobs.Completed); string(run.Result) != "2" || w.count(countEffects, "%") != 1 {
			w.t.Errorf("%s in attempt %d, %d effects", run.Result, run.Attempt, w.count(countEffects, "%"))
		}
		if diff := cmp.Diff([]string{jobs.EventReleased, jobs.EventResumed, jobs.EventCompleted}, w.events(id)); diff != "" {
			w.t.Error(diff)
		}
	})
}
