package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// Config is what a [Service] needs. DB, Authority and Runner are required.
type Config struct {
	DB        *database.DB // with the core's tables
	Authority *content.Authority
	Runner    Runner
	Queues    []Queue
	// Remote names the queues on whose runs only other processes work; "*" is all
	// of them. This process works on the others.
	Remote []string

	Now    func() time.Time // the time of runs and events; nil is time.Now. Leases go by the database's time
	Random func() float64   // at least 0 and below 1, to spread retries; nil is math/rand
	Logger *slog.Logger     // for what the Service cannot return to anyone; nil is silent
	// Alarm is told what somebody should look at; see [Alarm]. It must be quick.
	// Nil: alarms are only logged.
	Alarm func(a Alarm)

	// Lease is how long a process that dies unseen keeps its runs; 0 means 30
	// seconds. It is renewed with each commit, and else each third of it.
	Lease time.Duration
	// Poll is how often the table is searched for runs that were not dispatched
	// here, whose process died, or that another process cancelled; 0 means one
	// second. As a rule that is known sooner, see database.DB.Listen.
	Poll time.Duration
	// Drain is how long Stop lets the jobs at work go on before it cancels them;
	// 0 means not at all.
	Drain time.Duration
	// TooOld is the age from which a run that waits raises an alarm; 0 means 5
	// minutes.
	TooOld time.Duration
	// FailPoint is called at the moments of a run's life at which a crash is
	// hardest to survive; see [FailPoints]. It is for tests that kill the process
	// there. Nil does nothing.
	FailPoint func(name string)
}

// FailPoints returns the names with which Config.FailPoint is called, in the
// order in which a run comes to them.
func FailPoints() []string {
	return []string{
		"claimed",    // the run is marked as running, its job has not begun
		"committing", // in the transaction of a Commit, before its effects
		"done",       // in the transaction of a Commit, behind its effects
		"committed",  // after a Commit
		"handled",    // the job has returned, and nothing says so
		"finishing",  // the end is about to be stored, or is in a transaction that is not committed
	}
}

func (s *Service) at(failPoint string) {
	if s.failPoint != nil {
		s.failPoint(failPoint)
	}
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
	remote    []string
	now       func() time.Time
	random    func() float64
	log       *slog.Logger
	alarm     func(Alarm)
	lease     time.Duration
	poll      time.Duration
	drain     time.Duration
	tooOld    time.Duration
	failPoint func(string)
	process   string // an id of this Service, which other processes see
	watchers  watchers
	claims    *gather[*claim]
	finishes  *gather[*finish]
	herald    herald
	hands     hands // in which the jobs work
	nudges    chan struct{}
	ending    chan struct{} // a place for each run whose end is being stored behind its Runner's back

	// These are filled before the start and not changed after it.
	byType       map[string]*job // also by their aliases
	order        []*job
	mistakes     []error
	schedules    []*schedule
	picky        bool   // some job has an Accept
	waitingQuery string // which queues of this process have runs that wait
	waitingArgs  []any
	easyQueues   []string  // of this process, without limits
	easyTypes    []string  // that they and no others have, all of whose runs are accepted
	consumed     time.Time // when this process last said that it works; the sweep's alone

	mu       sync.Mutex
	state    state
	held     map[string]context.CancelCauseFunc // runs that are being claimed or at work here
	live     map[string]*Task                   // runs that are at work here
	alarmed  map[string]bool                    // alarms that were raised and still hold
	outboxes map[*database.Tx]outbox
	nudged   map[string]bool
	work     sync.WaitGroup // deliveries and the loops
	endLoop  context.CancelFunc
	gaveUp   chan struct{} // closed when Stop no longer waits
}

type state int

const (
	idle state = iota
	started
	ended
)

// The most claims and ends of runs in one transaction.
const (
	maxClaims   = 200
	maxFinishes = 500
	maxEnding   = 500 // whose end may be stored while others begin
)

