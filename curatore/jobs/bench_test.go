package jobs_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/curatore/jobs/localrunner"
)

// BenchmarkBurnDown works off 2,000 runs of nothing, stored beforehand: what is
// measured is claiming, starting and finishing.
func BenchmarkBurnDown(b *testing.B) {
	const runs = 2000
	for _, kind := range []string{database.SQLite, database.Postgres} {
		for _, concurrency := range []int{0, 4} {
			b.Run(fmt.Sprintf("%s/concurrency=%d", kind, concurrency), func(b *testing.B) {
				for range b.N {
					b.StopTimer()
					db, service, job, scope := benchService(b, kind, concurrency, func(context.Context, *jobs.Task) (any, error) { return nil, nil })
					ids := enqueue(b, db, job, scope, runs)
					b.StartTimer()
					if err := service.Start(b.Context()); err != nil {
						b.Fatal(err)
					}
					for _, id := range ids {
						if run, err := service.Wait(b.Context(), scope, id); err != nil || run.Status != jobs.Completed {
							b.Fatal(run, err)
						}
					}
					b.StopTimer()
					if err := service.Stop(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(runs*b.N)/b.Elapsed().Seconds(), "runs/s")
			})
		}
	}
}

// BenchmarkCommit measures what a batch pays for fence, lease, checkpoint,
// progress and ten events: a Commit beside a transaction with nothing in it.
func BenchmarkCommit(b *testing.B) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		for _, how := range []string{"empty transaction", "commit", "commit with 10 events"} {
			b.Run(kind+"/"+how, func(b *testing.B) {
				story := func(ctx context.Context, task *jobs.Task) (any, error) {
					b.ResetTimer()
					for i := range b.N {
						if how == "commit with 10 events" {
							for range 10 {
								task.Info("step", "a step was made", map[string]int{"n": i})
							}
						}
						task.Progress("stepping", int64(i), int64(b.N))
						task.SetCheckpoint(i)
						if err := task.Commit(ctx, nil); err != nil {
							return nil, err
						}
					}
					b.StopTimer()
					return nil, nil
				}
				if how == "empty transaction" {
					db := databasetest.Open(b, kind)
					b.ResetTimer()
					for range b.N {
						if err := db.Write(b.Context(), func(context.Context, *database.Tx) error { return nil }); err != nil {
							b.Fatal(err)
						}
					}
					return
				}
				db, service, job, scope := benchService(b, kind, 0, story)
				if err := service.Start(b.Context()); err != nil {
					b.Fatal(err)
				}
				for _, id := range enqueue(b, db, job, scope, 1) {
					if run, err := service.Wait(b.Context(), scope, id); err != nil || run.Err() != nil {
						b.Fatal(err, run.Err())
					}
				}
				if err := service.Stop(b.Context()); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

func benchService(b *testing.B, kind string, concurrency int, handle func(context.Context, *jobs.Task) (any, error)) (*database.DB, *jobs.Service, *jobs.Typed[struct{}], content.Scope) {
	b.Helper()
	db := databasetest.Open(b, kind)
	authority := content.NewAuthority()
	err := db.Write(b.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", "o", "o", tx.Dialect().Time(time.Unix(0, 0)))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	service, err := jobs.New(jobs.Config{DB: db, Authority: authority, Runner: localrunner.New(localrunner.Config{}), Queues: []jobs.Queue{{Name: "q", Concurrency: concurrency}}})
	if err != nil {
		b.Fatal(err)
	}
	job := jobs.Register(service, jobs.Job{Type: "a", Queue: "q"}, func(ctx context.Context, task *jobs.Task, _ struct{}) (any, error) { return handle(ctx, task) })
	return db, service, job, authority.Mint("o", "bench")
}

// enqueue stores runs in one transaction.
func enqueue(b *testing.B, db *database.DB, job *jobs.Typed[struct{}], scope content.Scope, n int) (ids []string) {
	b.Helper()
	err := db.Write(b.Context(), func(ctx context.Context, tx *database.Tx) error {
		for range n {
			run, err := job.Enqueue(ctx, tx, scope, struct{}{}, jobs.Options{})
			if err != nil {
				return err
			}
			ids = append(ids, run.ID)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return ids
}
