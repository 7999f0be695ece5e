package connectors_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
)

func tombstone(key string) connectors.Record {
	return connectors.Record{Row: &customer{Key: key}, Deleted: true}
}

func TestTombstones(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		s.must(connectors.Options{}, s.customers(&customer{Key: "1", Name: "One"}, &customer{Key: "2", Name: "Two"}, &customer{Key: "3", Name: "Three"}))
		id := s.texts("SELECT id FROM customers WHERE customer_key = '2'")[0]

		// Not counted as seen, with its chunks; an unknown one does nothing.
		result, _ := s.must(connectors.Options{}, s.stream("customer", true,
			connectors.Record{Row: &customer{Key: "1", Name: "One"}}, tombstone("2"), tombstone("unknown"), connectors.Record{Row: &customer{Key: "3", Name: "Three"}}))
		if diff := cmp.Diff(&connectors.Counts{Seen: 2, Unchanged: 2, Deleted: 1}, result.Streams["customer"]); diff != "" {
			t.Error(diff)
		}
		if got := s.stored(); !slices.Equal(got, []string{"1", "3"}) {
			t.Errorf("stored %v", got)
		}
		if got := s.found("two"); len(got) != 0 {
			t.Errorf("found %v", got)
		}
		if n := s.count("SELECT count(*) FROM search_chunks WHERE source_id = ?", id); n != 0 {
			t.Errorf("%d chunks are left", n)
		}

		// A tombstone without a row, given by its key.
		result, _ = s.must(connectors.Options{}, s.stream("customer", true, connectors.Record{Row: &customer{Key: "1", Name: "One"}}, connectors.Record{Key: "3", Deleted: true}))
		if c := result.Streams["customer"]; c.Deleted != 1 || c.Seen != 1 {
			t.Errorf("%+v", *c)
		}

		// It comes back under its id, and is found again.
		result, _ = s.must(connectors.Options{}, s.customers(&customer{Key: "1", Name: "One"}, &customer{Key: "2", Name: "Two"}))
		if diff := cmp.Diff(&connectors.Counts{Seen: 2, Updated: 1, Unchanged: 1, Indexed: 1}, result.Streams["customer"]); diff != "" {
			t.Error(diff)
		}
		if got := s.texts("SELECT id FROM customers WHERE customer_key = '2' AND deleted_at IS NULL"); !slices.Equal(got, []string{id}) {
			t.Errorf("restored as %v, was %s", got, id)
		}
		if got := s.found("two"); !slices.Equal(got, []string{"Two"}) {
			t.Errorf("found %v", got)
		}
	})
}

// A record and its tombstone in one stream: what comes last counts, whether they
// stand in one batch or in two.
func TestTombstonesInOrder(t *testing.T) {
	s := newShop(t, "sqlite", content.Orphan)
	s.engine.BatchRecords = 10
	live := func(name string) connectors.Record { return connectors.Record{Row: &customer{Key: "x", Name: name}} }
	broken := connectors.Record{Key: "x", Err: fmt.Errorf("unreadable"), Raw: []byte("{}")}
	for _, test := range []struct {
		name   string
		give   []connectors.Record
		stored bool
	}{
		{"deleted", []connectors.Record{live("A"), tombstone("x")}, false},
		{"deleted and back", []connectors.Record{tombstone("x"), live("A")}, true},
		{"back and deleted", []connectors.Record{live("A"), tombstone("x"), live("B"), tombstone("x")}, false},
		{"back, deleted and back", []connectors.Record{live("A"), tombstone("x"), live("B")}, true},
		{"deleted twice", []connectors.Record{tombstone("x"), tombstone("x")}, false},
		{"deleted, then unreadable", []connectors.Record{tombstone("x"), broken}, true},
	} {
		for _, apart := range []int{0, 10} { // other records between them
			t.Run(fmt.Sprintf("%s, %d apart", test.name, apart), func(t *testing.T) {
				s.t = t
				s.clear()
				s.must(connectors.Options{}, s.customers(&customer{Key: "x", Name: "A"}, &customer{Key: "y", Name: "Y"}))
				records := rows(&customer{Key: "y", Name: "Y"})
				next := 0
				for _, r := range test.give {
					records = append(records, r)
					for _, c := range many(next + apart)[next:] {
						records = append(records, connectors.Record{Row: c})
					}
					next += apart
				}
				s.must(connectors.Options{}, s.stream("customer", true, records...))
				got := slices.Contains(s.stored(), "x")
				if apart > 0 && test.name == "deleted, then unreadable" {
					return // the first batch has deleted it for good
				}
				if got != test.stored {
					t.Errorf("stored: %v, want %v", got, test.stored)
				}
			})
		}
	}
}

