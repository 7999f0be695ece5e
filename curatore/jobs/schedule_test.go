package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/curatore/curatore-go/content"
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

// parked stores a run of the job that waits for the next sweep.
func (w *world) parked() (id string) {
	w.t.Helper()
	id = uuid.Must(uuid.NewV7()).String()
	w.exec("INSERT INTO runs (id, organization_id, type, queue, label, status, wait_reason, not_before, config, created_by, created_at) VALUES (?, 'acme', 'a', 'q', '', 'parked', 'a quota', "+w.db.Dialect().Now()+", '\"\"', '', ?)",
		id, w.db.Dialect().Time(time.Now()))
	return id
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

// What would keep a schedule from firing is refused at the start, also what only its
// second run would stumble over.
func TestMistakesOfSchedules(t *testing.T) {
	w := newWorld(t, openSQLite(t))
	for _, c := range []struct {
		sc   jobs.Schedule
		args any
		want string
	}{
		{jobs.Schedule{Cron: "CRON_TZ=Asia/Tokyo 0 2 * * *"}, 1, "use Zone"},
		{jobs.Schedule{Cron: "TZ=UTC"}, 1, "use Zone"},
		{jobs.Schedule{Cron: ""}, 1, "is not a cron expression"},
		{jobs.Schedule{Cron: "0 0 30 2 *"}, 1, "never comes"},
		{jobs.Schedule{Cron: "@daily", Zone: "Local"}, 1, `no time zone "Local"`},
		{jobs.Schedule{Cron: "@daily", Options: jobs.Options{ID: "0199a7e5-0000-7000-8000-000000000000"}}, 1, "have an id"},
		{jobs.Schedule{Cron: "@daily", Options: jobs.Options{Priority: 1000}}, 1, "Priority is 1000"},
		{jobs.Schedule{Cron: "@daily"}, make(chan int), "cannot be stored"},
	} {
		s := w.service(config{})
		c.sc.Name = "nightly"
		jobs.Register(s, jobs.Job{Type: "a", Queue: "q"}, func(context.Context, *jobs.Task, any) (any, error) { return nil, nil }).Schedule(c.sc, c.args)
		if err := s.Start(t.Context()); !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.sc, err, c.want)
		}
	}
	twice := w.scheduled(jobs.Schedule{})
	jobs.Register(twice, jobs.Job{Type: "b", Queue: "q"}, func(context.Context, *jobs.Task, any) (any, error) { return nil, nil }).Schedule(jobs.Schedule{Name: "nightly", Cron: "@daily"}, 1)
	if err := twice.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "declared twice") {
		t.Errorf("two schedules of one name: %v", err)
	}
}

// A schedule whose organizations cannot be told fires nothing, keeps no other one
// from it, and is made up for when they can.
func TestScheduleThatFails(t *testing.T) {
	databasetestRun(t, func(w *world) {
		var asked atomic.Int64
		s := w.service(config{})
		w.Service = s
		declare := func(name string, organizations func(context.Context, *database.Tx) ([]string, error)) {
			jobs.Register(s, jobs.Job{Type: name, Queue: "q"}, func(context.Context, *jobs.Task, int) (any, error) { return nil, nil }).
				Schedule(jobs.Schedule{Name: name, Cron: "0 0 29 2 *", Organizations: organizations}, 1)
		}
		declare("fails", func(context.Context, *database.Tx) ([]string, error) {
			if asked.Add(1) < 3 {
				return nil, errors.New("they are not known yet")
			}
			return []string{"acme"}, nil
		})
		declare("panics", func(context.Context, *database.Tx) ([]string, error) { panic("oh no") })
		declare("good", nil)
		w.start(s)
		w.exec("UPDATE job_schedules SET next_at = "+w.db.Dialect().After()+" WHERE name <> ?", -1, "")
		for ctx := deadline(w.t); w.runs("status = 'completed'") < 3; time.Sleep(5 * time.Millisecond) {
			if ctx.Err() != nil {
				w.t.Fatalf("%d runs", w.runs("1 = 1"))
			}
		}
		if fails, good := w.runs("type = 'fails'"), w.runs("type = 'good'"); fails != 1 || good != 2 || asked.Load() != 3 {
			w.t.Errorf("%d runs of the one that failed, %d of the good one, want 1 and 2", fails, good)
		}
	})
}

// While a program is replaced by another version of it, a schedule fires at the times
// of the new one; when that goes away, at those of the one that stays.
func TestSchedulesOfTwoVersions(t *testing.T) {
	databasetestRun(t, func(w *world) {
		previous := w.scheduled(jobs.Schedule{Cron: "0 0 29 2 *"})
		w.Service = previous
		w.start(previous)
		next := w.scheduled(jobs.Schedule{Cron: "30 1 29 2 *"})
		w.start(next)
		if err := next.Stop(deadline(w.t)); err != nil {
			w.t.Fatal(err)
		}
		planned := func(cron string) int { return w.count("SELECT count(*) FROM job_schedules WHERE cron = ?", cron) }
		if planned("30 1 29 2 *") != 1 {
			w.t.Error("the times of the new version do not hold")
		}
		w.due(30 * time.Second)
		for range 2 { // a sweep lets it go on
			id := w.parked()
			w.until(id, func(r jobs.Run) bool { return r.Status == jobs.Completed })
		}
		if n := w.runs("created_by = 'schedule'"); n != 0 {
			w.t.Errorf("the previous version has fired %d runs at a time of the new one", n)
		}
		w.due(5 * time.Minute)
		for ctx := deadline(w.t); w.runs("created_by = 'schedule'") < 2; time.Sleep(5 * time.Millisecond) {
			if ctx.Err() != nil {
				w.t.Fatal("nobody makes up for the time of a version that has gone")
			}
		}
		if planned("0 0 29 2 *") != 1 {
			w.t.Error("the times of the version that stays do not hold")
		}
	})
}

// A time that a patient process sees late, because it looks rarely, was not missed.
func TestRarePollsMissNothing(t *testing.T) {
	databasetestRun(t, func(w *world) {
		declare := func(poll time.Duration) *jobs.Service {
			s := w.service(config{Poll: poll})
			jobs.Register(s, jobs.Job{Type: "a", Queue: "q"}, func(context.Context, *jobs.Task, int) (any, error) { return nil, nil }).
				Schedule(jobs.Schedule{Name: "nightly", Cron: "0 0 29 2 *", Missed: jobs.SkipMissed}, 1)
			return s
		}
		for poll, want := range map[time.Duration]int{10 * time.Minute: 2, time.Second: 0} {
			w.Service = declare(poll)
			before := w.runs("created_by = 'schedule'")
			first := declare(poll)
			w.start(first)
			if err := first.Stop(deadline(w.t)); err != nil {
				w.t.Fatal(err)
			}
			w.due(9 * time.Minute)
			w.start(w.Service) // it looks once
			if n := w.runs("created_by = 'schedule'") - before; n != want {
				w.t.Errorf("looking each %s, %d runs, want %d", poll, n, want)
			}
			if err := w.Stop(deadline(w.t)); err != nil {
				w.t.Fatal(err)
			}
			w.exec("DELETE FROM runs WHERE id <> ?", "")
		}
	})
}
