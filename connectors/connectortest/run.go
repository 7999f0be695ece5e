// Package connectortest checks that a connection keeps what the import engine
// and its users rely on.
//
// A connection is written in an afternoon, against a source that behaves on that
// day. What breaks it comes later: a process that dies, a service that says no, a
// listing that is cut short, a second organization. [Run] is the ten musts of a
// connection, each by its number, so that the name of a failed test says which of them
// is not kept. It is run by the tests of every connection of this module, and is meant
// for those of others too.
package connectortest

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content/database"
)

// musts are the table of contents.
func musts() []must {
	return []must{
		{"1 a small interface and optional capabilities", []check{
			{"streams", (*suite).streams, nil},
			{"estimate", (*suite).estimates, able[connectors.Estimator]},
			{"keys", (*suite).listsKeys, able[connectors.Lister]},
			{"fetch", (*suite).fetches, able[connectors.Fetcher]},
			{"preflight", (*suite).preflight, able[connectors.Preflighter]},
		}},
		{"2 a checkpoint in the transaction of its batch", []check{
			{"it dies at any commit", (*suite).diesOnce, nil},
			{"it dies at every commit", (*suite).diesAlways, nil},
			{"a position of another version", (*suite).oddPositions, can(func(x *suite) bool { return x.keepsPositions }, "no stream keeps a position from one import to the next")},
		}},
		{"3 deletion only from what is proven complete", []check{
			{"dry run", (*suite).dryRun, nil},
			{"an empty source", (*suite).empty, can(func(x *suite) bool { return x.Empty != nil }, "the subject has no Empty")},
			{"no JSON", (*suite).garbage, fetching},
			{"files cut short", (*suite).cutFiles, handed},
			{"parts are missing", (*suite).missingParts, can(func(x *suite) bool { return x.Parts }, "its source has no parts")},
		}},
		{"4 what is unchanged is not written", []check{
			{"counts", (*suite).counts, nil},
			{"again", (*suite).again, nil},
		}},
		{"5 the payload is kept and can be mapped again", []check{
			{"kept", (*suite).keepsPayloads, nil},
			{"mapped again", (*suite).mapsAgain, nil},
		}},
		{"6 errors by behaviour", []check{
			{"401", (*suite).refused, fetching},
			{"410", (*suite).gone, fetching},
			{"503", (*suite).unavailable, fetching},
			{"broken off", (*suite).brokenOff, fetching},
			{"a page in its place", (*suite).page, fetching},
			{"failed records", (*suite).failedRecords, can((*suite).hasFailures, "all records of the source can be read")},
		}},
		{"7 one limiter for each credential", []check{
			{"429", (*suite).throttled, fetching},
			{"a long pause", (*suite).longPause, fetching},
			{"another instance waits too", (*suite).sharedPause, credential},
		}},
		{"8 bounded in all it reads", []check{
			{"without an end", (*suite).endless, fetching},
		}},
		{"9 files are handed over", []check{
			{"hand-over", (*suite).handOver, handed},
		}},
		{"10 nothing is lost, shown or left behind", []check{
			{"in another order and twice", (*suite).shuffled, can(func(x *suite) bool { return x.Shuffle != nil }, "the subject has no Shuffle")},
			{"cancelled", (*suite).cancel, nil},
			{"cancelled in a request", (*suite).cancelledInRequest, fetching},
			{"organizations", (*suite).organizations, nil},
			{"secrets", (*suite).secrets, fetching},
			{"goroutines", (*suite).goroutines, nil},
		}},
	}
}