func TestFullSyncGuards(t *testing.T) {
	whole := func() string { return "" }
	gap := func() string { return "part 1 is missing" }
	bad := connectors.Record{Err: fmt.Errorf("unreadable"), Raw: []byte("{}")}
	some := func(n int) []connectors.Record { return rows(many(n)...) }
	tests := []struct {
		name       string
		give       []connectors.Record // of ten that are stored
		mode       connectors.Mode
		incomplete func() string
		force      bool
		left       int
		note       string
	}{
		{name: "less than the share", give: some(6), incomplete: whole, left: 6},
		{name: "exactly the share", give: some(5), left: 5},
		{name: "more than the share", give: some(4), left: 10, note: "that is 60% of 10, more than 50%; if it is right, use force"},
		{name: "more than the share by force", give: some(4), force: true, left: 4},
		{name: "incomplete", give: some(9), incomplete: gap, left: 10, note: "part 1 is missing; import all of it, or use force"},
		{name: "incomplete by force", give: some(9), incomplete: gap, force: true, left: 9},
		{name: "nothing seen", give: nil, left: 10},
		{name: "nothing seen by force", give: nil, force: true, left: 10},
		{name: "tombstones only by force", give: []connectors.Record{{Row: &customer{Key: "c00001"}, Deleted: true}}, force: true, left: 9},
		{name: "nothing readable by force", give: []connectors.Record{bad, bad}, force: true, left: 10, note: "none of the records could be read"},
		{name: "a failed record is not gone", give: append(some(9), connectors.Record{Key: "c00009", Err: fmt.Errorf("unreadable")}), left: 10},
		{name: "a failed record without a key may be any", give: append(some(9), bad), left: 10, note: "they may be the 1 whose key could not be read; mend these, or use force"},
		{name: "a failed record without a key by force", give: append(some(9), bad), force: true, left: 9},
		{name: "incremental", give: some(6), mode: connectors.Incremental, force: true, left: 10},
	}
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				s.t = t
				s.clear()
				s.must(connectors.Options{}, s.customers(many(10)...))
				stream := s.stream("customer", true, test.give...)
				stream.Mode, stream.Incomplete = test.mode, test.incomplete

				// A dry run tells the same and changes nothing at all.
				before := s.everything()
				dry, task := s.must(connectors.Options{Force: test.force, DryRun: true}, stream)
				if diff := cmp.Diff(before, s.everything()); diff != "" {
					t.Error("a dry run has changed:", diff)
				}
				for _, e := range task.Events {
					if strings.Contains(e, "full_sync_cleanup") && !strings.Contains(e, "would be") && !strings.Contains(e, "nothing was deleted") {
						t.Errorf("event of a dry run: %s", e)
					}
				}
				result, task := s.must(connectors.Options{Force: test.force}, stream)
				if !dry.DryRun || result.DryRun {
					t.Error("the result does not tell a dry run")
				}
				if diff := cmp.Diff(dry.Streams, result.Streams); diff != "" {
					t.Error("a dry run foretold otherwise:", diff)
				}
				if got := len(s.stored()); got != test.left {
					t.Errorf("%d are left, want %d", got, test.left)
				}
				c := result.Streams["customer"]
				if int(c.Deleted) != 10-test.left || c.Note != test.note {
					t.Errorf("deleted %d, note %q; want %d, %q", c.Deleted, c.Note, 10-test.left, test.note)
				}
				if n := len(s.texts("SELECT DISTINCT source_id FROM search_chunks")); n != test.left {
					t.Errorf("%d records are in the index, want %d", n, test.left)
				}
				event := fmt.Sprintf("info full_sync_cleanup: %d customer deleted: not in the source any more", 10-test.left)
				byTombstone := len(test.give) == 1
				if got, want := slices.Contains(task.Events, event), test.left < 10 && !byTombstone; got != want {
					t.Errorf("events %q; want %q: %v", task.Events, event, want)
				}
				if test.note != "" && !slices.ContainsFunc(task.Events, func(e string) bool {
					return strings.HasPrefix(e, "warn full_sync_cleanup: ") && strings.Contains(e, "nothing was deleted: "+test.note)
				}) {
					t.Errorf("events %q", task.Events)
				}
				if n := s.count("SELECT count(*) FROM run_keys"); n != 0 {
					t.Errorf("%d keys are left behind", n)
				}
			})
		}
	})
}

