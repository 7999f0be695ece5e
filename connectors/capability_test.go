package connectors_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

// A gifted session has all optional abilities.
type gifted struct {
	list    []connectors.Stream
	keys    []string
	keysErr error
	fetched [][]string
	fetch   []connectors.Record
	total   int64
	checks  []connectors.Finding
	closed  int
}

func (g *gifted) Streams() []connectors.Stream { return g.list }
func (g *gifted) Close() error                 { g.closed++; return nil }

func (g *gifted) Keys(*content.Type) func(context.Context) iter.Seq2[string, error] {
	return func(context.Context) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for _, k := range g.keys {
				if !yield(k, nil) {
					return
				}
			}
			if g.keysErr != nil {
				yield("", g.keysErr)
			}
		}
	}
}

func (g *gifted) Fetch(_ context.Context, _ *content.Type, keys []string) iter.Seq2[connectors.Record, error] {
	g.fetched = append(g.fetched, keys)
	return func(yield func(connectors.Record, error) bool) {
		for _, r := range g.fetch {
			if !yield(copyOf(r), nil) {
				return
			}
		}
	}
}

func (g *gifted) Estimate(context.Context) (map[string]int64, error) {
	return map[string]int64{"customer": g.total}, nil
}

func (g *gifted) Preflight(context.Context) []connectors.Finding { return g.checks }

func newGifted(t *testing.T, kind string) (*shop, *gifted) {
	g := &gifted{}
	var s *shop
	s = newShop(t, kind, content.Orphan, func(spec *connectors.Spec[settings]) {
		spec.Open = func(_ context.Context, in connectors.Input[settings]) (connectors.Session, error) {
			if in.Settings.Word == "refused" {
				return nil, errors.New("the word is refused")
			}
			g.list = s.streams
			return g, nil
		}
	})
	return s, g
}

// With Reconcile, what a listing of keys does not have is deleted, under the
// guards; a listing that breaks off deletes nothing.
func TestReconcile(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s, g := newGifted(t, kind)
		stream := func() connectors.Stream { return incremental(s.stream("customer", true, inCity("a", 0, 8)...)) }
		s.must(connectors.Options{}, stream())
		g.keys = []string{"a00", "a01", "a02", "a03", "a04", "a05"}
		s.must(connectors.Options{}, stream())
		if n := len(s.stored()); n != 8 {
			t.Errorf("not asked for: %d customers", n)
		}
		g.keysErr = errors.New("connection reset")
		if _, _, err := s.load(connectors.Options{Reconcile: true}, stream()); !errors.Is(err, g.keysErr) || len(s.stored()) != 8 {
			t.Errorf("broken off: %v, %v", err, s.stored())
		}
		g.keysErr = nil
		result, _ := s.must(connectors.Options{Reconcile: true}, stream())
		if n := result.Streams["customer"]; n.Deleted != 2 || len(s.stored()) != 6 {
			t.Errorf("%+v, %v", *n, s.stored())
		}
		for _, keys := range [][]string{nil, {"a00"}, {"other"}} {
			g.keys = keys
			if result, _ = s.must(connectors.Options{Reconcile: true}, stream()); len(s.stored()) != 6 || result.Streams["customer"].Note == "" {
				t.Errorf("%v: %v", keys, s.stored())
			}
		}
		if n := s.count("SELECT count(*) FROM run_keys"); n != 0 {
			t.Errorf("%d keys were left behind", n)
		}
	})
}

