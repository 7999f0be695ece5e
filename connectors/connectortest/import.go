package connectortest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/search"
)

// A Subject is a connection with a source that does not change.
type Subject struct {
	Connection *connectors.Connection
	Options    connectors.Options
	// Before gives the files of an import that has happened before, so that the
	// one under test finds records to change and to delete; nil leaves that
	// import out. Files gives those of the import under test; nil gives none.
	// Both are called for each import.
	Before, Files func() []connectors.File
	// Batch is how many records are written in one transaction: few enough that
	// the source makes several batches.
	Batch int
	// Databases are the kinds to test on; nil means both.
	Databases []string

	// HTTP is the client for a connection that fetches, and Secrets what its
	// settings refer to.
	HTTP    *http.Client
	Secrets connectors.Secrets
	// Edition turns the source to what it was for the import before (0) or what it
	// is for the one under test (1). Nil: it does not change.
	Edition func(n int)
	// Ignore names fields that differ from import to import, such as the time at
	// which something was fetched.
	Ignore []string
	// Moves says that positions tell the time of the import, so that they move
	// although nothing has changed.
	Moves bool
}

// Import checks that imports of a connection keep what their
// users rely on:
//
//   - The counts of each stream add up to the records seen.
//   - The same import again finds everything unchanged, and writes nothing.
//   - A dry run changes nothing.
//   - A process that dies at any commit, before it or just behind it, loses
//     nothing and does nothing twice: when the run goes on it ends like one that
//     was not disturbed, with the same records, links, failures, chunks and
//     counts.
//   - An import that is cancelled at any commit ends with the cause, and another
//     one does the rest.
//   - However an import ends, it leaves no goroutine behind.
func Import(t *testing.T, s Subject) {
	t.Helper()
	kinds := s.Databases
	if kinds == nil {
		kinds = []string{database.SQLite, database.Postgres}
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			w := newWorkshop(t, kind, s)
			before := goleak.IgnoreCurrent()
			undisturbed := w.round(nil)
			t.Run("counts", func(t *testing.T) { w.on(t).counts(undisturbed) })
			t.Run("again", func(t *testing.T) { w.on(t).again() })
			t.Run("dry run", func(t *testing.T) { w.on(t).dryRun() })
			t.Run("resume", func(t *testing.T) { w.on(t).resume(undisturbed) })
			t.Run("cancel", func(t *testing.T) { w.on(t).cancel(undisturbed) })
			if s.HTTP != nil {
				s.HTTP.CloseIdleConnections()
			}
			goleak.VerifyNone(t, before)
		})
	}
}

// A workshop is a database in which imports are tried out.
type workshop struct {
	Subject
	t      *testing.T
	db     *database.DB
	store  *store.Store
	engine *connectors.Engine
	search *search.Searcher
	scope  content.Scope
	clock  time.Time
	waited atomic.Int64 // nanoseconds, since the clock was set
	log    *logbook
}

// now is the clock, moved on by what was waited.
func (w *workshop) now() time.Time { return w.clock.Add(time.Duration(w.waited.Load())) }

// wait moves the clock.
func (w *workshop) wait(ctx context.Context, d time.Duration) error {
	w.waited.Add(int64(d))
	return context.Cause(ctx)
}

const organization = "connectortest"

func newWorkshop(t *testing.T, kind string, s Subject) *workshop {
	t.Helper()
	w := &workshop{Subject: s, t: t, db: databasetest.Open(t, kind), clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), log: &logbook{}}
	registry, err := content.NewRegistry(s.Connection.Types()...)
	if err := errors.Join(err, connectors.Check(s.Connection)); err != nil {
		t.Fatal(err)
	}
	if err := store.Ensure(t.Context(), w.db, registry.Types()...); err != nil {
		t.Fatal(err)
	}
	now := w.now
	auth := content.NewAuthority()
	w.scope = auth.Mint(organization, "connectortest")
	w.store = store.New(w.db, registry, auth)
	w.store.Now = now
	config := search.Config{DB: w.db, Authority: auth, Registry: registry, Now: now}
	w.search = search.NewSearcher(config)
	w.engine = &connectors.Engine{DB: w.db, Auth: auth, Store: w.store, Index: search.NewIndexer(config), Now: now, BatchRecords: s.Batch,
		HTTP: s.HTTP, Secrets: s.Secrets, Wait: w.wait, Log: slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	return w
}