// everything is what a dry run must not change: all that is not about runs.
func (s *shop) everything() []string {
	return slices.Concat(
		s.texts("SELECT id, instance, created_at, updated_at, deleted_at, indexed_at, customer_key, name, city, about, internal, marked, above_key, above_id FROM customers ORDER BY id"),
		s.texts("SELECT id, instance, created_at, updated_at, deleted_at, indexed_at, order_key, name, customer_key, customer_id FROM shop_orders ORDER BY id"),
		s.texts("SELECT organization_id, connection, instance, stream, position FROM connection_state WHERE stream <> '#import' ORDER BY 1, 2, 3, 4"),
		s.texts("SELECT number, source_type, source_id, content, metadata, updated_at FROM search_chunks ORDER BY 1"),
		s.texts("SELECT id, state, chunks, deleted, tombstone_version FROM search_segments ORDER BY 1"),
		s.texts("SELECT id, key, replayed_at FROM import_failures ORDER BY 1"),
	)
}

func TestDryRunOfNewAndChangedRecords(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Cascade)
		s.engine.BatchRecords = 10
		s.must(connectors.Options{}, s.customers(many(10)...), s.orders(&order{Key: "o1", Name: "Order", CustomerKey: ptr("c00000")}, &order{Key: "o2", Name: "Other", CustomerKey: ptr("c00001")}))
		// Of ten, six are gone; so many are new that this is less than half; two
		// more are tombstones, one is changed.
		list := rows(append([]*customer{{Key: "c00009", Name: "Changed"}, {Key: "above", Name: "Above", AboveKey: ptr("c00009")}}, many(40)[20:]...)...)
		list = append(list, tombstone("c00000"), tombstone("c00002"), rows(many(4)[3])[0])
		before := s.everything()
		dry, _ := s.must(connectors.Options{DryRun: true}, s.stream("customer", false, list...))
		if diff := cmp.Diff(before, s.everything()); diff != "" {
			t.Error("a dry run has changed:", diff)
		}
		result, _ := s.must(connectors.Options{}, s.stream("customer", false, list...))
		for _, c := range result.Streams {
			c.Indexed = 0 // a dry run indexes nothing
		}
		if diff := cmp.Diff(result.Streams, dry.Streams); diff != "" {
			t.Error("a dry run foretold otherwise:", diff)
		}
		if c := result.Streams["customer"]; c.Deleted != 8 || result.Streams["order"].Deleted != 2 {
			t.Errorf("%+v %+v", *c, *result.Streams["order"])
		}
	})
}

