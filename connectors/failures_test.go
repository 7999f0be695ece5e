package connectors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

func TestFailuresAreKept(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		give := []connectors.Record{
			{Row: &customer{Key: "1", Name: "One"}},
			{Key: "2", Err: errors.New("torn"), Raw: []byte("a\x00b\xff"), Place: connectors.Place{File: "list.csv", Line: 3},
				Values: []connectors.BadValue{{Column: "Name", Value: "a\x00b", Err: errors.New("torn")}}},
			{Row: &customer{Record: content.Record{Raw: []byte(`{"key":""}`)}, Name: "No key"}, Place: connectors.Place{File: "list.csv", Line: 4}},
			{Row: &customer{Name: "No key either"}},
			{Row: &customer{Key: strings.Repeat("k", store.MaxKey+1), Name: "Long key"}},
			{Row: &customer{Record: content.Record{Raw: []byte("{}")}, Key: "6", Name: "Long facet", City: ptr(strings.Repeat("x", store.MaxValue+1))}},
			{Row: &customer{Key: "7", Name: "NUL \x00 and \xff bytes"}},
			{Row: &customer{Key: "8", Name: "Eight"}, Place: connectors.Place{File: "list.csv", Line: 9}, Values: []connectors.BadValue{
				{Column: "About", Value: strings.Repeat("é", 300), Err: errors.New("bad text")}, {Column: "City", Value: "?"}}},
		}
		result, task := s.must(connectors.Options{}, s.stream("customer", true, give...))
		want := &connectors.Counts{Seen: 8, Created: 2, Failed: 6, BadValues: 2, Indexed: 2}
		if diff := cmp.Diff(want, result.Streams["customer"]); diff != "" {
			t.Error(diff)
		}
		got := s.texts("SELECT scope, key, file, line, column_name, reason FROM import_failures ORDER BY id")
		wantRows := []string{
			"record | 2 | list.csv | 3 | Name | torn",
			"record |  | list.csv | 4 |  | invalid: the key customer_key is empty",
			"record |  |  | 0 |  | invalid: the key customer_key is empty",
			"record | " + strings.Repeat("k", store.MaxKey) + "… |  | 0 |  | invalid: the key customer_key has 256 bytes, at most 255 are kept: \"" + strings.Repeat("k", 40) + "\"…",
			"record | 6 |  | 0 |  | invalid: city has 1025 bytes; a field to filter or sort by takes at most 1024",
			"record | 7 |  | 0 |  | invalid: name has a byte that no database takes as text at position 4",
			"field | 8 | list.csv | 9 | About | bad text",
			"field | 8 | list.csv | 9 | City | it cannot be read",
		}
		if diff := cmp.Diff(wantRows, got); diff != "" {
			t.Error(diff)
		}
		raw := s.texts("SELECT raw FROM import_failures WHERE key IN ('2', '6') ORDER BY key")
		if diff := cmp.Diff([]string{"a\x00b\xff", "{}"}, raw); diff != "" {
			t.Error(diff)
		}
		values := s.texts("SELECT value FROM import_failures WHERE column_name IN ('About', 'Name') ORDER BY 1")
		if diff := cmp.Diff([]string{"a␀b", strings.Repeat("é", 100) + "…"}, values); diff != "" {
			t.Error(diff)
		}
		if len(result.Failures) != 8 || result.Failures[0].String() != "list.csv line 3 Name: torn" {
			t.Errorf("listed: %v", result.Failures)
		}
		if n := len(slices.DeleteFunc(slices.Clone(task.Events), func(e string) bool { return !strings.HasPrefix(e, "warn error: ") })); n != 8 {
			t.Errorf("%d events: %q", n, task.Events)
		}
		if _, err := json.Marshal(result); err != nil {
			t.Error(err)
		}
		if got := s.stored(); !slices.Equal(got, []string{"1", "8"}) {
			t.Errorf("stored %v", got)
		}
	})
}

func TestTheFirst20FailuresAreListed(t *testing.T) {
	s := newShop(t, "sqlite", content.Orphan, func(spec *connectors.Spec[settings]) { spec.FailureRate = 1 })
	var give []connectors.Record
	for i := range 50 {
		give = append(give, connectors.Record{Key: fmt.Sprint(i), Err: errors.New("bad"), Place: connectors.Place{Line: i + 1}})
	}
	result, task := s.must(connectors.Options{}, s.stream("customer", true, give...))
	if n := len(result.Failures); n != 20 || result.Failures[19].Line != 20 {
		t.Errorf("%d are listed: %v", n, result.Failures)
	}
	if n := s.count("SELECT count(*) FROM import_failures"); n != 50 {
		t.Errorf("%d are kept", n)
	}
	if n := len(task.Events); n != 22 { // the start, 20 failures, the end of the stream
		t.Errorf("%d events: %q", n, task.Events)
	}
}

