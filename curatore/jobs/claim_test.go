package jobs_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A manualRunner delivers when the test says so.
type manualRunner struct {
	deliver func(ctx context.Context, id string) error
	mu      sync.Mutex
	asked   map[string]int // dispatches of each run
}

func (r *manualRunner) Start(_ context.Context, deliver func(context.Context, string) error) error {
	r.deliver = deliver
	return nil
}

func (r *manualRunner) Dispatch(_ context.Context, _ string, ids ...string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked == nil {
		r.asked = map[string]int{}
	}
	for _, id := range ids {
		r.asked[id]++
	}
	return nil
}

func (r *manualRunner) Stop(context.Context) error { return nil }

// A run that is delivered many times, at once and in two processes, runs once.
func TestDoubleDelivery(t *testing.T) {
	var calls atomic.Int64
	declared := []decl{{Type: "a", Handle: func(context.Context, *jobs.Task) (any, error) { calls.Add(1); return nil, nil }}}
	eachDatabase(t, declared, func(w *world) {
		calls.Store(0)
		runners := []*manualRunner{{}, {}}
		for _, r := range runners {
			w.start(w.service(config{Runner: r, Jobs: declared}))
		}
		id := w.submit("a")
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				if err := runners[i%2].deliver(w.t.Context(), id); err != nil {
					w.t.Error(err)
				}
			})
		}
		group.Wait()
		if run := w.wait(id, jobs.Completed); calls.Load() != 1 || run.Attempt != 1 {
			w.t.Errorf("the job was called %d times in %d attempts, want once", calls.Load(), run.Attempt)
		}
		if got := w.events(id); len(got) != 1 {
			w.t.Errorf("events %v, want completed once", got)
		}
	})
}

// A queue's concurrency holds over two processes, and every run has its turn.
func TestConcurrencyOfQueues(t *testing.T) {
	const limit, runs = 3, 24
	var now, most, calls atomic.Int64
	var together sync.WaitGroup // the first ones wait for each other
	declared := []decl{{Type: "a", Queue: "narrow", Handle: func(context.Context, *jobs.Task) (any, error) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if calls.Add(1) <= limit {
			together.Done()
			together.Wait()
		}
		return nil, nil
	}}}
	queues := []jobs.Queue{{Name: "narrow", Concurrency: limit}}
	eachDatabase(t, nil, func(w *world) {
		now.Store(0)
		most.Store(0)
		calls.Store(0)
		together.Add(limit)
		config := config{Jobs: declared, Queues: queues}
		w.Service = w.service(config)
		var ids []string
		for range runs / 2 {
			ids = append(ids, w.submit("a"))
		}
		w.start(w.Service, w.service(config))
		for range runs / 2 {
			ids = append(ids, w.submit("a"))
		}
		for _, id := range ids {
			w.wait(id, jobs.Completed)
		}
		if most.Load() != limit || calls.Load() != runs {
			w.t.Errorf("%d calls, at most %d at a time; want %d, at most %d", calls.Load(), most.Load(), runs, limit)
		}
	})
}

// The limit of a queue in total is kept where runs are claimed, whatever two Runners
// deliver at once.
func TestClaimsKeepTheLimit(t *testing.T) {
	const limit, runs = 3, 12
	databasetestRun(t, func(w *world) {
		var began atomic.Int64
		let := make(chan struct{})
		declared := []decl{{Type: "a", Queue: "narrow", Handle: func(context.Context, *jobs.Task) (any, error) {
			began.Add(1)
			<-let
			return nil, nil
		}}}
		first, second := &manualRunner{}, &manualRunner{}
		config := config{Jobs: declared, Queues: []jobs.Queue{{Name: "narrow", Concurrency: limit}}, Poll: time.Hour, Runner: first}
		w.Service = w.service(config)
		config.Runner = second
		w.start(w.Service, w.service(config))
		left := make(chan error, 2*runs)
		for range runs {
			id := w.submit("a")
			for _, runner := range []*manualRunner{first, second} {
				go func() { left <- runner.deliver(w.t.Context(), id) }()
			}
		}
		patience := deadline(w.t)
		for range 2*runs - limit { // these deliveries do not work
			select {
			case err := <-left:
				if err != nil {
					w.t.Error(err)
				}
			case <-patience.Done():
				close(let)
				w.t.Fatalf("%d runs at work, want %d at most", began.Load(), limit)
			}
		}
		if n := began.Load(); n > limit {
			w.t.Errorf("%d runs at work, want %d at most", n, limit)
		}
		close(let)
		for range limit {
			if err := <-left; err != nil {
				w.t.Error(err)
			}
		}
		if n := w.runs("attempt > 0"); n != limit {
			w.t.Errorf("%d runs were claimed, want %d", n, limit)
		}
	})
}

