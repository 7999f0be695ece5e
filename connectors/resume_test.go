//go:build !race

package connectors_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/content"
)

// A process that dies at any commit of an import, before it or just behind it,
// loses nothing and does nothing twice: whoever goes on ends with the tables, the
// counts, the failures and the index of an import that was not disturbed. That
// holds for streams that can go on where they were and for those that have to be
// read again.
func TestResumeAtEveryCommit(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Cascade)
		s.engine.BatchRecords = 20
		for _, positions := range []string{"every", "some", "none"} {
			t.Run(positions, func(t *testing.T) {
				s.t = t
				undisturbed := s.journey(positions, 0, false)
				for n := 2; ; n++ {
					at, after := n/2, n%2 == 1
					if kind == "postgres" { // the same code; each commit once is enough
						at, after = n-1, n%2 == 1
					}
					got := s.journey(positions, at, after)
					if diff := cmp.Diff(undisturbed.state, got.state); diff != "" {
						t.Fatalf("died at commit %d (after it: %v): %s", at, after, diff)
					}
					if !got.died {
						break
					}
				}
			})
		}
	})
}

type journey struct {
	state []string
	died  bool
}

// journey imports twice, the second time with all that can happen, and dies at
// the n-th commit of that.
func (s *shop) journey(positions string, n int, after bool) journey {
	s.t.Helper()
	s.clear()
	first := many(100)
	s.must(connectors.Options{}, s.customers(first...), s.orders(&order{Key: "o1", Name: "Gone with c00001", CustomerKey: ptr("c00001")}, &order{Key: "o2", Name: "Stays", CustomerKey: ptr("c00002")}))

	var list []connectors.Record
	for i, c := range many(140)[5:] { // five are gone, many are new
		switch {
		case i%30 == 20:
			list = append(list, connectors.Record{Key: c.Key, Err: errors.New("unreadable"), Raw: []byte(`{"bad":1}`), Place: connectors.Place{File: "f", Line: i}})
			continue
		case i%40 == 30:
			list = append(list, connectors.Record{Row: c, Values: []connectors.BadValue{{Column: "About", Value: "x", Err: errors.New("bad")}}})
			continue
		case i%40 == 37:
			list = append(list, connectors.Record{Row: &customer{Key: c.Key}, Deleted: true})
			continue
		case i%10 == 3:
			c.Name += " changed"
		}
		list = append(list, connectors.Record{Row: c})
	}
	list = append(list, connectors.Record{Row: &customer{Key: "c00070", Name: "Last"}}) // once more
	var give []connectors.Record
	for i, r := range list {
		if positions == "every" || positions == "some" && i%7 == 6 {
			r.Position = number(i + 1)
		}
		give = append(give, r)
	}
	streams := []connectors.Stream{s.stream("customer", false, give...),
		s.stream("order", positions == "every", rows(&order{Key: "o2", Name: "Stays", CustomerKey: ptr("c00120")}, &order{Key: "o3", Name: "New", CustomerKey: ptr("c00121")})...)}

	task := s.task()
	task.DieAt, task.After = n, after
	s.streams = streams
	result, err := s.engine.Import(context.Background(), task, s.conn, nil, connectors.Options{})
	died := err != nil
	if died {
		if !errors.Is(err, connectortest.ErrDied) {
			s.t.Fatal(err)
		}
		task = task.Again()
		if result, err = s.engine.Import(context.Background(), task, s.conn, nil, connectors.Options{}); err != nil {
			s.t.Fatal(err)
		}
	}
	task.End("completed")
	state := s.summary()
	for _, name := range []string{"customer", "order"} {
		c := *result.Streams[name]
		if c.Seen != c.Created+c.Updated+c.Unchanged+c.Duplicates+c.Failed {
			s.t.Errorf("%s: the counts do not add up to seen: %+v", name, c)
		}
		state = append(state, fmt.Sprintf("%s %+v", name, c))
	}
	for _, f := range result.Failures {
		state = append(state, "listed: "+f.Type+" "+f.Key+" "+f.String())
	}
	return journey{state, died}
}

