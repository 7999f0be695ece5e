package benchmarks

import (
	"context"
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

// BenchmarkRiverRunnerBurnDown works off 10,000 runs that were stored beforehand and
// that riverrunner carries, in turn with bare River, as [BenchmarkBurnDown] does.
func BenchmarkRiverRunnerBurnDown(b *testing.B) {
	var bare, carried, ratios []float64
	for range rounds * b.N {
		river, runner := burnRiver(b), burnRiverRunner(b)
		bare, carried, ratios = append(bare, river), append(carried, runner), append(ratios, runner/river)
	}
	b.ReportMetric(median(bare), "river/s")
	b.ReportMetric(median(carried), "riverrunner/s")
	b.ReportMetric(median(ratios), "riverrunner:river")
}

// burnRiverRunner returns how many runs a second a Service works off that riverrunner
// carries, each with its event, until the last one is stored as completed.
func burnRiverRunner(b *testing.B) float64 {
	b.Helper()
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
	untilCompleted(b, db)
	elapsed := time.Since(began)
	if err := service.Stop(b.Context()); err != nil {
		b.Fatal(err)
	}
	return burned / elapsed.Seconds()
}

// BenchmarkRiverRunnerLatency is [BenchmarkLatency] of runs that riverrunner carries.
func BenchmarkRiverRunnerLatency(b *testing.B) {
	for _, where := range []string{"here", "elsewhere"} {
		b.Run(where, func(b *testing.B) {
			dsn, authority, scope := riverDatabase(b)
			started := make(chan time.Time, 1)
			handle := func(context.Context, *jobs.Task, struct{}) (any, error) { started <- time.Now(); return nil, nil }
			db, worker, job := riverService(b, dsn, authority, handle)
			if where == "elsewhere" {
				db, _, job = riverService(b, dsn, authority, handle) // is not started
			}
			if err := worker.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			latencies(b, db, job, scope, started)
			if err := worker.Stop(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