// New checks the queues and returns a Service, to which jobs are added with
// [Register]. The error holds every mistake, not only the first.
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
	wrong(c.Drain < 0, "Config.Drain is negative; 0 means not at all")
	wrong(c.TooOld < 0, "Config.TooOld is negative; 0 means 5 minutes")
	mistakes = append(mistakes, checkQueues(c.Queues)...)
	for _, name := range c.Remote {
		_, known := builtin(name)
		wrong(name != "*" && !known && !slices.ContainsFunc(c.Queues, func(q Queue) bool { return q.Name == name }),
			fmt.Sprintf("Config.Remote names the queue %q, which is not declared", name))
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("jobs: make an id: %w", err)
	}
	s := &Service{
		db: c.DB, authority: c.Authority, runner: c.Runner, queues: map[string]*queue{}, remote: c.Remote,
		now: c.Now, random: c.Random, log: c.Logger, alarm: c.Alarm, failPoint: c.FailPoint, process: id.String(),
		lease: cmp.Or(c.Lease, 30*time.Second), poll: cmp.Or(c.Poll, time.Second), drain: c.Drain, tooOld: cmp.Or(c.TooOld, 5*time.Minute),
		byType: map[string]*job{}, held: map[string]context.CancelCauseFunc{}, live: map[string]*Task{},
		alarmed: map[string]bool{}, outboxes: map[*database.Tx]outbox{}, nudged: map[string]bool{},
		nudges: make(chan struct{}, 1), ending: make(chan struct{}, maxEnding), gaveUp: make(chan struct{}), hands: hands{next: make(chan func())},
	}
	s.claims, s.finishes = newGather(maxClaims, s.claimAll), newGather(maxFinishes, s.finishAll)
	if s.now == nil {
		s.now = time.Now
	}
	if s.random == nil {
		s.random = rand.Float64
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, q := range c.Queues {
		s.declare(q)
	}
	return s, nil
}

// declare adds a queue. A built-in one looks as usual where it does not say how.
func (s *Service) declare(q Queue) {
	if b, ok := builtin(q.Name); ok {
		q.Label, q.Description, q.Icon, q.Color = cmp.Or(q.Label, b.Label), cmp.Or(q.Description, b.Description), cmp.Or(q.Icon, b.Icon), cmp.Or(q.Color, b.Color)
	}
	q.Label = cmp.Or(q.Label, q.Name)
	s.queues[q.Name] = &queue{Queue: q, here: !slices.Contains(s.remote, "*") && !slices.Contains(s.remote, q.Name)}
}

// Check returns every mistake in what was registered, and a queue on whose runs
// nobody would work: one that this process is to work on, and for which it has
// no job. Start calls it.
func (s *Service) Check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	mistakes := slices.Clone(s.mistakes)
	for _, j := range s.order {
		if j.queue.here && j.handle == nil {
			mistakes = append(mistakes, fmt.Errorf("%w: job %q has nothing to do here, and its queue %q is not remote; give Register a function, or name the queue in Config.Remote",
				content.ErrInvalid, j.Type, j.Queue))
		}
	}
	for _, name := range sorted(s.queues) {
		if q := s.queues[name]; q.here && len(q.types) == 0 {
			mistakes = append(mistakes, fmt.Errorf("%w: nobody works on queue %q: this process has no job for it; register one, or name the queue in Config.Remote when other processes do",
				content.ErrInvalid, name))
		}
	}
	if len(mistakes) > 0 {
		return fmt.Errorf("jobs: %w", errors.Join(mistakes...))
	}
	return nil
}

