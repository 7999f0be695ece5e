package connectortest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/flatvec"
	"github.com/curatore/curatore-go/search/pgvec"
	"github.com/curatore/curatore-go/search/vectors"
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
//   - The same import again finds everything unchanged: it writes no record, no
//     version, no chunk and no object, and has nothing embedded.
//   - A dry run changes nothing.
//   - A process that dies at any commit, before it or just behind it, loses
//     nothing and does nothing twice: when the run goes on it ends like one that
//     was not disturbed, with the same records, links, failures, chunks and
//     counts.
//   - An import that is cancelled at any commit ends with the cause, and another
//     one does the rest.
//   - What one organization imports is never seen, changed or deleted by another:
//     random imports by two of them end as in two databases.
//   - However an import ends, it leaves no goroutine behind.
func Import(t *testing.T, s Subject) {
	t.Helper()
	kinds := s.Databases
	if kinds == nil {
		kinds = []string{database.SQLite, database.Postgres}
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			w := NewWorkshop(t, kind, s)
			before := goleak.IgnoreCurrent()
			undisturbed := w.round(nil)
			t.Run("counts", func(t *testing.T) { w.On(t).counts(undisturbed) })
			t.Run("again", func(t *testing.T) { w.On(t).again() })
			t.Run("dry run", func(t *testing.T) { w.On(t).dryRun() })
			t.Run("resume", func(t *testing.T) { w.On(t).resume(undisturbed) })
			t.Run("cancel", func(t *testing.T) { w.On(t).cancel(undisturbed) })
			t.Run("organizations", func(t *testing.T) { organizations(t, kind, s) })
			if s.HTTP != nil {
				s.HTTP.CloseIdleConnections()
			}
			goleak.VerifyNone(t, before)
		})
	}
}

// An outcome is what an import left behind.
type outcome struct {
	result *connectors.Result
	state  []string
}

// clear empties the database and does the import that has happened before.
func (w *Workshop) clear() {
	w.t.Helper()
	w.exec("DELETE FROM run_keys WHERE set_id >= ?", 0)
	w.exec("DELETE FROM organizations WHERE id = ?", w.organization)
	w.enter(w.organization)
	w.edition(0)
	if w.Before != nil {
		w.must(w.Task(), w.Before(), w.Options)
	} else if w.Edition != nil {
		w.must(w.Task(), w.files(), w.Options)
	}
	w.edition(1)
}

func (w *Workshop) edition(n int) {
	if w.Edition != nil {
		w.Edition(n)
	}
}

func (w *Workshop) files() []connectors.File {
	if w.Files == nil {
		return nil
	}
	return w.Files()
}

// round does the import under test in a fresh database. Disturb, unless nil, gets
// its task and does what it likes, to the end of the import.
func (w *Workshop) round(disturb func(task *Task) *connectors.Result) outcome {
	w.t.Helper()
	w.clear()
	task := w.Task()
	var result *connectors.Result
	if disturb != nil {
		result = disturb(task)
	} else {
		result = w.must(task, w.files(), w.Options)
	}
	return outcome{result, w.State()}
}

func (w *Workshop) counts(o outcome) {
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

func (w *Workshop) again() {
	model := &counting{}
	w.Engine.Index = w.embedding(model)
	defer func() { w.Engine.Index = search.NewIndexer(w.search) }()
	w.must(w.Task(), w.files(), w.Options) // has embedded what is there
	before, puts, texts := w.rows(), w.objects.puts.Load(), model.texts.Load()
	result := w.must(w.Task(), w.files(), w.Options)
	for name, c := range result.Streams {
		if c.Created+c.Updated+c.Deleted+c.Indexed > 0 {
			w.t.Errorf("%s: the same import again has changed something: %+v", name, *c)
		}
	}
	if diff := cmp.Diff(before, w.rows()); diff != "" {
		w.t.Error("the same import again has written:", diff)
	}
	if n := w.objects.puts.Load() - puts; n > 0 {
		w.t.Errorf("the same import again has stored %d objects", n)
	}
	if n := model.texts.Load() - texts; n > 0 || texts == 0 {
		w.t.Errorf("the same import again had %d texts embedded, after %d", n, texts)
	}
}

func (w *Workshop) dryRun() {
	w.clear()
	before := w.rows()
	options := w.Options
	options.DryRun = true
	w.must(w.Task(), w.files(), options)
	if diff := cmp.Diff(before, w.rows()); diff != "" {
		w.t.Error("a dry run has written:", diff)
	}
}

func (w *Workshop) resume(undisturbed outcome) {
	for n := 1; ; n++ {
		died := false
		got := w.round(func(task *Task) *connectors.Result {
			task.DieAt, task.After = n, n%2 == 0 // before a commit and behind one in turn
			result, err := w.Engine.Import(context.Background(), task, w.Connection, w.files(), w.Options)
			if died = err != nil; !died {
				return result
			}
			if !errors.Is(err, ErrDied) {
				w.t.Fatal(err)
			}
			return w.must(task.Again(), w.files(), w.Options)
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

func (w *Workshop) cancel(undisturbed outcome) {
	enough := errors.New("enough")
	for n := 1; ; n += 3 {
		cancelled := false
		got := w.round(func(task *Task) *connectors.Result {
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			task.Before = func(commit int) {
				if commit == n {
					cancel(enough)
				}
			}
			result, err := w.Engine.Import(ctx, task, w.Connection, w.files(), w.Options)
			if cancelled = err != nil; !cancelled {
				return result
			}
			if !errors.Is(err, enough) {
				w.t.Fatalf("cancelled at commit %d: %v", n, err)
			}
			task.End("cancelled")
			return w.must(w.Task(), w.files(), w.Options)
		})
		if diff := cmp.Diff(withoutFailures(undisturbed.state), withoutFailures(got.state)); diff != "" {
			w.t.Fatalf("cancelled at commit %d, then imported: %s", n, diff)
		}
		if !cancelled {
			return
		}
	}
}

// withoutFailures leaves out what failed, when that was in another run.
func withoutFailures(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasPrefix(l, "failure ") })
}

// counting is a model that counts the texts that it is given.
type counting struct{ texts atomic.Int64 }

func (*counting) Model() vectors.Model { return vectors.Model{Name: "counting", Dimension: 4} }

func (c *counting) Embed(_ context.Context, texts []string) ([][]float32, error) {
	c.texts.Add(int64(len(texts)))
	all := make([][]float32, len(texts))
	for i, t := range texts {
		all[i] = []float32{1, float32(len(t) % 7), float32(len(t) % 3), 1}
	}
	return all, nil
}

// embedding makes an indexer that has chunks embedded.
func (w *Workshop) embedding(model search.Embedder) *search.Indexer {
	w.t.Helper()
	config := w.search
	config.Embedder, config.Vectors = model, flatvec.New(flatvec.Options{})
	if w.DB.Dialect().Name() == database.Postgres {
		config.Vectors = pgvec.New(pgvec.Options{})
	}
	if err := config.Vectors.Prepare(context.Background(), w.DB); err != nil {
		w.t.Fatal(err)
	}
	return search.NewIndexer(config)
}