// What failed in an earlier import of an incremental stream is fetched again.
func TestFetchFailed(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s, g := newGifted(t, kind)
		bad := connectors.Record{Key: "a09", Err: errors.New("half of it is missing"), Raw: []byte("{")}
		s.must(connectors.Options{}, incremental(s.stream("customer", true, append(inCity("a", 0, 2), bad)...)))
		if g.fetched != nil {
			t.Errorf("what has just failed was fetched: %v", g.fetched)
		}
		g.fetch = inCity("a", 9, 10)
		result, _ := s.must(connectors.Options{}, incremental(s.stream("customer", true, append(inCity("a", 0, 2), bad)...)))
		if n := result.Streams["customer"]; cmp.Diff([][]string{{"a09"}}, g.fetched) != "" || n.Created != 1 || !slices.Contains(s.stored(), "a09") {
			t.Errorf("fetched %v: %+v, %v", g.fetched, *n, s.stored())
		}
		s.must(connectors.Options{}, incremental(s.stream("customer", true, append(inCity("a", 0, 2), bad)...)))
		if len(g.fetched) != 1 {
			t.Errorf("it is fetched although it is settled: %v", g.fetched)
		}
		if got := s.texts("SELECT position FROM connection_state WHERE stream = 'customer'"); !slices.Equal(got, []string{"3"}) {
			t.Errorf("position %q", got)
		}
	})
}

func TestEstimate(t *testing.T) {
	s, g := newGifted(t, "sqlite")
	g.total = 2
	s.must(connectors.Options{}, incremental(s.stream("customer", true, inCity("a", 0, 2)...)))
	g.total = 1
	f := s.task()
	s.streams = []connectors.Stream{s.customers(many(1)...)}
	if _, err := s.engine.Import(t.Context(), f, s.conn, nil, connectors.Options{}); err != nil {
		t.Error(err)
	}
}

// A test of a connection says how it stands with each thing, and changes nothing.
func TestPreflight(t *testing.T) {
	s, g := newGifted(t, "sqlite")
	g.checks = []connectors.Finding{connectors.Passed("reachable", ""), connectors.Failed("Sites.Selected", errors.New("the permission is missing"))}
	got, err := s.engine.Test(t.Context(), s.scope, s.conn, connectors.Options{})
	want := []connectors.Finding{{Name: "settings", OK: true}, {Name: "reachable", OK: true}, {Name: "Sites.Selected", Detail: "the permission is missing"}}
	if d := cmp.Diff(want, got); d != "" || err != nil || g.closed != 1 {
		t.Errorf("%v: %s, closed %d times", err, d, g.closed)
	}
	got, err = s.engine.Test(t.Context(), s.scope, s.conn, connectors.Options{Settings: []byte(`{"word": "refused"}`)})
	if d := cmp.Diff([]connectors.Finding{{Name: "settings", Detail: "the word is refused"}}, got); d != "" || err != nil {
		t.Errorf("%v: %s", err, d)
	}
	if _, err := s.engine.Test(t.Context(), content.Scope{}, s.conn, connectors.Options{}); !errors.Is(err, content.ErrScope) {
		t.Errorf("got %v", err)
	}
}

// A session sees what is stored of its own organization and instance.
func TestStored(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		var saw []string
		var missing error
		var s *shop
		s = newShop(t, kind, content.Orphan, func(spec *connectors.Spec[settings]) {
			spec.Open = func(ctx context.Context, in connectors.Input[settings]) (connectors.Session, error) {
				saw = nil
				for row, err := range in.Stored.Each(ctx, s.typ("customer"), store.Query{Limit: 2}) {
					if err != nil {
						return nil, err
					}
					saw = append(saw, row.(*customer).Key)
				}
				_, missing = in.Stored.Row(ctx, s.typ("customer"), "b00")
				if in.Run == "" {
					t.Error("the run has no id")
				}
				return connectors.Streams(s.streams), nil
			}
		})
		s.must(connectors.Options{Instance: "one"}, incremental(s.stream("customer", true, inCity("a", 0, 5)...)))
		s.must(connectors.Options{Instance: "two"}, incremental(s.stream("customer", true, inCity("b", 0, 1)...)))
		s.must(connectors.Options{Instance: "one"}, connectors.Stream{Type: s.typ("customer"), Mode: connectors.Incremental, Read: func(context.Context, string) iter.Seq2[connectors.Record, error] {
			return func(func(connectors.Record, error) bool) {}
		}})
		if got := strings.Join(saw, " "); got != "a00 a01 a02 a03 a04" || !errors.Is(missing, content.ErrNotFound) {
			t.Errorf("saw %q, %v", got, missing)
		}
	})
}
