package connectortest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/connectors"
)

// A Subject is a connection with a source that does not change by itself.
type Subject struct {
	Connection *connectors.Connection
	Options    connectors.Options
	// Before gives the files of an import that has happened before, so that the
	// one under test finds records to change and to delete; nil leaves that
	// import out. Files gives those of the import under test; nil gives none.
	// Both are called for each import.
	Before, Files func() []connectors.File
	// Parts says that the files are parts of one whole, of which the first tells that
	// there are others.
	Parts bool
	// Batch is how many records are written in one transaction: few enough that
	// the source makes several batches.
	Batch int
	// Databases are the kinds to test on; nil means both.
	Databases []string
	// Edition turns the source to what it was for the import before (0) or what it
	// is for the one under test (1). Nil: it does not change.
	Edition func(n int)
	// Ignore names fields that differ from import to import, such as the time at
	// which something was fetched.
	Ignore []string
	// Moves says that positions tell the time of the import, so that they move
	// although nothing has changed.
	Moves bool
	// Log names types in which the connection writes down what it did, and of which
	// there may be fewer.
	Log []string
	// Replay are the settings with which payloads are read again, where an import
	// finds out from the whole source what single payloads do not tell; nil are those
	// of Options.
	Replay json.RawMessage

	// HTTP is the client of a connection that fetches, whose answers are spoilt; the
	// server itself does no wrong. A connection that dials by itself is served by a
	// Front instead.
	HTTP  *http.Client
	Front *Front
	// Secrets are what the settings refer to.
	Secrets connectors.Secrets
	// Canaries are the secrets that the connection uses. They must stand in no log,
	// event, error, run, failure, position, or record.
	Canaries []string
	// Refreshes says that a credential which is refused is fetched anew, so that a
	// single 401 changes nothing.
	Refreshes bool
	// TokenPath is a part of the path of a token service, whose 401 is final; ""
	// has none.
	TokenPath string
	// PassesOver says that an answer which is an error is the fate of what was asked
	// for and not of the import, as with the pages of a website.
	PassesOver bool
	// Empty, unless nil, makes the source have nothing. Edition undoes it.
	Empty func()
	// Shuffle, unless nil, makes the source give the same in another order, and
	// some of it twice. Edition undoes it.
	Shuffle func()
}

type result = connectors.Result

// An outcome is what an import left behind.
type outcome struct {
	result *result
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
func (w *Workshop) round(disturb func(task *Task) *result) outcome {
	w.t.Helper()
	w.clear()
	task := w.Task()
	if disturb == nil {
		return outcome{w.must(task, w.files(), w.Options), w.State()}
	}
	r := disturb(task)
	return outcome{r, w.State()}
}

// withoutFailures leaves out what failed, when that was in another run.
func withoutFailures(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), isFailure)
}

func isFailure(line string) bool { return strings.HasPrefix(line, "failure ") }

// live counts records by type.
func (w *Workshop) live() map[string]int64 {
	n := map[string]int64{}
	for _, typ := range w.Store.Registry().Types() {
		c, err := w.Store.Count(w.t.Context(), w.Scope, typ)
		if err != nil {
			w.t.Fatal(err)
		}
		n[typ.Name()] = c
	}
	return n
}

// noFewer checks that no record is gone.
func (w *Workshop) noFewer(what string, before map[string]int64) {
	w.t.Helper()
	for name, n := range w.live() {
		if n < before[name] && !slices.Contains(w.Log, name) {
			w.t.Errorf("%s: %d of %d %s are left", what, n, before[name], name)
		}
	}
}