// Run checks that a connection keeps the ten musts, on both databases:
//
//  1. Its streams are as declared. What it can do besides, found by type assertion,
//     does what it says: totals, listed keys, single records, a test of the connection
//     that finds nothing wrong on a good day and something on a bad one.
//  2. A process that dies at any commit, before it or behind it, once or each time,
//     loses nothing and does nothing twice. A position that nobody can read any more
//     makes the import begin anew.
//  3. A dry run changes nothing. A source that is empty, answers with something else,
//     or is cut short, deletes nothing.
//  4. The counts add up. The same import again writes no record, version, chunk and
//     object, and has nothing embedded.
//  5. Records are mapped again from what was kept of them, without their source, and
//     come out the same.
//  6. A 401 is answered by one new credential, or tells; a 410, a page of a proxy, a
//     5xx, or an answer that breaks off leaves nothing behind the next import; what
//     could not be read is kept with its reason.
//  7. A 429 is waited for. A pause longer than anybody waits ends the import with the
//     time at which to go on, and holds for all that uses the credential.
//  8. Answers without an end are refused.
//  9. Files are handed over by objects with their size and hash, which go when the run
//     has ended, and not before; what is left over is swept.
//  10. The same in another order, and twice, ends the same. An import that is cancelled
//     ends with the cause. Organizations know nothing of each other. No secret stands in
//     anything that is logged, told, returned or stored. No goroutine is left.
//
// A check that does not apply to a connection is left out. One skipped test tells all
// of them, with the reasons.
func Run(t *testing.T, s Subject) {
	t.Helper()
	kinds := s.Databases
	if kinds == nil {
		kinds = []string{database.SQLite, database.Postgres}
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			x := newSuite(t, kind, s)
			var left []string
			for _, m := range musts() {
				m.checks = slices.DeleteFunc(m.checks, func(c check) bool {
					why := ""
					if c.needs != nil {
						why = c.needs(x)
					}
					if why != "" {
						left = append(left, c.name+": "+why)
					}
					return why != ""
				})
				if len(m.checks) == 0 {
					continue
				}
				t.Run("must "+m.name, func(t *testing.T) {
					for _, c := range m.checks {
						t.Run(c.name, func(t *testing.T) {
							x.Workshop = x.On(t)
							c.run(x)
						})
					}
				})
			}
			if len(left) > 0 && kind == kinds[0] {
				t.Run("what does not apply", func(t *testing.T) { t.Skip(strings.Join(left, "\n")) })
			}
		})
	}
}

// A must is one of the ten.
type must struct {
	name   string
	checks []check
}

// A check is a part of a must. Needs, unless nil, says why it does not apply to the
// connection.
type check struct {
	name  string
	run   func(x *suite)
	needs func(x *suite) string
}

func can(ok func(x *suite) bool, why string) func(*suite) string {
	return func(x *suite) string {
		if ok(x) {
			return ""
		}
		return why
	}
}

// able is for what the sessions of some connections can do besides.
func able[capability any](x *suite) string {
	if is[capability](x.closed) {
		return ""
	}
	return fmt.Sprintf("its sessions are no %s", reflect.TypeFor[capability]())
}

func fetching(x *suite) string {
	if x.HTTP == nil && x.Front == nil {
		return "it asks no service"
	}
	return ""
}

func credential(x *suite) string {
	if x.PassesOver {
		return "it has no credential; each host has its own pace"
	}
	return fetching(x)
}

func handed(x *suite) string {
	if len(x.files()) == 0 {
		return "it is handed no files"
	}
	return ""
}

// A suite is the checks of one connection on one database.
type suite struct {
	*Workshop
	kind        string
	spoiler     *spoiler
	undisturbed outcome
	commits     int // of the import under test
	requests    int // of an import that is not disturbed, with the one before it
	before      goleak.Option

	keepsPositions bool               // from one import to the next
	closed         connectors.Session // tells what sessions can do
}

func newSuite(t *testing.T, kind string, s Subject) *suite {
	t.Helper()
	x := &suite{kind: kind, spoiler: &spoiler{}}
	switch {
	case s.Front != nil:
		x.spoiler = &s.Front.spoiler
	case s.HTTP != nil:
		if x.spoiler.inner = s.HTTP.Transport; x.spoiler.inner == nil {
			x.spoiler.inner = http.DefaultTransport
		}
		s.HTTP = &http.Client{Transport: x.spoiler}
	}
	x.Workshop = NewWorkshop(t, kind, s)
	x.spoiler.setClock(x.Now)
	x.before = goleak.IgnoreCurrent()
	x.undisturbed = x.round(func(task *Task) *result {
		x.keepsPositions = len(x.texts("", "SELECT stream FROM connection_state WHERE organization_id = ? AND position <> '' AND stream NOT LIKE '#%'", x.organization)) > 0
		r := x.must(task, x.files(), x.Options)
		x.commits = task.commits
		return r
	})
	x.requests = x.spoiler.count()
	var end func()
	x.closed, end = x.open()
	end()
	if x.commits < 6 {
		t.Errorf("the import has only %d commits; give it a larger source or a smaller Batch", x.commits)
	}
	return x
}

func (x *suite) goroutines() {
	if x.HTTP != nil {
		x.HTTP.CloseIdleConnections()
	}
	if err := goleak.Find(x.before); err != nil {
		x.t.Error(err)
	}
}
