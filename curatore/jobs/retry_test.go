package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/curatore/jobs"
)

var quickly = jobs.Retry{MaxAttempts: 3, Backoff: 2 * time.Millisecond, MaxBackoff: 5 * time.Millisecond}

// A run that fails is parked and tried again, as often as its job says; then it
// has failed, with the last error.
func TestRetries(t *testing.T) {
	attempt := func(task *jobs.Task) int { return task.Run().Attempt }
	cases := []struct {
		job    decl
		o      jobs.Options
		status jobs.Status
		error  string
		events string
	}{
		{decl{Type: "mends", Job: jobs.Job{Retry: quickly}, Handle: func(_ context.Context, task *jobs.Task) (any, error) {
			if attempt(task) < 3 {
				return nil, fmt.Errorf("broken %d", attempt(task))
			}
			return "whole", nil
		}}, jobs.Options{}, jobs.Completed, "", "retry resumed retry resumed completed"},
		{decl{Type: "never", Job: jobs.Job{Retry: quickly}, Handle: func(_ context.Context, task *jobs.Task) (any, error) {
			return nil, fmt.Errorf("broken %d", attempt(task))
		}}, jobs.Options{}, jobs.Failed, "broken 3", "retry resumed retry resumed failed"},
		{decl{Type: "once", Job: jobs.Job{Retry: quickly}, Handle: func(context.Context, *jobs.Task) (any, error) { return nil, errors.New("broken") }},
			jobs.Options{MaxAttempts: 1}, jobs.Failed, "broken", "failed"},
		{decl{Type: "permanent", Job: jobs.Job{Retry: quickly}, Handle: func(context.Context, *jobs.Task) (any, error) {
			return nil, fmt.Errorf("import: %w", jobs.Permanent(errors.New("wrong file")))
		}}, jobs.Options{}, jobs.Failed, "import: wrong file", "failed"},
		{decl{Type: "slow", Timeout: time.Millisecond, Job: jobs.Job{Retry: jobs.Retry{MaxAttempts: 2, Backoff: time.Millisecond}}, Handle: func(ctx context.Context, _ *jobs.Task) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}, jobs.Options{}, jobs.TimedOut, "timed out after 1ms", "retry resumed timed_out"},
		{decl{Type: "panics", Job: jobs.Job{Retry: jobs.Retry{MaxAttempts: 2, Backoff: time.Millisecond}}, Handle: func(_ context.Context, task *jobs.Task) (any, error) {
			if attempt(task) == 1 {
				panic("once")
			}
			return nil, nil
		}}, jobs.Options{}, jobs.Completed, "", "panic retry resumed completed"},
	}
	var declared []decl
	for _, c := range cases {
		declared = append(declared, c.job)
	}
	eachDatabase(t, declared, func(w *world) {
		w.start(w.Service)
		for _, c := range cases {
			run, err := w.Submit(w.t.Context(), w.acme, newRun{Type: c.job.Type, Options: c.o})
			if err != nil {
				w.t.Fatal(err)
			}
			ended := w.wait(run.ID, c.status)
			if !strings.HasPrefix(ended.Error, c.error) || (c.error == "") != (ended.Error == "") {
				w.t.Errorf("%s: error %q, want %q", c.job.Type, ended.Error, c.error)
			}
			if got := strings.Join(w.events(run.ID), " "); got != c.events {
				w.t.Errorf("%s: events %q, want %q", c.job.Type, got, c.events)
			}
			if want := strings.Count(c.events, "retry") + strings.Count(c.events, "failed") + strings.Count(c.events, "timed_out"); ended.Failures != want {
				w.t.Errorf("%s: %d failures, want %d", c.job.Type, ended.Failures, want)
			}
		}
	})
}

// A queue's Retry is that of its jobs, and a run waits as long as it says, by
// the database's clock.
func TestRetryOfTheQueue(t *testing.T) {
	declared := []decl{{Type: "a", Queue: "patient", Handle: func(context.Context, *jobs.Task) (any, error) { return nil, errors.New("broken") }}}
	databasetestRun(t, func(w *world) {
		w.Service = w.service(config{Jobs: declared, Queues: []jobs.Queue{{Name: "patient", Retry: jobs.Retry{MaxAttempts: 2, Backoff: time.Hour, MaxBackoff: 2 * time.Hour}}}})
		w.start(w.Service)
		id := w.submit("a")
		run := w.until(id, func(r jobs.Run) bool { return r.Status == jobs.Parked })
		wait := time.Until(*run.NotBefore)
		if wait < 40*time.Minute || wait > 46*time.Minute { // an hour at most, less a quarter with a random of one half
			w.t.Errorf("it waits %s", wait)
		}
		if why := w.why(id); why.Reason != jobs.NotYet || !strings.Contains(why.Text, "try 2 of 2 after a failure: broken") {
			w.t.Errorf("%+v", why)
		}
		page, err := w.List(w.t.Context(), w.acme, jobs.Query{Active: true})
		if err != nil || len(page.Runs) != 1 || page.Runs[0].Error != "broken" {
			w.t.Errorf("%+v %v", page, err)
		}
		if err := w.Cancel(w.t.Context(), w.acme, id, ""); err != nil {
			w.t.Error(err)
		}
		w.wait(id, jobs.Cancelled)
	})
}

