package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A nilError is an error whose text a nil pointer does not have.
type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// A bomb cannot be encoded.
type bomb struct{}

func (bomb) MarshalJSON() ([]byte, error) { panic("a bomb") }

// However a job ends, the row tells it: status, error, result, last event.
func TestHowRunsEnd(t *testing.T) {
	type result struct {
		Seen int `json:"seen"`
	}
	cases := []struct {
		job    decl
		status jobs.Status
		error  string // contained
		result string
		events []string
		last   string // message, contained
	}{
		{
			job:    decl{Type: "completes", Label: "Import", Handle: func(context.Context, *jobs.Task) (any, error) { return result{7}, nil }},
			status: jobs.Completed, result: `{"seen":7}`, events: []string{"completed"}, last: "Import completed",
		}, {
			job:    decl{Type: "fails", Handle: func(context.Context, *jobs.Task) (any, error) { return result{3}, errors.New("bad \x00 value \xff") }},
			status: jobs.Failed, error: "bad \ufffd value \ufffd", result: `{"seen":3}`, events: []string{"failed"}, last: "fails failed - bad \ufffd value",
		}, {
			job:    decl{Type: "panics", Handle: func(context.Context, *jobs.Task) (any, error) { panic("oh\x00no") }},
			status: jobs.Failed, error: "the job panicked: oh\ufffdno", events: []string{"panic", "failed"}, last: "panics failed",
		}, {
			job: decl{Type: "panics_in_commit", Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
				return nil, task.Commit(ctx, func(context.Context, *database.Tx) error { panic("in a transaction") })
			}},
			status: jobs.Failed, error: "the job panicked: in a transaction", events: []string{"panic", "failed"}, last: "failed",
		}, {
			job: decl{Type: "goexits_in_commit", Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
				return nil, task.Commit(ctx, func(context.Context, *database.Tx) error { runtime.Goexit(); return nil })
			}},
			status: jobs.Failed, error: "it must return", events: []string{"failed"}, last: "failed",
		}, {
			job:    decl{Type: "goexits", Handle: func(context.Context, *jobs.Task) (any, error) { runtime.Goexit(); return nil, nil }},
			status: jobs.Failed, error: "it must return", events: []string{"failed"}, last: "failed",
		}, {
			job: decl{Type: "times_out", Timeout: time.Millisecond, Handle: func(ctx context.Context, _ *jobs.Task) (any, error) {
				<-ctx.Done()
				return result{1}, ctx.Err()
			}},
			status: jobs.TimedOut, error: "timed out after 1ms", result: `{"seen":1}`, events: []string{"timed_out"}, last: "timed out",
		}, {
			job:    decl{Type: "unstorable", Handle: func(context.Context, *jobs.Task) (any, error) { return make(chan int), nil }},
			status: jobs.Failed, error: "the result of the job cannot be stored", events: []string{"failed"}, last: "failed",
		}, {
			job:    decl{Type: "nil_of_a_type", Handle: func(context.Context, *jobs.Task) (any, error) { return nil, (*nilError)(nil) }},
			status: jobs.Failed, error: "the job panicked", events: []string{"panic", "failed"}, last: "failed",
		}, {
			job:    decl{Type: "bomb_as_result", Handle: func(context.Context, *jobs.Task) (any, error) { return bomb{}, nil }},
			status: jobs.Failed, error: "the job panicked: a bomb", events: []string{"panic", "failed"}, last: "failed",
		}, {
			job: decl{Type: "nul_in_result", Handle: func(context.Context, *jobs.Task) (any, error) {
				return map[string]string{"a\x00": "b\x00", "c": `\u0000`}, nil
			}},
			status: jobs.Completed, result: `{"a\ufffd":"b\ufffd","c":"\\u0000"}`, events: []string{"completed"}, last: "completed",
		}, {
			job: decl{Type: "talks", Handle: func(_ context.Context, task *jobs.Task) (any, error) {
				task.Progress("parsing", 3, 9)
				task.Debug("debug", "line 1", nil)
				task.Info("info", "line 2", nil)
				task.Warn("warn", "line 3", nil)
				task.Error("error", "line 4", nil)
				return nil, nil
			}},
			status: jobs.Completed, events: []string{"debug", "info", "warn", "error", "completed"}, last: "completed",
		},
	}
	var declared []decl
	for _, c := range cases {
		declared = append(declared, c.job)
	}
	eachDatabase(t, declared, func(w *world) {
		w.start(w.Service)
		for _, c := range cases {
			run := w.wait(w.submit(c.job.Type), c.status)
			if !strings.Contains(run.Error, c.error) || (run.Error == "") != (c.status == jobs.Completed) {
				w.t.Errorf("%s: error %q, want %q", c.job.Type, run.Error, c.error)
			}
			if strings.Contains(run.Error, "goroutine") && !strings.HasPrefix(c.job.Type, "goexits") {
				w.t.Errorf("%s: the error holds the stack: %s", c.job.Type, run.Error)
			}
			if diff := cmp.Diff(decoded(c.result), decoded(string(run.Result))); diff != "" {
				w.t.Errorf("%s: result: %s", c.job.Type, diff)
			}
			if diff := cmp.Diff(c.events, w.events(run.ID)); diff != "" {
				w.t.Errorf("%s: events: %s", c.job.Type, diff)
			}
			events := w.eventRows(run.ID)
			for i, e := range events {
				if c.job.Type == "talks" && i < 4 && string(e.Level) != e.Type {
					w.t.Errorf("an event of type %s has level %s", e.Type, e.Level)
				}
			}
			if last := events[len(events)-1]; !strings.Contains(last.Message, c.last) {
				w.t.Errorf("%s: the last event says %q, want %q", c.job.Type, last.Message, c.last)
			}
			if stack := string(events[0].Data); events[0].Type == jobs.EventPanic && !strings.Contains(stack, "work_test.go") {
				w.t.Errorf("%s: the event has no stack: %s", c.job.Type, events[0].Data)
			}
			if run.StartedAt == nil || run.FinishedAt == nil || run.Attempt != 1 || (run.Err() == nil) != (c.status == jobs.Completed) {
				w.t.Errorf("%s: %+v", c.job.Type, run)
			}
		}
		if n := w.count("SELECT count(*) FROM runs WHERE lease_until IS NOT NULL OR finished_at IS NULL OR id = ?", ""); n != 0 {
			w.t.Errorf("%d ended runs keep a lease or have no end", n)
		}
	})
}

