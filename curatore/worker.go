package curatore

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/curatore/jobs/localrunner"
)

// hooks are what tests of crashes set.
type hooks struct {
	failPoint func(name string)            // jobs.Config.FailPoint
	lease     time.Duration                // jobs.Config.Lease
	fault     func(statement string) error // database.Options.Fault
	patience  time.Duration                // storePatience
}

// assembleJobs declares the queues and the jobs of this program.
func (c *Curator) assembleJobs() error {
	runner := c.config.Runner
	if runner == nil {
		runner = localrunner.New(localrunner.Config{Logger: c.config.Logger})
	}
	config := jobs.Config{DB: c.db, Authority: c.auth, Runner: runner, Queues: c.queues(), Now: c.now, Logger: c.config.Logger, Drain: c.config.Drain,
		FailPoint: c.config.hooks.failPoint, Lease: c.config.hooks.lease}
	if c.config.EnqueueOnly {
		config.Remote = []string{"*"}
	}
	var err error
	if c.jobs, err = jobs.New(config); err != nil {
		return err
	}
	c.importRuns, c.replayRuns = map[string]*jobs.Typed[importConfig]{}, map[string]*jobs.Typed[importConfig]{}
	for _, conn := range c.order {
		job := jobs.Job{Type: conn.RunType(), Label: conn.Label() + " import", Queue: conn.Queue(), ResourceType: "connection",
			Phases: []string{connectors.PhaseParsing, connectors.PhaseImporting, connectors.PhaseIndexing, connectors.PhaseEmbedding}, Timeout: c.timeout(conn), Resumable: true, Accept: c.accept}
		c.importRuns[conn.Name()] = jobs.Register(c.jobs, job, c.importJob(conn))
		if conn.Replayable() {
			c.replayRuns[conn.Name()] = jobs.Register(c.jobs, jobs.Job{Type: conn.ReplayType(), Label: conn.Label() + " replay", Queue: conn.Queue(),
				ResourceType: "connection", Timeout: c.timeout(conn)}, c.replayJob(conn))
		}
	}
	if err := c.schedule(); err != nil {
		return err
	}
	c.maintenance = jobs.RegisterMaintenance(c.jobs, jobs.Maintenance{Purge: c.purge, Temporary: c.sweepTemporary})
	c.registerIndexing()
	if c.config.Jobs != nil {
		c.config.Jobs(c, c.jobs)
	}
	return c.jobs.Check()
}

// queues are those of the program, and of connections that have one of their own. The
// built-in ones are there.
func (c *Curator) queues() []jobs.Queue {
	queues := slices.Clone(c.config.Queues)
	for _, conn := range c.order {
		named := func(q jobs.Queue) bool { return q.Name == conn.Queue() }
		if !slices.ContainsFunc(queues, named) && !slices.ContainsFunc(jobs.BuiltinQueues(), named) {
			queues = append(queues, jobs.Queue{Name: conn.Queue(), Label: conn.Label(), Description: conn.Description(), Icon: conn.Icon(), Color: conn.Color()})
		}
	}
	return queues
}

// timeout is how long an import may take: what the program says of the queue, or else
// what the connection does.
func (c *Curator) timeout(conn *connectors.Connection) time.Duration {
	for _, q := range c.config.Queues {
		if q.Name == conn.Queue() && q.Timeout > 0 {
			return q.Timeout
		}
	}
	return conn.Timeout()
}

// purge removes for good what was deleted long ago, of every type.
func (c *Curator) purge(ctx context.Context, task *jobs.Task, before time.Time) (purged int64, err error) {
	var errs []error
	for _, t := range c.registry.Types() {
		n, err := c.store.Purge(ctx, task.Scope(), t, before, task.Commit)
		purged += n
		errs = append(errs, err)
	}
	return purged, errors.Join(errs...)
}

// Health tells how each queue stands: what waits and works in it, of all
// organizations, and which processes work on it. It is for whoever operates the
// program.
func (c *Curator) Health(ctx context.Context) ([]jobs.QueueHealth, error) { return c.jobs.Health(ctx) }

// Preflight names the queues on which no live process works. A program with
// EnqueueOnly calls it before it relies on others.
func (c *Curator) Preflight(ctx context.Context) error { return c.jobs.Preflight(ctx) }

// Why tells why a run of the organization waits.
func (o *Organization) Why(ctx context.Context, runID string) (jobs.Wait, error) {
	return o.c.jobs.Why(ctx, o.scope, runID)
}

// Subscribe yields the events of the organization's runs, or of one of them, as
// they are stored; see jobs.Service.Subscribe.
func (o *Organization) Subscribe(ctx context.Context, s jobs.Subscription) iter.Seq2[jobs.Event, error] {
	return o.c.jobs.Subscribe(ctx, o.scope, s)
}

// ReplayRun starts a run again that failed for good; see jobs.Service.Replay. An
// import whose files are gone by then fails and says so.
func (o *Organization) ReplayRun(ctx context.Context, runID string) (*Run, error) {
	run, err := o.c.jobs.Replay(ctx, o.scope, runID)
	if err != nil {
		return nil, err
	}
	return &Run{o: o, id: run.ID}, nil
}

// Maintain starts maintenance of the organization now, beside that of each
// night: expired runs, rows that were deleted long ago, old runs and events.
func (o *Organization) Maintain(ctx context.Context) (*Run, error) {
	run, err := o.c.maintenance.Submit(ctx, o.scope, struct{}{}, jobs.Options{UniqueKey: "by hand"})
	if err != nil {
		return nil, err
	}
	return &Run{o: o, id: run.ID}, nil
}

// Follow yields the progress and the events of a run, started in whatever
// process, until it has ended; see jobs.Service.Follow.
func (o *Organization) Follow(ctx context.Context, runID string) iter.Seq2[jobs.Update, error] {
	return o.c.jobs.Follow(ctx, o.scope, runID)
}