// A queue's time-out is that of its jobs which set none.
func TestTimeoutOfTheQueue(t *testing.T) {
	waits := func(ctx context.Context, _ *jobs.Task) (any, error) { <-ctx.Done(); return nil, ctx.Err() }
	databasetestRun(t, func(w *world) {
		w.Service = w.service(config{Queues: []jobs.Queue{{Name: "hasty", Timeout: 10 * time.Millisecond}},
			Jobs: []decl{{Type: "queue", Queue: "hasty", Handle: waits}, {Type: "own", Queue: "hasty", Timeout: time.Millisecond, Handle: waits}}})
		w.start(w.Service)
		for kind, want := range map[string]string{"queue": "timed out after 10ms", "own": "timed out after 1ms"} {
			if run := w.wait(w.submit(kind), jobs.TimedOut); !strings.HasPrefix(run.Error, want) {
				w.t.Errorf("%q, want %q", run.Error, want)
			}
		}
	})
}

// A job parks itself until a time, which is no failure, and goes on from its
// checkpoint.
func TestPark(t *testing.T) {
	declared := []decl{{Type: "a", Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
		if task.Checkpoint() != nil {
			return task.Checkpoint(), nil
		}
		task.SetCheckpoint("page 7")
		if err := task.Commit(ctx, nil); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("page 8: %w", jobs.Park(time.Now().Add(100*time.Millisecond), "the quota is used up"))
	}}}
	eachDatabase(t, declared, func(w *world) {
		w.start(w.Service)
		id := w.submit("a")
		w.until(id, func(r jobs.Run) bool {
			return r.Status == jobs.Parked && r.WaitReason == "the quota is used up" || r.Status == jobs.Completed
		})
		run := w.wait(id, jobs.Completed)
		if string(run.Result) != `"page 7"` || run.Failures != 0 || run.Attempt != 2 || run.WaitReason != "" || run.NotBefore != nil {
			w.t.Errorf("%+v", run)
		}
		if diff := cmp.Diff([]string{"parked", "resumed", "completed"}, w.events(id)); diff != "" {
			w.t.Error(diff)
		}
	})
}

// A job that parks its run or fails without a word is unparked and found among the
// dead all the same.
func TestSilentJobs(t *testing.T) {
	declared := []decl{
		{Type: "parks", Handle: func(_ context.Context, task *jobs.Task) (any, error) {
			if task.Run().Attempt == 1 {
				return nil, jobs.Park(time.Now(), "")
			}
			return nil, nil
		}},
		{Type: "fails", Handle: func(context.Context, *jobs.Task) (any, error) { return nil, errors.New("") }},
	}
	eachDatabase(t, declared, func(w *world) {
		w.start(w.Service)
		w.wait(w.submit("parks"), jobs.Completed)
		failed := w.wait(w.submit("fails"), jobs.Failed)
		page, err := w.List(w.t.Context(), w.acme, jobs.Query{DeadOnly: true})
		if err != nil || len(page.Runs) != 1 || page.Runs[0].ID != failed.ID || failed.Error != "its job did not say why" {
			w.t.Errorf("%v: %q; the dead are %+v", err, failed.Error, page.Runs)
		}
	})
}

// A run that failed for good is replayed once, as a new run; what comes of it can
// be replayed in its turn.
func TestReplay(t *testing.T) {
	mended := false
	declared := []decl{{Type: "a", Job: jobs.Job{ResourceType: "connection"}, Handle: func(_ context.Context, task *jobs.Task) (any, error) {
		if mended {
			return string(task.Run().Config), nil
		}
		return nil, errors.New("broken")
	}}}
	eachDatabase(t, declared, func(w *world) {
		mended = false
		w.start(w.Service)
		first, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "a", Label: "x.zip", Config: 7, Options: jobs.Options{ResourceID: "r", Priority: 3}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.wait(first.ID, jobs.Failed)
		dead := func() (ids []string) {
			page, err := w.List(w.t.Context(), w.acme, jobs.Query{DeadOnly: true})
			if err != nil {
				w.t.Fatal(err)
			}
			for _, run := range page.Runs {
				ids = append(ids, run.ID)
			}
			return ids
		}
		if diff := cmp.Diff([]string{first.ID}, dead()); diff != "" {
			w.t.Error(diff)
		}
		if _, err := w.Replay(w.t.Context(), w.other, first.ID); !errors.Is(err, content.ErrNotFound) {
			w.t.Errorf("another organization replays it: %v", err)
		}
		second, err := w.Replay(w.t.Context(), w.acme, first.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		w.wait(second.ID, jobs.Failed)
		if _, err := w.Replay(w.t.Context(), w.acme, first.ID); !errors.Is(err, content.ErrConflict) {
			w.t.Errorf("replaying it again: %v", err)
		}
		if diff := cmp.Diff([]string{second.ID}, dead()); diff != "" {
			w.t.Error(diff)
		}
		mended = true
		third, err := w.Replay(w.t.Context(), w.acme, second.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		run := w.wait(third.ID, jobs.Completed)
		if run.ReplayOf != second.ID || run.Label != "x.zip" || run.ResourceID != "r" || run.Priority != 3 || string(run.Result) != `"7"` || run.TraceID != first.TraceID {
			w.t.Errorf("%+v", run)
		}
		if _, err := w.Replay(w.t.Context(), w.acme, third.ID); !errors.Is(err, content.ErrConflict) {
			w.t.Errorf("replaying what completed: %v", err)
		}
		if n := len(dead()); n != 0 {
			w.t.Errorf("%d dead letters are left", n)
		}
	})
}
