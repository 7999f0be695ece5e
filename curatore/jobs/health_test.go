package jobs_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// Health counts, a run says why it waits, and both know the live consumers.
func TestHealthAndWhy(t *testing.T) {
	began := make(chan *jobs.Task, 1)
	declared := []decl{{Type: "a", Queue: "single", Handle: untilDone(began)}, {Type: "far", Queue: "remote"}}
	databasetestRun(t, func(w *world) {
		c := config{Jobs: declared, Queues: []jobs.Queue{{Name: "single", Label: "One at a time", Concurrency: 1}, {Name: "remote"}}, Remote: []string{"remote"}}
		w.Service = w.service(c)
		first := w.submit("a")
		if why := w.why(first); why.Reason != jobs.NoConsumer || why.Text != "no live process works on queue One at a time" {
			w.t.Errorf("%+v", why)
		}
		if err := w.Preflight(w.t.Context()); err == nil || !strings.Contains(err.Error(), `"single"`) || !strings.Contains(err.Error(), `"remote"`) {
			w.t.Errorf("pre-flight before the start: %v", err)
		}
		w.start(w.Service)
		<-began
		second, third, far := w.submit("a"), w.submit("a"), w.submit("far")
		if why := w.why(second); why.Reason != jobs.LimitIsFull || !strings.Contains(why.Text, "1 runs of queue One at a time are at work") {
			w.t.Errorf("%+v", why)
		}
		if why := w.why(first); why.Reason != jobs.NotWaiting {
			w.t.Errorf("a run at work: %+v", why)
		}
		if why := w.why(far); why.Reason != jobs.NoConsumer {
			w.t.Errorf("%+v", why)
		}
		w.exec("UPDATE runs SET created_at = ? WHERE id = ?", w.db.Dialect().Time(time.Now().Add(-time.Hour)), third)
		all, err := w.Health(w.t.Context())
		if err != nil || len(all) != 2 {
			w.t.Fatal(all, err)
		}
		single := all[1]
		if single.Queue != "single" || single.Pending != 2 || single.Running != 1 || single.Expired != 0 || single.OldestAge < 59*time.Minute ||
			len(single.Consumers) != 1 || single.Consumers[0].Types[0] != "a" || all[0].Pending != 1 || len(all[0].Consumers) != 0 {
			w.t.Errorf("%+v", all)
		}
		if err := w.Preflight(w.t.Context()); err == nil || strings.Contains(err.Error(), `"single"`) || !strings.Contains(err.Error(), `no live process works on queue "remote"; 1 runs wait`) {
			w.t.Errorf("pre-flight: %v", err)
		}
		if err := w.Stop(deadline(w.t)); err != nil {
			w.t.Fatal(err)
		}
		if n := w.count("SELECT count(*) FROM job_consumers WHERE queue <> ?", ""); n != 0 {
			w.t.Errorf("%d consumers are left", n)
		}
	})
}

// Before the work begins it is told which jobs nobody would do, although somebody works
// on their queue; and why a run waits when each process works on as many as it may.
func TestPreflightAndLimitsOfProcesses(t *testing.T) {
	began := make(chan *jobs.Task, 2)
	old := []decl{{Type: "a", Handle: untilDone(began)}}
	databasetestRun(t, func(w *world) {
		queues := []jobs.Queue{{Name: "q", PerProcess: 1}}
		w.Service = w.service(config{Jobs: append(old, decl{Type: "newer", Handle: noop}), Queues: queues})
		workers := []*jobs.Service{w.service(config{Jobs: old, Queues: queues}), w.service(config{Jobs: old, Queues: queues})}
		w.start(workers...)
		if err := w.Preflight(w.t.Context()); !errors.Is(err, content.ErrConflict) || !strings.Contains(err.Error(), `no live process that works on queue "q" has the job "newer"`) || strings.Contains(err.Error(), `"a"`) {
			w.t.Errorf("pre-flight: %v", err)
		}
		if err := workers[0].Preflight(w.t.Context()); err != nil {
			w.t.Errorf("pre-flight of what is all there: %v", err)
		}
		w.submit("a")
		w.submit("a")
		<-began
		<-began
		if why := w.why(w.submit("a")); why.Reason != jobs.LimitIsFull || !strings.Contains(why.Text, "2 runs of queue q are at work") {
			w.t.Errorf("%+v", why)
		}
	})
}

