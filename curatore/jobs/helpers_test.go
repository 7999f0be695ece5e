package jobs_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/curatore/jobs/localrunner"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is a database with two organizations and a service on it.
type world struct {
	t         *testing.T
	db        *database.DB
	authority *content.Authority
	acme      content.Scope // of alice
	other     content.Scope // of bob, in another organization
	*jobs.Service
}

// eachDatabase runs a test on both databases with the given jobs, which wait in
// queue "q" unless they name another one. The service is not started.
func eachDatabase(t *testing.T, declared []jobs.Job, test func(w *world)) {
	t.Helper()
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.Service = w.service(jobs.Config{Jobs: declared})
		test(w)
	})
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, authority: content.NewAuthority()}
	for _, name := range []string{"acme", "other"} {
		w.exec("INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", name, name, db.Dialect().Time(time.Unix(0, 0)))
	}
	w.acme, w.other = w.authority.Mint("acme", "alice"), w.authority.Mint("other", "bob")
	return w
}

// service makes a service on the world's database, with short times. It is
// stopped at the end of the test.
func (w *world) service(c jobs.Config) *jobs.Service {
	w.t.Helper()
	c.DB, c.Authority = w.db, w.authority
	if c.Runner == nil {
		c.Runner = localrunner.New(localrunner.Config{})
	}
	if c.Queues == nil {
		c.Queues = []jobs.Queue{{Name: "q"}}
	}
	if c.Poll == 0 {
		c.Poll = 20 * time.Millisecond
	}
	declared := append([]jobs.Job(nil), c.Jobs...)
	for i := range declared {
		if declared[i].Queue == "" {
			declared[i].Queue = "q"
		}
	}
	c.Jobs = declared
	s, err := jobs.New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := s.Stop(deadline(w.t)); err != nil {
			w.t.Error(err)
		}
	})
	return s
}

func (w *world) start(services ...*jobs.Service) {
	w.t.Helper()
	for _, s := range services {
		if err := s.Start(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// submit stores and dispatches a run of alice.
func (w *world) submit(kind string) string {
	w.t.Helper()
	run, err := w.Submit(w.t.Context(), w.acme, jobs.NewRun{Type: kind})
	if err != nil {
		w.t.Fatal(err)
	}
	return run.ID
}

// wait waits for the end of a run of alice and demands a status.
func (w *world) wait(id string, want jobs.Status) jobs.Run {
	w.t.Helper()
	run, err := w.Wait(deadline(w.t), w.acme, id)
	if err != nil {
		w.t.Fatalf("wait for the run, which is %s: %v", run.Status, err)
	}
	if run.Status != want {
		w.t.Fatalf("the run is %s (%s), want %s", run.Status, run.Error, want)
	}
	return run
}

// get reads a run of alice.
func (w *world) get(id string) jobs.Run {
	w.t.Helper()
	run, err := w.Get(w.t.Context(), w.acme, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return run
}

// events returns the types of a run's events.
func (w *world) events(id string) (types []string) {
	w.t.Helper()
	for _, e := range w.eventRows(id) {
		types = append(types, e.Type)
	}
	return types
}

func (w *world) eventRows(id string) []jobs.Event {
	w.t.Helper()
	events, err := w.Events(w.t.Context(), w.acme, id, 0, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return events
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	err := w.db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// count runs a query for a number.
func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	err := w.db.Read(w.t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, query, args...).Scan(&n)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// orphan makes a run look like that of a process which died: it is at work by
// the table, and its lease has run out.
func (w *world) orphan(id string, attempt int) {
	w.t.Helper()
	w.exec("UPDATE runs SET status = 'running', attempt = ?, fence = fence + 1, lease_until = "+w.db.Dialect().After()+" WHERE id = ?", attempt, -1, id)
}

// deadline bounds what should not take long, so that a mistake fails a test
// instead of hanging it.
func deadline(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(t.Context()), 30*time.Second, errors.New("the test took too long"))
	t.Cleanup(cancel)
	return ctx
}

// untilDone is a job that tells when it began, and ends with its context.
func untilDone(began chan<- *jobs.Task) func(context.Context, *jobs.Task) (any, error) {
	return func(ctx context.Context, task *jobs.Task) (any, error) {
		began <- task
		<-ctx.Done()
		return map[string]int{"seen": 3}, ctx.Err()
	}
}

func noop(context.Context, *jobs.Task) (any, error) { return nil, nil }

func openSQLite(t *testing.T) *database.DB { return databasetest.Open(t, database.SQLite) }
