package curatore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A Run is an import or a replay that was started. It is safe for concurrent
// use.
type Run struct {
	o  *Organization
	id string
}

// importConfig is what is stored with an import's run.
type importConfig struct {
	connectors.Options
	Files []fileConfig `json:"files,omitempty"`
}

type fileConfig struct {
	Filename string `json:"filename"`
	FileSize int64  `json:"file_size"`
	Key      string `json:"key,omitempty"` // of the object; empty for a file in the memory of one process
	SHA256   string `json:"sha256,omitempty"`
}

// Import starts an import of a connection, from files if it takes such, and
// returns when it is stored as a run; see [Run.Wait]. All parts of one export
// are given at once.
//
// With an object store, as beside an SQLite database, the files are stored with
// the run and may be closed when Import returns. Any process that works on the
// database reads them; the import goes on after a crash, outlives ctx, and is
// ended with [Run.Cancel]. The files are removed when the run has ended.
//
// Without an object store the import reads the files itself until its run has
// ended: keep them open until then. It lives no longer than its process and than
// ctx: when that is cancelled the run is too, and what was committed stays. Pass
// context.WithoutCancel where it shall outlive its caller.
func (o *Organization) Import(ctx context.Context, connection string, files ...connectors.File) (*Run, error) {
	return o.ImportWith(ctx, connection, connectors.Options{}, files...)
}

// ImportWith is [Organization.Import] with options: an instance, settings, a dry
// run, force.
func (o *Organization) ImportWith(ctx context.Context, connection string, options connectors.Options, files ...connectors.File) (*Run, error) {
	c := o.c
	conn, err := c.connection(connection)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if f.ReaderAt == nil && f.Reader == nil || f.Size < 0 {
			return nil, fmt.Errorf("%w: the file %q has no reader, or a negative size", content.ErrInvalid, f.Name)
		}
		if f.ReaderAt == nil && !c.hasObjects() {
			return nil, fmt.Errorf("%w: the file %q can be read only once, which needs an object store; set Config.Objects, or give a ReaderAt", content.ErrDisabled, f.Name)
		}
	}
	if err := conn.CheckSecrets(options.Settings); err != nil { // they are stored with the run
		return nil, fmt.Errorf("import %s: %w", connection, err)
	}
	var run *Run
	if c.hasObjects() {
		run, err = o.hand(ctx, conn, options, files)
	} else {
		run, err = o.importHere(ctx, conn, options, files)
	}
	if err != nil {
		return nil, fmt.Errorf("import %s: %w", connection, err)
	}
	return run, nil
}

// importHere starts an import that only this process can work on, since the files
// are nowhere else.
func (o *Organization) importHere(ctx context.Context, conn *connectors.Connection, options connectors.Options, files []connectors.File) (*Run, error) {
	config := importConfig{Options: options}
	var names []string
	for _, f := range files {
		config.Files = append(config.Files, fileConfig{Filename: f.Name, FileSize: f.Size})
		names = append(names, f.Name)
	}
	return o.start(ctx, o.c.importRuns[conn.Name()], config, jobs.Options{Label: strings.Join(names, ", "), ResourceID: conn.Name()}, files)
}

// ReplayFailures starts a run that tries again the records which earlier imports
// of an instance could not take, and the values that they left out, from the
// payloads that were kept, and with Options.All maps all stored records anew; see
// connectors.Engine.Replay. It is for after the settings or the program were
// mended. Of the options it takes Instance, Settings and All. Like an import it lives
// no longer than ctx.
func (o *Organization) ReplayFailures(ctx context.Context, connection string, options connectors.Options) (*Run, error) {
	conn, err := o.c.connection(connection)
	if err != nil {
		return nil, err
	}
	if !conn.Replayable() {
		return nil, fmt.Errorf("%w: %s cannot replay records, import them again", content.ErrInvalid, connection)
	}
	if err := conn.CheckSecrets(options.Settings); err != nil {
		return nil, fmt.Errorf("replay %s: %w", connection, err)
	}
	run, err := o.start(ctx, o.c.replayRuns[connection], importConfig{Options: options}, jobs.Options{ResourceID: connection}, nil)
	if err != nil {
		return nil, fmt.Errorf("replay %s: %w", connection, err)
	}
	return run, nil
}

