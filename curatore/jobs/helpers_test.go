package jobs_test

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
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
	typed     map[*jobs.Service]map[string]*jobs.Typed[any]
	*jobs.Service
}

// eachDatabase runs a test on both databases with the given jobs, which wait in
// queue "q" unless they name another one. The service is not started.
func eachDatabase(t *testing.T, declared []decl, test func(w *world)) {
	t.Helper()
	t.Parallel() // with other tests: most of the time is waiting
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db)
		w.Service = w.service(config{Jobs: declared})
		test(w)
	})
}

func newWorld(t *testing.T, db *database.DB) *world {
	t.Helper()
	w := &world{t: t, db: db, authority: content.NewAuthority(), typed: map[*jobs.Service]map[string]*jobs.Typed[any]{}}
	for _, name := range []string{"acme", "other"} {
		w.exec("INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", name, name, db.Dialect().Time(time.Unix(0, 0)))
	}
	w.acme, w.other = w.authority.Mint("acme", "alice"), w.authority.Mint("other", "bob")
	return w
}

// A decl is a job whose arguments the test does not look at.
type decl struct {
	jobs.Job
	Type, Label, Queue string
	Timeout            time.Duration
	Resumable          bool
	Accept             func(jobs.Run) bool
	Handle             func(context.Context, *jobs.Task) (any, error)
}

// A config is jobs.Config with jobs.
type config struct {
	Jobs               []decl
	Queues             []jobs.Queue
	Runner             jobs.Runner
	Remote             []string
	Poll, Lease, Drain time.Duration
	TooOld             time.Duration
	Now                func() time.Time
	Alarm              func(jobs.Alarm)
	FailPoint          func(string)
	Logger             *slog.Logger
}

// newRun says what to run.
type newRun struct {
	Type, Label string
	Config      any
	jobs.Options
}

// service makes a service on the world's database, with short times. It is
// stopped at the end of the test.
func (w *world) service(c config) *jobs.Service {
	w.t.Helper()
	s := w.newService(c)
	w.t.Cleanup(func() {
		if err := s.Stop(deadline(w.t)); err != nil {
			w.t.Error(err)
		}
	})
	return s
}

func (w *world) newService(c config) *jobs.Service {
	w.t.Helper()
	full := jobs.Config{DB: w.db, Authority: w.authority, Runner: c.Runner, Queues: c.Queues, Remote: c.Remote, Poll: c.Poll, Lease: c.Lease,
		Drain: c.Drain, TooOld: c.TooOld, Now: c.Now, Alarm: c.Alarm, FailPoint: c.FailPoint, Logger: c.Logger, Random: func() float64 { return 0.5 }}
	if full.Runner == nil {
		full.Runner = localrunner.New(localrunner.Config{})
	}
	if full.Queues == nil {
		full.Queues = []jobs.Queue{{Name: "q"}}
	}
	if full.Poll == 0 {
		full.Poll = 20 * time.Millisecond
	}
	s, err := jobs.New(full)
	if err != nil {
		w.t.Fatal(err)
	}
	w.typed[s] = map[string]*jobs.Typed[any]{}
	for _, d := range c.Jobs {
		j := d.Job
		j.Type, j.Label, j.Queue = cmp.Or(j.Type, d.Type), cmp.Or(j.Label, d.Label), cmp.Or(j.Queue, d.Queue, "q")
		j.Timeout, j.Resumable = max(j.Timeout, d.Timeout), j.Resumable || d.Resumable
		if d.Accept != nil {
			j.Accept = d.Accept
		}
		var handle func(context.Context, *jobs.Task, any) (any, error)
		if d.Handle != nil {
			handle = func(ctx context.Context, task *jobs.Task, _ any) (any, error) { return d.Handle(ctx, task) }
		}
		w.typed[s][j.Type] = jobs.Register(s, j, handle)
	}
	return s
}

// Enqueue stores a run of a job of the world's service.
func (w *world) Enqueue(ctx context.Context, tx *database.Tx, scope content.Scope, n newRun) (*jobs.Run, error) {
	n.Options.Label = cmp.Or(n.Options.Label, n.Label)
	return w.typed[w.Service][n.Type].Enqueue(ctx, tx, scope, n.Config, n.Options)
}

// Submit does so in a transaction of its own.
func (w *world) Submit(ctx context.Context, scope content.Scope, n newRun) (*jobs.Run, error) {
	n.Options.Label = cmp.Or(n.Options.Label, n.Label)
	return w.typed[w.Service][n.Type].Submit(ctx, scope, n.Config, n.Options)
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
	run, err := w.Submit(w.t.Context(), w.acme, newRun{Type: kind})
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

// databasetestRun runs a test on both databases, for which it makes a service.
func databasetestRun(t *testing.T, test func(w *world)) {
	t.Helper()
	t.Parallel()
	databasetest.Run(t, func(t *testing.T, db *database.DB) { test(newWorld(t, db)) })
}

// why tells why a run of alice waits.
func (w *world) why(id string) jobs.Wait {
	w.t.Helper()
	why, err := w.Why(w.t.Context(), w.acme, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return why
}

// until waits for a run of alice to be as it should.
func (w *world) until(id string, is func(jobs.Run) bool) jobs.Run {
	w.t.Helper()
	for ctx := deadline(w.t); ; time.Sleep(2 * time.Millisecond) {
		run := w.get(id)
		if is(run) {
			return run
		}
		if ctx.Err() != nil {
			w.t.Fatalf("the run does not become what it should: %+v", run)
		}
	}
}

func (w *world) write(do func(ctx context.Context, tx *database.Tx) error) {
	w.t.Helper()
	if err := w.db.Write(w.t.Context(), do); err != nil {
		w.t.Fatal(err)
	}
}

func isNotFound(err error) bool { return errors.Is(err, content.ErrNotFound) }
