package connectors_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/content"
)

func TestImportCountsAndStoresWhatTheStreamsGive(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		acme := &customer{Key: "1", Name: "Acme Rockets", City: ptr("Tucson"), About: ptr("Rockets for coyotes.")}
		bolt := &customer{Key: "2", Name: "Bolt", Internal: ptr("x")}
		result, task := s.must(connectors.Options{}, s.customers(acme, bolt), s.orders(&order{Key: "o1", Name: "Anvil", CustomerKey: ptr("1")}))
		want := map[string]*connectors.Counts{
			"customer": {Seen: 2, Created: 2, Indexed: 2},
			"order":    {Seen: 1, Created: 1, Indexed: 1},
		}
		if diff := cmp.Diff(want, result.Streams); diff != "" {
			t.Error(diff)
		}
		if got, want := task.Phases, []string{"parsing", "importing", "indexing"}; !slices.Equal(got, want) {
			t.Errorf("phases %v, want %v", got, want)
		}
		wantEvents := []string{"info import_start: Shop import started", "info progress: Customers: 2 read, 2 new, 0 changed, 0 failed",
			"info progress: Orders: 1 read, 1 new, 0 changed, 0 failed", "info indexing: 3 records indexed"}
		if diff := cmp.Diff(wantEvents, task.Events); diff != "" {
			t.Error(diff)
		}
		if got := s.found("coyotes"); !slices.Equal(got, []string{"Acme Rockets"}) {
			t.Errorf("found %v", got)
		}

		// The same again writes nothing and indexes nothing.
		table := "SELECT id, updated_at, indexed_at, row_hash, document_hash FROM customers UNION ALL SELECT id, updated_at, indexed_at, row_hash, document_hash FROM shop_orders ORDER BY 1"
		chunks := "SELECT number, source_id, created_at FROM search_chunks ORDER BY 1"
		before := append(s.texts(table), s.texts(chunks)...)
		result, _ = s.must(connectors.Options{}, s.customers(acme, bolt), s.orders(&order{Key: "o1", Name: "Anvil", CustomerKey: ptr("1")}))
		want = map[string]*connectors.Counts{"customer": {Seen: 2, Unchanged: 2}, "order": {Seen: 1, Unchanged: 1}}
		if diff := cmp.Diff(want, result.Streams); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(before, append(s.texts(table), s.texts(chunks)...)); diff != "" {
			t.Error("an import without changes has written:", diff)
		}

		// A field that is not indexed is written and not indexed again.
		bolt.Internal = ptr("y")
		chunksBefore := s.texts(chunks)
		result, _ = s.must(connectors.Options{}, s.customers(acme, bolt), s.orders(&order{Key: "o1", Name: "Anvil", CustomerKey: ptr("1")}))
		if diff := cmp.Diff(&connectors.Counts{Seen: 2, Updated: 1, Unchanged: 1}, result.Streams["customer"]); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(chunksBefore, s.texts(chunks)); diff != "" {
			t.Error("a field that is not indexed has changed the index:", diff)
		}
		if got := s.texts("SELECT internal FROM customers WHERE customer_key = '2' AND indexed_at IS NOT NULL"); !slices.Equal(got, []string{"y"}) {
			t.Errorf("stored and indexed: %v", got)
		}

		// One that is indexed is.
		acme.About = ptr("Magnets for coyotes.")
		result, _ = s.must(connectors.Options{}, s.customers(acme, bolt), s.orders(&order{Key: "o1", Name: "Anvil", CustomerKey: ptr("1")}))
		if diff := cmp.Diff(&connectors.Counts{Seen: 2, Updated: 1, Unchanged: 1, Indexed: 1}, result.Streams["customer"]); diff != "" {
			t.Error(diff)
		}
		if got := s.found("magnets"); !slices.Equal(got, []string{"Acme Rockets"}) {
			t.Errorf("found %v", got)
		}
		if got := s.found("rockets"); !slices.Equal(got, []string{"Acme Rockets"}) { // in the title
			t.Errorf("found %v", got)
		}
	})
}

