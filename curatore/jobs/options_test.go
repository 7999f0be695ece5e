package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// Of the runs that wait, the highest priority is claimed first, then the oldest.
func TestPriority(t *testing.T) {
	var mu sync.Mutex
	var order []string
	declared := []decl{{Type: "a", Queue: "single", Handle: func(_ context.Context, task *jobs.Task) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, task.Run().Label)
		return nil, nil
	}}}
	databasetestRun(t, func(w *world) {
		order = nil
		w.Service = w.service(config{Jobs: declared, Queues: []jobs.Queue{{Name: "single", Concurrency: 1}}})
		var ids []string
		for i, priority := range []int{0, -5, 10, 0, 10} {
			run, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "a", Label: fmt.Sprint(i), Options: jobs.Options{Priority: priority}})
			if err != nil {
				w.t.Fatal(err)
			}
			ids = append(ids, run.ID)
		}
		w.start(w.Service)
		for _, id := range ids {
			w.wait(id, jobs.Completed)
		}
		if diff := cmp.Diff([]string{"2", "4", "0", "3", "1"}, order); diff != "" {
			w.t.Error(diff)
		}
	})
}

// A run waits until its time, by the database's clock, and says so.
func TestNotBefore(t *testing.T) {
	eachDatabase(t, []decl{{Type: "a", Handle: noop}}, func(w *world) {
		w.start(w.Service)
		later, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "a", Options: jobs.Options{NotBefore: time.Now().Add(time.Hour)}})
		if err != nil {
			w.t.Fatal(err)
		}
		soon, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "a", Options: jobs.Options{NotBefore: time.Now().Add(50 * time.Millisecond)}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.wait(soon.ID, jobs.Completed)
		if run := w.get(later.ID); run.Status != jobs.Pending || run.NotBefore == nil {
			w.t.Errorf("%+v", run)
		}
		if why := w.why(later.ID); why.Reason != jobs.NotYet || why.Until == nil || !strings.HasPrefix(why.Text, "not before 2") {
			w.t.Errorf("%+v", why)
		}
	})
}

// 200 goroutines that enqueue one unique key get one run. When that has ended,
// the key is free again; types and organizations have keys of their own.
func TestUniqueKey(t *testing.T) {
	eachDatabase(t, []decl{{Type: "a", Handle: noop}, {Type: "b", Handle: noop}}, func(w *world) {
		unique := jobs.Options{UniqueKey: "one"}
		var group sync.WaitGroup
		var mu sync.Mutex
		seen, fresh := map[string]int{}, 0
		for range 200 {
			group.Go(func() {
				run, err := w.Submit(deadline(w.t), w.acme, newRun{Type: "a", Options: unique})
				if err != nil {
					w.t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				seen[run.ID]++
				if !run.Duplicate {
					fresh++
				}
			})
		}
		group.Wait()
		if len(seen) != 1 || fresh != 1 {
			w.t.Fatalf("%d runs, %d times a new one; want one", len(seen), fresh)
		}
		for _, other := range []struct {
			scope content.Scope
			kind  string
		}{{w.acme, "b"}, {w.other, "a"}} {
			if run, err := w.Submit(w.t.Context(), other.scope, newRun{Type: other.kind, Options: unique}); err != nil || run.Duplicate {
				w.t.Errorf("%v %v", run, err)
			}
		}
		w.start(w.Service)
		for id := range seen {
			w.wait(id, jobs.Completed)
		}
		if run, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "a", Options: unique}); err != nil || run.Duplicate {
			w.t.Errorf("after the end: %+v %v", run, err)
		}
	})
}

// A live run under an earlier name of the job holds the unique key, too.
func TestUniqueKeyUnderAnEarlierName(t *testing.T) {
	eachDatabase(t, []decl{{Type: "import_v1", Handle: noop}}, func(w *world) {
		unique := jobs.Options{UniqueKey: "one"}
		old, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "import_v1", Options: unique})
		if err != nil {
			w.t.Fatal(err)
		}
		w.Service = w.service(config{Jobs: []decl{{Job: jobs.Job{Aliases: []string{"import_v1"}}, Type: "import", Handle: noop}}})
		run, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "import", Options: unique})
		if err != nil || !run.Duplicate || run.ID != old.ID {
			w.t.Errorf("%+v %v, want the run %s", run, err, old.ID)
		}
		if run, err := w.Submit(w.t.Context(), w.other, newRun{Type: "import", Options: unique}); err != nil || run.Duplicate {
			w.t.Errorf("in another organization: %+v %v", run, err)
		}
		w.start(w.Service)
		w.wait(old.ID, jobs.Completed)
		if run, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "import", Options: unique}); err != nil || run.Duplicate {
			w.t.Errorf("after the end: %+v %v", run, err)
		}
	})
}

