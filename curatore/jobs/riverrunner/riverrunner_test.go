package riverrunner_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/curatore/jobs/jobstest"
	"github.com/curatore/curatore-go/curatore/jobs/riverrunner"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, c riverrunner.Config) *riverrunner.Runner {
	t.Helper()
	r, err := riverrunner.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func newSchema() string { return "river_" + strings.ToLower(rand.Text()) }

func TestConformance(t *testing.T) {
	url := databasetest.DSN(t, database.Postgres)
	schemas := map[string]string{} // by test
	jobstest.Run(t, jobstest.Config{Databases: []string{database.Postgres}, New: func(t *testing.T, _ *database.DB) jobs.Runner {
		if schemas[t.Name()] == "" {
			schemas[t.Name()] = newSchema()
		}
		return open(t, riverrunner.Config{URL: url, Schema: schemas[t.Name()], Queues: []string{"q"}})
	}})
}

// A log of deliveries.
type log struct {
	mu  sync.Mutex
	got map[string]int
}

func (l *log) deliver(_ context.Context, id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.got == nil {
		l.got = map[string]int{}
	}
	l.got[id]++
	return nil
}

func (l *log) count() (runs, deliveries int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.got {
		deliveries += n
	}
	return len(l.got), deliveries
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen: %s", what)
		}
	}
}