func decoded(s string) (v any) {
	_ = json.Unmarshal([]byte(s), &v) // "" is nil
	return v
}

func TestRunErr(t *testing.T) {
	for _, c := range []struct {
		run  jobs.Run
		text string
		is   error
	}{
		{jobs.Run{Status: jobs.Pending}, "", nil},
		{jobs.Run{Status: jobs.Completed}, "", nil},
		{jobs.Run{Status: jobs.Failed, Label: "a.zip", Error: "no Id column"}, "a.zip: no Id column", nil},
		{jobs.Run{Status: jobs.Cancelled, Type: "import", Error: "cancelled: by alice"}, "import: cancelled: by alice", jobs.ErrCancelled},
		{jobs.Run{Status: jobs.TimedOut, Type: "import", Error: "timed out"}, "import: timed out", jobs.ErrTimedOut},
	} {
		err := c.run.Err()
		if (err == nil) != (c.text == "") || err != nil && err.Error() != c.text {
			t.Errorf("%s: %v, want %q", c.run.Status, err, c.text)
		}
		if c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v is not %v", c.run.Status, err, c.is)
		}
	}
}

// The job runs for the organization and the principal that started it.
func TestTaskScope(t *testing.T) {
	seen := make(chan *jobs.Task, 1)
	declared := []decl{{Type: "a", Handle: func(_ context.Context, task *jobs.Task) (any, error) { seen <- task; return nil, nil }}}
	eachDatabase(t, declared, func(w *world) {
		w.start(w.Service)
		run, err := w.Submit(w.t.Context(), w.other, newRun{Type: "a"})
		if err != nil {
			w.t.Fatal(err)
		}
		task := <-seen
		if organization, err := w.authority.Organization(task.Scope()); organization != "other" || err != nil || task.Scope().Principal() != "bob" {
			w.t.Errorf("the scope is of %q in %q (%v), want bob in other", task.Scope().Principal(), organization, err)
		}
		if task.Run().ID != run.ID {
			w.t.Errorf("the task's run is %s, want %s", task.Run().ID, run.ID)
		}
		if _, err := w.Wait(deadline(w.t), w.other, run.ID); err != nil {
			w.t.Error(err)
		}
	})
}