// How long a run has waited is told since it could begin: one that was parked, waited
// for a group, or was at work meanwhile has not waited since it was stored.
func TestAgeOfWaitingRuns(t *testing.T) {
	began := make(chan *jobs.Task, 1)
	declared := []decl{{Type: "a", Handle: noop}, {Type: "stops", Resumable: true, Handle: untilDone(began)}}
	databasetestRun(t, func(w *world) {
		runner := &manualRunner{} // which lets all wait
		w.Service = w.service(config{Jobs: declared, Runner: runner})
		var group jobs.Group
		w.write(func(ctx context.Context, tx *database.Tx) (err error) {
			group, err = w.NewGroup(ctx, tx, w.acme, "g")
			return err
		})
		after, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "a", Options: jobs.Options{After: group.ID}})
		if err != nil {
			w.t.Fatal(err)
		}
		parked, lost, stops := w.submit("a"), w.submit("stops"), w.submit("stops")
		w.exec("UPDATE runs SET created_at = ? WHERE id <> ?", w.db.Dialect().Time(time.Now().Add(-time.Hour)), "")
		w.exec("UPDATE runs SET status = 'running' WHERE id = ?", parked)
		w.exec("UPDATE runs SET status = 'parked', wait_reason = 'a quota', not_before = "+w.db.Dialect().After()+" WHERE id = ?", 0, parked)
		w.orphan(lost, 1)
		w.start(w.Service)
		w.write(func(ctx context.Context, tx *database.Tx) error { return w.SealGroup(ctx, tx, w.acme, group.ID) })
		delivered := make(chan error, 1)
		go func() { delivered <- runner.deliver(w.t.Context(), stops) }()
		<-began
		if err := w.Stop(deadline(w.t)); err != nil {
			w.t.Fatal(err)
		}
		if err := <-delivered; err != nil {
			w.t.Error(err)
		}
		for _, id := range []string{after.ID, parked, lost, stops} {
			w.until(id, func(r jobs.Run) bool { return r.Status == jobs.Pending })
		}
		all, err := w.Health(w.t.Context())
		if err != nil || len(all) != 1 || all[0].Pending != 4 || all[0].OldestAge > 30*time.Minute {
			w.t.Errorf("%+v, %v, want four runs that wait since now", all, err)
		}
	})
}

// A worker leaves a run of a type that it does not know to others, raises the
// alarm once, and the run stays in the list under its label.
func TestAlarms(t *testing.T) {
	var mu sync.Mutex
	var raised []jobs.Alarm
	databasetestRun(t, func(w *world) {
		raised = nil
		w.Service = w.service(config{Jobs: []decl{{Type: "newer", Handle: noop}, {Type: "other", Queue: "nobodys", Handle: noop}}, Queues: []jobs.Queue{{Name: "q"}, {Name: "nobodys"}}})
		strange, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "newer", Label: "a.zip"})
		if err != nil {
			w.t.Fatal(err)
		}
		runner := &manualRunner{}
		older := w.service(config{Runner: runner, Jobs: []decl{{Type: "older", Handle: noop}}, TooOld: time.Nanosecond,
			Alarm: func(a jobs.Alarm) {
				mu.Lock()
				defer mu.Unlock()
				raised = append(raised, a)
			}})
		w.start(older)
		for range 3 {
			if err := runner.deliver(w.t.Context(), strange.ID); err != nil {
				w.t.Error(err)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		kinds := map[jobs.AlarmKind]int{}
		for _, a := range raised {
			kinds[a.Kind]++
			if a.Kind == jobs.UnknownJob && (a.Type != "newer" || a.Label != "a.zip" || a.Queue != "q" || a.RunID != strange.ID) {
				w.t.Errorf("%+v", a)
			}
		}
		if kinds[jobs.UnknownJob] != 1 || kinds[jobs.TooOld] != 1 {
			w.t.Errorf("alarms %+v, want one of an unknown job and one of an old run", raised)
		}
		if why := w.why(strange.ID); why.Reason != jobs.UnknownType {
			w.t.Errorf("%+v", why)
		}
		page, err := w.List(w.t.Context(), w.acme, jobs.Query{Active: true, Types: []string{"newer"}})
		if err != nil || len(page.Runs) != 1 || page.Runs[0].Label != "a.zip" {
			w.t.Errorf("%+v %v", page, err)
		}
	})
}

// An Alarm that panics ends neither the process nor the sweep that raises it.
func TestAlarmPanics(t *testing.T) {
	databasetestRun(t, func(w *world) {
		w.Service = w.service(config{Jobs: []decl{{Type: "a", Handle: noop}, {Type: "far", Queue: "remote"}},
			Queues: []jobs.Queue{{Name: "q"}, {Name: "remote"}}, Remote: []string{"remote"}, Alarm: func(jobs.Alarm) { panic("Alarm") }})
		w.submit("far")
		id := w.submit("a")
		w.start(w.Service) // it looks for alarms
		w.wait(id, jobs.Completed)
	})
}

// A run that was stored under an earlier name of its job is a run of the job.
func TestAliases(t *testing.T) {
	databasetestRun(t, func(w *world) {
		w.Service = w.service(config{Jobs: []decl{{Type: "import_v1", Handle: noop}}})
		id := w.submit("import_v1")
		renamed := w.service(config{Jobs: []decl{{Job: jobs.Job{Aliases: []string{"import_v1"}}, Type: "import", Label: "Import", Handle: noop}}})
		w.start(renamed)
		w.wait(id, jobs.Completed)
		w.Service = renamed
		w.submit("import")
		page, err := w.List(w.t.Context(), w.acme, jobs.Query{Types: []string{"import"}})
		if err != nil || len(page.Runs) != 2 {
			w.t.Errorf("%d runs under the new name (%v), want both", len(page.Runs), err)
		}
	})
}

