package jobs_test

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/dirblob"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// TestMistakes commits the mistakes by which background work gets lost without a
// word, and shows what becomes of each: a compile error, a refusal before anything
// starts, or the right behaviour all the same.
func TestMistakes(t *testing.T) {
	for _, mistake := range []struct {
		name string
		test func(t *testing.T)
	}{
		{"a task name that nobody has", aNameThatNobodyHas},
		{"a queue that nobody consumes", aQueueThatNobodyConsumes},
		{"a run type missing from a list", aTypeMissingFromAList},
		{"temporary files left behind", temporaryFilesLeft}, // see also TestSweepOfObjects, TestHandOverFromABadStore and the crash tests of package curatore
		{"runs that stay running", runsThatStayRunning},     // see also TestReclaim, TestNoRunIsStale
		{"a run enqueued before the commit", enqueuedBeforeTheCommit},
		{"events mistaken for the lifecycle", eventsMistakenForTheLifecycle},
	} {
		t.Run(mistake.name, mistake.test)
	}
}

// There is nothing that takes the name of a job: a run is started through the
// value that its registration gave, with the arguments that its function takes.
func aNameThatNobodyHas(t *testing.T) {
	out, err := exec.CommandContext(deadline(t), "go", "build", "-o", t.TempDir(), "./testdata/mistakes").CombinedOutput()
	if err == nil {
		t.Fatal("testdata/mistakes compiles")
	}
	for _, want := range []string{
		`service.Submit undefined`,
		`as report value in argument to reports.Submit`,
		`as jobs.Job value in argument to jobs.Register`,
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the compiler does not say %q:\n%s", want, out)
		}
	}
	// What a compiler cannot see is refused at the start, and by the first Enqueue.
	w := newWorld(t, openSQLite(t))
	w.Service = w.service(config{Jobs: []decl{{Type: "report", Handle: noop}, {Type: "report", Handle: noop}, {Type: "a", Queue: "nowhere", Handle: noop}}})
	err = w.Start(t.Context())
	for _, want := range []string{`the type "report" is declared twice`, `job "a": there is no queue "nowhere"; declared are q`} {
		if !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("Start: %v, want %q", err, want)
		}
	}
	if _, err := w.Submit(t.Context(), w.acme, newRun{Type: "a"}); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("Submit: %v", err)
	}
}

// Start refuses a queue on which nobody would work, unless it is said that others
// do. When these do not, runs in it raise the alarm and tell why they wait.
func aQueueThatNobodyConsumes(t *testing.T) {
	databasetestRun(t, func(w *world) {
		queues := []jobs.Queue{{Name: "q"}, {Name: "reports", Label: "Reports"}}
		reports := decl{Type: "report", Queue: "reports"}
		err := w.service(config{Queues: queues, Jobs: []decl{{Type: "a", Handle: noop}, reports}}).Start(w.t.Context())
		if !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), `nobody works on queue "reports"`) {
			w.t.Errorf("Start: %v", err)
		}
		alarms := make(chan jobs.Alarm, 10)
		w.Service = w.service(config{Queues: queues, Remote: []string{"reports"}, Jobs: []decl{{Type: "a", Handle: noop}, reports}, Alarm: func(a jobs.Alarm) { alarms <- a }})
		id := w.submit("report")
		w.start(w.Service)
		if a := <-alarms; a.Kind != jobs.Unconsumed || a.Queue != "reports" {
			w.t.Errorf("alarm %+v", a)
		}
		if why := w.why(id); why.Reason != jobs.NoConsumer || why.Text != "no live process works on queue Reports" {
			w.t.Errorf("why: %+v", why)
		}
		if err := w.Preflight(w.t.Context()); !errors.Is(err, content.ErrConflict) || !strings.Contains(err.Error(), `queue "reports"; 1 runs wait in it`) {
			w.t.Errorf("Preflight: %v", err)
		}
		reports.Handle = noop
		w.start(w.service(config{Queues: queues[1:], Jobs: []decl{reports}}))
		w.wait(id, jobs.Completed)
	})
}

