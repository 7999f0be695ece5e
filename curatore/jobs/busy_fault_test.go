package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// Another program that keeps the file of an SQLite database locked, longer than anybody
// waits for it, loses no run: those that wait run afterwards, those that can go on do.
func TestFileIsBusy(t *testing.T) {
	t.Parallel() // most of it is waiting
	dsn := databasetest.DSN(t, database.SQLite)
	w := newWorld(t, databasetest.OpenDSN(t, dsn))
	began, goOn, refused := make(chan bool), make(chan bool), make(chan error, 1)
	w.Service = w.service(config{Lease: time.Second, Jobs: []decl{{Type: "waits", Handle: noop}, {Type: "works", Resumable: true, Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
		if task.Run().Attempt == 1 {
			began <- true
			<-goOn
			err := task.Commit(ctx, nil)
			refused <- err
			return nil, err
		}
		return nil, task.Commit(ctx, nil)
	}}, {Type: "ends", Handle: func(context.Context, *jobs.Task) (any, error) {
		began <- true
		<-goOn
		return "done", nil
	}}}})
	w.start(w.Service)
	works := w.submit("works")
	<-began
	ends := w.submit("ends")
	<-began
	waits, err := w.Submit(t.Context(), w.acme, newRun{Type: "waits", Options: jobs.Options{NotBefore: time.Now().Add(time.Second)}})
	if err != nil {
		t.Fatal(err)
	}
	other := databasetest.OpenDSN(t, dsn)
	if err := other.Write(t.Context(), func(context.Context, *database.Tx) error {
		goOn <- true
		goOn <- true
		if err := <-refused; !errors.Is(err, content.ErrBusy) && !errors.Is(err, content.ErrSuperseded) {
			t.Errorf("Commit: %v, want %v", err, content.ErrBusy)
		}
		if _, err := w.Submit(t.Context(), w.acme, newRun{Type: "waits"}); !errors.Is(err, content.ErrBusy) {
			t.Errorf("Submit: %v, want %v", err, content.ErrBusy)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if run := w.wait(waits.ID, jobs.Completed); run.Attempt != 1 {
		t.Errorf("%d attempts of a run that had only to wait", run.Attempt)
	}
	if run := w.wait(works, jobs.Completed); run.Attempt < 2 {
		t.Errorf("%d attempts of a run whose commit was refused", run.Attempt)
	}
	if run := w.wait(ends, jobs.Completed); string(run.Result) != `"done"` {
		t.Errorf("%+v", run)
	}
}
