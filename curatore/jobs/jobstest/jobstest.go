// Package jobstest holds the conformance suite of Runners.
//
// A Runner is allowed so much (it may lose, repeat and reorder deliveries) that
// it is easy to write one that seems to work and then holds up one queue behind
// another, or never lets a process stop. [Run] checks what package jobs relies
// on, first of the Runner alone and then under a Service.
package jobstest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A Capability is something that a Runner may do for its users and package jobs
// does without.
type Capability string

// The capabilities of Runners.
const (
	// Shared: what one process dispatches is delivered by another one.
	Shared Capability = "a dispatch reaches other processes"
	// Kept: what was dispatched is delivered after its process has ended.
	Kept Capability = "a dispatch outlives its process"
)

// Config says what to check.
type Config struct {
	// New makes a Runner that is not started, for one process. Db is the database
	// that holds the runs, for a Runner that keeps something there. Those that New
	// makes for one test, as t.Name says, are for processes of one program; those
	// of other tests have nothing to do with them.
	New func(t *testing.T, db *database.DB) jobs.Runner
	// Databases are those that the Runner works with; empty means both.
	Databases []string
	// Lacks says which capabilities the Runner does not have, and why that does not
	// matter. Their tests are skipped, and print that.
	Lacks map[Capability]string
}

// Run runs the suite as sub-tests, for each database.
func Run(t *testing.T, c Config) {
	for capability, why := range c.Lacks {
		if capability != Shared && capability != Kept || why == "" {
			t.Errorf("Config.Lacks[%q] = %q: name a Capability of this package, and say why it does not matter", capability, why)
		}
	}
	kinds := c.Databases
	if len(kinds) == 0 {
		kinds = []string{database.SQLite, database.Postgres}
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			db := databasetest.Open(t, kind)
			for _, test := range []struct {
				name  string
				run   func(*suite)
				needs Capability
			}{
				{"delivers what is dispatched", (*suite).delivers, ""},
				{"takes a repeated dispatch", (*suite).repeats, ""},
				{"delivers several runs at once", (*suite).parallel, ""},
				{"keeps queues apart", (*suite).queuesApart, ""},
				{"goes on after an error", (*suite).goesOn, ""},
				{"takes dispatches when it is not started", (*suite).notStarted, ""},
				{"starts once", (*suite).startsOnce, ""},
				{"stops deliveries with their cause", (*suite).stops, ""},
				{"stops in time", (*suite).stopsInTime, ""},
				{"reaches another process", (*suite).reaches, Shared},
				{"keeps what was dispatched", (*suite).keeps, Kept},
				{"runs each run once", (*suite).runsOnce, ""},
				{"waits for a time", (*suite).waitsForATime, ""},
				{"lets a run park itself", (*suite).parks, ""},
				{"tries again", (*suite).triesAgain, ""},
				{"shares work with a second process", (*suite).sharesWork, ""},
				{"hands over to a second process", (*suite).handsOver, ""},
				{"cancels in a second process", (*suite).cancels, ""},
			} {
				t.Run(test.name, func(t *testing.T) {
					if why, lacks := c.Lacks[test.needs]; lacks {
						t.Skipf("the Runner lacks this: %s (%s)", test.needs, why)
					}
					test.run(&suite{T: t, db: db, new: c.New, runner: c.New(t, db)})
				})
			}
		})
	}
}

type suite struct {
	*testing.T
	db     *database.DB
	new    func(t *testing.T, db *database.DB) jobs.Runner
	runner jobs.Runner // of the first process
}

// start starts the Runner, to be stopped at the end of the test.
func (s *suite) start(deliver func(ctx context.Context, id string) error) {
	s.Helper()
	s.startOne(s.runner, deliver)
}

func (s *suite) startOne(runner jobs.Runner, deliver func(ctx context.Context, id string) error) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	err := runner.Start(ctx, deliver)
	cancel() // bounds the start alone
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		if err := runner.Stop(s.soon()); err != nil {
			s.Error(err)
		}
	})
}

// soon bounds what should not take long.
func (s *suite) soon() context.Context {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(s.Context()), 20*time.Second, errors.New("it took too long"))
	s.Cleanup(cancel)
	return ctx
}

// promptly calls something of the Runner that must not wait for the work.
func (s *suite) promptly(what string, call func(ctx context.Context) error) error {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel() // deliveries go on without it
	returned := make(chan error, 1)
	go func() { returned <- call(ctx) }()
	select {
	case err := <-returned:
		return err
	case <-s.soon().Done():
		s.Fatalf("%s does not return while deliveries are at work", what)
		return nil
	}
}

func (s *suite) dispatch(queue string, ids ...string) {
	s.Helper()
	if err := s.promptly("Dispatch", func(ctx context.Context) error { return s.runner.Dispatch(ctx, queue, ids...) }); err != nil {
		s.Fatalf("dispatch to queue %s: %v", queue, err)
	}
}

// until waits for something, and repeats dispatches meanwhile as the sweep of a
// Service does, since a Runner may lose them.
func (s *suite) until(what string, again func(), is func() bool) {
	s.Helper()
	ctx := s.soon()
	for n := 1; !is(); n++ {
		if ctx.Err() != nil {
			s.Fatalf("%s: it did not happen", what)
		}
		time.Sleep(5 * time.Millisecond)
		if n%100 == 0 {
			again()
		}
	}
}

// A log counts deliveries.
type log struct {
	mu    sync.Mutex
	count map[string]int
}

func (l *log) add(id string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count == nil {
		l.count = map[string]int{}
	}
	l.count[id]++
	return l.count[id]
}

func (l *log) has(ids ...string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if l.count[id] == 0 {
			return false
		}
	}
	return true
}

func some(n int, name string) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("%s-%d", name, i))
	}
	return ids
}

