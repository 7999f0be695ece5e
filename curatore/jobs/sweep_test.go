package jobs_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/curatore/jobs"
)

// What becomes of the runs of a process that died.
func TestReclaim(t *testing.T) {
	declared := []decl{
		{Type: "plain", Handle: noop},
		{Type: "resumable", Resumable: true, Handle: func(_ context.Context, task *jobs.Task) (any, error) { return task.Checkpoint(), nil }},
	}
	cases := []struct {
		name, kind string
		attempt    int
		cancel     string
		lease      int // seconds from now
		status     jobs.Status
		error      string
		events     string
	}{
		{"plain", "plain", 1, "", -1, jobs.Failed, "the process that ran it ended; start it again", "failed"},
		{"resumable", "resumable", 1, "", -1, jobs.Completed, "", "released resumed completed"},
		{"cancelled meanwhile", "resumable", 1, "by alice", -1, jobs.Cancelled, "cancelled: by alice", "cancelled"},
		{"too often", "resumable", 100, "", -1, jobs.Failed, "the process that ran it ended, as it did 99 times before, and it gets no further; find out what ends it before you start it again", "failed"},
		{"alive", "plain", 1, "", 600, jobs.Running, "", ""},
	}
	eachDatabase(t, declared, func(w *world) {
		ids := map[string]string{}
		for _, c := range cases {
			id := w.submit(c.kind)
			w.orphan(id, c.attempt)
			w.exec("UPDATE runs SET checkpoint = '7', failures = attempt - 1, lost = attempt - 1, cancel_cause = ?, lease_until = "+w.db.Dialect().After()+" WHERE id = ?", c.cancel, c.lease, id)
			ids[c.name] = id
		}
		w.start(w.Service)
		for _, c := range cases {
			id := ids[c.name]
			if c.status.Ended() {
				w.wait(id, c.status)
			}
			run := w.get(id)
			if run.Status != c.status || run.Error != c.error || c.status == jobs.Completed && (string(run.Result) != "7" || run.Attempt != c.attempt+1) {
				w.t.Errorf("%s: %+v", c.name, run)
			}
			if got := strings.Join(w.events(id), " "); got != c.events {
				w.t.Errorf("%s: events %q, want %q", c.name, got, c.events)
			}
		}
	})
}

// How often a run is tried is for a process to say that has its job: another one that
// finds it only lets it wait.
func TestReclaimOfUnknownJobs(t *testing.T) {
	var calls atomic.Int64
	count := func(context.Context, *jobs.Task) (any, error) { calls.Add(1); return nil, nil }
	declared := []decl{{Type: "once", Queue: "theirs", Handle: count}, {Type: "often", Queue: "theirs", Job: jobs.Job{Retry: quickly}, Handle: count}}
	queues := []jobs.Queue{{Name: "theirs"}, {Name: "q"}}
	databasetestRun(t, func(w *world) {
		calls.Store(0)
		w.Service = w.service(config{Queues: queues[:1], Jobs: declared})
		once, often, chosen, cancelled := w.submit("once"), w.submit("often"), w.submit("once"), w.submit("once")
		for _, id := range []string{once, often, chosen, cancelled} {
			w.orphan(id, 1)
		}
		w.exec("UPDATE runs SET max_attempts = 1 WHERE id = ?", chosen)
		w.exec("UPDATE runs SET cancel_cause = 'by alice' WHERE id = ?", cancelled)
		// It declares the jobs, too, as one does that stores runs for others.
		w.start(w.service(config{Queues: queues, Remote: []string{"theirs"}, Jobs: []decl{{Type: "b", Handle: noop}, {Type: "once", Queue: "theirs"}}}))
		for _, id := range []string{once, often} {
			w.until(id, func(r jobs.Run) bool { return r.Status == jobs.Pending })
		}
		w.wait(chosen, jobs.Failed)
		w.wait(cancelled, jobs.Cancelled)
		w.start(w.Service)
		if run := w.wait(once, jobs.Failed); run.Error != "the process that ran it ended; start it again" {
			w.t.Error(run.Error)
		}
		w.wait(often, jobs.Completed)
		if calls.Load() != 1 {
			w.t.Errorf("%d calls, want one, of the job that is tried again", calls.Load())
		}
	})
}

// A run whose process dies while another one works is taken up by that.
func TestReclaimWhileWorking(t *testing.T) {
	eachDatabase(t, []decl{{Type: "a", Resumable: true, Handle: noop}}, func(w *world) {
		w.start(w.Service)
		id := w.submit("a")
		w.wait(id, jobs.Completed)
		w.orphan(id, 1)
		if run := w.wait(id, jobs.Completed); run.Attempt != 2 {
			w.t.Errorf("the run had %d attempts, want 2", run.Attempt)
		}
	})
}

