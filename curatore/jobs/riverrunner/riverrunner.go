// Package riverrunner carries runs between processes with River, a job queue in
// Postgres.
//
// A process that stores a run and another one that works on it have to hear of
// each other at once, without a broker beside the database. A job engine alone
// would bring a second truth about what runs: River, for one, notices only by a
// time-out that a worker has died, and cannot enqueue in a transaction of another
// driver. Here the table runs stays the only truth, and the outbox too: a run is
// stored in the transaction of the caller, and a River job, which holds nothing but
// ids of runs, follows after the commit, or with the next sweep. That job is done as
// soon as its runs are handed to workers; from then on the lease of the run tells
// whether the worker lives.
//
// River's tables have a schema of their own, in the database of the runs or in
// another one.
package riverrunner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// Config says where River's tables are. URL is required.
type Config struct {
	URL string // of a Postgres database: postgres://USER:PASSWORD@HOST/NAME
	// Schema is that of River's tables, which are made when they are not there; empty
	// means "river". It belongs to this package: jobs of others that use River would
	// be repeated when they take longer than half a minute, so Open refuses to share
	// one with them.
	Schema string

	// PerQueue is how many runs of one queue this process works on at a time,
	// whatever the queue itself allows; 0 means 100.
	PerQueue int
	// Queues are worked on from the start. Others are when this process first
	// dispatches a run of them, as the sweep of a Service does.
	Queues []string
	Logger *slog.Logger // nil is silent
}

// String hides the password.
func (c Config) String() string {
	return fmt.Sprintf("riverrunner.Config{URL: %s, Schema: %s}", database.Redact(c.URL), c.Schema)
}

// GoString is String, so that %#v shows no more.
func (c Config) GoString() string { return c.String() }

// The times of River. A job of River's lasts until its run has been handed over.
const (
	handOver = 15 * time.Second // River's time-out of a job
	rescue   = 30 * time.Second // after which a job whose process died is repeated
	keep     = 5 * time.Minute  // how long jobs that are done are kept
	// River tells of new jobs no more often than it looks for some; what is added in
	// between is found by the next poll.
	cooldown = 2 * time.Millisecond
	poll     = 100 * time.Millisecond
)

// noQueue is one of River's queues into which nothing is put.
const noQueue = "curatore-none"

// A Runner delivers runs that any process dispatched. It is safe for concurrent
// use.
type Runner struct {
	perQueue int
	log      *slog.Logger
	pool     *pgxpool.Pool
	client   *river.Client[pgx.Tx]

	mu      sync.Mutex
	deliver func(runID string) error // nil before Start
	cancel  context.CancelCauseFunc  // ends the context of all deliveries
	ended   context.Context          // is done when deliveries end
	stopped bool
	lanes   map[string]*lane // by River's name of the queue
	initial []string
	work    sync.WaitGroup
}

var _ jobs.Runner = (*Runner)(nil)

// A lane is the places of a queue in this process.
type lane struct {
	queue  string
	places chan struct{}
	ready  chan struct{} // closed when River knows the queue, or does not take it
	err    error
}

// Open connects and brings River's tables up to date. The Runner is not started.
// Stop or Close it when done.
func Open(ctx context.Context, c Config) (_ *Runner, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("open river runner: %w", err)
		}
	}()
	c.Schema = cmp.Or(c.Schema, "river")
	if !schemaForm.MatchString(c.Schema) {
		return nil, fmt.Errorf("%w: the schema %.80q; use lower-case letters, digits and _", content.ErrInvalid, c.Schema)
	}
	config, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("%w: the URL %s cannot be read; write postgres://USER:PASSWORD@HOST/NAME", content.ErrInvalid, database.Redact(c.URL))
	}
	config.MaxConns = max(config.MaxConns, 6)
	r := &Runner{perQueue: cmp.Or(max(c.PerQueue, 0), 100), log: c.Logger, lanes: map[string]*lane{}, initial: c.Queues}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			r.pool.Close()
		}
	}()
	if err := migrate(ctx, r.pool, c.Schema, r.log); err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker{r: r}); err != nil {
		return nil, err
	}
	r.client, err = river.NewClient(riverpgxv5.New(r.pool), &river.Config{Schema: c.Schema, Workers: workers, Logger: r.log,
		Queues:        map[string]river.QueueConfig{noQueue: {MaxWorkers: 1, FetchPollInterval: time.Hour}}, // without any it would not work at all
		FetchCooldown: cooldown, FetchPollInterval: poll, JobTimeout: handOver, RescueStuckJobsAfter: rescue, MaxAttempts: 5, RetryPolicy: soon{},
		CompletedJobRetentionPeriod: keep, CancelledJobRetentionPeriod: keep, DiscardedJobRetentionPeriod: keep})
	return r, err
}

