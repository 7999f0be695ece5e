package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A subscription that is broken off again and again, and resumed with the id of
// the last event, yields each event of several runs once, those of each run in
// order. A process that works elsewhere writes them.
func TestSubscribeResumes(t *testing.T) {
	const runs, each = 4, 25
	declared := []decl{{Type: "a", Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
		for i := range each {
			task.Info("step", fmt.Sprint(i), nil)
			if i%7 == 0 {
				if err := task.Commit(ctx, nil); err != nil {
					return nil, err
				}
			}
		}
		return nil, nil
	}}}
	eachDatabase(t, declared, func(w *world) {
		w.start(w.service(config{Jobs: declared}))
		var ids []string
		for range runs {
			ids = append(ids, w.submit("a"))
		}
		seen := map[string][]string{}
		var last int64
		for total := 0; total < runs*(each+1); {
			n := 0
			for e, err := range w.Subscribe(deadline(w.t), w.acme, jobs.Subscription{After: last}) {
				if err != nil {
					w.t.Fatalf("after %d events: %v", total, err)
				}
				last = e.ID
				seen[e.RunID] = append(seen[e.RunID], e.Message)
				total++
				if n++; n == 13 || total == runs*(each+1) {
					break
				}
			}
		}
		var want []string
		for i := range each {
			want = append(want, fmt.Sprint(i))
		}
		want = append(want, "a completed")
		for _, id := range ids {
			if !slices.Equal(seen[id], want) {
				w.t.Errorf("run %s: %v", id, seen[id])
			}
		}
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(w.t.Context())
		cancel(gone)
		for _, err := range w.Subscribe(ctx, w.acme, jobs.Subscription{RunID: ids[0], After: jobs.Newest}) {
			if !errors.Is(err, gone) {
				w.t.Errorf("%v, want its cause", err)
			}
		}
		for _, err := range w.Subscribe(deadline(w.t), w.acme, jobs.Subscription{After: last + 1000}) {
			if !errors.Is(err, content.ErrNotFound) {
				w.t.Errorf("after an event that is not there: %v", err)
			}
		}
	})
}

// An event whose id was given out early and that is committed late is not passed
// over.
func TestSubscribeWaitsForLateCommits(t *testing.T) {
	w := newWorld(t, databasetest.Open(t, database.Postgres))
	w.Service = w.service(config{Jobs: []decl{{Type: "a", Handle: noop}}})
	early, late := w.submit("a"), w.submit("a")
	insert := func(ctx context.Context, tx *database.Tx, run, text string) error {
		_, err := tx.Exec(ctx, "INSERT INTO run_events (organization_id, run_id, at, level, type, message) VALUES ('acme', ?, now(), 'info', 'x', ?)", run, text)
		return err
	}
	inserted, finish, done := make(chan bool), make(chan bool), make(chan error, 1)
	go func() {
		done <- w.db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
			err := insert(ctx, tx, late, "first id")
			inserted <- true
			<-finish
			return err
		})
	}()
	<-inserted
	w.write(func(ctx context.Context, tx *database.Tx) error { return insert(ctx, tx, early, "second id") })
	var got []string
	go func() {
		time.Sleep(50 * time.Millisecond) // the subscription looks meanwhile; were it wrong, it would yield the second alone
		finish <- true
	}()
	for e, err := range w.Subscribe(deadline(t), w.acme, jobs.Subscription{}) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, e.Message); len(got) == 2 {
			break
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(got, "first id") || !slices.Contains(got, "second id") {
		t.Errorf("got %v", got)
	}
}

// What one process stores another one sees long before it would look by itself:
// a run to work on, its end, a cancellation.
func TestProcessesHearEachOther(t *testing.T) {
	began := make(chan *jobs.Task, 1)
	declared := []decl{{Type: "a", Handle: noop}, {Type: "b", Handle: untilDone(began)}}
	databasetestRun(t, func(w *world) {
		elsewhere := &atomic.Int64{}
		counted := []decl{declared[1], {Type: "a", Handle: func(context.Context, *jobs.Task) (any, error) { elsewhere.Add(1); return nil, nil }}}
		worker := w.service(config{Jobs: counted, Poll: time.Hour, Lease: time.Hour})
		w.Service = w.service(config{Jobs: declared, Remote: []string{"*"}, Poll: time.Hour, Lease: time.Hour}) // it only enqueues
		w.start(worker, w.Service)
		for range 3 {
			w.wait(w.submit("a"), jobs.Completed)
		}
		if elsewhere.Load() != 3 {
			w.t.Errorf("the worker worked on %d of 3 runs", elsewhere.Load())
		}
		id := w.submit("b")
		<-began
		if err := w.Cancel(w.t.Context(), w.acme, id, "enough"); err != nil {
			w.t.Fatal(err)
		}
		w.wait(id, jobs.Cancelled)
	})
}

// On Postgres what a job tells, and its end, is announced to other processes with the
// transaction that stores it.
func TestEventsAreAnnounced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.Open(t, database.Postgres))
	told, goOn := make(chan struct{}), make(chan struct{})
	w.Service = w.service(config{Lease: time.Hour, Jobs: []decl{{Type: "a", Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
		task.Info("step", "one", nil)
		err := task.Commit(ctx, nil)
		told <- struct{}{}
		<-goOn
		return nil, err
	}}}})
	heard := make(chan string, 100)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.db.Listen(ctx, "curatore_jobs", func(payload string) { heard <- payload }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	if text := <-heard; text != "" { // it listens
		t.Fatalf("heard %q first", text)
	}
	w.start(w.Service)
	id := w.submit("a")
	await := func(what string) {
		t.Helper()
		for ctx := deadline(t); ; {
			select {
			case text := <-heard:
				if parts := strings.Split(text, "\n"); parts[0] == "run" && slices.Equal(parts[2:], []string{"acme", id}) {
					return
				}
			case <-ctx.Done():
				t.Fatalf("nobody tells of %s", what)
			}
		}
	}
	<-told
	await("the event")
	goOn <- struct{}{}
	await("the end")
	w.wait(id, jobs.Completed)
}