// No list of types is kept anywhere: what is registered is declared, and whatever
// was stored is shown, by a program that has never heard of it too, which leaves
// it to one that has.
func aTypeMissingFromAList(t *testing.T) {
	databasetestRun(t, func(w *world) {
		w.Service = w.service(config{Jobs: []decl{{Type: "old", Label: "Old report", Handle: noop}}})
		id := w.submit("old")
		alarms := make(chan jobs.Alarm, 10)
		other := w.service(config{Jobs: []decl{{Type: "new", Handle: noop}}, Alarm: func(a jobs.Alarm) { alarms <- a }})
		w.start(other)
		if a := <-alarms; a.Kind != jobs.UnknownJob || a.Type != "old" || a.Label != "Old report" {
			w.t.Errorf("alarm %+v", a)
		}
		for _, q := range []jobs.Query{{}, {Active: true}, {Types: []string{"old"}}, {Queues: []string{"q"}}, {Statuses: []jobs.Status{jobs.Pending}}} {
			page, err := other.List(w.t.Context(), w.acme, q)
			if err != nil || len(page.Runs) != 1 || page.Runs[0].ID != id || page.Runs[0].Label != "Old report" {
				w.t.Errorf("%+v: %+v, %v", q, page.Runs, err)
			}
		}
		if all := other.Jobs(); len(all) != 1 || all[0].Type != "new" {
			w.t.Errorf("registered and not listed, or the other way about: %+v", all)
		}
		w.start(w.Service)
		w.wait(id, jobs.Completed)
	})
}

// What a run leaves in the object store when its process dies is removed by
// maintenance, and what a live run needs is not.
func temporaryFilesLeft(t *testing.T) {
	databasetestRun(t, func(w *world) {
		store, err := dirblob.Open(w.t.TempDir(), dirblob.Options{})
		if err != nil {
			w.t.Fatal(err)
		}
		defer store.Close() //nolint:errcheck // nothing is written any more
		left := func() (runs []string) {
			for info, err := range store.List(w.t.Context(), "temp/", "") {
				if err != nil {
					w.t.Fatal(err)
				}
				runs = append(runs, strings.TrimPrefix(info.Key, "temp/"))
			}
			return runs
		}
		messy := func(ctx context.Context, task *jobs.Task) (any, error) { // and removes nothing
			_, err := store.Put(ctx, "temp/"+task.Run().ID, strings.NewReader("x"), blob.PutOptions{})
			return nil, err
		}
		began := make(chan *jobs.Task, 1)
		w.Service = w.service(config{Queues: []jobs.Queue{{Name: "q"}, {Name: jobs.QueueMaintenance}}, Jobs: []decl{
			{Type: "messy", Handle: messy},
			{Type: "live", Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
				if _, err := messy(ctx, task); err != nil {
					return nil, err
				}
				return untilDone(began)(ctx, task)
			}},
		}})
		maintenance := jobs.RegisterMaintenance(w.Service, jobs.Maintenance{Temporary: func(ctx context.Context, task *jobs.Task) (n int, err error) {
			for _, id := range left() {
				if run, err := w.Get(ctx, task.Scope(), id); err == nil && run.Status.Active() {
					continue
				}
				if err := store.Delete(ctx, "temp/"+id); err != nil {
					return n, err
				}
				n++
			}
			return n, nil
		}})
		w.start(w.Service)
		ended, live := w.submit("messy"), w.submit("live")
		w.wait(ended, jobs.Completed)
		<-began
		if got := left(); len(got) != 2 {
			w.t.Fatalf("%v are there, want those of two runs", got)
		}
		run, err := maintenance.Submit(w.t.Context(), w.acme, struct{}{}, jobs.Options{})
		if err != nil {
			w.t.Fatal(err)
		}
		if result := string(w.wait(run.ID, jobs.Completed).Result); !strings.Contains(strings.ReplaceAll(result, " ", ""), `"temporary":1`) {
			w.t.Errorf("result %s", result)
		}
		if got := left(); !slices.Equal(got, []string{live}) {
			w.t.Errorf("left are %v, want those of the live run %s", got, live)
		}
	})
}

// A run whose process has died does not stay running: its lease runs out, and
// the next sweep gives it to another process or ends it.
func runsThatStayRunning(t *testing.T) {
	databasetestRun(t, func(w *world) {
		declared := []decl{{Type: "resumable", Resumable: true, Handle: noop}, {Type: "once", Handle: noop}}
		w.Service = w.service(config{Jobs: declared})
		resumable, once := w.submit("resumable"), w.submit("once")
		for _, id := range []string{resumable, once} {
			w.orphan(id, 1)
		}
		stale := func() (n int) {
			health, err := w.Health(w.t.Context())
			if err != nil {
				w.t.Fatal(err)
			}
			for _, h := range health {
				n += h.Expired
			}
			return n
		}
		if n := stale(); n != 2 {
			w.t.Errorf("Health tells of %d runs past their lease, want 2", n)
		}
		w.start(w.Service)
		w.wait(resumable, jobs.Completed)
		if run := w.wait(once, jobs.Failed); run.Error != "the process that ran it ended; start it again" {
			w.t.Error(run.Error)
		}
		if n := stale(); n != 0 {
			w.t.Errorf("%d runs are past their lease", n)
		}
	})
}