// A queue's limit for one process holds in each, and both work.
func TestPlacesPerProcess(t *testing.T) {
	const each, runs = 2, 12
	databasetestRun(t, func(w *world) {
		var calls atomic.Int64
		var together sync.WaitGroup // the first ones wait for each other, in both processes
		together.Add(2 * each)
		process := func() (*jobs.Service, *atomic.Int64) {
			var now atomic.Int64
			most := new(atomic.Int64)
			return w.service(config{Queues: []jobs.Queue{{Name: "narrow", PerProcess: each}}, Jobs: []decl{{Type: "a", Queue: "narrow", Handle: func(context.Context, *jobs.Task) (any, error) {
				n := now.Add(1)
				defer now.Add(-1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				if calls.Add(1) <= 2*each {
					together.Done()
					together.Wait()
				}
				return nil, nil
			}}}}), most
		}
		one, mostOfOne := process()
		two, mostOfTwo := process()
		w.Service = one
		w.start(one, two)
		var ids []string
		w.write(func(ctx context.Context, tx *database.Tx) error { // all are dispatched at once
			ids = nil
			for range runs {
				run, err := w.Enqueue(ctx, tx, w.acme, newRun{Type: "a"})
				if err != nil {
					return err
				}
				ids = append(ids, run.ID)
			}
			return nil
		})
		for _, id := range ids {
			w.wait(id, jobs.Completed)
		}
		if mostOfOne.Load() != each || mostOfTwo.Load() != each || calls.Load() != runs {
			w.t.Errorf("%d calls, at most %d and %d at a time; want %d, at most %d", calls.Load(), mostOfOne.Load(), mostOfTwo.Load(), runs, each)
		}
	})
}

// A queue without limits works on whatever waits at once.
func TestNoLimit(t *testing.T) {
	const runs = 60
	databasetestRun(t, func(w *world) {
		var together sync.WaitGroup // each waits for all others
		together.Add(runs)
		handle := func(context.Context, *jobs.Task) (any, error) {
			together.Done()
			together.Wait()
			return nil, nil
		}
		w.Service = w.service(config{Queues: []jobs.Queue{{Name: "q"}, {Name: "picky"}}, Jobs: []decl{{Type: "a", Handle: handle},
			{Type: "b", Queue: "picky", Handle: handle, Accept: func(jobs.Run) bool { return true }}}})
		w.start(w.Service)
		var ids []string
		for i := range runs {
			ids = append(ids, w.submit([]string{"a", "b"}[i%2]))
		}
		for _, id := range ids {
			w.wait(id, jobs.Completed)
		}
	})
}

// Runs of a job that this program does not know wait for one that does, and do
// not hold up others.
func TestUnknownJobsWait(t *testing.T) {
	known := decl{Type: "known", Handle: noop}
	newer := decl{Type: "newer", Handle: noop}
	eachDatabase(t, []decl{known, newer}, func(w *world) {
		runner := &manualRunner{}
		older := w.service(config{Runner: runner, Jobs: []decl{known}})
		w.start(older)
		strange, usual := w.submit("newer"), w.submit("known")
		for _, id := range []string{strange, usual} {
			if err := runner.deliver(w.t.Context(), id); err != nil {
				w.t.Error(err)
			}
		}
		w.wait(usual, jobs.Completed)
		if run := w.get(strange); run.Status != jobs.Pending || run.Attempt != 0 {
			w.t.Errorf("the run of an unknown job is %s after %d attempts, want untouched", run.Status, run.Attempt)
		}
		w.start(w.Service)
		w.wait(strange, jobs.Completed)
	})
}

// A run whose queue was renamed is still found.
func TestRunsOfARenamedQueueAreAdopted(t *testing.T) {
	eachDatabase(t, []decl{{Type: "a", Handle: noop}}, func(w *world) {
		id := w.submit("a")
		w.exec("UPDATE runs SET queue = 'former' WHERE id = ?", id)
		w.start(w.Service)
		if run := w.wait(id, jobs.Completed); run.Queue != "q" {
			w.t.Errorf("the run is in queue %q, want q", run.Queue)
		}
	})
}

// A run that a process does not accept waits for one that does.
func TestAccept(t *testing.T) {
	eachDatabase(t, []decl{{Type: "a", Handle: noop}}, func(w *world) {
		var asked atomic.Int64
		refuses := []decl{{Type: "a", Accept: func(run jobs.Run) bool { asked.Add(1); return false },
			Handle: func(context.Context, *jobs.Task) (any, error) {
				w.t.Error("it works on a run that it refused")
				return nil, nil
			}}}
		w.start(w.service(config{Jobs: refuses}))
		id := w.submit("a")
		for ctx := deadline(w.t); asked.Load() < 3 && ctx.Err() == nil; { // it is found by each sweep
			time.Sleep(time.Millisecond)
		}
		if run := w.get(id); run.Status != jobs.Pending || run.Attempt != 0 {
			w.t.Errorf("it is %s after %d attempts", run.Status, run.Attempt)
		}
		var accepted atomic.Value
		accepts := []decl{{Type: "a", Accept: func(run jobs.Run) bool { accepted.Store(run.ID); return true }, Handle: noop}}
		w.start(w.service(config{Jobs: accepts}))
		if run := w.wait(id, jobs.Completed); run.Attempt != 1 || accepted.Load() != id {
			w.t.Errorf("%d attempts, %v was accepted", run.Attempt, accepted.Load())
		}
	})
}

// An Accept that panics refuses the run; the process and its other runs go on.
func TestAcceptPanics(t *testing.T) {
	databasetestRun(t, func(w *world) {
		var asked atomic.Int64
		accept := func(jobs.Run) bool { asked.Add(1); panic("no") }
		w.Service = w.service(config{Jobs: []decl{{Type: "a", Handle: noop, Accept: accept}, {Type: "b", Handle: noop}}})
		w.start(w.Service)
		id := w.submit("a")
		for ctx := deadline(w.t); asked.Load() < 2 && ctx.Err() == nil; {
			time.Sleep(time.Millisecond)
		}
		w.wait(w.submit("b"), jobs.Completed)
		if run := w.get(id); run.Status != jobs.Pending {
			w.t.Errorf("it is %s", run.Status)
		}
	})
}

// A process that looks at a run and leaves it to others does not keep these from
// claiming it meanwhile: nobody would look again before the next sweep.
func TestLookingAtARunLeavesItToOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, databasetest.Open(t, database.Postgres))
	looking, worked := make(chan bool), make(chan bool)
	var once sync.Once
	picky := decl{Type: "a", Handle: noop, Accept: func(jobs.Run) bool {
		once.Do(func() { // in the transaction that claims
			close(looking)
			<-worked
		})
		return false
	}}
	worker := w.service(config{Jobs: []decl{{Type: "a", Handle: noop}}, Poll: time.Hour})
	w.Service = w.service(config{Jobs: []decl{picky}, Poll: time.Hour})
	w.start(w.Service)
	id := w.submit("a")
	<-looking
	w.start(worker)
	w.wait(id, jobs.Completed)
	close(worked)
}