// A time that no database stores is the nearest one that it does: a run that shall
// never begin does not begin at once, and does not make lists unreadable.
func TestTimesOutOfReach(t *testing.T) {
	never, before := time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC)
	parks := func(_ context.Context, task *jobs.Task) (any, error) {
		if task.Run().Attempt > 1 {
			return nil, nil
		}
		return nil, jobs.Park(map[string]time.Time{"never": never, "before": before}[task.Run().Label], "why")
	}
	eachDatabase(t, []decl{{Type: "a", Handle: noop}, {Type: "parks", Handle: parks}}, func(w *world) {
		w.start(w.Service)
		later, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "a", Options: jobs.Options{NotBefore: never}})
		if err != nil {
			w.t.Fatal(err)
		}
		parked, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "parks", Label: "never"})
		if err != nil {
			w.t.Fatal(err)
		}
		w.until(parked.ID, func(r jobs.Run) bool { return r.Status == jobs.Parked })
		for _, n := range []newRun{{Type: "a", Options: jobs.Options{NotBefore: before}}, {Type: "parks", Label: "before"}} {
			run, err := w.Submit(w.t.Context(), w.acme, n)
			if err != nil {
				w.t.Fatal(err)
			}
			w.wait(run.ID, jobs.Completed)
		}
		for id, want := range map[string]jobs.Status{later.ID: jobs.Pending, parked.ID: jobs.Parked} {
			if run := w.get(id); run.Status != want || run.NotBefore == nil || run.NotBefore.Year() != 9999 || w.why(id).Reason != jobs.NotYet {
				w.t.Errorf("%s not before %v, want %s", run.Status, run.NotBefore, want)
			}
		}
		for _, q := range []jobs.Query{{Until: never}, {Since: before}} {
			if page, err := w.List(w.t.Context(), w.acme, q); err != nil || len(page.Runs) != 4 {
				w.t.Errorf("%+v: %d runs, %v", q, len(page.Runs), err)
			}
		}
		for _, q := range []jobs.Query{{Since: never}, {Until: before}} {
			if page, err := w.List(w.t.Context(), w.acme, q); err != nil || len(page.Runs) != 0 {
				w.t.Errorf("%+v: %d runs, %v", q, len(page.Runs), err)
			}
		}
	})
}

// An Enqueue costs its transaction one statement, whatever its options. Only where
// a live run has the unique key, that one is read too.
func TestEnqueueIsOneStatement(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			dsn := databasetest.DSN(t, kind)
			databasetest.OpenDSN(t, dsn) // for the tables
			var statements atomic.Int64
			db, err := database.Open(t.Context(), dsn, database.Options{Fault: func(string) error { statements.Add(1); return nil }})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			})
			w := newWorld(t, db)
			w.Service = w.service(config{Jobs: []decl{{Type: "a", Handle: noop}}})
			parent := w.submit("a")
			w.write(func(ctx context.Context, tx *database.Tx) error {
				g, err := w.NewGroup(ctx, tx, w.acme, "files")
				if err != nil {
					return err
				}
				for _, c := range []struct {
					name string
					o    jobs.Options
					want int64
				}{
					{"plain", jobs.Options{}, 1},
					{"parent", jobs.Options{Parent: parent}, 1},
					{"group", jobs.Options{Group: g.ID}, 1},
					{"after a group", jobs.Options{After: g.ID}, 1},
					{"unique key", jobs.Options{UniqueKey: "k"}, 1},
					{"unique key, taken", jobs.Options{UniqueKey: "k"}, 2},
					{"everything", jobs.Options{Parent: parent, Group: g.ID, After: g.ID, UniqueKey: "other", Priority: 3, MaxAttempts: 2}, 1},
				} {
					before := statements.Load()
					run, err := w.Enqueue(ctx, tx, w.acme, newRun{Type: "a", Options: c.o})
					if err != nil {
						return fmt.Errorf("%s: %w", c.name, err)
					}
					if n := statements.Load() - before; n != c.want {
						t.Errorf("%s: %d statements, want %d", c.name, n, c.want)
					}
					want := jobs.Pending
					if c.o.After != "" {
						want = jobs.Parked
					}
					if run.Status != want || run.Duplicate != (c.want == 2) || run.ParentID != c.o.Parent || run.GroupID != c.o.Group {
						t.Errorf("%s: %+v", c.name, run)
					}
				}
				return nil
			})
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	eachDatabase(t, []decl{{Type: "a", Handle: noop}}, func(w *world) {
		foreign, err := w.Submit(w.t.Context(), w.other, newRun{Type: "a"})
		if err != nil {
			w.t.Fatal(err)
		}
		for want, o := range map[string]jobs.Options{
			"Priority is 101":              {Priority: 101},
			"MaxAttempts is -1":            {MaxAttempts: -1},
			"TraceID":                      {TraceID: "x"},
			"UniqueKey":                    {UniqueKey: strings.Repeat("k", 300)},
			"After and NotBefore":          {After: "g", NotBefore: time.Now()},
			"the parent, run":              {Parent: foreign.ID},
			`group "g": not found`:         {Group: "g"},
			`group "h": not found`:         {After: "h"},
			`the id "1" of a run`:          {ID: "1"},
			"the id \"" + uuid.NewString(): {},
		} {
			if want[:6] == "the id" && o.ID == "" {
				o.ID = want[8:]
			}
			if _, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "a", Options: o}); err == nil || !strings.Contains(err.Error(), want) {
				w.t.Errorf("%+v: %v, want %q", o, err, want)
			}
		}
		if _, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "a", Config: strings.Repeat("x", 2<<20)}); !errors.Is(err, content.ErrInvalid) {
			w.t.Errorf("two megabytes of arguments: %v", err)
		}
	})
}

