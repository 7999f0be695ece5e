package jobs_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/curatore/jobs/localrunner"
)

// A wildRunner does all that a Runner may, and much that it may not: it loses, repeats,
// delays and reorders deliveries, makes some at once and some whose context has ended,
// brings ids of nothing and of the runs of others, says that it failed when it did not,
// and goes on when it was stopped.
type wildRunner struct {
	t     *testing.T
	wrong []string // ids that it brings beside those that it was asked for

	mu      sync.Mutex
	dice    *rand.Rand
	deliver func(ctx context.Context, id string) error
	seen    []string
	at      sync.WaitGroup
}

func (r *wildRunner) Start(_ context.Context, deliver func(context.Context, string) error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deliver = deliver
	return nil
}

func (r *wildRunner) Dispatch(_ context.Context, _ string, ids ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.deliver == nil {
		return nil
	}
	r.seen = append(r.seen, ids...)
	r.dice.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] }) // the caller's own
	for _, id := range ids {
		for range []int{0, 1, 1, 2, 5}[r.dice.IntN(5)] {
			r.bring(id)
		}
		if r.dice.IntN(3) == 0 {
			r.bring(r.seen[r.dice.IntN(len(r.seen))]) // which may have ended long ago
			r.bring(r.wrong[r.dice.IntN(len(r.wrong))])
		}
	}
	if r.dice.IntN(4) == 0 {
		return errors.New("it did not work, or so it says")
	}
	return nil
}

// bring delivers a run in a moment.
func (r *wildRunner) bring(id string) {
	ctx, cancel := context.WithCancel(context.Background())
	if r.dice.IntN(4) == 0 {
		cancel()
	}
	pause := time.Duration(r.dice.IntN(20)) * time.Millisecond
	r.at.Go(func() {
		defer cancel()
		time.Sleep(pause)
		if err := r.deliver(ctx, id); err != nil && !errors.Is(err, context.Canceled) {
			r.t.Errorf("the delivery of %.50q failed: %v", id, err)
		}
	})
}

func (r *wildRunner) Stop(context.Context) error { return nil } // deliveries go on

// Whatever a Runner does, each run is worked on once.
func TestWildRunners(t *testing.T) {
	const runs = 150
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	databasetestRun(t, func(w *world) {
		var calls sync.Map
		declared := []decl{{Type: "a", Handle: func(ctx context.Context, task *jobs.Task) (any, error) {
			if _, before := calls.LoadOrStore(task.Run().ID, true); before {
				w.t.Errorf("run %s is at work again", task.Run().ID)
			}
			return nil, task.Commit(ctx, func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.Exec(ctx, "INSERT INTO effects (run_id) VALUES (?)", task.Run().ID)
				return err
			})
		}}}
		w.exec("CREATE TABLE effects (run_id TEXT)")
		queues := []jobs.Queue{{Name: "q"}, {Name: "elsewhere"}}
		there := decl{Type: "there", Queue: "elsewhere", Handle: noop}
		w.Service = w.service(config{Jobs: append(declared, there), Queues: queues, Remote: []string{"*"}})
		elsewhere := w.submit("there")
		wrong := []string{"", "0", strings.ToUpper(elsewhere), elsewhere, elsewhere + "\x00", "\xff", strings.Repeat("x", 1<<20), "'; DROP TABLE runs; --", "{", `"`}
		var runners []*wildRunner
		for i := range 2 {
			r := &wildRunner{t: w.t, wrong: wrong, dice: rand.New(rand.NewPCG(seed, uint64(i)))}
			runners = append(runners, r)
			w.start(w.service(config{Runner: r, Jobs: append(declared, there), Queues: queues, Remote: []string{"elsewhere"}}))
		}
		ids := make([]string, runs)
		for i := range ids {
			ids[i] = w.submit("a")
		}
		for _, id := range ids {
			if run := w.wait(id, jobs.Completed); run.Attempt != 1 {
				w.t.Errorf("%d attempts", run.Attempt)
			}
		}
		for _, r := range runners {
			r.at.Wait()
		}
		if all, distinct := w.count("SELECT count(*) FROM effects"), w.count("SELECT count(DISTINCT run_id) FROM effects"); all != runs || distinct != runs {
			w.t.Errorf("%d effects of %d runs, want %d", all, distinct, runs)
		}
		if run := w.get(elsewhere); run.Status != jobs.Pending {
			w.t.Errorf("the run of a queue on which others work is %s", run.Status)
		}
	})
}

// A Runner is asked for a run when its transaction is committed, neither before nor
// when it was rolled back.
func TestDispatchFollowsTheCommit(t *testing.T) {
	eachDatabase(t, []decl{{Type: "a", Handle: noop}}, func(w *world) {
		runner := &manualRunner{}
		w.Service = w.service(config{Runner: runner, Jobs: []decl{{Type: "a", Handle: noop}}, Poll: time.Hour})
		asked := func(id string) int {
			runner.mu.Lock()
			defer runner.mu.Unlock()
			return runner.asked[id]
		}
		rolledBack := errors.New("rolled back")
		for _, end := range []error{rolledBack, nil} {
			var id string
			if err := w.db.Write(w.t.Context(), func(ctx context.Context, tx *database.Tx) error {
				run, err := w.Enqueue(ctx, tx, w.acme, newRun{Type: "a"})
				if err != nil {
					return err
				}
				if id = run.ID; asked(id) != 0 {
					w.t.Error("the Runner was asked before the commit")
				}
				return end
			}); !errors.Is(err, end) {
				w.t.Fatal(err)
			}
			if want := map[bool]int{true: 1, false: 0}[end == nil]; asked(id) != want {
				w.t.Errorf("after a transaction that ended with %v the Runner was asked %d times, want %d", end, asked(id), want)
			}
		}
	})
}

// A stuckRunner cannot reach its broker for a while.
type stuckRunner struct {
	jobs.Runner
	stuck atomic.Bool
}

func (r *stuckRunner) Dispatch(ctx context.Context, queue string, ids ...string) error {
	if r.stuck.Load() {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	return r.Runner.Dispatch(ctx, queue, ids...)
}

// A Runner that does not answer holds up those who enqueue for a moment only, and its
// runs begin when it does.
func TestStuckRunner(t *testing.T) {
	databasetestRun(t, func(w *world) {
		w.t.Parallel() // it waits for some seconds
		runner := &stuckRunner{Runner: localrunner.New(localrunner.Config{})}
		w.Service = w.service(config{Runner: runner, Jobs: []decl{{Type: "a", Handle: noop}}})
		w.start(w.Service)
		runner.stuck.Store(true)
		stored := make(chan *jobs.Run, 1)
		go func() {
			run, err := w.Submit(w.t.Context(), w.acme, newRun{Type: "a"})
			if err != nil {
				w.t.Error(err)
			}
			stored <- run
		}()
		select {
		case run := <-stored:
			runner.stuck.Store(false)
			w.wait(run.ID, jobs.Completed)
		case <-deadline(w.t).Done():
			runner.stuck.Store(false)
			w.t.Error("Submit does not return")
		}
	})
}
