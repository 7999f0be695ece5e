package jobs_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// scheduled makes a service with a job on a schedule that fires at no time of the
// test by itself.
func (w *world) scheduled(sc jobs.Schedule) *jobs.Service {
	w.t.Helper()
	s := w.service(config{})
	sc.Name = "nightly"
	if sc.Cron == "" {
		sc.Cron = "0 0 29 2 *"
	}
	jobs.Register(s, jobs.Job{Type: "a", Queue: "q"}, func(context.Context, *jobs.Task, string) (any, error) { return nil, nil }).Schedule(sc, "argument")
	return s
}

// due moves the schedule's time into the past.
func (w *world) due(ago time.Duration) {
	w.t.Helper()
	w.exec("UPDATE job_schedules SET next_at = "+w.db.Dialect().After()+" WHERE name = ?", -ago.Seconds(), "nightly")
}

func (w *world) runs(condition string) int {
	w.t.Helper()
	return w.count("SELECT count(*) FROM runs WHERE "+condition+" AND id <> ?", "")
}

// Whatever the number of processes, a schedule fires once for each time, for each
// organization.
func TestSchedulesFireOnce(t *testing.T) {
	databasetestRun(t, func(w *world) {
		var all []*jobs.Service
		for range 4 {
			all = append(all, w.scheduled(jobs.Schedule{}))
		}
		w.Service = all[0]
		w.start(all...)
		for round := 1; round <= 3; round++ {
			w.due(time.Second)
			for ctx := deadline(w.t); w.runs("status = 'completed'") < 2*round; time.Sleep(5 * time.Millisecond) {
				if ctx.Err() != nil {
					w.t.Fatal("it did not fire")
				}
			}
		}
		if next := w.count("SELECT count(*) FROM job_schedules WHERE next_at > "+w.db.Dialect().Now()+" AND fired_at IS NOT NULL AND name <> ?", ""); next != 1 {
			w.t.Error("the schedule was not moved on")
		}
		if n := w.runs("created_by = 'schedule' AND queue = 'q'"); n != 6 {
			w.t.Errorf("%d runs, want 3 for each of two organizations", n)
		}
	})
}

// Times that were missed are made up for by one run, or by none; while a run of
// the schedule is live there is no second one.
func TestMissedTimes(t *testing.T) {
	for missed, want := range map[jobs.Missed]int{jobs.FireOnce: 2, jobs.SkipMissed: 0} {
		t.Run(fmt.Sprint(missed), func(t *testing.T) {
			databasetestRun(t, func(w *world) {
				plan := w.scheduled(jobs.Schedule{Missed: missed})
				w.start(plan)
				if err := plan.Stop(w.t.Context()); err != nil {
					w.t.Fatal(err)
				}
				w.due(72 * time.Hour)
				w.Service = w.scheduled(jobs.Schedule{Missed: missed, Options: jobs.Options{NotBefore: time.Time{}}})
				w.start(w.Service) // it fires before Start returns
				if n := w.runs("created_by = 'schedule'"); n != want {
					w.t.Errorf("%d runs, want %d", n, want)
				}
			})
		})
	}
}

func TestScheduleDoesNotOverlap(t *testing.T) {
	databasetestRun(t, func(w *world) {
		w.Service = w.scheduled(jobs.Schedule{Organizations: func(context.Context, *database.Tx) ([]string, error) { return []string{"acme"}, nil }})
		w.exec("INSERT INTO runs (id, organization_id, type, queue, label, status, config, created_by, created_at, unique_key) VALUES ('before', 'acme', 'a', 'elsewhere', '', 'parked', '{}', '', ?, 'schedule nightly')",
			w.db.Dialect().Time(time.Now()))
		w.start(w.Service)
		w.due(time.Second)
		for ctx := deadline(w.t); w.count("SELECT count(*) FROM job_schedules WHERE fired_at IS NOT NULL AND name <> ?", "") == 0; time.Sleep(5 * time.Millisecond) {
			if ctx.Err() != nil {
				w.t.Fatal("it did not fire")
			}
		}
		if n := w.runs("created_by = 'schedule'"); n != 0 {
			w.t.Errorf("%d runs beside the one that is live", n)
		}
	})
}