// A run is stored by the transaction that calls for it and by nothing else: no
// Runner hears of it before the commit, and one that is rolled back never was.
func enqueuedBeforeTheCommit(t *testing.T) {
	var calls atomic.Int64
	declared := []decl{{Type: "a", Handle: func(context.Context, *jobs.Task) (any, error) { calls.Add(1); return nil, nil }}}
	databasetestRun(t, func(w *world) {
		calls.Store(0)
		runner := &hasty{}
		w.Service = w.service(config{Jobs: declared, Runner: runner, Poll: time.Hour})
		w.start(w.Service)
		var kept, never *jobs.Run
		changed := errors.New("the caller has changed its mind")
		if err := w.db.Write(w.t.Context(), func(ctx context.Context, tx *database.Tx) (err error) {
			if never, err = w.Enqueue(ctx, tx, w.acme, newRun{Type: "a"}); err != nil {
				return err
			}
			return changed
		}); !errors.Is(err, changed) {
			w.t.Fatal(err)
		}
		w.write(func(ctx context.Context, tx *database.Tx) (err error) {
			if kept, err = w.Enqueue(ctx, tx, w.acme, newRun{Type: "a"}); err != nil {
				return err
			}
			if got := runner.dispatched(); len(got) != 0 {
				w.t.Errorf("%v were dispatched before the commit", got)
			}
			return nil
		})
		w.wait(kept.ID, jobs.Completed)
		if got := runner.dispatched(); !slices.Equal(slices.Compact(got), []string{kept.ID}) || calls.Load() != 1 {
			w.t.Errorf("%v were dispatched, and the job was called %d times", got, calls.Load())
		}
		if _, err := w.Get(w.t.Context(), w.acme, never.ID); !isNotFound(err) {
			w.t.Errorf("the run that was rolled back: %v", err)
		}
	})
}

// A hasty Runner delivers at once, inside Dispatch.
type hasty struct {
	mu      sync.Mutex
	ids     []string
	deliver func(ctx context.Context, id string) error
}

func (r *hasty) Start(_ context.Context, deliver func(context.Context, string) error) error {
	r.deliver = deliver
	return nil
}

func (r *hasty) Dispatch(ctx context.Context, _ string, ids ...string) error {
	r.mu.Lock()
	r.ids = append(r.ids, ids...)
	r.mu.Unlock()
	for _, id := range ids {
		if err := r.deliver(context.WithoutCancel(ctx), id); err != nil {
			return err
		}
	}
	return nil
}

func (r *hasty) Stop(context.Context) error { return nil }

func (r *hasty) dispatched() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ids)
}

// A job tells what happens through the same value that is its run. What it tells
// does not end the run, and how the run ends is always told, once and last.
func eventsMistakenForTheLifecycle(t *testing.T) {
	declared := []decl{
		{Type: "boasts", Handle: func(_ context.Context, task *jobs.Task) (any, error) {
			task.Progress("reporting", 7, 7)
			task.Info(jobs.EventCompleted, "all is done", nil) // it is not
			return nil, errors.New("the printer is on fire")
		}},
		{Type: "complains", Handle: func(_ context.Context, task *jobs.Task) (any, error) {
			task.Error(jobs.EventFailed, "all is lost", nil) // it is not
			return nil, nil
		}},
		{Type: "silent", Handle: noop},
	}
	eachDatabase(t, declared, func(w *world) {
		w.start(w.Service)
		for kind, want := range map[string]struct {
			status jobs.Status
			events []string
		}{
			"boasts":    {jobs.Failed, []string{jobs.EventCompleted, jobs.EventFailed}},
			"complains": {jobs.Completed, []string{jobs.EventFailed, jobs.EventCompleted}},
			"silent":    {jobs.Completed, []string{jobs.EventCompleted}},
		} {
			id := w.submit(kind)
			run := w.wait(id, want.status)
			if got := w.events(id); !slices.Equal(got, want.events) {
				w.t.Errorf("%s: events %v, want %v", kind, got, want.events)
			}
			if kind == "boasts" && (run.Phase != "reporting" || run.Done != 7) {
				w.t.Errorf("the progress was not stored with the end: %+v", run)
			}
		}
	})
}
