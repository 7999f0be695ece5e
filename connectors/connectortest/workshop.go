package connectortest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/dirblob"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// A Workshop is a database in which imports of a connection are tried out. Its
// clock moves with each import, and when somebody waits, so that pauses cost no
// time. It is for the test that made it, and does one thing at a time.
type Workshop struct {
	Subject
	DB     *database.DB
	Store  *store.Store
	Engine *connectors.Engine
	Search *search.Searcher
	Scope  content.Scope // of the organization at work

	t            testing.TB
	organization string
	clock        *clock
	log          *logbook
	objects      *objects
	search       search.Config
	auth         *content.Authority
}

// A clock moves when it is told to.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

func (c *clock) add(d time.Duration) { c.set(c.now().Add(d)) }

// objects counts what is stored.
type objects struct {
	blob.Store
	puts atomic.Int64
}

// firstOrganization is the one at work when no other was named.
const firstOrganization = "connectortest"

// NewWorkshop opens a new database with the tables of a connection. Kind is
// database.SQLite or database.Postgres.
func NewWorkshop(t testing.TB, kind string, s Subject) *Workshop {
	t.Helper()
	w := &Workshop{Subject: s, t: t, DB: databasetest.Open(t, kind), clock: &clock{at: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}, log: &logbook{}, auth: content.NewAuthority()}
	registry, err := content.NewRegistry(s.Connection.Types()...)
	if err := errors.Join(err, connectors.Check(s.Connection)); err != nil {
		t.Fatal(err)
	}
	if err := store.Ensure(t.Context(), w.DB, registry.Types()...); err != nil {
		t.Fatal(err)
	}
	dir, err := dirblob.Open(t.TempDir(), dirblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.objects = &objects{Store: dir}
	w.Store = store.New(w.DB, registry, w.auth)
	w.Store.Now = w.Now
	w.search = search.Config{DB: w.DB, Authority: w.auth, Registry: registry, Now: w.Now}
	w.Search = search.NewSearcher(w.search)
	w.Engine = &connectors.Engine{DB: w.DB, Auth: w.auth, Store: w.Store, Index: search.NewIndexer(w.search), Now: w.Now, BatchRecords: s.Batch,
		HTTP: s.HTTP, Secrets: s.Secrets, Wait: w.wait, Log: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Objects: func() (blob.Store, error) { return w.objects, nil }}
	w.enter(firstOrganization)
	return w
}

// Put counts, and stores.
func (o *objects) Put(ctx context.Context, key string, r io.Reader, opts blob.PutOptions) (blob.Info, error) {
	o.puts.Add(1)
	return o.Store.Put(ctx, key, r, opts)
}

// As is the same workshop with another organization at work, a new one if there is
// none of that name.
func (w *Workshop) As(organization string) *Workshop {
	w.t.Helper()
	other := *w
	other.enter(organization)
	return &other
}

func (w *Workshop) enter(organization string) {
	w.t.Helper()
	w.organization, w.Scope = organization, w.auth.Mint(organization, "connectortest")
	w.exec("INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING", organization, organization, w.DB.Dialect().Time(w.Now()))
}

// On is the same workshop for another test, a part of the first.
func (w *Workshop) On(t testing.TB) *Workshop {
	other := *w
	other.t = t
	return &other
}

// Now returns the time of the clock.
func (w *Workshop) Now() time.Time { return w.clock.now() }

// SetClock sets it.
func (w *Workshop) SetClock(at time.Time) { w.clock.set(at) }

// wait moves the clock.
func (w *Workshop) wait(ctx context.Context, d time.Duration) error {
	w.clock.add(d)
	return context.Cause(ctx)
}

func (w *Workshop) exec(query string, args ...any) {
	w.t.Helper()
	if err := w.DB.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
}

// Task makes a run of the connection, an hour later.
func (w *Workshop) Task() *Task {
	w.t.Helper()
	w.clock.add(time.Hour)
	t := NewTask(w.t, w.DB, w.Scope, w.organization, w.Connection.RunType(), w.Now())
	t.note = w.log.note
	return t
}

// Import does an import in a task of its own.
func (w *Workshop) Import(files ...connectors.File) (*connectors.Result, error) {
	w.t.Helper()
	return w.run(w.Task(), files, w.Options)
}

// Must is Import for one that completes.
func (w *Workshop) Must(files ...connectors.File) *connectors.Result {
	w.t.Helper()
	result, err := w.Import(files...)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// run does an import in a task, and ends that.
func (w *Workshop) run(task *Task, files []connectors.File, options connectors.Options) (*connectors.Result, error) {
	w.t.Helper()
	result, err := w.Engine.Import(context.Background(), task, w.Connection, files, options)
	status := jobs.Completed
	if err != nil {
		status = jobs.Failed
		w.log.note(fmt.Sprintf("%v %+v %#v", err, err, err))
	}
	task.End(status)
	return result, err
}

// must is run for an import that completes.
func (w *Workshop) must(task *Task, files []connectors.File, options connectors.Options) *connectors.Result {
	w.t.Helper()
	result, err := w.run(task, files, options)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// Rows returns the records of a type that meet the filters, in the order of their
// keys.
func (w *Workshop) Rows(typeName string, filters ...content.Filter) (rows []content.Row) {
	w.t.Helper()
	typ, err := w.Store.Registry().Lookup(typeName)
	if err != nil {
		w.t.Fatal(err)
	}
	for q := (store.Query{Limit: 1000, Filters: filters}); ; {
		page, err := w.Store.List(context.Background(), w.Scope, typ, q)
		if err != nil {
			w.t.Fatal(err)
		}
		rows = append(rows, page.Items...)
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			slices.SortFunc(rows, func(a, b content.Row) int { return strings.Compare(typ.KeyOf(a), typ.KeyOf(b)) })
			return rows
		}
	}
}

// Found returns the titles of what a search finds, in order.
func (w *Workshop) Found(text string) (titles []string) {
	w.t.Helper()
	result, err := w.Search.Search(context.Background(), w.Scope, search.Query{Text: text, Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, h := range result.Hits {
		titles = append(titles, h.Title)
	}
	return titles
}

// State is all that imports have left behind for the organization, but for ids and
// times: a line for each record, failure and chunk.
func (w *Workshop) State() []string {
	w.t.Helper()
	names := map[string]string{} // id -> type and key
	types := w.Store.Registry().Types()
	all := make([][]content.Row, len(types))
	for i, typ := range types {
		all[i] = w.Rows(typ.Name())
		for _, row := range all[i] {
			names[content.RecordOf(row).ID] = typ.Name() + " " + typ.KeyOf(row)
		}
	}
	var lines []string
	for i, typ := range types {
		for _, row := range all[i] {
			rec := content.RecordOf(row)
			line := fmt.Sprintf("%s %s %s raw %q, indexed %v", typ.Name(), rec.Instance, typ.KeyOf(row), rec.Raw, rec.IndexedAt != nil)
			for _, f := range typ.Fields() {
				if slices.Contains(w.Ignore, f.Name) {
					continue
				}
				v := f.Value(row)
				if id, _ := v.(string); f.Has(content.Parent|content.Link) && names[id] != "" {
					v = names[id]
				}
				line += fmt.Sprintf(", %s %s", f.Name, fmt.Sprint(v))
			}
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	lines = append(lines, w.texts("failure ", "SELECT type, key, scope, file, line, column_name, value, reason FROM import_failures WHERE organization_id = ? AND replayed_at IS NULL ORDER BY 1, 2, 3, 4, 5, 6, 8", w.organization)...)
	lines = append(lines, w.texts("chunk ", "SELECT source_type, filename, chunk_index, title, content FROM search_chunks WHERE organization_id = ? ORDER BY 1, 2, 3, 4, 5", w.organization)...)
	return append(lines, w.texts("keys left behind ", "SELECT count(*) FROM run_keys")...)
}

// rows is what an import must not write when there is nothing to write: records,
// their versions, chunks and positions, with ids and times.
func (w *Workshop) rows() (lines []string) {
	w.t.Helper()
	for _, typ := range w.Store.Registry().Types() {
		lines = append(lines, w.texts("", `SELECT id, created_at, updated_at, deleted_at, indexed_at FROM "`+typ.Table()+`" ORDER BY id`)...)
		if typ.History() {
			lines = append(lines, w.texts("", `SELECT id, history_number FROM "`+typ.Table()+`_history" ORDER BY 1, 2`)...)
		}
	}
	lines = append(lines, w.texts("", "SELECT number, source_id FROM search_chunks ORDER BY 1")...)
	if w.Moves {
		return lines
	}
	return append(lines, w.texts("", "SELECT instance, stream, position FROM connection_state WHERE stream NOT LIKE '#%' ORDER BY 1, 2")...)
}

// texts returns the rows of a query, each as one line behind a prefix.
func (w *Workshop) texts(prefix, query string, args ...any) (lines []string) {
	w.t.Helper()
	for _, line := range databasetest.Lines(w.t, w.DB, query, args...) {
		lines = append(lines, prefix+line)
	}
	return lines
}