func TestChildrenOfTheDeleted(t *testing.T) {
	for _, test := range []struct {
		rule                        content.OnDelete
		parents, children           int // deleted
		note, orderChunks, linkLeft string
	}{
		{content.Orphan, 2, 0, "", "2", "2"},
		{content.Cascade, 2, 2, "", "0", "0"},
		{content.Block, 0, 0, "2 stay because records below them would be left behind", "2", "2"},
	} {
		t.Run(string(test.rule), func(t *testing.T) {
			onBoth(t, func(t *testing.T, kind string) {
				s := newShop(t, kind, test.rule)
				for _, by := range []string{"tombstone", "full sync"} {
					t.Run(by, func(t *testing.T) {
						s.t = t
						s.clear()
						all := many(8)
						s.must(connectors.Options{}, s.customers(all...), s.orders(&order{Key: "o1", Name: "First", CustomerKey: ptr("c00006")}, &order{Key: "o2", Name: "Second", CustomerKey: ptr("c00007")}))
						records := rows(all[:6]...)
						if by == "tombstone" {
							records = append(records, tombstone("c00006"), tombstone("c00007"))
						}
						before := s.everything()
						dry, _ := s.must(connectors.Options{DryRun: true}, s.stream("customer", true, records...))
						if diff := cmp.Diff(before, s.everything()); diff != "" {
							t.Error("a dry run has changed:", diff)
						}
						result, task := s.must(connectors.Options{}, s.stream("customer", true, records...))
						if diff := cmp.Diff(result.Streams, dry.Streams); diff != "" {
							t.Error("a dry run foretold otherwise:", diff)
						}
						c := result.Streams["customer"]
						orders := result.Streams["order"]
						if orders == nil {
							orders = &connectors.Counts{}
						}
						if int(c.Deleted) != test.parents || int(orders.Deleted) != test.children || c.Note != test.note {
							t.Errorf("customers %+v, orders %+v", *c, *orders)
						}
						if got := s.texts("SELECT count(*) FROM search_chunks WHERE source_type = 'order'"); got[0] != test.orderChunks {
							t.Errorf("%s chunks of orders, want %s", got[0], test.orderChunks)
						}
						if n := s.count("SELECT count(*) FROM search_chunks WHERE source_type = 'customer'"); n != 8-test.parents {
							t.Errorf("%d chunks of customers", n)
						}
						if got := s.texts("SELECT count(customer_id) FROM shop_orders WHERE deleted_at IS NULL"); got[0] != test.linkLeft {
							t.Errorf("%s links, want %s", got[0], test.linkLeft)
						}
						if test.note != "" && !slices.Contains(task.Events, "warn full_sync_cleanup: 2 Customers stay: records below them block their deletion") {
							t.Errorf("events %q", task.Events)
						}
					})
				}
			})
		})
	}
}

// What goes with its parent and for itself is counted once, in a dry run too.
func TestDeletedTwice(t *testing.T) {
	for _, by := range []string{"tombstone", "full sync"} {
		s := newShop(t, "sqlite", content.Cascade)
		all := many(6)
		orders := []*order{{Key: "o1", Name: "First", CustomerKey: ptr("c00000")}, {Key: "o2", Name: "Second", CustomerKey: ptr("c00000")}, {Key: "o3", Name: "Third"}, {Key: "o4", Name: "Fourth"}}
		s.must(connectors.Options{}, s.customers(all...), s.orders(orders...))
		customers, rest := rows(all[1:]...), rows(orders[1:]...)
		if by == "tombstone" {
			customers, rest = append(customers, tombstone("c00000")), append(rest[1:], connectors.Record{Row: &order{Key: "o1"}, Deleted: true}, connectors.Record{Row: &order{Key: "o2"}, Deleted: true})
		} else {
			rest = rest[1:]
		}
		streams := []connectors.Stream{s.stream("customer", true, customers...), s.stream("order", true, rest...)}
		dry, _ := s.must(connectors.Options{DryRun: true}, streams...)
		result, _ := s.must(connectors.Options{}, streams...)
		if diff := cmp.Diff(result.Streams, dry.Streams); diff != "" {
			t.Errorf("by %s, a dry run foretold otherwise: %s", by, diff)
		}
		if c, o := result.Streams["customer"], result.Streams["order"]; c.Deleted != 1 || o.Deleted != 2 {
			t.Errorf("by %s: %+v %+v", by, *c, *o)
		}
	}
}

