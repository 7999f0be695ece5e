package jobs_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// Two processes whose clocks are ten minutes apart do not take each other's runs:
// leases go by the database's time.
func TestClocksApart(t *testing.T) {
	began := make(chan *jobs.Task, 4)
	declared := []decl{{Type: "a", Resumable: true, Handle: untilDone(began)}}
	databasetestRun(t, func(w *world) {
		ahead := func() time.Time { return time.Now().Add(10 * time.Minute) }
		behind := func() time.Time { return time.Now().Add(-10 * time.Minute) }
		first := w.service(config{Jobs: declared, Now: behind})
		w.Service = first
		w.start(first)
		id := w.submit("a")
		<-began
		second := w.service(config{Jobs: declared, Now: ahead})
		w.start(second) // its first sweep looks for expired leases
		time.Sleep(100 * time.Millisecond)
		if run := w.get(id); run.Attempt != 1 || run.Status != jobs.Running {
			w.t.Errorf("%s in attempt %d, want left alone", run.Status, run.Attempt)
		}
		w.Service = second
		later := w.submit("a") // created in the first one's future
		<-began
		for _, run := range []string{id, later} {
			if err := w.Cancel(w.t.Context(), w.acme, run, ""); err != nil {
				w.t.Error(err)
			}
			w.wait(run, jobs.Cancelled)
		}
	})
}

// A full disk refuses new runs and loses none; when there is room again, all that
// were stored run.
func TestFullDisk(t *testing.T) {
	var calls atomic.Int64
	w := newWorld(t, openSQLite(t))
	w.Service = w.service(config{Jobs: []decl{{Type: "a", Handle: func(context.Context, *jobs.Task) (any, error) { calls.Add(1); return nil, nil }}}})
	pages := w.count("SELECT page_count + ? FROM pragma_page_count", 60)
	limit := func(n int) {
		w.write(func(ctx context.Context, tx *database.Tx) error {
			return tx.Run(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", n))
		})
	}
	limit(pages)
	stored := 0
	var full error
	for full == nil && stored < 10_000 {
		if _, full = w.Submit(t.Context(), w.acme, newRun{Type: "a", Config: strings.Repeat("x", 2000)}); full == nil {
			stored++
		}
	}
	if full == nil || !strings.Contains(full.Error(), "full") || stored == 0 {
		t.Fatalf("%d runs were stored, then %v; want a full disk", stored, full)
	}
	limit(1 << 30)
	w.start(w.Service)
	for deadline := time.Now().Add(time.Minute); w.runs("status = 'completed'") < stored; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d runs", calls.Load(), stored)
		}
	}
	if n := w.runs("status <> 'completed'"); n != 0 || calls.Load() != int64(stored) {
		t.Errorf("%d runs have not completed, %d calls for %d runs", n, calls.Load(), stored)
	}
}
