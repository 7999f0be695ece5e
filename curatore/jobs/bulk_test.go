//go:build !race

package jobs_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/curatore/jobs/localrunner"
)

// A job that tells more than the database takes loses events, not memory, and
// the run says so.
func TestManyEvents(t *testing.T) {
	inside(t, config{}, func(w *world, ctx context.Context, task *jobs.Task) error {
		return w.db.Write(ctx, func(context.Context, *database.Tx) error { // on SQLite nothing else can write now
			for i := range 12_000 {
				task.Debug("step", fmt.Sprint(i), nil)
			}
			return nil
		})
	}, func(w *world, run jobs.Run) {
		stored := w.count("SELECT count(*) FROM run_events WHERE run_id = ? AND type = 'step'", run.ID)
		dropped := w.count("SELECT count(*) FROM run_events WHERE run_id = ? AND type = 'events_dropped'", run.ID)
		if run.Error != "" || stored < 10_000 || (stored < 12_000) != (dropped > 0) {
			w.t.Errorf("run: %q; %d events are stored, %d tell of others", run.Error, stored, dropped)
		}
	})
}

// The same holds for few events that are large.
func TestLargeEvents(t *testing.T) {
	large := strings.Repeat("x", 500_000)
	inside(t, config{}, func(w *world, ctx context.Context, task *jobs.Task) error {
		return w.db.Write(ctx, func(context.Context, *database.Tx) error {
			for range 48 {
				task.Debug("step", "", large)
			}
			return nil
		})
	}, func(w *world, run jobs.Run) {
		stored := w.count("SELECT count(*) FROM run_events WHERE run_id = ? AND type = 'step'", run.ID)
		dropped := w.count("SELECT count(*) FROM run_events WHERE run_id = ? AND type = 'events_dropped'", run.ID)
		onSQLite := w.db.Dialect().Name() == database.SQLite
		if run.Error != "" || stored < 16 || (stored < 48) != (dropped > 0) || onSQLite && stored > 40 {
			w.t.Errorf("run: %q; %d events are stored, %d tell of others", run.Error, stored, dropped)
		}
	})
}

// A tallyRunner knows how many runs were dispatched at once.
type tallyRunner struct {
	jobs.Runner
	most atomic.Int64
}

func (r *tallyRunner) Dispatch(ctx context.Context, queue string, ids ...string) error {
	raise(&r.most, int64(len(ids)))
	return r.Runner.Dispatch(ctx, queue, ids...)
}

// raise makes a number at least n.
func raise(most *atomic.Int64, n int64) {
	for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
	}
}

// A long queue stays in the table: of 10,000 runs that wait, one worker knows few,
// which cost it little memory, and all run.
func TestManyRunsLittleMemory(t *testing.T) {
	const runs, size = 10_000, 4000
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			var calls, peak atomic.Int64
			runner := &tallyRunner{Runner: localrunner.New(localrunner.Config{PerQueue: 50})}
			w := newWorld(t, databasetest.Open(t, kind))
			w.Service = w.service(config{Runner: runner, Jobs: []decl{{Type: "a", Handle: func(_ context.Context, task *jobs.Task) (any, error) {
				if n := calls.Add(1); n%500 == 0 {
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					raise(&peak, int64(m.HeapAlloc))
				}
				if len(task.Run().Config) < size {
					t.Errorf("a run came with %d bytes of arguments", len(task.Run().Config))
				}
				return nil, nil
			}}}})
			arguments := strings.Repeat("x", size)
			w.write(func(ctx context.Context, tx *database.Tx) error {
				for range runs {
					if _, err := w.Enqueue(ctx, tx, w.acme, newRun{Type: "a", Config: arguments}); err != nil {
						return err
					}
				}
				return nil
			})
			var before runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			w.start(w.Service)
			w.allComplete(runs)
			if more := peak.Load() - int64(before.HeapAlloc); calls.Load() != runs || more > 32<<20 {
				t.Errorf("%d calls, %d MB more than before; all arguments are %d MB", calls.Load(), more>>20, runs*size>>20)
			}
			if most := runner.most.Load(); most == 0 || most > 500 {
				t.Errorf("%d runs were dispatched at once", most)
			}
		})
	}
}

// 10,000 goroutines enqueue at once, while two processes work: each run is stored
// and called once.
func TestManyEnqueuesAtOnce(t *testing.T) {
	const runs = 10_000
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			var mu sync.Mutex
			calls := map[string]int{}
			declared := []decl{{Type: "a", Handle: func(_ context.Context, task *jobs.Task) (any, error) {
				mu.Lock()
				defer mu.Unlock()
				calls[task.Run().ID]++
				return nil, nil
			}}}
			w := newWorld(t, databasetest.Open(t, kind))
			w.Service = w.service(config{Jobs: declared})
			w.start(w.Service, w.service(config{Jobs: declared}))
			var group sync.WaitGroup
			let := make(chan struct{})
			for range runs {
				group.Go(func() {
					<-let
					if _, err := w.Submit(t.Context(), w.acme, newRun{Type: "a"}); err != nil {
						t.Error(err)
					}
				})
			}
			close(let)
			group.Wait()
			w.allComplete(runs)
			mu.Lock()
			defer mu.Unlock()
			for id, n := range calls {
				if n != 1 {
					t.Errorf("run %s was called %d times", id, n)
				}
			}
			if n := w.runs("attempt <> 1"); len(calls) != runs || n != 0 {
				t.Errorf("%d runs were called, %d of them in several attempts", len(calls), n)
			}
		})
	}
}

// allComplete waits until that many runs have completed.
func (w *world) allComplete(runs int) {
	w.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); w.runs("status = 'completed'") < runs; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("%d of %d runs have completed", w.runs("status = 'completed'"), runs)
		}
	}
}