func (w *workshop) on(t *testing.T) *workshop {
	w.t = t
	return w
}

func (w *workshop) exec(query string, args ...any) {
	w.t.Helper()
	if err := w.db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
}

// An outcome is what an import left behind.
type outcome struct {
	result *connectors.Result
	state  []string
}

// clear empties the database and does the import that has happened before.
func (w *workshop) clear() {
	w.t.Helper()
	w.exec("DELETE FROM run_keys WHERE set_id >= ?", 0)
	w.exec("DELETE FROM organizations WHERE id = ?", organization)
	w.exec("INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", organization, organization, w.db.Dialect().Time(w.clock))
	w.edition(0)
	if w.Before != nil {
		w.must(w.newTask(), w.Before(), w.Options)
	} else if w.Edition != nil {
		w.must(w.newTask(), w.files(), w.Options)
	}
	w.edition(1)
}

func (w *workshop) edition(n int) {
	if w.Edition != nil {
		w.Edition(n)
	}
}

func (w *workshop) files() []connectors.File {
	if w.Files == nil {
		return nil
	}
	return w.Files()
}

// must is an import that completes.
func (w *workshop) must(task *task, files []connectors.File, options connectors.Options) *connectors.Result {
	w.t.Helper()
	result, err := w.engine.Import(context.Background(), task, w.Connection, files, options)
	if err != nil {
		w.t.Fatal(err)
	}
	task.end("completed")
	return result
}

// round does the import under test in a fresh database. Disturb, unless nil, gets
// its task and does what it likes, to the end of the import.
func (w *workshop) round(disturb func(task *task) *connectors.Result) outcome {
	w.t.Helper()
	w.clear()
	task := w.newTask()
	var result *connectors.Result
	if disturb != nil {
		result = disturb(task)
	} else {
		result = w.must(task, w.files(), w.Options)
	}
	return outcome{result, w.state()}
}

func (w *workshop) counts(o outcome) {
	seen := int64(0)
	for name, c := range o.result.Streams {
		seen += c.Seen
		if c.Seen != c.Created+c.Updated+c.Unchanged+c.Duplicates+c.Failed {
			w.t.Errorf("%s: the counts do not add up to seen: %+v", name, *c)
		}
	}
	if seen == 0 {
		w.t.Error("the source has no records, so nothing is tested")
	}
}

func (w *workshop) again() {
	before := w.rows()
	result := w.must(w.newTask(), w.files(), w.Options)
	for name, c := range result.Streams {
		if c.Created+c.Updated+c.Deleted+c.Indexed > 0 {
			w.t.Errorf("%s: the same import again has changed something: %+v", name, *c)
		}
	}
	if diff := cmp.Diff(before, w.rows()); diff != "" {
		w.t.Error("the same import again has written:", diff)
	}
}

func (w *workshop) dryRun() {
	w.clear()
	before := w.rows()
	options := w.Options
	options.DryRun = true
	w.must(w.newTask(), w.files(), options)
	if diff := cmp.Diff(before, w.rows()); diff != "" {
		w.t.Error("a dry run has written:", diff)
	}
}

func (w *workshop) resume(undisturbed outcome) {
	for n := 1; ; n++ {
		died := false
		got := w.round(func(task *task) *connectors.Result {
			task.dieAt, task.after = n, n%2 == 0 // before a commit and behind one in turn
			result, err := w.engine.Import(context.Background(), task, w.Connection, w.files(), w.Options)
			if died = err != nil; !died {
				return result
			}
			if !errors.Is(err, errDied) {
				w.t.Fatal(err)
			}
			return w.must(task.again(), w.files(), w.Options)
		})
		if diff := cmp.Diff(undisturbed.state, got.state); diff != "" {
			w.t.Fatalf("the process died at commit %d: %s", n, diff)
		}
		if diff := cmp.Diff(undisturbed.result.Streams, got.result.Streams); diff != "" {
			w.t.Fatalf("the process died at commit %d: %s", n, diff)
		}
		if !died {
			if n < 6 {
				w.t.Errorf("the import has only %d commits; give it a larger source or a smaller Batch", n-1)
			}
			return
		}
	}
}

