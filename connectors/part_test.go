package connectors_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/content"
)

// inCity are customers of a city, by which they are read in parts.
func inCity(city string, from, to int) (records []connectors.Record) {
	for i := from; i < to; i++ {
		records = append(records, connectors.Record{Row: &customer{Key: fmt.Sprintf("%s%02d", city, i), Name: fmt.Sprintf("%s %d", city, i), City: ptr(city)}})
	}
	return records
}

func part(city string, state connectors.PartState) connectors.Record {
	p := &connectors.Part{Name: "library " + city, Field: "city", Value: city, State: state}
	if state == connectors.PartFailed {
		p.Err = errors.New("423 Locked")
	}
	return connectors.Record{Part: p}
}

func whole(city string, from, to int) []connectors.Record {
	return slices.Concat([]connectors.Record{part(city, connectors.PartBegins)}, inCity(city, from, to), []connectors.Record{part(city, connectors.PartComplete)})
}

func incremental(s connectors.Stream) connectors.Stream {
	s.Mode = connectors.Incremental
	return s
}

// What a part that was read as a whole does not have is deleted, and nothing of
// any other part; the guards are those of a full sync.
func TestParts(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		s.engine.BatchRecords = 4
		load := func(o connectors.Options, records ...[]connectors.Record) *connectors.Result {
			t.Helper()
			var all []connectors.Record
			for _, r := range records {
				all = append(all, r...)
			}
			stream := incremental(s.stream("customer", true, all...))
			read := stream.Read
			stream.Read = func(ctx context.Context, _ string) iter.Seq2[connectors.Record, error] { return read(ctx, "") }
			result, _ := s.must(o, stream)
			return result
		}
		live := func(city string) int {
			return s.count("SELECT count(*) FROM customers WHERE deleted_at IS NULL AND city = ?", city)
		}
		load(connectors.Options{}, inCity("a", 0, 10), inCity("b", 0, 10))
		result := load(connectors.Options{}, whole("a", 3, 12), inCity("b", 0, 1))
		if n := result.Streams["customer"]; n.Deleted != 3 || n.Created != 2 || live("a") != 9 || live("b") != 10 {
			t.Errorf("%+v: %d in a, %d in b", *n, live("a"), live("b"))
		}
		if got := s.found("a 0"); len(got) > 0 && slices.Contains(got, "a 0") {
			t.Errorf("a deleted record is found: %v", got)
		}
		// Nothing met, or too little: nothing deleted. Force overrides the share only.
		for name, c := range map[string]struct {
			records []connectors.Record
			force   bool
			live    int
			note    string
		}{
			"empty":                 {whole("a", 0, 0), false, 9, "none of them was met"},
			"empty, forced":         {whole("a", 0, 0), true, 9, "none of them was met"},
			"few":                   {whole("a", 3, 5), false, 9, "78% of 9"},
			"not from the begining": {whole("a", 3, 8)[1:], false, 9, ""},
			"failed in the middle":  {slices.Concat(whole("a", 3, 8)[:6], []connectors.Record{part("a", connectors.PartFailed)}), false, 9, ""},
			"never completed":       {whole("a", 3, 8)[:6], false, 9, ""},
			"another one completed": {slices.Concat(whole("a", 3, 8)[:6], []connectors.Record{part("b", connectors.PartComplete)}), false, 9, ""},
		} {
			result := load(connectors.Options{Force: c.force}, c.records)
			if live("a") != c.live || live("b") != 10 || !strings.Contains(result.Streams["customer"].Note, c.note) {
				t.Errorf("%s: %d in a, %d in b, note %q", name, live("a"), live("b"), result.Streams["customer"].Note)
			}
			if name == "failed in the middle" && cmp.Diff([]connectors.Skipped{{Part: "library a", Reason: "423 Locked"}}, result.Skipped) != "" {
				t.Errorf("skipped: %+v", result.Skipped)
			}
		}
		// A part that is begun again forgets what it had met.
		load(connectors.Options{}, whole("a", 3, 12)[:9], whole("a", 6, 12))
		if live("a") != 6 {
			t.Errorf("begun again: %d in a", live("a"))
		}
		load(connectors.Options{Force: true}, whole("a", 11, 12))
		if live("a") != 1 || live("b") != 10 {
			t.Errorf("forced: %d in a, %d in b", live("a"), live("b"))
		}
		if n := s.count("SELECT count(*) FROM run_keys"); n > 40 {
			t.Errorf("%d keys were left behind", n)
		}
		// A dry run says what would go.
		result = load(connectors.Options{DryRun: true}, whole("b", 0, 8))
		if n := result.Streams["customer"]; n.Deleted != 2 || live("b") != 10 {
			t.Errorf("dry run: %+v, %d in b", *n, live("b"))
		}
	})
}