var schemaForm = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,50}$`)

// migrate makes River's tables. Processes that start at once follow each other.
func migrate(ctx context.Context, pool *pgxpool.Pool, schema string, log *slog.Logger) (err error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtextextended($1, 0))", "curatore river "+schema); err != nil {
		return err
	}
	defer func() {
		_, errUnlock := conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock(hashtextextended($1, 0))", "curatore river "+schema)
		err = errors.Join(err, errUnlock)
	}()
	if _, err := conn.Exec(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{schema}.Sanitize()); err != nil {
		return err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: schema, Logger: log})
	if err != nil {
		return err
	}
	if _, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	var strange string
	err = conn.QueryRow(ctx, "SELECT kind FROM "+pgx.Identifier{schema, "river_job"}.Sanitize()+" WHERE kind <> $1 LIMIT 1", args{}.Kind()).Scan(&strange)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("%w: the schema %s holds jobs of another program that uses River, of kind %q; give Config.Schema a name of its own", content.ErrConflict, schema, strange)
	}
	return err
}

// Start implements jobs.Runner.
func (r *Runner) Start(ctx context.Context, deliver func(ctx context.Context, runID string) error) error {
	r.mu.Lock()
	if r.deliver != nil || r.stopped {
		r.mu.Unlock()
		return fmt.Errorf("%w: the river runner was started before; make a new one", content.ErrConflict)
	}
	all, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	r.ended, r.cancel = all, cancel
	r.deliver = func(id string) error { return deliver(all, id) }
	r.mu.Unlock()
	if err := r.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start river: %w", err)
	}
	for _, queue := range r.initial {
		if err := r.listen(ctx, queue); err != nil {
			return err
		}
	}
	return nil
}

// listen makes this process work on a queue of River's. After an error the next
// call tries again.
func (r *Runner) listen(ctx context.Context, queue string) error {
	name := riverName(queue)
	r.mu.Lock()
	if r.deliver == nil || r.stopped {
		r.mu.Unlock()
		return nil
	}
	l, known := r.lanes[name]
	if !known {
		l = &lane{queue: queue, places: make(chan struct{}, r.perQueue), ready: make(chan struct{})}
		r.lanes[name] = l
	}
	r.mu.Unlock()
	if !known {
		if l.err = r.client.Queues().Add(name, river.QueueConfig{MaxWorkers: min(r.perQueue, river.QueueNumWorkersMax)}); l.err != nil {
			r.forget(ctx, name)
		}
		close(l.ready)
	}
	<-l.ready
	if l.err != nil {
		return fmt.Errorf("listen to queue %s: %w", queue, l.err)
	}
	return nil
}

// forget takes back a queue that River could not begin to work on, and keeps.
func (r *Runner) forget(ctx context.Context, name string) {
	if err := r.client.Queues().Remove(ctx, name); err != nil {
		r.log.WarnContext(ctx, "a queue that could not be listened to is not forgotten", "queue", name, "error", err)
	}
	r.mu.Lock()
	delete(r.lanes, name)
	r.mu.Unlock()
}

// Dispatch implements jobs.Runner. A run that waits already is not added again.
// A process that is not started dispatches to others.
func (r *Runner) Dispatch(ctx context.Context, queue string, runIDs ...string) error {
	r.mu.Lock()
	stopped := r.stopped
	if !stopped {
		r.work.Add(1) // the pool stays open
	}
	r.mu.Unlock()
	if stopped || len(runIDs) == 0 {
		if !stopped {
			r.work.Done()
		}
		return nil
	}
	defer r.work.Done()
	if err := r.listen(ctx, queue); err != nil {
		return err
	}
	options := insertOptions(riverName(queue))
	var params []river.InsertManyParams
	for batch := range batches(distinct(runIDs)) {
		params = append(params, river.InsertManyParams{Args: args{Runs: batch}, InsertOpts: options})
	}
	if _, err := r.client.InsertMany(ctx, params); err != nil {
		return fmt.Errorf("dispatch %d runs of queue %s: %w", len(runIDs), queue, err)
	}
	return nil
}

// distinct returns ids without repetitions, in their order.
func distinct(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		before := seen[id]
		seen[id] = true
		return before
	})
}

// Stop implements jobs.Runner.
func (r *Runner) Stop(ctx context.Context) error {
	r.mu.Lock()
	if r.stopped {
		r.mu.Unlock()
		return nil
	}
	r.stopped = true
	started := r.deliver != nil
	if r.cancel != nil {
		r.cancel(jobs.ErrStopped)
	}
	r.mu.Unlock()
	var err error
	if started {
		err = r.client.StopAndCancel(ctx)
	}
	quiet := make(chan struct{})
	go func() {
		r.work.Wait()
		r.pool.Close()
		close(quiet)
	}()
	select {
	case <-quiet:
		return err
	case <-ctx.Done():
		return errors.Join(err, errors.New("stop the river runner: deliveries are still at work"), context.Cause(ctx))
	}
}

// Close is Stop without a limit, for a process that never started.
func (r *Runner) Close() error { return r.Stop(context.Background()) }