func TestTheLastOfAKeyCounts(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		// Within a batch, and across batches.
		s.engine.BatchRecords = 10
		list := many(25)
		list = append(list, &customer{Key: "c00003", Name: "Second"}, &customer{Key: "c00024", Name: "Near"}, &customer{Key: "c00003", Name: "Third"})
		result, _ := s.must(connectors.Options{}, s.customers(list...))
		want := &connectors.Counts{Seen: 28, Created: 25, Duplicates: 3, Indexed: 26} // one was indexed by the first batch and by the last
		got := result.Streams["customer"]
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		names := s.texts("SELECT name FROM customers WHERE customer_key IN ('c00003', 'c00024') ORDER BY customer_key")
		if !slices.Equal(names, []string{"Third", "Near"}) {
			t.Errorf("stored %v", names)
		}
		if got := s.found("third"); !slices.Equal(got, []string{"Third"}) {
			t.Errorf("found %v", got)
		}
		// The same again: the first of a pair differs from what is stored.
		result, _ = s.must(connectors.Options{}, s.customers(list...))
		if c := result.Streams["customer"]; c.Seen != 28 || c.Duplicates != 3 || c.Created != 0 {
			t.Errorf("%+v", *c)
		}
		if names := s.texts("SELECT name FROM customers WHERE customer_key IN ('c00003', 'c00024') ORDER BY customer_key"); !slices.Equal(names, []string{"Third", "Near"}) {
			t.Errorf("stored %v", names)
		}
	})
}

func TestKeptFieldsSurvive(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		s.must(connectors.Options{}, s.customers(&customer{Key: "1", Name: "One", Marked: ptr("by the import")}))
		if got := s.texts("SELECT marked FROM customers"); !slices.Equal(got, []string{"-"}) {
			t.Errorf("an import has set a kept field: %v", got)
		}
		s.exec("UPDATE customers SET marked = ?", "by a user")
		s.must(connectors.Options{}, s.customers(&customer{Key: "1", Name: "Uno", Marked: ptr("by the import")}))
		if got := s.texts("SELECT name, marked FROM customers"); !slices.Equal(got, []string{"Uno | by a user"}) {
			t.Errorf("stored %v", got)
		}
	})
}

func TestInstancesAreApart(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		east, west := connectors.Options{Instance: "east"}, connectors.Options{Instance: "west"}
		s.must(east, s.customers(&customer{Key: "1", Name: "East 1"}, &customer{Key: "2", Name: "East 2"}, &customer{Key: "3", Name: "East 3"}),
			s.orders(&order{Key: "o", Name: "Order east", CustomerKey: ptr("2")}))
		s.must(west, s.customers(&customer{Key: "1", Name: "West 1"}, &customer{Key: "2", Name: "West 2"}, &customer{Key: "9", Name: "West 9"}),
			s.orders(&order{Key: "o", Name: "Order west", CustomerKey: ptr("2")}))
		// The east loses one; the west loses nothing, not by a tombstone either.
		east2 := s.stream("customer", true, connectors.Record{Row: &customer{Key: "1", Name: "East 1"}}, connectors.Record{Row: &customer{Key: "3"}, Deleted: true}, connectors.Record{Row: &customer{Key: "9"}, Deleted: true},
			connectors.Record{Row: &customer{Key: "4", Name: "East 4"}})
		result, _ := s.must(east, east2)
		if c := result.Streams["customer"]; c.Deleted != 2 || c.Created != 1 {
			t.Errorf("%+v", *c)
		}
		want := []string{"east | 1", "east | 4", "west | 1", "west | 2", "west | 9"}
		if diff := cmp.Diff(want, s.texts("SELECT instance, customer_key FROM customers WHERE deleted_at IS NULL ORDER BY 1, 2")); diff != "" {
			t.Error(diff)
		}
		links := s.texts("SELECT o.name, c.name FROM shop_orders o JOIN customers c ON c.id = o.customer_id ORDER BY 1")
		if diff := cmp.Diff([]string{"Order east | East 2", "Order west | West 2"}, links); diff != "" {
			t.Error(diff)
		}
	})
}

