package connectors

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// A Task is the run that an import works in: a *jobs.Task.
type Task interface {
	Run() jobs.Run
	Scope() content.Scope
	Checkpoint() json.RawMessage
	SetCheckpoint(v any)
	Progress(phase string, done, total int64)
	Info(eventType, message string, data any)
	Warn(eventType, message string, data any)
	Error(eventType, message string, data any)
	Commit(ctx context.Context, do func(ctx context.Context, tx *database.Tx) error) error
}

var _ Task = (*jobs.Task)(nil)

// An Indexer keeps the search index: a *search.Indexer.
type Indexer interface {
	Prepare(ctx context.Context, documents []content.Document) (*search.Batch, error)
	PutBatch(ctx context.Context, tx *database.Tx, scope content.Scope, b *search.Batch) (search.Counts, error)
	Delete(ctx context.Context, tx *database.Tx, scope content.Scope, typeName string, ids []string) (int, error)
	Merge(ctx context.Context, scope content.Scope) error
}

var _ Indexer = (*search.Indexer)(nil)

// An Engine runs imports. Its fields are set before the first import and not
// changed afterwards; it is safe for concurrent use.
type Engine struct {
	DB    *database.DB
	Auth  *content.Authority
	Store *store.Store
	Index Indexer          // nil: nothing is indexed, records stay queued
	HTTP  *http.Client     // for connections; nil is http.DefaultClient
	Now   func() time.Time // nil is time.Now
	Log   *slog.Logger     // nil is silent
}

// Options are what a caller decides about one import. They are stored as the
// run's config.
type Options struct {
	Instance string          `json:"instance,omitempty"` // of the connection; "" is the only one
	Settings json.RawMessage `json:"settings,omitempty"` // settings in place of the defaults
	Force    bool            `json:"force,omitempty"`    // delete in spite of missing parts and of the share; never in spite of an empty stream
	DryRun   bool            `json:"dry_run,omitempty"`  // say what would happen and change nothing
}

// The phases of an import, in order, as Progress names them.
const (
	PhaseParsing   = "parsing"
	PhaseImporting = "importing"
	PhaseIndexing  = "indexing"
)

// An importing is one import while it runs.
type importing struct {
	*Engine
	c            *Connection
	task         Task
	scope        content.Scope
	organization string
	options      Options
	time         time.Time // of all writes of the run
	result       *Result
	state        checkpoint
}

// A checkpoint is where a run goes on after a crash. It is written in the
// transaction of the records before it.
type checkpoint struct {
	Stream   int     `json:"stream"`
	Position string  `json:"position,omitempty"`
	Batch    int64   `json:"batch"`
	Done     int64   `json:"done"` // units of the streams before, for progress
	Result   *Result `json:"result"`
}

// Import runs an import in a task: it reads the connection's streams, writes
// what changed, resolves links, deletes what a complete snapshot does not have
// any more, and indexes. What it did is in the Result, also when it returns an
// error.
//
// A record that fails is kept in import_failures and does not stop the run; more
// than a tenth of them, of at least a hundred, do.
func (e *Engine) Import(ctx context.Context, task Task, c *Connection, files []File, options Options) (*Result, error) {
	im := &importing{Engine: e, c: c, task: task, scope: task.Scope(), options: options}
	var err error
	if im.organization, err = e.Auth.Organization(im.scope); err != nil {
		return nil, err
	}
	im.result = &Result{Streams: map[string]*Counts{}, DryRun: options.DryRun}
	im.time = task.Run().CreatedAt
	if saved := task.Checkpoint(); len(saved) > 0 {
		if err := json.Unmarshal(saved, &im.state); err != nil {
			return im.result, fmt.Errorf("import %s: the checkpoint cannot be read: %w", c.Name(), err)
		}
		im.result = cmp.Or(im.state.Result, im.result)
	}
	im.state.Result = im.result
	if err := im.run(ctx, files); err != nil {
		return im.result, fmt.Errorf("import %s: %w", c.Name(), err)
	}
	return im.result, nil
}

func (im *importing) run(ctx context.Context, files []File) (err error) {
	im.task.Progress(PhaseParsing, 0, 0)
	session, err := im.c.spec.Open(ctx, Input[json.RawMessage]{
		Settings: im.options.Settings, Instance: im.options.Instance, Files: files,
		HTTP: cmp.Or(im.HTTP, http.DefaultClient), Now: im.now, Logger: cmp.Or(im.Log, slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	im.started(session, files)
	streams := session.Streams()
	var total int64
	for _, s := range streams {
		total += s.Total
		if !im.declares(s.Type) {
			return fmt.Errorf("a stream gives %s, which the connection does not declare among its Types", s.Type.Name())
		}
		im.result.counts(s.Type.Name())
	}
	for i := im.state.Stream; i < len(streams); i++ {
		if err := im.stream(ctx, streams[i], total); err != nil {
			return err
		}
		im.state.Stream, im.state.Position, im.state.Batch = i+1, "", 0
		im.state.Done += streams[i].Total
	}
	if !im.options.DryRun {
		if err := im.links(ctx); err != nil {
			return err
		}
	}
	for _, s := range streams {
		if err := im.cleanUp(ctx, s); err != nil {
			return err
		}
	}
	if im.options.DryRun || im.Index == nil {
		return nil
	}
	return im.index(ctx)
}

func (im *importing) now() time.Time {
	if im.Now != nil {
		return im.Now()
	}
	return time.Now()
}

// started writes the import_start event: the files, and what the session found.
func (im *importing) started(session Session, files []File) {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Name
	}
	data := map[string]any{"connection": im.c.Name(), "files": names}
	if im.options.Instance != "" {
		data["instance"] = im.options.Instance
	}
	if d, ok := session.(Describer); ok {
		for k, v := range d.Describe() {
			data[k] = v
		}
	}
	message := im.c.Label() + " import started"
	if im.options.DryRun {
		message += " (dry run: nothing is changed)"
	}
	im.task.Info(jobs.EventImportStart, message, data)
}

func (im *importing) declares(typ *content.Type) bool {
	for _, t := range im.c.spec.Types {
		if t.Name() == typ.Name() {
			return true
		}
	}
	return false
}

// links resolves the links of all types of the connection, when anything was
// written that can change one.
func (im *importing) links(ctx context.Context) error {
	written := false
	for _, c := range im.result.Streams {
		written = written || c.Created+c.Updated+c.Deleted > 0
	}
	if !written {
		return nil
	}
	for _, t := range im.c.spec.Types {
		if _, err := im.Store.ResolveLinks(ctx, im.scope, t, im.options.Instance, im.task.Commit); err != nil {
			return err
		}
	}
	return nil
}