// Start begins to work: runs whose process ended are taken up or marked failed,
// those that wait are dispatched, and from then on both are done again every
// Config.Poll, and when other processes tell of something new. It refuses what
// [Service.Check] finds. The context bounds the start alone. A Service is started
// once.
func (s *Service) Start(ctx context.Context) error {
	if err := s.Check(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.state != idle {
		s.mu.Unlock()
		return fmt.Errorf("%w: the jobs service was started before; make a new one", content.ErrConflict)
	}
	for _, j := range s.order {
		s.picky = s.picky || j.Accept != nil
	}
	for _, name := range sorted(s.queues) {
		if q := s.queues[name]; q.here && q.limit() == 0 && !q.picky {
			s.easyQueues, s.easyTypes = append(s.easyQueues, name), append(s.easyTypes, q.types...)
		}
	}
	s.prepareWaiting()
	loop, endLoop := context.WithCancel(context.WithoutCancel(ctx))
	s.state, s.endLoop = started, endLoop
	s.work.Add(2)
	s.mu.Unlock()

	err := s.runner.Start(ctx, s.deliver)
	if err == nil {
		err = errors.Join(s.consume(ctx), s.planSchedules(ctx))
	}
	if err == nil {
		err = s.sweep(ctx, true)
	}
	if err != nil {
		s.work.Add(-2)
		return errors.Join(fmt.Errorf("start jobs: %w", err), s.Stop(context.WithoutCancel(ctx)))
	}
	go func() {
		defer s.work.Done()
		s.keepSweeping(loop)
	}()
	go func() {
		defer s.work.Done()
		s.keepListening(loop)
	}()
	return nil
}

// prepareWaiting writes the query that tells in which queues of this process
// runs wait, with one look into an index for each.
func (s *Service) prepareWaiting() {
	var parts []string
	for _, name := range sorted(s.queues) {
		if s.queues[name].here {
			parts = append(parts, "SELECT CAST(? AS TEXT) AS name WHERE EXISTS (SELECT 1 FROM waiting_runs WHERE queue = ? AND "+due(s.db.Dialect())+")")
			s.waitingArgs = append(s.waitingArgs, name, name)
		}
	}
	s.waitingQuery = strings.Join(parts, " UNION ALL ")
}

// Stop ends the work in this process. Nothing new is begun; the jobs at work may
// go on for Config.Drain; then their contexts are cancelled with [ErrStopped] as
// their cause, and it waits for them. Runs of resumable jobs wait to go on, in
// another process or at the next start; others are marked failed and say so.
// When ctx is done first, the runs that did not stop are taken from their jobs,
// as if these had, and the error names them. Stopping again, or without a start,
// does nothing.
func (s *Service) Stop(ctx context.Context) error {
	s.mu.Lock()
	before := s.state
	s.state = ended
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
	s.letFinish(ctx, quiet)
	s.mu.Lock()
	for _, cancel := range s.held {
		cancel(stopped())
	}
	s.mu.Unlock()
	var err error
	select {
	case <-quiet:
	case <-ctx.Done():
		s.mu.Lock()
		err = fmt.Errorf("stop jobs: these runs did not stop in time: %s: %w", names(s.held), context.Cause(ctx))
		deaf := slices.Collect(maps.Values(s.live)) // before their deliveries hear that they are given up
		s.mu.Unlock()
		close(s.gaveUp)
		s.takeAway(ctx, deaf)
	}
	return errors.Join(err, s.leave(ctx), s.runner.Stop(ctx))
}

// letFinish waits for the jobs at work, as long as they may go on.
func (s *Service) letFinish(ctx context.Context, quiet <-chan struct{}) {
	if s.drain == 0 {
		return
	}
	patience := time.NewTimer(s.drain)
	defer patience.Stop()
	select {
	case <-quiet:
	case <-patience.C:
	case <-ctx.Done():
	}
}

// takeAway ends the attempts of runs whose jobs did not stop, so that others
// need not wait for their leases. Their commits are refused from now on.
func (s *Service) takeAway(ctx context.Context, tasks []*Task) {
	for _, t := range tasks {
		t.over.Store(true)
		f := t.finishing(t.stopped(&interrupted{stopped(), errors.New("its job did not stop in time")}))
		if s.finishes.ask(f); f.err != nil {
			s.log.ErrorContext(ctx, "a run whose job did not stop is taken up when its lease has run out", "run", t.run.ID, "error", f.err)
		}
	}
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

// stopping reports whether Stop was called.
func (s *Service) stopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == ended
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

// Jobs returns the registered jobs, ordered by type.
func (s *Service) Jobs() []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Job, 0, len(s.order))
	for _, j := range s.order {
		all = append(all, j.Job)
	}
	slices.SortFunc(all, func(a, b Job) int { return cmp.Compare(a.Type, b.Type) })
	return all
}

// Queues returns the declared queues, ordered by name.
func (s *Service) Queues() []Queue {
	all := make([]Queue, 0, len(s.queues))
	for _, name := range sorted(s.queues) {
		all = append(all, s.queues[name].Queue)
	}
	return all
}