func TestTooManyFailuresStopTheRun(t *testing.T) {
	give := func(good, bad int) (list []connectors.Record) {
		for range bad {
			list = append(list, connectors.Record{Err: errors.New("bad"), Place: connectors.Place{File: "f.csv", Line: 7}})
		}
		return append(list, rows(many(good)...)...)
	}
	for _, test := range []struct {
		good, bad int
		rate      float64
		stops     bool
	}{
		{good: 9, bad: 90}, // less than a hundred are not judged
		{good: 90, bad: 10},
		{good: 89, bad: 11, stops: true},
		{good: 50, bad: 50, rate: 0.5},
		{good: 49, bad: 51, rate: 0.5, stops: true},
	} {
		t.Run(fmt.Sprintf("%d of %d", test.bad, test.good+test.bad), func(t *testing.T) {
			s := newShop(t, "sqlite", content.Orphan, func(spec *connectors.Spec[settings]) { spec.FailureRate = test.rate })
			s.must(connectors.Options{}, s.customers(many(200)...))
			result, _, err := s.load(connectors.Options{Force: true}, s.stream("customer", true, give(test.good, test.bad)...))
			if (err != nil) != test.stops {
				t.Fatal(err)
			}
			if !test.stops {
				return
			}
			if !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), fmt.Sprintf("%d of the first %d records of customer failed", test.bad, test.bad+test.good)) ||
				!strings.Contains(err.Error(), "f.csv line 7: bad") {
				t.Error(err)
			}
			if c := result.Streams["customer"]; c.Failed != int64(test.bad) {
				t.Errorf("%+v", *c)
			}
			if n := len(s.stored()); n != 200 {
				t.Errorf("a run that failed has deleted: %d are left", n)
			}
		})
	}
	// A dry run is judged alike.
	s := newShop(t, "sqlite", content.Orphan)
	if _, _, err := s.load(connectors.Options{DryRun: true}, s.stream("customer", true, give(10, 100)...)); err == nil {
		t.Error("a dry run was not stopped")
	}
}

// Earlier failures are settled by whatever comes later for the same record.
func TestFailuresAreSettledByLaterImports(t *testing.T) {
	bad := func(key string) connectors.Record {
		return connectors.Record{Key: key, Err: errors.New("bad"), Raw: []byte("x")}
	}
	good := func(keys ...string) (list []connectors.Record) {
		for _, k := range keys {
			list = append(list, connectors.Record{Row: &customer{Key: k, Name: k}})
		}
		return list
	}
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		for _, test := range []struct {
			name  string
			next  []connectors.Record
			mode  connectors.Mode
			whole bool
			dry   bool
			open  []string
		}{
			{name: "whole snapshot", next: good("1"), whole: true},
			{name: "whole snapshot that fails again", next: append(good("1"), bad("2")), whole: true, open: []string{"2"}},
			{name: "part of a snapshot", next: good("1"), open: []string{"", "2", "3"}},
			{name: "part of a snapshot with one of them", next: good("1", "2"), open: []string{"", "3"}},
			{name: "dry run", next: good("1", "2", "3"), whole: true, dry: true, open: []string{"", "2", "3"}},
			{name: "nothing", whole: true, open: []string{"", "2", "3"}},
			{name: "increment", next: good("3"), mode: connectors.Incremental, whole: true, open: []string{"", "2"}},
			{name: "increment that deletes", next: []connectors.Record{tombstone("2")}, mode: connectors.Incremental, open: []string{"", "3"}},
		} {
			t.Run(test.name, func(t *testing.T) {
				s.t = t
				s.clear()
				s.must(connectors.Options{}, s.stream("customer", true, append(good("1"), bad(""), bad("2"), bad("3"))...))
				stream := s.stream("customer", false, test.next...)
				stream.Mode = test.mode
				stream.Incomplete = func() string { return map[bool]string{false: "part 1 is missing"}[test.whole] }
				s.must(connectors.Options{Instance: "other"}, s.customers(&customer{Key: "2", Name: "of another instance"})) // settles nothing
				s.must(connectors.Options{DryRun: test.dry}, stream)
				open := s.texts("SELECT key FROM import_failures WHERE replayed_at IS NULL ORDER BY key")
				if !slices.Equal(open, test.open) {
					t.Errorf("open: %q, want %q", open, test.open)
				}
			})
		}
	})
}

func TestFailedImportHasItsResult(t *testing.T) {
	s := newShop(t, "sqlite", content.Orphan)
	broken := s.customers(many(30)...)
	s.engine.BatchRecords = 10
	task := s.task()
	task.DieAt = 5
	s.streams = []connectors.Stream{broken}
	result, err := s.engine.Import(context.Background(), task, s.conn, nil, connectors.Options{})
	if !errors.Is(err, connectortest.ErrDied) || !strings.HasPrefix(err.Error(), "import shop: ") {
		t.Error(err)
	}
	stored := int64(len(s.stored()))
	if c := result.Streams["customer"]; c.Created != stored || c.Seen != stored || stored == 0 {
		t.Errorf("counts %+v, stored %d", *c, stored)
	}
}
