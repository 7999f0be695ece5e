package benchmarks

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/curatore/jobs/riverrunner"
)

// riverService makes a Service whose runs riverrunner carries.
func riverService(b *testing.B, dsn string, authority *content.Authority, handle func(context.Context, *jobs.Task, struct{}) (any, error)) (*database.DB, *jobs.Service, *jobs.Typed[struct{}]) {
	b.Helper()
	db := databasetest.OpenDSN(b, dsn)
	runner, err := riverrunner.Open(b.Context(), riverrunner.Config{URL: dsn, PerQueue: workers, Queues: []string{"q"}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := runner.Close(); err != nil {
			b.Error(err)
		}
	})
	service, err := jobs.New(jobs.Config{DB: db, Authority: authority, Runner: runner, Queues: []jobs.Queue{{Name: "q"}}})
	if err != nil {
		b.Fatal(err)
	}
	return db, service, jobs.Register(service, jobs.Job{Type: "nothing", Queue: "q"}, handle)
}

// riverDatabase makes a database with an organization.
func riverDatabase(b *testing.B) (string, *content.Authority, content.Scope) {
	b.Helper()
	dsn, authority := databasetest.DSN(b, database.Postgres), content.NewAuthority()
	if err := databasetest.OpenDSN(b, dsn).Write(b.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", "o", "o", tx.Dialect().Time(time.Unix(0, 0)))
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return dsn, authority, authority.Mint("o", "bench")
}

// BenchmarkRiverRunnerBurnDown works off 10,000 runs that were stored beforehand
// and that riverrunner carries, beside bare River.
func BenchmarkRiverRunnerBurnDown(b *testing.B) {
	for range b.N {
		bare := burnRiver(b)
		dsn, authority, scope := riverDatabase(b)
		var left atomic.Int64
		done := make(chan struct{})
		left.Store(burned)
		db, service, job := riverService(b, dsn, authority, func(context.Context, *jobs.Task, struct{}) (any, error) {
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
		for n := 1; n > 0; time.Sleep(time.Millisecond) {
			if err := db.Read(b.Context(), func(ctx context.Context, tx *database.Tx) error {
				return tx.QueryRow(ctx, "SELECT count(*) FROM runs WHERE status <> ?", "completed").Scan(&n)
			}); err != nil {
				b.Fatal(err)
			}
		}
		rate := burned / time.Since(began).Seconds()
		if err := service.Stop(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(bare, "river/s")
		b.ReportMetric(rate, "riverrunner/s")
		b.ReportMetric(rate/bare, "riverrunner:river")
	}
}

// BenchmarkRiverRunnerLatency measures the time from the commit of a run in a
// process that only enqueues to its start in another one.
func BenchmarkRiverRunnerLatency(b *testing.B) {
	dsn, authority, scope := riverDatabase(b)
	started := make(chan time.Time, 1)
	handle := func(context.Context, *jobs.Task, struct{}) (any, error) {
		started <- time.Now()
		return nil, nil
	}
	_, _, job := riverService(b, dsn, authority, handle) // is not started
	_, worker, _ := riverService(b, dsn, authority, handle)
	if err := worker.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	var all []time.Duration
	for len(all) < 200 {
		began := time.Now()
		if _, err := job.Submit(b.Context(), scope, struct{}{}, jobs.Options{}); err != nil {
			b.Fatal(err)
		}
		all = append(all, (<-started).Sub(began)) // with the commit and the dispatch
	}
	if err := worker.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}