// A process that dies anywhere in a part changes nothing about its end.
func TestPartsAfterACrash(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		s.engine.BatchRecords = 3
		for dieAt := 1; ; dieAt++ {
			s.clear()
			s.must(connectors.Options{}, incremental(s.stream("customer", false, inCity("a", 0, 9)...)))
			f := s.task()
			f.DieAt, f.After = dieAt, dieAt%2 == 0
			s.streams = []connectors.Stream{incremental(s.stream("customer", true, whole("a", 4, 12)...))}
			result, err := s.engine.Import(t.Context(), f, s.conn, nil, connectors.Options{})
			died := err != nil
			if died {
				if !errors.Is(err, connectortest.ErrDied) {
					t.Fatal(err)
				}
				if result, err = s.engine.Import(t.Context(), f.Again(), s.conn, nil, connectors.Options{}); err != nil {
					t.Fatal(err)
				}
			}
			f.End("completed")
			n := result.Streams["customer"]
			if n.Created != 3 || n.Unchanged != 5 || n.Deleted != 4 || len(s.stored()) != 8 {
				t.Errorf("died at commit %d: %+v, %v", dieAt, *n, s.stored())
			}
			if !died {
				return
			}
		}
	})
}

// A mark keeps the position where nothing was found.
func TestMarks(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		position := func() []string {
			return s.texts("SELECT position FROM connection_state WHERE stream = 'customer'")
		}
		only := incremental(connectors.Stream{Type: s.typ("customer"), Read: func(context.Context, string) iter.Seq2[connectors.Record, error] {
			return func(yield func(connectors.Record, error) bool) {
				yield(connectors.Record{Position: connectors.Text("looked")}, nil)
			}
		}})
		s.must(connectors.Options{DryRun: true}, only)
		if got := position(); len(got) != 0 {
			t.Errorf("a dry run kept %q", got)
		}
		s.must(connectors.Options{}, only)
		if got := position(); !slices.Equal(got, []string{"looked"}) {
			t.Errorf("got %q", got)
		}
		s.must(connectors.Options{}, incremental(s.stream("customer", false, append(inCity("a", 0, 2), connectors.Record{Position: connectors.Text("behind")})...)))
		if got := position(); !slices.Equal(got, []string{"behind"}) || len(s.stored()) != 2 {
			t.Errorf("got %q", got)
		}
	})
}

// Two incremental streams of a type have names and positions of their own.
func TestStreamsOfOneType(t *testing.T) {
	s := newShop(t, "sqlite", content.Orphan)
	one := incremental(s.stream("customer", true, inCity("a", 0, 2)...))
	two := incremental(s.stream("customer", true, inCity("a", 1, 4)...))
	two.Name = "customer/details"
	result, _ := s.must(connectors.Options{}, one, two)
	if n := result.Streams["customer"]; n.Seen != 5 || n.Created != 4 {
		t.Errorf("%+v", *n)
	}
	if got := s.texts("SELECT stream, position FROM connection_state WHERE stream NOT LIKE '#%' ORDER BY 1"); !slices.Equal(got, []string{"customer | 2", "customer/details | 3"}) {
		t.Errorf("positions %q", got)
	}
	snapshot := two
	snapshot.Mode = connectors.Snapshot
	if _, _, err := s.load(connectors.Options{}, one, snapshot); err == nil || !strings.Contains(err.Error(), "two streams") {
		t.Errorf("got %v", err)
	}
}