func (w *workshop) cancel(undisturbed outcome) {
	enough := errors.New("enough")
	for n := 1; ; n += 3 {
		cancelled := false
		got := w.round(func(task *task) *connectors.Result {
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			task.before = func(commit int) {
				if commit == n {
					cancel(enough)
				}
			}
			result, err := w.engine.Import(ctx, task, w.Connection, w.files(), w.Options)
			if cancelled = err != nil; !cancelled {
				return result
			}
			if !errors.Is(err, enough) {
				w.t.Fatalf("cancelled at commit %d: %v", n, err)
			}
			task.end("cancelled")
			return w.must(w.newTask(), w.files(), w.Options)
		})
		// The failures of the first run are those of another run.
		keep := func(lines []string) []string {
			return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasPrefix(l, "failure ") })
		}
		if diff := cmp.Diff(keep(undisturbed.state), keep(got.state)); diff != "" {
			w.t.Fatalf("cancelled at commit %d, then imported: %s", n, diff)
		}
		if !cancelled {
			return
		}
	}
}

// state is all that an import leaves, but for ids and times.
func (w *workshop) state() []string {
	w.t.Helper()
	names := map[string]string{} // id -> type and key
	all := map[*content.Type][]content.Row{}
	for _, typ := range w.store.Registry().Types() {
		for cursor := ""; ; {
			page, err := w.store.List(context.Background(), w.scope, typ, store.Query{Limit: 1000, Cursor: cursor})
			if err != nil {
				w.t.Fatal(err)
			}
			for _, row := range page.Items {
				names[content.RecordOf(row).ID] = typ.Name() + " " + typ.KeyOf(row)
			}
			all[typ] = append(all[typ], page.Items...)
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
	}
	var lines []string
	for typ, rows := range all {
		for _, row := range rows {
			rec := content.RecordOf(row)
			line := fmt.Sprintf("%s %s raw %q, indexed %v", typ.Name(), typ.KeyOf(row), rec.Raw, rec.IndexedAt != nil)
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
	lines = append(lines, w.texts("failure ", "SELECT type, key, scope, file, line, column_name, value, reason FROM import_failures WHERE replayed_at IS NULL ORDER BY 1, 2, 3, 4, 5, 6, 8")...)
	lines = append(lines, w.texts("chunk ", "SELECT source_type, filename, chunk_index, title, content FROM search_chunks ORDER BY 1, 2, 3")...)
	return append(lines, w.texts("keys left behind ", "SELECT count(*) FROM run_keys")...)
}

// rows is what an import must not write when there is nothing to write: records,
// chunks and positions, with ids and times.
func (w *workshop) rows() (lines []string) {
	w.t.Helper()
	for _, typ := range w.store.Registry().Types() {
		lines = append(lines, w.texts("", `SELECT id, created_at, updated_at, deleted_at, indexed_at FROM "`+typ.Table()+`" ORDER BY id`)...)
	}
	lines = append(lines, w.texts("", "SELECT number, source_id FROM search_chunks ORDER BY 1")...)
	if w.Moves {
		return lines
	}
	return append(lines, w.texts("", "SELECT instance, stream, position FROM connection_state WHERE stream NOT LIKE '#%' ORDER BY 1, 2")...)
}

// texts returns the rows of a query, each as one line behind the prefix.
func (w *workshop) texts(prefix, query string) (lines []string) {
	w.t.Helper()
	for _, line := range databasetest.Lines(w.t, w.db, query) {
		lines = append(lines, prefix+line)
	}
	return lines
}