func TestImportsOfOneInstanceFollowEachOther(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		first := s.task() // its run is at work
		s.streams = []connectors.Stream{s.customers(&customer{Key: "1", Name: "One"})}
		if _, err := s.engine.Import(t.Context(), first, s.conn, nil, connectors.Options{}); err != nil {
			t.Fatal(err)
		}
		done, waits := make(chan error), make(chan string, 1)
		second, third := s.task(), s.task()
		second.Told = func(event string) {
			if strings.Contains(event, "waits for another import") {
				waits <- event
			}
		}
		go func() {
			_, err := s.engine.Import(t.Context(), second, s.conn, nil, connectors.Options{})
			done <- err
		}()
		select {
		case <-waits:
		case err := <-done:
			t.Fatalf("the second import did not wait (%v)", err)
		}
		// Another instance does not wait.
		if _, err := s.engine.Import(t.Context(), third, s.conn, nil, connectors.Options{Instance: "other"}); err != nil {
			t.Fatal(err)
		}
		if got := s.stored(); len(got) != 2 {
			t.Errorf("stored %v", got)
		}
		first.End("completed")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}

// Of imports that wait, the one that was started first comes first: an older
// export must not write over a newer one.
func TestImportsWaitInTheirOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		s.streams = []connectors.Stream{s.customers(&customer{Key: "1", Name: "One"})}
		holder := s.task()
		if _, err := s.engine.Import(t.Context(), holder, s.conn, nil, connectors.Options{}); err != nil {
			t.Fatal(err)
		}
		older, newer := s.task(), s.task()
		order, waits := make(chan string, 2), make(chan bool, 2)
		for name, task := range map[string]*connectortest.Task{"older": older, "newer": newer} {
			task.Told = func(event string) {
				switch {
				case strings.Contains(event, "waits for another import"):
					waits <- true
				case strings.HasPrefix(event, "Customers: "): // it was its turn
					order <- name
				}
			}
		}
		var all sync.WaitGroup
		for _, task := range []*connectortest.Task{newer, older} {
			all.Go(func() {
				if _, err := s.engine.Import(context.Background(), task, s.conn, nil, connectors.Options{}); err != nil {
					t.Error(err)
				}
				task.End("completed")
			})
		}
		<-waits
		<-waits
		holder.End("completed")
		all.Wait()
		if first, second := <-order, <-order; first != "older" || second != "newer" {
			t.Errorf("%s came before %s", first, second)
		}
	})
}

// A run that was interrupted does not go on with an old source when another one
// has been imported since.
func TestInterruptedImportThatWasOvertaken(t *testing.T) {
	s := newShop(t, "sqlite", content.Orphan)
	s.engine.BatchRecords = 10
	task := s.task()
	task.DieAt = 4
	old := many(40)
	s.streams = []connectors.Stream{s.customers(old...)}
	if _, err := s.engine.Import(t.Context(), task, s.conn, nil, connectors.Options{}); !errors.Is(err, connectortest.ErrDied) {
		t.Fatal(err)
	}
	task.End("pending")
	s.must(connectors.Options{}, s.customers(append(many(20), &customer{Key: "new", Name: "New"})...))
	before := s.everything()
	task.End("running")
	s.streams = []connectors.Stream{s.customers(old...)}
	if _, err := s.engine.Import(t.Context(), task.Again(), s.conn, nil, connectors.Options{Force: true}); !errors.Is(err, content.ErrConflict) {
		t.Error(err)
	}
	if diff := cmp.Diff(before, s.everything()); diff != "" {
		t.Error(diff)
	}
}

func TestBadInstance(t *testing.T) {
	s := newShop(t, "sqlite", content.Orphan)
	for _, instance := range []string{"a\x00b", "a\xffb", strings.Repeat("x", 256)} {
		if _, err := s.engine.Import(t.Context(), s.task(), s.conn, nil, connectors.Options{Instance: instance}); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%q: %v", instance, err)
		}
	}
}

func TestWaitingForATurnEndsWithTheContext(t *testing.T) {
	s := newShop(t, "sqlite", content.Orphan)
	s.streams = []connectors.Stream{s.customers(&customer{Key: "1", Name: "One"})}
	if _, err := s.engine.Import(t.Context(), s.task(), s.conn, nil, connectors.Options{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	second := s.task()
	cause := errors.New("enough")
	second.Told = func(event string) {
		if strings.Contains(event, "waits") {
			cancel(cause)
		}
	}
	if _, err := s.engine.Import(ctx, second, s.conn, nil, connectors.Options{}); !errors.Is(err, cause) {
		t.Error(err)
	}
}
