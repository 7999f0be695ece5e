// Package benchmarks measures runs beside the jobs of River, on the same
// database and in the same minute.
package benchmarks

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/curatore/jobs/localrunner"
)

const (
	burned  = 10_000
	workers = 100 // of both, which is also what River's documentation shows
)

// BenchmarkBurnDown works off 10,000 runs of nothing that were stored beforehand:
// jobs of bare River on Postgres, runs on Postgres and runs on SQLite, in several
// rounds. The ratios are those to River's rate in the same round, of which the median
// counts. What a server has to tidy up after one slows the next, so every other round
// goes backwards.
func BenchmarkBurnDown(b *testing.B) {
	burns := [3]func() float64{
		func() float64 { return burnRiver(b) },
		func() float64 { return burnRuns(b, database.Postgres) },
		func() float64 { return burnRuns(b, database.SQLite) },
	}
	var rates, ratios [3][]float64
	for round := range rounds * b.N {
		var now [3]float64
		for i := range now {
			if round%2 == 1 {
				i = len(now) - 1 - i
			}
			now[i] = burns[i]()
		}
		for i, rate := range now {
			rates[i], ratios[i] = append(rates[i], rate), append(ratios[i], rate/now[0])
		}
	}
	b.ReportMetric(median(rates[0]), "river/s")
	b.ReportMetric(median(rates[1]), "postgres/s")
	b.ReportMetric(median(rates[2]), "sqlite/s")
	b.ReportMetric(median(ratios[1]), "postgres:river")
	b.ReportMetric(median(ratios[2]), "sqlite:river")
}

// rounds is odd, so that one of them is the median.
const rounds = 9

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

type nothing struct{}

func (nothing) Kind() string { return "nothing" }

type worker struct {
	river.WorkerDefaults[nothing]
	left *atomic.Int64
	done chan struct{}
}

func (w *worker) Work(context.Context, *river.Job[nothing]) error {
	if w.left.Add(-1) == 0 {
		close(w.done)
	}
	return nil
}

// burnRiver returns how many jobs a second bare River works off. The clock stops
// when the last one is stored as completed.
func burnRiver(b *testing.B) float64 {
	b.Helper()
	ctx := b.Context()
	pool, err := pgxpool.New(ctx, databasetest.DSN(b, database.Postgres))
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	driver := riverpgxv5.New(pool)
	migrator, err := rivermigrate.New(driver, nil)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		b.Fatal(err)
	}
	w := &worker{left: new(atomic.Int64), done: make(chan struct{})}
	w.left.Store(burned)
	all := river.NewWorkers()
	river.AddWorker(all, w)
	client, err := river.NewClient(driver, &river.Config{
		Workers: all, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}},
		FetchCooldown: 2 * time.Millisecond, FetchPollInterval: 20 * time.Millisecond, // as its own benchmark has them
	})
	if err != nil {
		b.Fatal(err)
	}
	params := make([]river.InsertManyParams, burned)
	for i := range params {
		params[i] = river.InsertManyParams{Args: nothing{}}
	}
	if err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		_, err := client.InsertManyFastTx(ctx, tx, params)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := client.Start(ctx); err != nil {
		b.Fatal(err)
	}
	<-w.done
	for n := 1; n > 0; time.Sleep(time.Millisecond) {
		if err := pool.QueryRow(ctx, "SELECT count(*) FROM river_job WHERE state <> 'completed'").Scan(&n); err != nil {
			b.Fatal(err)
		}
	}
	elapsed := time.Since(began)
	if err := client.Stop(ctx); err != nil {
		b.Fatal(err)
	}
	return burned / elapsed.Seconds()
}

// burnRuns returns how many runs a second a Service works off, each with its
// event, until the last one is stored as completed.
func burnRuns(b *testing.B, kind string) float64 {
	b.Helper()
	var left atomic.Int64
	done := make(chan struct{})
	left.Store(burned)
	db, service, job, scope := newService(b, kind, func(context.Context, *jobs.Task, struct{}) (any, error) {
		if left.Add(-1) == 0 {
			close(done)
		}
		return nil, nil
	})
	enqueue(b, db, job, scope, burned)
	began := time.Now()
	if err := service.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	<-done
	untilCompleted(b, db)
	elapsed := time.Since(began)
	if err := service.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
	return burned / elapsed.Seconds()
}

// untilCompleted waits until all runs are stored as completed.
func untilCompleted(b *testing.B, db *database.DB) {
	b.Helper()
	for n := 1; n > 0; time.Sleep(time.Millisecond) {
		if err := db.Read(b.Context(), func(ctx context.Context, tx *database.Tx) error {
			return tx.QueryRow(ctx, "SELECT count(*) FROM runs WHERE status <> ?", "completed").Scan(&n)
		}); err != nil {
			b.Fatal(err)
		}
	}
}

func newService(b *testing.B, kind string, handle func(context.Context, *jobs.Task, struct{}) (any, error)) (*database.DB, *jobs.Service, *jobs.Typed[struct{}], content.Scope) {
	b.Helper()
	return serviceOn(b, databasetest.Open(b, kind), handle, jobs.Config{})
}

func serviceOn(b *testing.B, db *database.DB, handle func(context.Context, *jobs.Task, struct{}) (any, error), c jobs.Config) (*database.DB, *jobs.Service, *jobs.Typed[struct{}], content.Scope) {
	b.Helper()
	authority := content.NewAuthority()
	if err := db.Write(b.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", "o", "o", tx.Dialect().Time(time.Unix(0, 0)))
		return err
	}); err != nil {
		b.Fatal(err)
	}
	c.DB, c.Authority, c.Runner, c.Queues = db, authority, localrunner.New(localrunner.Config{PerQueue: workers}), []jobs.Queue{{Name: "q"}}
	service, err := jobs.New(c)
	if err != nil {
		b.Fatal(err)
	}
	return db, service, jobs.Register(service, jobs.Job{Type: "nothing", Queue: "q"}, handle), authority.Mint("o", "bench")
}

// enqueue stores runs in one transaction and returns the time that each took.
func enqueue(b *testing.B, db *database.DB, job *jobs.Typed[struct{}], scope content.Scope, n int) time.Duration {
	b.Helper()
	began := time.Now()
	if err := db.Write(b.Context(), func(ctx context.Context, tx *database.Tx) error {
		for range n {
			if _, err := job.Enqueue(ctx, tx, scope, struct{}{}, jobs.Options{}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	return time.Since(began) / time.Duration(n)
}
