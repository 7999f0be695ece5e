package benchmarks

import (
	"context"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// BenchmarkTelling measures what a job of a second pays for 1,000 updates of its
// progress and 1,000 events, beside one that tells nothing: in the job alone, and in
// all, from the commit of the run to its end, when the last of them are stored.
func BenchmarkTelling(b *testing.B) {
	const units, unit = 1000, time.Millisecond
	for _, kind := range []string{database.Postgres, database.SQLite} {
		b.Run(kind, func(b *testing.B) {
			var tells bool
			inside := make(chan time.Duration, 1)
			db, service, job, scope := newService(b, kind, func(_ context.Context, task *jobs.Task, _ struct{}) (any, error) {
				began := time.Now()
				for i := range units {
					for until := time.Now().Add(unit); time.Now().Before(until); { // work
					}
					if tells {
						task.Progress("working", int64(i+1), units)
						task.Info("step", "a step was made", map[string]int{"n": i})
					}
				}
				inside <- time.Since(began)
				return nil, nil
			})
			if err := service.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			var within, whole [2][]float64 // without and with
			for i := range 2 * rounds {
				tells = i%2 == 1
				began := time.Now()
				run, err := job.Submit(b.Context(), scope, struct{}{}, jobs.Options{})
				if err != nil {
					b.Fatal(err)
				}
				ended, err := service.Wait(b.Context(), scope, run.ID)
				if err != nil {
					b.Fatal(err)
				}
				whole[i%2] = append(whole[i%2], time.Since(began).Seconds())
				within[i%2] = append(within[i%2], (<-inside).Seconds())
				if tells {
					if n := stored(b, db, run.ID); n != units || ended.Done != units {
						b.Fatalf("%d events are stored, progress %d of %d", n, ended.Done, units)
					}
				}
			}
			if err := service.Stop(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(100*(median(within[1])/median(within[0])-1), "%-of-the-job")
			b.ReportMetric(100*(median(whole[1])/median(whole[0])-1), "%-in-all")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// stored counts the events of a run that its job has told.
func stored(b *testing.B, db *database.DB, run string) (n int) {
	b.Helper()
	if err := db.Read(b.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, "SELECT count(*) FROM run_events WHERE run_id = ? AND type = 'step'", run).Scan(&n)
	}); err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkEnqueue counts the statements that a run adds to the transaction of its
// caller, and compares the time of one with it and one without.
func BenchmarkEnqueue(b *testing.B) {
	for _, kind := range []string{database.Postgres, database.SQLite} {
		b.Run(kind, func(b *testing.B) {
			const times = 300
			statements := 0
			db, err := database.Open(b.Context(), databasetest.DSN(b, kind), database.Options{Fault: func(string) error { statements++; return nil }})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close() //nolint:errcheck // nothing is written any more
			db, _, job, scope := serviceOn(b, db, nil, jobs.Config{Remote: []string{"*"}})
			write := func(enqueues bool) (took float64, asked int) {
				before, began := statements, time.Now()
				for i := range times {
					if err := db.Write(b.Context(), func(ctx context.Context, tx *database.Tx) error {
						if _, err := tx.Exec(ctx, "UPDATE organizations SET name = ? WHERE id = ?", []string{"a", "b"}[i%2], "o"); err != nil || !enqueues {
							return err
						}
						_, err := job.Enqueue(ctx, tx, scope, struct{}{}, jobs.Options{})
						return err
					}); err != nil {
						b.Fatal(err)
					}
				}
				return time.Since(began).Seconds(), statements - before
			}
			var ratios []float64
			more := 0
			for range rounds * b.N {
				without, fewer := write(false)
				with, asked := write(true)
				ratios, more = append(ratios, with/without), max(more, asked-fewer)
			}
			b.ReportMetric(float64(more)/times, "statements")
			b.ReportMetric(median(ratios), "with:without")
			b.ReportMetric(0, "ns/op")
		})
	}
}