// summary is all that an import leaves, without ids and times.
func (s *shop) summary() []string {
	return slices.Concat(
		s.texts("SELECT customer_key, name, city, deleted_at IS NULL, indexed_at IS NULL FROM customers ORDER BY 1"),
		s.texts("SELECT o.order_key, o.name, o.customer_key, o.deleted_at IS NULL, o.indexed_at IS NULL, c.customer_key FROM shop_orders o LEFT JOIN customers c ON c.id = o.customer_id ORDER BY 1"),
		s.texts("SELECT key, scope, file, line, column_name, reason, replayed_at IS NULL FROM import_failures ORDER BY key, scope"),
		s.texts("SELECT source_type, filename, title, content FROM search_chunks ORDER BY 1, 2"),
		s.texts("SELECT count(*) FROM run_keys"),
		s.texts("SELECT count(*) FROM run_key_sets"),
		s.found("last"), s.found("stays"),
	)
}

// The clean-up of a crashed run must not go on with a set of keys that is half
// gone: by force it would delete everything.
func TestResumeInTheCleanUpByForce(t *testing.T) {
	s := newShop(t, "sqlite", content.Orphan)
	for n := 1; ; n++ {
		s.clear()
		s.must(connectors.Options{}, s.customers(many(1200)...))
		task := s.task()
		task.DieAt = n
		s.streams = []connectors.Stream{s.customers(many(100)...)}
		_, err := s.engine.Import(context.Background(), task, s.conn, nil, connectors.Options{Force: true})
		died := err != nil
		if died {
			if _, err = s.engine.Import(context.Background(), task.Again(), s.conn, nil, connectors.Options{Force: true}); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(s.stored()); got != 100 {
			t.Fatalf("died at commit %d: %d customers are left, want 100", n, got)
		}
		if !died {
			return
		}
	}
}

// What a run that failed for good left behind goes with the next import.
func TestKeysOfEndedRunsAreRemoved(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		s.engine.BatchRecords = 20
		task := s.task()
		task.DieAt = 4
		s.streams = []connectors.Stream{s.customers(many(100)...)}
		if _, err := s.engine.Import(context.Background(), task, s.conn, nil, connectors.Options{}); !errors.Is(err, connectortest.ErrDied) {
			t.Fatal(err)
		}
		if n := s.count("SELECT count(*) FROM run_keys"); n == 0 {
			t.Fatal("the run has left no keys")
		}
		task.End("failed")
		s.must(connectors.Options{}, s.customers(many(100)...))
		if n := s.count("SELECT count(*) FROM run_keys"); n != 0 {
			t.Errorf("%d keys are left", n)
		}
		if n := s.count("SELECT count(*) FROM run_key_sets"); n != 0 {
			t.Errorf("%d sets are left", n)
		}
	})
}

func TestCheckpointThatCannotBeRead(t *testing.T) {
	s := newShop(t, "sqlite", content.Orphan)
	task := s.task()
	task.Saved = []byte(`{"batch":"x"}`)
	s.streams = []connectors.Stream{s.customers(many(3)...)}
	if _, err := s.engine.Import(context.Background(), task, s.conn, nil, connectors.Options{}); err == nil {
		t.Error("no error")
	}
	if got := s.stored(); len(got) != 0 {
		t.Errorf("stored %v", got)
	}
}

// When nothing is missing and the only deletions were tombstones, the set of keys goes
// just the same, and a process that dies behind that must not leave it to the next one
// to take all records for missing.
func TestResumeBehindTheCleanUp(t *testing.T) {
	s := newShop(t, "sqlite", content.Orphan)
	give := append(rows(many(30)[:29]...), tombstone("c00029"))
	for n, died := 1, true; died; n++ {
		s.clear()
		s.must(connectors.Options{}, s.customers(many(30)...))
		task := s.task()
		task.DieAt, task.After = n, true
		s.streams = []connectors.Stream{s.stream("customer", false, give...)}
		_, err := s.engine.Import(context.Background(), task, s.conn, nil, connectors.Options{Force: true})
		if died = err != nil; !died {
			return
		}
		result, err := s.engine.Import(context.Background(), task.Again(), s.conn, nil, connectors.Options{Force: true})
		if err != nil {
			t.Fatal(err)
		}
		if left := len(s.stored()); left != 29 || result.Streams["customer"].Deleted != 1 {
			t.Fatalf("it died behind commit %d: %d of 29 records are left, %+v", n, left, *result.Streams["customer"])
		}
	}
}