// A process that is not started dispatches to those that are, which share the
// work; a run that waits is not added again.
func TestTwoProcesses(t *testing.T) {
	c := riverrunner.Config{URL: databasetest.DSN(t, database.Postgres), Schema: newSchema(), Queues: []string{"imports"}, PerQueue: 2}
	sender := open(t, c)
	var ids []string
	for i := range 60 {
		ids = append(ids, fmt.Sprintf("run-%d", i))
	}
	for range 3 {
		if err := sender.Dispatch(t.Context(), "imports", ids...); err != nil {
			t.Fatal(err)
		}
	}
	// Each holds its places until the other has work too.
	var logs [2]log
	both := make(chan struct{})
	var once sync.Once
	for i := range logs {
		if err := open(t, c).Start(t.Context(), func(ctx context.Context, id string) error {
			_ = logs[i].deliver(ctx, id)
			if a, _ := logs[0].count(); a > 0 {
				if b, _ := logs[1].count(); b > 0 {
					once.Do(func() { close(both) })
				}
			}
			select {
			case <-both:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "all runs are delivered", func() bool {
		a, _ := logs[0].count()
		b, _ := logs[1].count()
		return a+b == len(ids)
	})
	if _, a := logs[0].count(); a == 0 {
		t.Error("the first process had nothing to do")
	}
	_, a := logs[0].count()
	if _, b := logs[1].count(); a+b != len(ids) {
		t.Errorf("%d deliveries of %d runs", a+b, len(ids))
	}
}

// A run may be dispatched again while it is at work: it was given back.
func TestAgainWhileAtWork(t *testing.T) {
	r := open(t, riverrunner.Config{URL: databasetest.DSN(t, database.Postgres), Schema: newSchema()})
	var l log
	let := make(chan struct{})
	if err := r.Start(t.Context(), func(ctx context.Context, id string) error {
		_ = l.deliver(ctx, id)
		<-let
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	again := 0
	until(t, "the run is delivered twice", func() bool {
		if err := r.Dispatch(t.Context(), "q", "a"); err != nil {
			t.Fatal(err)
		}
		again++
		_, n := l.count()
		return n >= 2
	})
	close(let)
}

// A process that died while it took a run over leaves a job of River's that says
// it is running. It is repeated soon, and no job may run for ever.
func TestJobsAreRescued(t *testing.T) {
	url, schema := databasetest.DSN(t, database.Postgres), newSchema()
	r := open(t, riverrunner.Config{URL: url, Schema: schema})
	if err := r.Dispatch(t.Context(), "q", "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, url).Exec(t.Context(), "UPDATE "+schema+".river_job SET state = 'running', attempt = 1, attempted_at = now() - interval '1 minute', attempted_by = '{dead}'"); err != nil {
		t.Fatal(err)
	}
	var l log
	if err := r.Start(t.Context(), l.deliver); err != nil {
		t.Fatal(err)
	}
	if err := r.Dispatch(t.Context(), "q", "b"); err != nil { // so that it listens to the queue
		t.Fatal(err)
	}
	until(t, "both runs are delivered", func() bool { n, _ := l.count(); return n == 2 })
}

// Names that River does not take are queues all the same.
func TestQueueNames(t *testing.T) {
	r := open(t, riverrunner.Config{URL: databasetest.DSN(t, database.Postgres), Schema: newSchema()})
	var l log
	if err := r.Start(t.Context(), l.deliver); err != nil {
		t.Fatal(err)
	}
	names := []string{"a", "a_b-c", "a__b", "a-", strings.Repeat("long", 30), strings.Repeat("long", 30) + "er"}
	for i, name := range names {
		if err := r.Dispatch(t.Context(), name, fmt.Sprint(i)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	until(t, "each run is delivered", func() bool { n, _ := l.count(); return n == len(names) })
}

func TestOpenIsRefused(t *testing.T) {
	const secret = "canary-password"
	for name, c := range map[string]riverrunner.Config{
		"no Postgres": {URL: "sqlite:a.db"},
		"schema":      {URL: databasetest.DSN(t, database.Postgres), Schema: `a"; DROP`},
	} {
		if _, err := riverrunner.Open(t.Context(), c); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := riverrunner.Config{URL: "postgres://me:" + secret + "@127.0.0.1:1/none"}
	if _, err := riverrunner.Open(t.Context(), c); err == nil || strings.Contains(err.Error(), secret) {
		t.Error(err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", c, c, c, c); strings.Contains(text, secret) {
		t.Error(text)
	}
}

// A run is handed over with the commit of the transaction that stored it, made with
// another driver than River's: neither before nor without it.
func TestHandOver(t *testing.T) {
	url, schema := databasetest.DSN(t, database.Postgres), newSchema()
	db := databasetest.OpenDSN(t, url)
	c := riverrunner.Config{URL: url, Schema: schema}
	sender, queued := service(t, db, open(t, c), true), counting(t, url, "SELECT count(*) FROM "+schema+".river_job")
	var ids []string
	store := func(in *process, end error) {
		t.Helper()
		before := queued()
		if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			for range 3 {
				run, err := in.job.Enqueue(ctx, tx, in.scope, struct{}{}, jobs.Options{})
				if err != nil {
					return err
				}
				ids = append(ids, run.ID)
			}
			if queued() != before {
				t.Error("River has the runs before the commit")
			}
			return end
		}); !errors.Is(err, end) {
			t.Fatal(err)
		}
	}
	rolledBack := errors.New("rolled back")
	store(sender, rolledBack)
	if n := queued(); n != 0 {
		t.Errorf("River has %d jobs of runs that do not exist", n)
	}
	gone := ids
	ids = nil
	store(sender, nil)
	if n := queued(); n != 3 {
		t.Errorf("River has %d jobs of 3 runs", n)
	}
	store(service(t, db, deadRunner{}, true), nil) // ends between the commit and the hand-over
	if n := queued(); n != 3 {
		t.Errorf("River has %d jobs", n)
	}
	worker := service(t, db, open(t, c), false)
	if err := worker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	store(sender, nil)
	for _, id := range ids {
		if run, err := sender.Wait(t.Context(), sender.scope, id); err != nil || run.Status != jobs.Completed || run.Attempt != 1 {
			t.Errorf("%s in attempt %d, %v", run.Status, run.Attempt, err)
		}
	}
	for _, id := range gone {
		if _, err := sender.Get(t.Context(), sender.scope, id); !errors.Is(err, content.ErrNotFound) {
			t.Errorf("a run that was rolled back: %v", err)
		}
	}
}

// A process is a Service with one job that does nothing.
type process struct {
	*jobs.Service
	job   *jobs.Typed[struct{}]
	scope content.Scope
}

// A deadRunner belongs to a process that dies before it can dispatch anything.
type deadRunner struct{ jobs.Runner }

func (deadRunner) Dispatch(context.Context, string, ...string) error { return nil }

func service(t *testing.T, db *database.DB, runner jobs.Runner, sends bool) *process {
	t.Helper()
	if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", "o", "o", time.Unix(0, 0))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	authority := content.NewAuthority()
	c := jobs.Config{DB: db, Authority: authority, Runner: runner, Queues: []jobs.Queue{{Name: "q"}}}
	if sends {
		c.Remote = []string{"*"}
	}
	s, err := jobs.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	job := jobs.Register(s, jobs.Job{Type: "a", Queue: "q"}, func(context.Context, *jobs.Task, struct{}) (any, error) { return nil, nil })
	return &process{s, job, authority.Mint("o", "tester")}
}

// counting returns a function that runs a query for a number, with River's driver.
func counting(t *testing.T, url, query string) func() (n int) {
	t.Helper()
	conn := connect(t, url)
	return func() (n int) {
		t.Helper()
		if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return conn
}

// Connections that are cut, those on which River listens too, and tables that are away
// for a while do not keep a process from working, nor from queues of which it hears
// only then.
func TestRiverAway(t *testing.T) {
	url, schema := databasetest.DSN(t, database.Postgres), newSchema()
	r, admin := open(t, riverrunner.Config{URL: url, Schema: schema, Queues: []string{"q"}}), connect(t, url)
	exec := func(statement string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	var l log
	if err := r.Start(t.Context(), l.deliver); err != nil {
		t.Fatal(err)
	}
	want := 0
	reaches := func(queue string) {
		t.Helper()
		want++
		id := fmt.Sprint(want)
		until(t, "a run of queue "+queue+" is delivered", func() bool {
			_ = r.Dispatch(t.Context(), queue, id) // the sweep tries again
			n, _ := l.count()
			return n == want
		})
	}
	for i := range 3 {
		exec("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		reaches("q")
		reaches(fmt.Sprintf("late-%d", i))
	}
	exec("ALTER SCHEMA " + schema + " RENAME TO away")
	for _, queue := range []string{"q", "new"} {
		if err := r.Dispatch(t.Context(), queue, "lost"); err == nil {
			t.Errorf("queue %s: a dispatch without River's tables is no error", queue)
		}
	}
	exec("ALTER SCHEMA away RENAME TO " + schema)
	reaches("q")
	reaches("new")
}

// Tables of an older version of River's are brought up to date; those with the jobs of
// somebody else are left alone.
func TestTablesThatAreThere(t *testing.T) {
	url, schema := databasetest.DSN(t, database.Postgres), newSchema()
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrator.Migrate(t.Context(), rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{TargetVersion: 3}); err != nil {
		t.Fatal(err)
	}
	c := riverrunner.Config{URL: url, Schema: schema}
	var l log
	r := open(t, c)
	if err := r.Start(t.Context(), l.deliver); err != nil {
		t.Fatal(err)
	}
	if err := r.Dispatch(t.Context(), "q", "a"); err != nil {
		t.Fatal(err)
	}
	until(t, "a run is delivered", func() bool { n, _ := l.count(); return n == 1 })
	if _, err := pool.Exec(t.Context(), "INSERT INTO "+schema+".river_job (kind, args, max_attempts, queue, state) VALUES ('send_mail', '{}', 5, 'default', 'available')"); err != nil {
		t.Fatal(err)
	}
	if other, err := riverrunner.Open(t.Context(), c); !errors.Is(err, content.ErrConflict) || !strings.Contains(err.Error(), "send_mail") {
		t.Errorf("%v %v, want %v", other, err, content.ErrConflict)
	}
}

// Many processes may open the same schema at once.
func TestOpenAtOnce(t *testing.T) {
	c := riverrunner.Config{URL: databasetest.DSN(t, database.Postgres), Schema: newSchema()}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			r, err := riverrunner.Open(t.Context(), c)
			if err == nil {
				err = r.Close()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
