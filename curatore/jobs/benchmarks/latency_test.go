package benchmarks

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// BenchmarkLatency measures the time from a commit to the start of the job, in
// the process that enqueues and in another one: a Service of its own, on a
// connection pool of its own.
func BenchmarkLatency(b *testing.B) {
	for _, kind := range []string{database.Postgres, database.SQLite} {
		for _, where := range []string{"here", "elsewhere"} {
			b.Run(fmt.Sprintf("%s/%s", kind, where), func(b *testing.B) {
				started := make(chan time.Time, 1)
				handle := func(context.Context, *jobs.Task, struct{}) (any, error) { started <- time.Now(); return nil, nil }
				dsn := databasetest.DSN(b, kind)
				db, service, job, scope := serviceOn(b, databasetest.OpenDSN(b, dsn), handle, jobs.Config{})
				services := []*jobs.Service{service}
				if where == "elsewhere" {
					var enqueuer *jobs.Service
					db, enqueuer, job, scope = serviceOn(b, databasetest.OpenDSN(b, dsn), nil, jobs.Config{Remote: []string{"*"}})
					services = append(services, enqueuer)
				}
				for _, s := range services {
					if err := s.Start(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				latencies(b, db, job, scope, started)
				for _, s := range services {
					if err := s.Stop(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// latencies stores runs one after the other and reports how long each takes from the
// moment before its commit, which is therefore part of it, to the start of its job.
func latencies(b *testing.B, db *database.DB, job *jobs.Typed[struct{}], scope content.Scope, started <-chan time.Time) {
	b.Helper()
	var all []time.Duration
	for range 200 {
		var stored time.Time
		if err := db.Write(b.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := job.Enqueue(ctx, tx, scope, struct{}{}, jobs.Options{})
			stored = time.Now()
			return err
		}); err != nil {
			b.Fatal(err)
		}
		all = append(all, (<-started).Sub(stored))
		time.Sleep(5 * time.Millisecond)
	}
	slices.Sort(all)
	b.ReportMetric(all[len(all)/2].Seconds()*1000, "p50-ms")
	b.ReportMetric(all[len(all)*99/100].Seconds()*1000, "p99-ms")
	b.ReportMetric(0, "ns/op")
}
