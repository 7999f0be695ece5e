package curatore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/dirblob"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/migrations"
	"github.com/curatore/curatore-go/search"
)

// Config says what [Open] opens and how. Only Database is required.
type Config struct {
	// Database is "sqlite:FILE" or "postgres://USER:PASSWORD@HOST/NAME".
	Database string
	// Types are record types that belong to no connection: the program writes their
	// records, with Organization.Put.
	Types []*content.Type
	// Functions are the program's own, beside those that follow from the types
	// and those of the connections.
	Functions []*functions.Function
	// Authorize decides whether a caller may use a function; nil allows all.
	Authorize func(scope content.Scope, f *functions.Function) error
	// ManualSchema makes Open refuse a database that lacks tables or columns of
	// the program's own types, and print the SQL, instead of creating them. The
	// built-in tables are always migrated.
	ManualSchema bool
	// NoSearch switches search off: Search returns search.ErrDisabled, records are
	// imported and wait to be indexed.
	NoSearch bool
	// Embedder turns texts into vectors, for search by meaning beside search by
	// words; see search/openaiembed. Nil: search is by words. When it is another
	// one than before, search goes on with the vectors that there are until the
	// next import, Reindex or Embed has made the new ones.
	Embedder search.Embedder
	// MinSimilarity is the cosine below which a document is not near at all; 0
	// leaves it to the distance from random documents.
	MinSimilarity float64
	// SearchMemory bounds the memory, in bytes, in which parts of the keyword index
	// are kept between searches, over all organizations; 0 is 64 MB, less than 0
	// none. See inverted.Options for what fits.
	SearchMemory int64
	// VectorMemory bounds the memory, in bytes, in which vectors of an SQLite
	// database are mirrored, over all organizations; 0 is 256 MB, less than 0 none.
	// See flatvec.Options for what fits. On Postgres none are.
	VectorMemory int64
	// Reranker judges the first 50 hits of a search anew; see search/httprerank.
	Reranker search.Reranker
	// Jobs registers the program's own jobs, with jobs.Register, before any work
	// begins. Their queues are among Queues. The Curator is opened by the time that a
	// job of it runs.
	Jobs func(c *Curator, s *jobs.Service)
	// Queues are those of Jobs, and those of connections that are to have other limits,
	// another time-out or a Retry: by their names, such as "salesforce".
	Queues []jobs.Queue
	// Runner makes runs run; nil runs them in this process.
	Runner jobs.Runner
	// EnqueueOnly makes this process store runs, read and search, and leave the
	// work to others on the same database.
	EnqueueOnly bool
	// Drain is how long Close lets imports at work go on before it stops them; 0
	// is not at all.
	Drain time.Duration
	// Objects keeps the files of imports until they have been read, and the texts
	// of types whose text is an object; see packages blob, dirblob and s3blob. All
	// processes on one database are given the same. Nil is a directory beside an
	// SQLite database ("curatore.db-objects"). With Postgres nil is none: an
	// import from files then runs in the process that was given them, or not at
	// all.
	Objects blob.Store
	// TempObjects keeps the files of imports alone, such as in a bucket whose
	// objects expire; nil is Objects, without which it is not used.
	TempObjects blob.Store
	// SpillDir is where an import keeps local copies of files from an object
	// store on another machine; "" is the directory for temporary files. It needs
	// room for the largest files that are imported at once.
	SpillDir string
	// HTTP is for connections that fetch; nil is http.DefaultClient.
	HTTP *http.Client
	// Secrets finds what references in the settings of connections stand for; nil
	// is connectors.LocalSecrets{}: some environment variables and files.
	Secrets connectors.Secrets
	// Schedules are imports that start by themselves.
	Schedules []ImportSchedule
	// Logger gets what is not returned to a caller; nil is silent.
	Logger *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time

	hooks hooks // of tests
}