// A customer whose orders go in the same import goes too, although customers are
// read before orders.
func TestBlockedParentsGoWithTheirChildren(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Block)
		for _, mode := range []connectors.Mode{connectors.Snapshot, connectors.Incremental} {
			for _, by := range []string{"tombstone", "full sync"} {
				if mode == connectors.Incremental && by == "full sync" {
					continue
				}
				t.Run(fmt.Sprint(mode, by), func(t *testing.T) {
					s.t = t
					s.clear()
					all := many(4)
					s.must(connectors.Options{}, s.customers(all...), s.orders(&order{Key: "o1", Name: "First", CustomerKey: ptr("c00002")}, &order{Key: "o2", Name: "Second", CustomerKey: ptr("c00003")}, &order{Key: "o3", Name: "Third"}))
					customers, orders := rows(all[0], all[1], all[3]), rows(&order{Key: "o2", Name: "Second", CustomerKey: ptr("c00003")}, &order{Key: "o3", Name: "Third"})
					if by == "tombstone" {
						customers = append(customers, tombstone("c00002"))
						orders = append(orders, connectors.Record{Row: &order{Key: "o1"}, Deleted: true})
					}
					streams := []connectors.Stream{s.stream("customer", true, customers...), s.stream("order", true, orders...)}
					for i := range streams {
						streams[i].Mode = mode
					}
					if by == "full sync" { // which tries out one after the other
						dry, _ := s.must(connectors.Options{DryRun: true}, streams...)
						if c, o := dry.Streams["customer"], dry.Streams["order"]; c.Deleted != 1 || o.Deleted != 1 || c.Note != "" {
							t.Errorf("dry run: %+v %+v", *c, *o)
						}
					}
					result, _ := s.must(connectors.Options{}, streams...)
					if c, o := result.Streams["customer"], result.Streams["order"]; c.Deleted != 1 || o.Deleted != 1 || c.Note != "" {
						t.Errorf("%+v %+v", *c, *o)
					}
					if got := s.stored(); !slices.Equal(got, []string{"c00000", "c00001", "c00003"}) {
						t.Errorf("stored %v", got)
					}
				})
			}
		}
	})
}

// A tombstone that was blocked does not outlive the return of its record.
func TestBlockedTombstoneOfARecordThatIsBack(t *testing.T) {
	s := newShop(t, "sqlite", content.Block)
	s.must(connectors.Options{}, s.customers(many(3)...), s.orders(&order{Key: "o1", Name: "First", CustomerKey: ptr("c00000")}))
	s.engine.BatchRecords = 10
	records := append([]connectors.Record{tombstone("c00000")}, rows(many(15)...)...)
	records = append(records, connectors.Record{Row: many(1)[0]})
	s.must(connectors.Options{}, s.stream("customer", true, records...), s.stream("order", true, connectors.Record{Row: &order{Key: "o1"}, Deleted: true}, connectors.Record{Row: &order{Key: "o2", Name: "Second"}}))
	if !slices.Contains(s.stored(), "c00000") {
		t.Error("the customer who is back was deleted")
	}
}

func TestTwoStreamsOfOneTypeAreRefused(t *testing.T) {
	s := newShop(t, "sqlite", content.Orphan)
	s.must(connectors.Options{}, s.customers(many(3)...))
	_, _, err := s.load(connectors.Options{Force: true}, s.customers(many(2)...), s.customers(many(3)...))
	if err == nil || !strings.Contains(err.Error(), "two streams give customer") {
		t.Error(err)
	}
	if got := len(s.stored()); got != 3 {
		t.Errorf("%d customers are left", got)
	}
}