// start stores a run. One that needs the files which this process was given ends
// with it and with ctx.
func (o *Organization) start(ctx context.Context, job *jobs.Typed[importConfig], config importConfig, options jobs.Options, files []connectors.File) (*Run, error) {
	c := o.c
	options.Transient = len(files) > 0
	var run *jobs.Run
	keep := func(files []connectors.File) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if files != nil {
			c.files[run.ID] = files
		} else {
			delete(c.files, run.ID)
		}
	}
	err := c.db.Write(ctx, func(ctx context.Context, tx *database.Tx) (err error) {
		run, err = job.Enqueue(ctx, tx, o.scope, config, options)
		if err == nil && len(files) > 0 {
			keep(files) // before anybody can find the run
		}
		return err
	})
	if err != nil {
		if run != nil {
			keep(nil)
		}
		return nil, err
	}
	if len(files) == 0 {
		return &Run{o: o, id: run.ID}, nil
	}
	stop := context.AfterFunc(ctx, func() {
		err := c.jobs.Cancel(context.WithoutCancel(ctx), o.scope, run.ID, fmt.Sprintf("the caller went away: %v", context.Cause(ctx)))
		if err != nil && !errors.Is(err, content.ErrConflict) && c.config.Logger != nil {
			c.config.Logger.WarnContext(ctx, "an import could not be cancelled", "run", run.ID, "error", err)
		}
	})
	c.untilClosed(ctx, func(ctx context.Context) {
		defer stop()
		c.waitForEnd(ctx, o.scope, run.ID)
		keep(nil) // it may have ended before it began
	})
	return &Run{o: o, id: run.ID}, nil
}

// untilClosed calls do in the background. Its context outlives ctx and ends with
// Close, which waits for it: a transaction that is open while an SQLite database
// is closed leaves the write-ahead log behind.
func (c *Curator) untilClosed(ctx context.Context, do func(ctx context.Context)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	ctx, end := context.WithCancel(context.WithoutCancel(ctx))
	c.background.Go(func() {
		defer end()
		do(ctx)
	})
	c.background.Go(func() {
		select {
		case <-c.closing:
			end()
		case <-ctx.Done():
		}
	})
}

// waitForEnd waits until a run has ended, also while the database is away, and
// reports whether it has. What it ended with stands in the run.
func (c *Curator) waitForEnd(ctx context.Context, scope content.Scope, run string) bool {
	for {
		ended, err := c.jobs.Wait(ctx, scope, run)
		if err == nil {
			return ended.Status.Ended()
		}
		if !errors.Is(err, content.ErrBusy) {
			return false
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(time.Second):
		}
	}
}

// waitForFiles is how long an import from files waits for the process that was
// given them, which takes it up at once unless it has ended.
const waitForFiles = time.Minute

// accept reports whether this process is to work on an import: it can read the
// files, or none are needed, or the process that had them is gone and the import
// has to end.
func (c *Curator) accept(run jobs.Run) bool {
	c.mu.Lock()
	_, here := c.files[run.ID]
	c.mu.Unlock()
	var config importConfig
	err := json.Unmarshal(run.Config, &config)
	switch {
	case here || err != nil || len(config.Files) == 0:
		return true
	case config.Files[0].Key != "":
		return c.hasObjects()
	}
	return c.now().Sub(run.CreatedAt) > waitForFiles
}

