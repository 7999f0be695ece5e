package connectortest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
)

// steps is how many imports are made.
const steps = 6

// A move is one import of one organization.
type move struct {
	organization, instance string
	edition                int // of the source
	dry, reconcile         bool
	cancel                 int // the commit at which it is cancelled; 0 is none
}

// organizations checks that organizations know nothing of each other: random imports
// by two of them into one database end, at each step and for both, like the same
// imports of each into a database of its own.
func (x *suite) organizations() {
	t, kind, s := x.t, x.kind, x.Subject
	random := rand.New(rand.NewPCG(4711, 5)) //nolint:gosec // the same imports each time
	names := []string{"acme", "globex"}
	shared := x.Workshop
	alone := map[string]*Workshop{}
	for _, name := range names {
		alone[name] = NewWorkshop(t, kind, s).As(name)
		shared.As(name)
	}
	at := x.Now()
	for step := range steps {
		m := move{organization: names[(step+random.IntN(3)/2)%2], edition: random.IntN(2), dry: random.IntN(6) == 0, reconcile: random.IntN(4) == 0}
		if random.IntN(4) == 0 {
			m.instance = "second"
		}
		if random.IntN(4) == 0 {
			m.cancel = 1 + random.IntN(6)
		}
		at = at.AddDate(0, 0, 1)
		for _, w := range []*Workshop{shared.As(m.organization), alone[m.organization]} {
			w.SetClock(at)
			w.move(m)
		}
		for _, name := range names {
			for what, pair := range map[string][2][]string{
				"state":     {alone[name].State(), shared.As(name).State()},
				"positions": {alone[name].positions(), shared.As(name).positions()},
				"found":     {alone[name].Found(commonWord(alone[name])), shared.As(name).Found(commonWord(alone[name]))},
			} {
				if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
					t.Fatalf("step %d, %+v: the %s of %s is not that of a database of its own: %s", step, m, what, name, diff)
				}
			}
		}
	}
	if n := len(alone[names[0]].State()); n < 2 {
		t.Error("nothing was imported, so nothing is tested")
	}
}

// move makes an import; whether it ends well is not what is tested.
func (w *Workshop) move(m move) {
	w.t.Helper()
	w.edition(0)
	files := w.files
	if m.edition == 0 && w.Before != nil {
		files = w.Before
	} else {
		w.edition(m.edition)
	}
	options := w.Options
	options.Instance, options.DryRun, options.Reconcile = m.instance, m.dry, m.reconcile
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	task := w.Task()
	task.Before = func(commit int) {
		if commit == m.cancel {
			cancel(errors.New("enough"))
		}
	}
	_, err := w.Engine.Import(ctx, task, w.Connection, files(), options)
	task.End("completed")
	if err != nil {
		w.log.note(fmt.Sprint(err))
	}
	if _, err := w.Engine.Test(context.Background(), w.Scope, w.Connection, connectors.Options{Settings: w.Options.Settings}); err != nil {
		w.t.Fatal(err)
	}
}

// positions is where the streams of the organization stand.
func (w *Workshop) positions() []string {
	w.t.Helper()
	lines := w.texts("", "SELECT instance, stream, position FROM connection_state WHERE organization_id = ? AND connection = ? ORDER BY 1, 2", w.organization, w.Connection.Name())
	for i := range lines {
		lines[i] = runID.ReplaceAllString(lines[i], "run")
	}
	return lines
}

// runID is the form of the ids that positions may have.
var runID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// commonWord is the first word of the first title that there is.
func commonWord(w *Workshop) string {
	for _, typ := range w.Store.Registry().Types() {
		for _, row := range w.Rows(typ.Name()) {
			for _, word := range strings.Fields(typ.Title(row)) {
				return word
			}
		}
	}
	return "nothing"
}