// A Curator is an opened database with its connections. It is safe for
// concurrent use.
type Curator struct {
	config      Config
	db          *database.DB
	auth        *content.Authority
	registry    *content.Registry
	connections map[string]*connectors.Connection
	order       []*connectors.Connection
	store       *store.Store
	searcher    *search.Searcher // nil when search is off
	indexer     *search.Indexer
	imports     *connectors.Engine
	jobs        *jobs.Service
	importRuns  map[string]*jobs.Typed[importConfig] // by connection
	replayRuns  map[string]*jobs.Typed[importConfig] // those that replay
	maintenance *jobs.Typed[struct{}]
	reindexing  *jobs.Typed[reindexConfig]
	embedding   *jobs.Typed[struct{}]
	vectors     search.Vectors // nil when there are none
	engine      *functions.Engine
	switches    switches
	merging     sync.Map // organizations whose index is being merged behind a Put

	mu      sync.Mutex
	files   map[string][]connectors.File         // of the imports that wait or work in this process, where there is no object store
	reading map[string]func(ctx context.Context) // removes the files of runs at work here, once they have ended
	dir     *dirblob.Store                       // beside an SQLite database; nil before it is needed

	closed     bool
	closing    chan struct{}  // closed by Close, for what goes on in the background
	background sync.WaitGroup // of untilClosed
}

// Open checks all declarations, opens the database, brings its tables up to
// date, and starts to work on imports. The error lists everything that is wrong
// with the declarations, not only the first. Many processes may open one
// database at the same time.
//
// The context bounds the opening alone. Close the Curator when done.
func Open(ctx context.Context, config Config, connections ...*connectors.Connection) (_ *Curator, err error) {
	c := &Curator{config: config, auth: content.NewAuthority(), connections: map[string]*connectors.Connection{},
		order: connections, files: map[string][]connectors.File{}, reading: map[string]func(context.Context){}, closing: make(chan struct{})}
	if err := c.declare(); err != nil {
		return nil, fmt.Errorf("open curatore: %w", err)
	}
	if config.Database == "" {
		return nil, fmt.Errorf("open curatore: %w: Config.Database is empty; use sqlite:FILE or postgres://USER@HOST/NAME", content.ErrInvalid)
	}
	if c.db, err = database.Open(ctx, config.Database, database.Options{Logger: config.Logger, Fault: config.hooks.fault}); err != nil {
		return nil, fmt.Errorf("open curatore: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.db.Close())
		}
	}()
	if err := c.assemble(); err != nil {
		return nil, fmt.Errorf("open curatore: %w", err)
	}
	if err := c.migrate(ctx); err != nil {
		return nil, fmt.Errorf("open curatore: %w", err)
	}
	if err := c.prepareSearch(ctx); err != nil {
		return nil, fmt.Errorf("open curatore: %w", err)
	}
	if err := c.jobs.Start(ctx); err != nil {
		return nil, fmt.Errorf("open curatore: %w", err)
	}
	if c.hasObjects() {
		c.untilClosed(ctx, c.keepSweeping)
	}
	return c, nil
}

// declare checks everything that can be checked without a database.
func (c *Curator) declare() error {
	types := append([]*content.Type(nil), c.config.Types...)
	for _, conn := range c.order {
		if conn != nil {
			types = append(types, conn.Types()...)
			c.connections[conn.Name()] = conn
		}
	}
	var invalid error
	c.registry, invalid = content.NewRegistry(types...)
	_, wrong := functions.NewEngine(functions.Config{}, c.ownFunctions()...)
	return errors.Join(connectors.Check(c.order...), invalid, wrong, c.checkSpill())
}

// ownFunctions are those of the connections and of the program.
func (c *Curator) ownFunctions() (own []*functions.Function) {
	for _, conn := range c.order {
		if conn != nil {
			own = append(own, conn.Functions(c.input)...)
		}
	}
	return append(own, c.config.Functions...)
}

// input makes what a connection's function asks its service with.
func (c *Curator) input(ctx context.Context, scope content.Scope, conn *connectors.Connection, instance string) (connectors.Input[json.RawMessage], error) {
	options, err := c.settled(ctx, scope, conn.Name(), connectors.Options{Instance: instance})
	if err != nil {
		return connectors.Input[json.RawMessage]{}, err
	}
	return c.imports.Input(scope, conn, options)
}