// Nothing is left that is marked as running and whose lease has run out.
func TestNoRunIsStale(t *testing.T) {
	declared := []decl{{Type: "a", Handle: noop}, {Type: "b", Resumable: true, Handle: noop}}
	eachDatabase(t, declared, func(w *world) {
		for i := range 20 {
			w.orphan(w.submit([]string{"a", "b"}[i%2]), 1)
		}
		w.start(w.Service)
		stale := w.count("SELECT count(*) FROM runs WHERE status = ? AND (lease_until IS NULL OR lease_until < "+w.db.Dialect().Now()+")", jobs.Running)
		if stale != 0 {
			w.t.Errorf("%d runs are running with no lease", stale)
		}
	})
}

// A process that stops gives back what can go on, and the next one goes on.
func TestStopAndGoOn(t *testing.T) {
	began := make(chan *jobs.Task, 2)
	plain := decl{Type: "plain", Handle: untilDone(began)}
	stops := decl{Type: "resumable", Resumable: true, Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
		task.SetCheckpoint("here")
		if err := task.Commit(ctx, nil); err != nil {
			return nil, err
		}
		return untilDone(began)(ctx, task)
	}}
	goesOn := decl{Type: "resumable", Resumable: true, Handle: func(_ context.Context, task *jobs.Task) (any, error) { return task.Checkpoint(), nil }}
	eachDatabase(t, []decl{plain, stops}, func(w *world) {
		w.start(w.Service)
		lost, kept := w.submit("plain"), w.submit("resumable")
		<-began
		<-began
		waiting := make(chan jobs.Run, 1)
		go func() {
			run, _ := w.Wait(deadline(w.t), w.acme, kept)
			waiting <- run
		}()
		if err := w.Stop(deadline(w.t)); err != nil {
			w.t.Fatal(err)
		}
		w.wait(lost, jobs.Failed)
		if run := w.get(lost); run.Error != "the process was stopped; start it again" {
			w.t.Errorf("error %q", run.Error)
		}
		if run := w.get(kept); run.Status != jobs.Pending || run.Result != nil || run.FinishedAt != nil {
			w.t.Errorf("the resumable run: %+v", run)
		}
		w.start(w.service(config{Jobs: []decl{plain, goesOn}}))
		if run := <-waiting; run.Status != jobs.Completed || string(run.Result) != `"here"` || run.Attempt != 2 {
			w.t.Errorf("the resumed run: %+v", run)
		}
	})
}

// A job that does not stop does not keep Stop for ever, and is fenced off.
func TestStopGivesUp(t *testing.T) {
	began, let := make(chan *jobs.Task, 1), make(chan struct{})
	done := make(chan error, 1)
	declared := []decl{{Type: "deaf", Handle: func(_ context.Context, task *jobs.Task) (any, error) {
		began <- task
		<-let
		done <- task.Commit(context.Background(), nil)
		return nil, nil
	}}}
	eachDatabase(t, declared, func(w *world) {
		w.start(w.Service)
		id := w.submit("deaf")
		<-began
		ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := w.Stop(ctx); err == nil || !strings.Contains(err.Error(), id) {
			w.t.Errorf("stop: %v, want an error that names the run", err)
		}
		if err := w.Stop(w.t.Context()); err != nil {
			w.t.Errorf("stopping again: %v", err)
		}
		let <- struct{}{}
		if err := <-done; err == nil {
			w.t.Error("the commit after Stop was accepted")
		}
		if run := w.get(id); run.Status != jobs.Failed || run.Error != "the process was stopped; start it again" {
			w.t.Errorf("the run is %s: %q, want it taken from its job", run.Status, run.Error)
		}
	})
}

// A job that returns in the moment in which Stop takes its run from it ends it once.
func TestStopGivesUpTooLate(t *testing.T) {
	const runs = 8
	let, blocked, unblock := make(chan bool), make(chan bool), make(chan bool)
	databasetestRun(t, func(w *world) {
		var first sync.Once
		w.Service = w.service(config{Poll: time.Hour, FailPoint: func(name string) {
			if name == "finishing" { // those that come meanwhile are stored together
				first.Do(func() { blocked <- true; <-unblock })
			}
		}, Jobs: []decl{{Type: "first", Handle: noop}, {Type: "deaf", Handle: func(context.Context, *jobs.Task) (any, error) {
			<-let
			return nil, errors.New("its own end")
		}}}})
		w.start(w.Service)
		var ids []string
		for range runs {
			ids = append(ids, w.submit("deaf"))
			w.until(ids[len(ids)-1], func(r jobs.Run) bool { return r.Status == jobs.Running })
		}
		w.submit("first")
		<-blocked
		for range runs {
			let <- true
		}
		time.Sleep(20 * time.Millisecond) // in which they ask for their ends
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Millisecond)
		defer cancel()
		stopped := make(chan error, 1)
		go func() { stopped <- w.Stop(ctx) }()
		time.Sleep(20 * time.Millisecond) // in which it takes them away
		unblock <- true
		if err := <-stopped; err != nil && !strings.Contains(err.Error(), "did not stop in time") {
			w.t.Error(err)
		}
		for _, id := range ids {
			w.wait(id, jobs.Failed)
			if got := w.events(id); len(got) != 1 {
				w.t.Errorf("events %v", got)
			}
		}
	})
}
