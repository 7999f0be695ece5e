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
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/content/database"
)

// musts are the table of contents.
func musts() []must {
	return []must{
		{"1 a small interface and optional capabilities", []check{
			{"streams", (*suite).streams, nil},
			{"estimate", (*suite).estimates, nil},
			{"keys", (*suite).listsKeys, nil},
			{"fetch", (*suite).fetches, nil},
			{"preflight", (*suite).preflight, fetching},
		}},
		{"2 a checkpoint in the transaction of its batch", []check{
			{"it dies at any commit", (*suite).diesOnce, nil},
			{"it dies at every commit", (*suite).diesAlways, nil},
			{"a position of another version", (*suite).oddPositions, nil},
		}},
		{"3 deletion only from what is proven complete", []check{
			{"dry run", (*suite).dryRun, nil},
			{"an empty source", (*suite).empty, can(func(s Subject) bool { return s.Empty != nil }, "the subject has no Empty")},
			{"no JSON", (*suite).garbage, fetching},
			{"files cut short", (*suite).cutFiles, handed},
			{"parts are missing", (*suite).missingParts, can(func(s Subject) bool { return s.Parts }, "its source has no parts")},
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
			{"failed records", (*suite).failedRecords, nil},
		}},
		{"7 one limiter for each credential", []check{
			{"429", (*suite).throttled, fetching},
			{"a long pause", (*suite).longPause, fetching},
			{"another instance waits too", (*suite).sharedPause, fetching},
		}},
		{"8 bounded in all it reads", []check{
			{"without an end", (*suite).endless, fetching},
		}},
		{"9 files are handed over", []check{
			{"hand-over", (*suite).handOver, handed},
		}},
		{"10 nothing is lost, shown or left behind", []check{
			{"in another order and twice", (*suite).shuffled, can(func(s Subject) bool { return s.Shuffle != nil }, "the subject has no Shuffle")},
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
// What does not apply to a connection is told with the reason, by one skipped test.
func Run(t *testing.T, s Subject) {
	t.Helper()
	kinds := s.Databases
	if kinds == nil {
		kinds = []string{database.SQLite, database.Postgres}
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			x := newSuite(t, kind, s)
			for _, m := range musts() {
				t.Run("must "+m.name, func(t *testing.T) {
					for _, c := range m.checks {
						t.Run(c.name, func(t *testing.T) {
							x.Workshop, x.check = x.On(t), c.name
							if c.needs != nil {
								if why := c.needs(s); why != "" {
									x.lacks(why)
									return
								}
							}
							c.run(x)
						})
					}
				})
			}
			if len(x.lacking) > 0 && !x.second() {
				t.Run("what does not apply", func(t *testing.T) { t.Skip(strings.Join(x.lacking, "\n")) })
			}
		})
	}
}

// A must is one of the ten.
type must struct {
	name   string
	checks []check
}

// A check is a part of a must. Needs, unless nil, says why it does not apply to a
// subject.
type check struct {
	name  string
	run   func(x *suite)
	needs func(s Subject) string
}

func can(ok func(s Subject) bool, why string) func(Subject) string {
	return func(s Subject) string {
		if ok(s) {
			return ""
		}
		return why
	}
}

func fetching(s Subject) string {
	if s.HTTP == nil && s.Front == nil {
		return "it asks no service"
	}
	return ""
}

func handed(s Subject) string {
	if s.Files == nil || len(s.Files()) == 0 {
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

	check   string   // at work
	lacking []string // checks that do not apply, with the reason
}

// lacks notes that the check at work does not apply to the connection.
func (x *suite) lacks(why string) { x.lacking = append(x.lacking, x.check+": "+why) }

// second reports whether the checks were made on another database already, so that what
// does not depend on it need not be made as often.
func (x *suite) second() bool { return x.kind == database.Postgres && len(x.Databases) != 1 }

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
		r := x.must(task, x.files(), x.Options)
		x.commits = task.commits
		return r
	})
	x.requests = x.spoiler.count()
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
