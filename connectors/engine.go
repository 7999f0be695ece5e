package connectors

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
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
	Index Indexer // nil: there is no index, records stay queued
	// Text reads the text of a record that stands in an object, to be indexed;
	// nil leaves it out.
	Text func(ctx context.Context, scope content.Scope, typ *content.Type, row content.Row) (string, error)
	// IndexLater leaves new and changed records queued for a later import.
	// Deleted ones are taken out of the index all the same.
	IndexLater bool
	HTTP       *http.Client // for connections; nil is http.DefaultClient
	// Objects gives connections the store in which they keep files; nil, or
	// content.ErrDisabled, is none.
	Objects func() (blob.Store, error)
	Secrets Secrets          // what references in settings stand for; nil is LocalSecrets{}
	Now     func() time.Time // nil is time.Now
	// Wait pauses between requests of connections; nil is rest.Wait. For tests.
	Wait func(context.Context, time.Duration) error
	Log  *slog.Logger // nil is silent
	// BatchRecords is how many records are written in one transaction, at most;
	// 0 is 1000. Payloads of more than 4 MB make a batch too.
	BatchRecords int

	once     sync.Once
	services *rest.Pool
}

// pool is what connections share.
func (e *Engine) pool() *rest.Pool {
	e.once.Do(func() {
		e.services = &rest.Pool{DB: e.DB, HTTP: e.HTTP, Now: e.Now, Wait: e.Wait, Logger: e.Log}
	})
	return e.services
}

// Options are what a caller decides about one import. They are stored as the
// run's config.
type Options struct {
	Instance string          `json:"instance,omitempty"` // of the connection; "" is the only one
	Settings json.RawMessage `json:"settings,omitempty"` // settings in place of the defaults
	Force    bool            `json:"force,omitempty"`    // delete in spite of missing parts, unreadable keys and the share; never in spite of an empty stream
	// Reconcile has the keys of incremental streams listed, where the session can
	// do so, and what is not among them deleted, under the guards of a full sync.
	Reconcile bool `json:"reconcile,omitempty"`
	// All has a replay map all stored records again, not only those that have failed.
	All    bool `json:"all,omitempty"`
	DryRun bool `json:"dry_run,omitempty"` // say what would happen and change nothing; other writers wait while deletions are tried out
}

// Session opens a session as an import in the task would do, for whoever asks what it
// can do; nothing is read. The caller closes it.
func (e *Engine) Session(ctx context.Context, task Task, c *Connection, files []File, options Options) (Session, error) {
	im, err := e.importing(task, c, options)
	if err != nil {
		return nil, err
	}
	in, err := im.input(files)
	if err != nil {
		return nil, err
	}
	return c.spec.Open(ctx, in)
}

// Import runs an import in a task: it reads the connection's streams, writes
// what changed, resolves links, deletes what a complete snapshot does not have
// any more, and indexes. What it did is in the Result, also when it returns an
// error.
//
// Imports of one instance of a connection follow each other: a second one waits
// until the first has ended. A task that has a checkpoint goes on from there, as
// if nothing had happened.
//
// A record that fails is kept in import_failures and does not stop the run; more
// than a tenth of them, of at least a hundred, do. Nor does it stop the run that
// records cannot be indexed: they stay queued.
func (e *Engine) Import(ctx context.Context, task Task, c *Connection, files []File, options Options) (*Result, error) {
	im, err := e.importing(task, c, options)
	if err != nil {
		return nil, err
	}
	defer im.merger.Stop()
	if err := im.goOn(); err != nil {
		return im.result, fmt.Errorf("import %s: %w", c.Name(), err)
	}
	im.resumed = len(task.Checkpoint()) > 0
	if err := im.run(ctx, files); err != nil {
		return im.result, fmt.Errorf("import %s: %w", c.Name(), err)
	}
	return im.result, nil
}