// Stop lets the jobs at work finish when there is time, and begins nothing new.
func TestStopDrains(t *testing.T) {
	databasetestRun(t, func(w *world) {
		let, began := make(chan struct{}), make(chan bool, 10)
		declared := []decl{{Type: "a", Handle: func(ctx context.Context, _ *jobs.Task) (any, error) {
			began <- true
			select {
			case <-let:
				return "done", nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}}}
		w.Service = w.service(config{Jobs: declared, Drain: time.Hour})
		w.start(w.Service)
		id := w.submit("a")
		<-began
		stopped := make(chan error, 1)
		go func() { stopped <- w.Stop(deadline(w.t)) }()
		select {
		case err := <-stopped:
			w.t.Fatalf("it did not wait for the job at work: %v", err)
		case <-time.After(50 * time.Millisecond): // in which a hasty one would have cancelled it
		}
		close(let)
		if err := <-stopped; err != nil {
			w.t.Fatal(err)
		}
		if run := w.get(id); run.Status != jobs.Completed {
			w.t.Errorf("the run at work is %s", run.Status)
		}
		if run := w.get(w.submit("a")); run.Status != jobs.Pending || len(began) > 0 {
			w.t.Errorf("a run is %s after Stop", run.Status)
		}
	})
}

// What is not done when the patience ends is cancelled, and released.
func TestStopDrainsNotForEver(t *testing.T) {
	began := make(chan *jobs.Task, 1)
	databasetestRun(t, func(w *world) {
		w.Service = w.service(config{Jobs: []decl{{Type: "a", Resumable: true, Handle: untilDone(began)}}, Drain: 20 * time.Millisecond})
		w.start(w.Service)
		id := w.submit("a")
		<-began
		if err := w.Stop(deadline(w.t)); err != nil {
			w.t.Fatal(err)
		}
		if run := w.get(id); run.Status != jobs.Pending {
			w.t.Errorf("the run is %s, want it released", run.Status)
		}
	})
}

// What each organization sees is its own.
func TestOrganizationsAreApart(t *testing.T) {
	databasetestRun(t, func(w *world) {
		w.Service = w.service(config{Jobs: []decl{{Type: "a", Handle: func(_ context.Context, task *jobs.Task) (any, error) {
			task.Info("said", task.Scope().Principal(), nil)
			return nil, content.ErrInvalid
		}}}})
		w.start(w.Service)
		mine := w.submit("a")
		w.wait(mine, jobs.Failed)
		theirs, err := w.Submit(w.t.Context(), w.other, newRun{Type: "a"})
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := w.Wait(deadline(w.t), w.other, theirs.ID); err != nil {
			w.t.Fatal(err)
		}
		for name, call := range map[string]func(id string) error{
			"Get":    func(id string) error { _, err := w.Get(w.t.Context(), w.acme, id); return err },
			"Events": func(id string) error { _, err := w.Events(w.t.Context(), w.acme, id, 0, 0); return err },
			"Why":    func(id string) error { _, err := w.Why(w.t.Context(), w.acme, id); return err },
			"Wait":   func(id string) error { _, err := w.Wait(deadline(w.t), w.acme, id); return err },
			"Cancel": func(id string) error { return w.Cancel(w.t.Context(), w.acme, id, "") },
			"Replay": func(id string) error { _, err := w.Replay(w.t.Context(), w.acme, id); return err },
			"Follow": func(id string) error {
				for _, err := range w.Follow(deadline(w.t), w.acme, id) {
					return err
				}
				return nil
			},
			"Subscribe": func(id string) error {
				for _, err := range w.Subscribe(deadline(w.t), w.acme, jobs.Subscription{RunID: id}) {
					return err
				}
				return nil
			},
		} {
			if err := call(theirs.ID); !isNotFound(err) {
				w.t.Errorf("%s of another organization's run: %v, want content.ErrNotFound", name, err)
			}
			if err := call(mine); isNotFound(err) {
				w.t.Errorf("%s of the own run: %v", name, err)
			}
		}
		for scope, want := range map[content.Scope]string{w.acme: mine, w.other: theirs.ID} {
			page, err := w.List(w.t.Context(), scope, jobs.Query{})
			if err != nil || len(page.Runs) == 0 {
				w.t.Error(err)
			}
			for _, run := range page.Runs {
				if run.ID != want && run.ReplayOf != want {
					w.t.Errorf("%s lists %+v", scope, run)
				}
			}
			ctx, stop := context.WithCancel(deadline(w.t))
			seen := 0
			for e, err := range w.Subscribe(ctx, scope, jobs.Subscription{}) {
				if err != nil {
					break
				}
				if e.RunID != want && scope == w.other {
					w.t.Errorf("%s gets %+v", scope, e)
				}
				if seen++; seen == 2 {
					stop()
				}
			}
			stop()
		}
	})
}
