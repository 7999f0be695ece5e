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
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // it was read
	if _, err := conn.Exec(t.Context(), "UPDATE "+schema+".river_job SET state = 'running', attempt = 1, attempted_at = now() - interval '1 minute', attempted_by = '{dead}'"); err != nil {
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