// A run that another one starts shares its trace, and is cancelled with it; so
// is what that one has started. Then nothing more can be started below it.
func TestChildren(t *testing.T) {
	began := make(chan *jobs.Task, 1)
	started := make(chan string, 2)
	var w *world
	declared := []decl{
		{Type: "parent", Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
			child, err := w.Submit(ctx, task.Scope(), newRun{Type: "child", Options: jobs.Options{Parent: task.Run().ID, NotBefore: time.Now().Add(time.Hour)}})
			if err != nil {
				return nil, err
			}
			grandchild, err := w.Submit(ctx, task.Scope(), newRun{Type: "child", Options: jobs.Options{Parent: child.ID, NotBefore: time.Now().Add(time.Hour)}})
			if err != nil {
				return nil, err
			}
			started <- child.ID
			started <- grandchild.ID
			return untilDone(began)(ctx, task)
		}},
		{Type: "child", Handle: noop},
	}
	eachDatabase(t, declared, func(world *world) {
		w = world
		w.start(w.Service)
		parent := w.submit("parent")
		child, grandchild := <-started, <-started
		<-began
		if err := w.Cancel(w.t.Context(), w.acme, parent, "enough"); err != nil {
			w.t.Fatal(err)
		}
		top := w.wait(parent, jobs.Cancelled)
		for _, id := range []string{child, grandchild} {
			if run := w.wait(id, jobs.Cancelled); run.TraceID != top.TraceID || run.Error != "cancelled: with the run that started it: enough" || len(run.TraceID) != 32 {
				w.t.Errorf("%+v", run)
			}
		}
		if _, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "child", Options: jobs.Options{Parent: parent}}); !errors.Is(err, jobs.ErrCancelled) {
			w.t.Errorf("a child of a cancelled run: %v", err)
		}
		page, err := w.List(w.t.Context(), w.acme, jobs.Query{Trace: top.TraceID})
		if err != nil || len(page.Runs) != 3 {
			w.t.Errorf("%d runs of the trace (%v), want 3", len(page.Runs), err)
		}
	})
}

// What queues do not allow is refused.
func TestQueuesMayForbid(t *testing.T) {
	declared := []decl{{Type: "a", Queue: "strict", Handle: func(context.Context, *jobs.Task) (any, error) { return nil, errors.New("no") }}}
	databasetestRun(t, func(w *world) {
		w.Service = w.service(config{Jobs: declared, Queues: []jobs.Queue{{Name: "strict", NoCancel: true, NoReplay: true}}})
		id := w.submit("a")
		if err := w.Cancel(w.t.Context(), w.acme, id, ""); !errors.Is(err, content.ErrConflict) || !strings.Contains(err.Error(), "cannot be cancelled") {
			w.t.Errorf("cancel: %v", err)
		}
		w.start(w.Service)
		w.wait(id, jobs.Failed)
		if _, err := w.Replay(w.t.Context(), w.acme, id); !errors.Is(err, content.ErrConflict) || !strings.Contains(err.Error(), "cannot be replayed") {
			w.t.Errorf("replay: %v", err)
		}
	})
}