// migrate brings the tables up to date: the core's and those of built-in
// connections by their migrations, others from their declarations.
func (c *Curator) migrate(ctx context.Context) error {
	if err := migrations.Up(ctx, c.db, migrations.Core); err != nil {
		return err
	}
	migrated := map[string]bool{}
	if err := c.migrateShared(ctx, migrated); err != nil {
		return err
	}
	for _, conn := range c.order {
		if conn.Name() == migrations.Core || !migrations.Has(conn.Name()) {
			continue
		}
		if err := migrations.Up(ctx, c.db, conn.Name()); err != nil {
			return err
		}
		types := slices.DeleteFunc(conn.Types(), (*content.Type).Shared)
		if missing, err := store.Missing(ctx, c.db, types...); err != nil || missing != "" {
			continue // the program's own, of that name
		}
		for _, t := range types {
			migrated[t.Name()] = true
		}
	}
	// What two connections share, such as the links between their records.
	for _, a := range c.order {
		for _, b := range c.order {
			both := a.Name() + "_" + b.Name()
			if migrations.Has(both) && len(a.Types()) > 0 && migrated[a.Types()[0].Name()] && len(b.Types()) > 0 && migrated[b.Types()[0].Name()] {
				if err := migrations.Up(ctx, c.db, both); err != nil {
					return err
				}
			}
		}
	}
	var own []*content.Type
	for _, t := range c.registry.Types() {
		if !migrated[t.Name()] {
			own = append(own, t)
		}
	}
	if !c.config.ManualSchema {
		return store.Ensure(ctx, c.db, own...)
	}
	missing, err := store.Missing(ctx, c.db, own...)
	if err == nil && missing != "" {
		return fmt.Errorf("%w: the database lacks tables, and Config.ManualSchema is set; run this:\n%s", content.ErrInvalid, strings.TrimSpace(missing))
	}
	return err
}

// migrateShared brings the tables of the types up to date that connections share:
// the migrations of one that has any are those of its table and of what goes with
// its records.
func (c *Curator) migrateShared(ctx context.Context, migrated map[string]bool) error {
	for _, t := range c.registry.Types() {
		if !t.Shared() {
			continue
		}
		if migrations.Has(t.Name()) {
			if err := migrations.Up(ctx, c.db, t.Name()); err != nil {
				return err
			}
		}
		if missing, err := store.Missing(ctx, c.db, t); err == nil && missing == "" {
			migrated[t.Name()] = true
		}
	}
	return nil
}

// Close stops the work in this process and closes the database. Imports at work
// go on from their last checkpoint when the database is opened again, or in
// another process. Without an object store they end as failed, with the advice to
// start them again; what they committed stays.
func (c *Curator) Close() error {
	err := c.jobs.Stop(context.Background())
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		close(c.closing)
	}
	c.mu.Unlock()
	c.background.Wait()
	c.allDoneReading()
	return errors.Join(err, c.closeObjects(), c.db.Close())
}

// Connections returns the connections in the order in which they were given.
func (c *Curator) Connections() []*connectors.Connection {
	return append([]*connectors.Connection(nil), c.order...)
}

func (c *Curator) now() time.Time {
	if c.config.Now != nil {
		return c.config.Now()
	}
	return time.Now()
}

// assemble puts the parts on the open database.
func (c *Curator) assemble() error {
	c.store = store.New(c.db, c.registry, c.auth)
	c.store.Now = c.now
	c.imports = &connectors.Engine{DB: c.db, Auth: c.auth, Store: c.store, HTTP: c.config.HTTP, Secrets: c.config.Secrets, Objects: c.objects, Now: c.now, Log: c.config.Logger}
	if c.hasObjects() {
		c.imports.Text = c.objectText
	}
	c.assembleSearch()
	if err := c.assembleJobs(); err != nil {
		return err
	}
	return c.assembleFunctions()
}