func (s *suite) delivers() {
	var got log
	s.start(func(_ context.Context, id string) error { got.add(id); return nil })
	one, many := some(1, "one"), some(200, "many")
	again := func() { s.dispatch("q", one...); s.dispatch("q", many...) }
	again()
	s.until("each run is delivered", again, func() bool { return got.has(one...) && got.has(many...) })
	s.dispatch("q") // no runs are no error
}

func (s *suite) repeats() {
	var got log
	s.start(func(_ context.Context, id string) error { got.add(id); return nil })
	again := func() { s.dispatch("q", "a", "a", "b"); s.dispatch("q", "b", "a") }
	again()
	s.until("each run is delivered", again, func() bool { return got.has("a", "b") })
}

func (s *suite) parallel() {
	var got log
	both, once := make(chan struct{}), sync.Once{}
	s.start(func(ctx context.Context, id string) error {
		if got.add(id); got.has("a", "b") {
			once.Do(func() { close(both) })
		}
		select {
		case <-both:
		case <-ctx.Done():
		}
		return nil
	})
	again := func() { s.dispatch("q", "a", "b") }
	again()
	s.until("two runs of a queue are at work", again, func() bool { return got.has("a", "b") })
}

func (s *suite) queuesApart() {
	var got log
	let := make(chan struct{})
	s.start(func(ctx context.Context, id string) error {
		got.add(id)
		if id == "quick-0" {
			return nil
		}
		select {
		case <-let:
		case <-ctx.Done():
		}
		return nil
	})
	s.dispatch("slow", some(300, "slow")...)
	again := func() { s.dispatch("quick", "quick-0") }
	again()
	s.until("a run is delivered beside a queue that is stuck", again, func() bool { return got.has("quick-0") })
	close(let)
}

func (s *suite) goesOn() {
	var got log
	s.start(func(_ context.Context, id string) error {
		if got.add(id) == 1 {
			return errors.New("the database is not there")
		}
		return nil
	})
	again := func() { s.dispatch("q", "a", "b") }
	again()
	s.until("runs are delivered after an error", again, func() bool { return got.has("a", "b") })
}

func (s *suite) notStarted() {
	if err := s.runner.Dispatch(s.Context(), "q", "early"); err != nil {
		s.Errorf("dispatch before Start: %v", err)
	}
	if err := s.runner.Stop(s.soon()); err != nil {
		s.Errorf("stop before Start: %v", err)
	}
	if err := s.runner.Stop(s.soon()); err != nil {
		s.Errorf("stop again: %v", err)
	}
}

func (s *suite) startsOnce() {
	deliver := func(context.Context, string) error { return nil }
	s.start(deliver)
	if err := s.runner.Start(s.Context(), deliver); err == nil {
		s.Error("a second Start is no error")
	}
}

func (s *suite) stops() {
	var got log
	var began, late atomic.Int64
	causes := make(chan error, 1000)
	s.start(func(ctx context.Context, id string) error {
		if ctx.Err() != nil {
			late.Add(1)
		}
		began.Add(1)
		got.add(id)
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	})
	waiting := some(500, "waiting") // most of them, where the Runner has a limit
	again := func() { s.dispatch("q", waiting...) }
	again()
	looks, last := 0, int64(0)
	s.until("some runs are delivered, and then no more of them", again, func() bool {
		if n := began.Load(); n != last {
			looks, last = 0, n
		}
		looks++
		return last > 0 && looks > 30
	})
	if err := s.runner.Stop(s.soon()); err != nil {
		s.Fatal(err)
	}
	if n := late.Load(); n != 0 {
		s.Errorf("%d deliveries began after Stop", n)
	}
	if n := began.Load(); n != int64(len(causes)) {
		s.Errorf("Stop waited for %d of %d deliveries", len(causes), n)
	}
	if cause := <-causes; !errors.Is(cause, jobs.ErrStopped) {
		s.Errorf("the cause is %v, want jobs.ErrStopped", cause)
	}
	s.dispatch("q", "late") // no error, and no delivery
	if err := s.runner.Stop(s.soon()); err != nil {
		s.Errorf("stop again: %v", err)
	}
	if got.has("late") {
		s.Error("a run was delivered that was dispatched after Stop")
	}
}

func (s *suite) stopsInTime() {
	began, let := make(chan struct{}, 1), make(chan struct{})
	s.start(func(context.Context, string) error {
		select {
		case began <- struct{}{}:
		default:
		}
		<-let // deaf to its context
		return nil
	})
	defer close(let) // before the Runner is stopped for good
	s.dispatch("q", "a")
	s.until("a run is delivered", func() { s.dispatch("q", "a") }, func() bool { return len(began) > 0 })
	if err := s.promptly("Stop", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		return s.runner.Stop(ctx)
	}); err == nil {
		s.Error("Stop returned no error although a delivery is at work")
	}
}

// reaches dispatches in one process and delivers in another.
func (s *suite) reaches() {
	var got log
	s.startOne(s.new(s.T, s.db), func(_ context.Context, id string) error { got.add(id); return nil })
	again := func() { s.dispatch("q", some(20, "run")...) }
	again()
	s.until("a run that another process has dispatched is delivered", again, func() bool { return got.has(some(20, "run")...) })
}

// keeps dispatches in a process that ends before another one starts.
func (s *suite) keeps() {
	s.dispatch("q", some(20, "run")...)
	if err := s.runner.Stop(s.soon()); err != nil {
		s.Fatal(err)
	}
	var got log
	s.startOne(s.new(s.T, s.db), func(_ context.Context, id string) error { got.add(id); return nil })
	s.until("what a process has dispatched that is gone is delivered", func() {}, func() bool { return got.has(some(20, "run")...) })
}