// importJob makes the job of a connection's imports.
func (c *Curator) importJob(conn *connectors.Connection) func(context.Context, *jobs.Task, importConfig) (any, error) {
	return func(ctx context.Context, task *jobs.Task, config importConfig) (_ any, err error) {
		run := task.Run()
		c.mu.Lock()
		files := c.files[run.ID]
		delete(c.files, run.ID)
		c.mu.Unlock()
		keys, err := c.keysOf(task.Scope(), config.Files)
		if err != nil {
			return nil, fmt.Errorf("import %s: %w", conn.Name(), err)
		}
		if len(keys) > 0 {
			c.removeWhenEnded(ctx, task.Scope(), run.ID, keys)
			fetched, closeAll, err := c.fetch(ctx, task, config)
			if err != nil {
				return nil, fmt.Errorf("import %s: %w", conn.Name(), err)
			}
			defer func() { err = errors.Join(err, closeAll()) }()
			files = fetched
		}
		if len(files) < len(config.Files) {
			return nil, fmt.Errorf("import %s: the process that was given the files ended before it read them; import them again", conn.Name())
		}
		options, err := c.settled(ctx, task.Scope(), conn.Name(), config.Options)
		if err != nil {
			return nil, fmt.Errorf("import %s: %w", conn.Name(), err)
		}
		result, err := c.imports.Import(ctx, task, conn, files, options)
		// A service that takes no more requests for hours does not fail the run.
		if limit := (*rest.LimitError)(nil); errors.As(err, &limit) && len(files) == 0 && ctx.Err() == nil {
			return result, jobs.Park(limit.Until, limit.Error())
		}
		return result, err
	}
}

// replayJob makes the job of a connection's replays.
func (c *Curator) replayJob(conn *connectors.Connection) func(context.Context, *jobs.Task, importConfig) (any, error) {
	return func(ctx context.Context, task *jobs.Task, config importConfig) (any, error) {
		options, err := c.settled(ctx, task.Scope(), conn.Name(), config.Options)
		if err != nil {
			return nil, fmt.Errorf("replay %s: %w", conn.Name(), err)
		}
		return c.imports.Replay(ctx, task, conn, options)
	}
}

func (c *Curator) connection(name string) (*connectors.Connection, error) {
	if conn := c.connections[name]; conn != nil {
		return conn, nil
	}
	known := make([]string, len(c.order))
	for i, conn := range c.order {
		known[i] = conn.Name()
	}
	slices.Sort(known)
	return nil, fmt.Errorf("%w: unknown connection %q; open are %s", content.ErrInvalid, name, strings.Join(known, ", "))
}

// ID returns the run's id, by which Runs and Run find it in any process.
func (r *Run) ID() string { return r.id }

// Wait returns when the import has ended. Its error is why the import did not
// complete, beside what it did until then; or that ctx ended first, which does
// not stop the import, and then the Result is nil.
func (r *Run) Wait(ctx context.Context) (*connectors.Result, error) {
	run, err := r.o.c.jobs.Wait(ctx, r.o.scope, r.id)
	if err != nil {
		return nil, err
	}
	result := &connectors.Result{}
	if len(run.Result) > 0 {
		if err := json.Unmarshal(run.Result, result); err != nil {
			return nil, fmt.Errorf("run %s: its result cannot be read: %w", run.ID, err)
		}
	}
	return result, run.Err()
}

// Follow yields the progress and the events of the import until it has ended.
func (r *Run) Follow(ctx context.Context) iter.Seq2[jobs.Update, error] {
	return r.o.c.jobs.Follow(ctx, r.o.scope, r.id)
}

// Cancel ends the import; what it committed stays. The cause is shown with the run;
// "" says that the principal wanted it.
func (r *Run) Cancel(ctx context.Context, cause string) error {
	if err := r.o.c.jobs.Cancel(ctx, r.o.scope, r.id, cause); err != nil {
		return err
	}
	r.o.c.removeOfEnded(ctx, r.o.scope, r.id)
	return nil
}

// Run returns a run of the organization as it stands. One of another organization
// is content.ErrNotFound.
func (o *Organization) Run(ctx context.Context, id string) (jobs.Run, error) {
	return o.c.jobs.Get(ctx, o.scope, id)
}

// Runs returns runs of the organization, the newest first.
func (o *Organization) Runs(ctx context.Context, q jobs.Query) (jobs.Page, error) {
	return o.c.jobs.List(ctx, o.scope, q)
}

// Events returns events of a run behind the one with the id after; 0 is the
// beginning, and limit 0 is 500.
func (o *Organization) Events(ctx context.Context, runID string, after int64, limit int) ([]jobs.Event, error) {
	return o.c.jobs.Events(ctx, o.scope, runID, after, limit)
}
