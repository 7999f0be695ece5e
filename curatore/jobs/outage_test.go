package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
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

// hangingUp returns a function that changes the world's database, on Postgres, and
// then ends all connections to it, whatever they do. Statements have %q for its name.
func (w *world) hangingUp() func(statements ...string) {
	w.t.Helper()
	admin := databasetest.Open(w.t, database.Postgres)
	name := databasetest.Lines(w.t, w.db, "SELECT current_database()")[0]
	write := func(do func(ctx context.Context, tx *database.Tx) error) {
		w.t.Helper()
		if err := admin.Write(w.t.Context(), do); err != nil {
			w.t.Fatal(err)
		}
	}
	return func(statements ...string) {
		w.t.Helper()
		for _, s := range statements {
			write(func(ctx context.Context, tx *database.Tx) error { return tx.Run(ctx, fmt.Sprintf(s, name)) })
		}
		write(func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = ?", name)
			return err
		})
	}
}

// Processes whose connections are cut, those also on which they listen, hear of each
// other again without waiting for a sweep, of what was told meanwhile too.
func TestTheServerHangsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.Open(t, database.Postgres))
	began := make(chan *jobs.Task, 1)
	declared := []decl{{Type: "a", Handle: noop}, {Type: "b", Handle: untilDone(began)}}
	worker := w.service(config{Jobs: declared, Poll: time.Hour, Lease: time.Hour})
	w.Service = w.service(config{Jobs: declared, Remote: []string{"*"}, Poll: time.Hour, Lease: time.Hour})
	w.start(worker, w.Service)
	hangUp := w.hangingUp()
	for range 3 {
		hangUp()
		w.wait(w.submit("a"), jobs.Completed)
		id := w.submit("b")
		<-began
		hangUp()
		if err := w.Cancel(w.t.Context(), w.acme, id, "enough"); err != nil {
			t.Fatal(err)
		}
		w.wait(id, jobs.Cancelled)
	}
}

// A server that takes no writes for a while, such as one that a replica stands in
// for, neither ends a run nor loses one.
func TestReadOnlyForAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.Open(t, database.Postgres))
	ready, refused := make(chan bool), make(chan error, 100)
	w.Service = w.service(config{Lease: 4 * time.Second, Jobs: []decl{{Type: "a", Resumable: true, Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
		if task.Run().Attempt == 1 {
			ready <- true
			<-ready
		}
		err := task.Commit(ctx, nil)
		if err != nil {
			refused <- err
		}
		return nil, err
	}}, {Type: "b", Handle: noop}}})
	w.start(w.Service)
	id := w.submit("a")
	<-ready
	hangUp := w.hangingUp()
	hangUp("ALTER DATABASE %q SET default_transaction_read_only = on")
	ready <- true
	if err := <-refused; !errors.Is(err, content.ErrNoWrites) {
		t.Errorf("%v, want %v", err, content.ErrNoWrites)
	}
	if _, err := w.Submit(t.Context(), w.acme, newRun{Type: "b"}); !errors.Is(err, content.ErrNoWrites) {
		t.Errorf("Submit: %v, want %v", err, content.ErrNoWrites)
	}
	// Until its lease has run out.
	for until := deadline(t); w.count("SELECT count(*) FROM runs WHERE lease_until > "+w.db.Dialect().Now()) > 0 && until.Err() == nil; time.Sleep(10 * time.Millisecond) {
	}
	if run := w.get(id); run.Status != jobs.Running {
		t.Errorf("it is %s where nothing can be written", run.Status)
	}
	hangUp("ALTER DATABASE %q RESET default_transaction_read_only")
	if run := w.wait(id, jobs.Completed); run.Attempt != 2 {
		t.Errorf("%d attempts", run.Attempt)
	}
	if got := w.events(id); !slices.Contains(got, jobs.EventRetry) {
		t.Errorf("its events are %v", got)
	}
}
