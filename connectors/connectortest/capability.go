package connectortest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
)

// session opens the connection as an import does, and closes it with the test.
func (x *suite) session() connectors.Session {
	x.t.Helper()
	session, end := x.open()
	x.t.Cleanup(end)
	return session
}

// open opens a session, which end closes.
func (x *suite) open() (session connectors.Session, end func()) {
	x.t.Helper()
	task := x.Task()
	session, err := x.Engine.Session(context.Background(), task, x.Connection, x.files(), x.Options)
	if err != nil {
		x.t.Fatal(err)
	}
	return session, func() {
		if err := session.Close(); err != nil {
			x.t.Error(err)
		}
		task.End("completed")
	}
}

// streams says what the connection is.
func (x *suite) streams() {
	session := x.session()
	for _, s := range session.Streams() {
		x.t.Logf("%s is %s", nameOf(s), []string{"a snapshot", "incremental", "pushed"}[s.Mode])
	}
	for name, ok := range map[string]bool{
		"tells what it found (Describer)": is[connectors.Describer](session), "estimates totals (Estimator)": is[connectors.Estimator](session),
		"lists keys (Lister)": is[connectors.Lister](session), "fetches single records (Fetcher)": is[connectors.Fetcher](session),
		"tests itself (Preflighter)": is[connectors.Preflighter](session), "maps payloads again (Replay)": x.Connection.Replayable(),
	} {
		x.t.Logf("%-45s %v", name, ok)
	}
	if len(session.Streams()) == 0 {
		x.t.Error("the session has no streams")
	}
	if d, ok := session.(connectors.Describer); ok {
		if _, err := json.Marshal(d.Describe()); err != nil {
			x.t.Errorf("what it describes cannot be stored: %v", err)
		}
	}
}

func is[T any](v any) bool {
	_, ok := v.(T)
	return ok
}

// nameOf is what the engine calls a stream.
func nameOf(s connectors.Stream) string {
	if s.Name != "" {
		return s.Name
	}
	return s.Type.Name()
}

// estimates are not negative, and of streams that there are.
func (x *suite) estimates() {
	session := x.session()
	totals, err := session.(connectors.Estimator).Estimate(context.Background())
	if err != nil {
		x.t.Fatal(err)
	}
	for name, n := range totals {
		if n < 0 || !slices.ContainsFunc(session.Streams(), func(s connectors.Stream) bool { return nameOf(s) == name }) {
			x.t.Errorf("it estimates %d of %s", n, name)
		}
	}
}

// listsKeys: what it lists is what was imported.
func (x *suite) listsKeys() {
	l := x.session().(connectors.Lister)
	x.round(nil)
	for _, typ := range x.Connection.Types() {
		list := l.Keys(typ)
		if list == nil {
			x.t.Logf("%s is not listed", typ.Name())
			continue
		}
		keys := map[string]bool{}
		for key, err := range list(context.Background()) {
			if err != nil {
				x.t.Fatal(err)
			}
			keys[key] = true
		}
		if diff := cmp.Diff(x.keys(typ), slices.Sorted(maps.Keys(keys))); diff != "" {
			x.t.Errorf("the keys of %s that are stored, and those that are listed: %s", typ.Name(), diff)
		}
	}
}

func (x *suite) keys(typ *content.Type) (keys []string) {
	for _, row := range x.Rows(typ.Name()) {
		keys = append(keys, typ.KeyOf(row))
	}
	return keys
}

// fetches: single records are those that were asked for, and one that is not there is
// left out.
func (x *suite) fetches() {
	f := x.session().(connectors.Fetcher)
	x.round(nil)
	fetched := 0
	for _, typ := range x.Connection.Types() {
		keys := x.keys(typ)
		keys = keys[:min(3, len(keys))]
		for r, err := range f.Fetch(context.Background(), typ, append(slices.Clone(keys), "no such key")) {
			if err != nil {
				x.t.Fatal(err)
			}
			key := r.Key
			if r.Row != nil {
				key = typ.KeyOf(r.Row)
			}
			if !r.Deleted && !slices.Contains(keys, key) {
				x.t.Errorf("%s %q was fetched, and not asked for", typ.Name(), key)
			}
			fetched++
		}
	}
	if fetched == 0 {
		x.t.Error("nothing was fetched")
	}
}

// preflight tries the connection out on a good day and on bad ones.
func (x *suite) preflight() {
	x.round(nil)
	before := x.rows()
	if wrong := x.wrong(); len(wrong) > 0 {
		x.t.Fatalf("on a good day: %q", wrong)
	}
	for name, spoil := range map[string]func(req *http.Request) (*http.Response, error){
		"nobody is there": func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
		"401":             func(req *http.Request) (*http.Response, error) { return answer(req, 401, nil, text("{}")), nil },
		"403":             func(req *http.Request) (*http.Response, error) { return answer(req, 403, nil, text("{}")), nil },
		"a page of a proxy": func(req *http.Request) (*http.Response, error) {
			return answer(req, 200, nil, text("<html>Sign in")), nil
		},
	} {
		if x.PassesOver && name == "a page of a proxy" {
			continue // a page is what it asks for
		}
		x.spoiler.set(func(_ int, req *http.Request) (*http.Response, error) { return spoil(req) })
		if wrong := x.wrong(); len(wrong) == 0 {
			x.t.Errorf("%s: a test of the connection finds nothing wrong", name)
		}
	}
	x.spoiler.set(nil)
	if diff := cmp.Diff(before, x.rows()); diff != "" {
		x.t.Error("a test of the connection has written:", diff)
	}
}

// wrong is what a test of the connection finds wrong.
func (x *suite) wrong() (wrong []string) {
	x.t.Helper()
	found, err := x.Engine.Test(context.Background(), x.Scope, x.Connection, x.Options)
	if err != nil {
		x.t.Fatal(err)
	}
	x.log.note(fmt.Sprintf("%+v", found))
	for _, f := range found {
		if !f.OK {
			wrong = append(wrong, f.Name+": "+f.Detail)
		}
	}
	return wrong
}
