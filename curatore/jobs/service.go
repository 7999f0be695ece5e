package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// Config is what a [Service] needs. DB, Authority and Runner are required.
type Config struct {
	DB        *database.DB // with the core's tables
	Authority *content.Authority
	Runner    Runner
	Queues    []Queue
	Jobs      []Job

	Now    func() time.Time // the time of runs and events; nil is time.Now. Leases go by the database's time
	Logger *slog.Logger     // for what the Service cannot return to anyone; nil is silent

	// Lease is how long a process that dies unseen keeps its runs; 0 means 30
	// seconds. It is renewed with each commit, and else each third of it.
	Lease time.Duration
	// Poll is how often the table is searched for runs that were not dispatched
	// here, whose process died, or that another process cancelled; 0 means one
	// second.
	Poll time.Duration
}

// minLease leaves room for the milliseconds in which SQLite counts, and for
// renewing it in time.
const minLease = 100 * time.Millisecond

// A Service stores runs and, once started, works on them. It is safe for
// concurrent use. A process that only stores and reads runs need not start it.
type Service struct {
	db        *database.DB
	authority *content.Authority
	runner    Runner
	queues    map[string]*queue
	jobs      map[string]*Job
	now       func() time.Time
	log       *slog.Logger
	lease     time.Duration
	poll      time.Duration
	watchers  watchers

	mu      sync.Mutex
	state   state
	held    map[string]context.CancelCauseFunc // runs that are being claimed or at work here
	live    map[string]*Task                   // runs that are at work here
	unknown map[string]bool                    // job types that were reported as unknown
	work    sync.WaitGroup                     // deliveries and the sweep
	endLoop context.CancelFunc
	gaveUp  chan struct{} // closed when Stop no longer waits
}

type state int

const (
	idle state = iota
	started
	ended
)

// New checks the declarations and returns a Service. The error holds every
// mistake, not only the first.
func New(c Config) (*Service, error) {
	var mistakes []error
	wrong := func(is bool, text string) {
		if is {
			mistakes = append(mistakes, fmt.Errorf("%w: %s", content.ErrInvalid, text))
		}
	}
	wrong(c.DB == nil, "Config.DB is missing; open one with database.Open")
	wrong(c.Authority == nil, "Config.Authority is missing; use the one that mints the Scopes of the callers")
	wrong(c.Runner == nil, "Config.Runner is missing; use localrunner.New to work in this process")
	wrong(c.Lease != 0 && c.Lease < minLease, "Config.Lease is less than 100ms; 0 means 30s")
	wrong(c.Poll < 0, "Config.Poll is negative; 0 means one second")
	queues, jobs, err := checkDeclarations(c.Queues, c.Jobs)
	mistakes = append(mistakes, err)
	if err := errors.Join(mistakes...); err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	s := &Service{
		db: c.DB, authority: c.Authority, runner: c.Runner, queues: map[string]*queue{}, jobs: jobs,
		now: c.Now, log: c.Logger, lease: cmp.Or(c.Lease, 30*time.Second), poll: cmp.Or(c.Poll, time.Second),
		held: map[string]context.CancelCauseFunc{}, live: map[string]*Task{}, unknown: map[string]bool{},
		gaveUp: make(chan struct{}),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for name, q := range queues {
		s.queues[name] = newQueue(*q, jobs)
	}
	return s, nil
}

// Start begins to work: runs whose process ended are taken up or marked failed,
// those that wait are dispatched, and from then on both are done again every
// Config.Poll. The context bounds the start alone. A Service is started once.
func (s *Service) Start(ctx context.Context) error {
	s.mu.Lock()
	if s.state != idle {
		s.mu.Unlock()
		return fmt.Errorf("%w: the jobs service was started before; make a new one", content.ErrConflict)
	}
	loop, endLoop := context.WithCancel(context.WithoutCancel(ctx))
	s.state, s.endLoop = started, endLoop
	s.work.Add(1)
	s.mu.Unlock()

	err := s.runner.Start(ctx, s.deliver)
	if err == nil {
		err = s.sweep(ctx, true)
	}
	if err != nil {
		s.work.Done()
		return errors.Join(fmt.Errorf("start jobs: %w", err), s.Stop(ctx))
	}
	go func() {
		defer s.work.Done()
		s.keepSweeping(loop)
	}()
	return nil
}

// Stop ends the work in this process: the contexts of the jobs at work are
// cancelled with [ErrStopped] as their cause, and it waits for them. Runs of
// resumable jobs wait to go on, in another process or at the next start; others
// are marked failed and say so. When ctx is done first, the error names the runs
// that did not stop; they are taken up when their leases have run out. Stopping
// again, or without a start, does nothing.
func (s *Service) Stop(ctx context.Context) error {
	s.mu.Lock()
	before := s.state
	s.state = ended
	for _, cancel := range s.held {
		cancel(stopped())
	}
	s.mu.Unlock()
	if before != started {
		return nil
	}
	s.endLoop()
	quiet := make(chan struct{})
	go func() {
		s.work.Wait()
		close(quiet)
	}()
	var err error
	select {
	case <-quiet:
	case <-ctx.Done():
		s.mu.Lock()
		err = fmt.Errorf("stop jobs: these runs did not stop in time: %s: %w", names(s.held), context.Cause(ctx))
		s.mu.Unlock()
		close(s.gaveUp)
	}
	return errors.Join(err, s.runner.Stop(ctx))
}

// hold registers a delivery of a run, or returns false when the Service does
// not work or the run is held already. What cancel does then reaches the run,
// however early it comes.
func (s *Service) hold(id string, cancel context.CancelCauseFunc) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != started || s.held[id] != nil {
		return false
	}
	s.held[id] = cancel
	s.work.Add(1)
	return true
}

func (s *Service) release(id string) {
	s.mu.Lock()
	delete(s.held, id)
	s.mu.Unlock()
	s.work.Done()
}

// interrupt cancels the context of a run that this process holds.
func (s *Service) interrupt(id string, cause error) {
	s.mu.Lock()
	cancel := s.held[id]
	s.mu.Unlock()
	if cancel != nil {
		cancel(cause)
	}
}

// task returns the task of a run that is at work here, or nil.
func (s *Service) task(id string) *Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[id]
}

// Jobs returns the declared jobs, ordered by type.
func (s *Service) Jobs() []Job {
	all := make([]Job, 0, len(s.jobs))
	for _, j := range s.jobs {
		all = append(all, *j)
	}
	slices.SortFunc(all, func(a, b Job) int { return cmp.Compare(a.Type, b.Type) })
	return all
}

// Queues returns the declared queues, ordered by name.
func (s *Service) Queues() []Queue {
	all := make([]Queue, 0, len(s.queues))
	for _, q := range s.queues {
		all = append(all, q.Queue)
	}
	slices.SortFunc(all, func(a, b Queue) int { return cmp.Compare(a.Name, b.Name) })
	return all
}
