package connectors_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search"
)

// A flakyIndex fails where a test wants it to.
type flakyIndex struct {
	connectors.Indexer
	prepare, put, merge error
	panics              bool
	before              func() // called by Prepare outside transactions, once
}

func (x *flakyIndex) Prepare(ctx context.Context, documents []content.Document) (*search.Batch, error) {
	if x.panics {
		panic("no dictionary")
	}
	if x.prepare != nil {
		return nil, x.prepare
	}
	if before := x.before; before != nil {
		x.before = nil
		before()
	}
	return x.Indexer.Prepare(ctx, documents)
}

func (x *flakyIndex) PutBatch(ctx context.Context, tx *database.Tx, scope content.Scope, b *search.Batch) (search.Counts, error) {
	if x.put != nil {
		return search.Counts{}, x.put
	}
	return x.Indexer.PutBatch(ctx, tx, scope, b)
}

func (x *flakyIndex) Merge(ctx context.Context, scope content.Scope) error {
	if x.merge != nil {
		return x.merge
	}
	return x.Indexer.Merge(ctx, scope)
}

func (s *shop) queued() int {
	s.t.Helper()
	return s.count("SELECT count(*) FROM customers WHERE indexed_at IS NULL AND deleted_at IS NULL")
}

// A record that cannot be indexed does not fail the import, stays queued, and is
// tried again by the next one.
func TestRecordsThatCannotBeIndexed(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		mended := false
		typ := content.Define(content.Spec[note]{Name: "note", Label: "Note", Document: func(n *note) content.Document {
			d := content.Document{Text: "Text of " + n.Name}
			switch {
			case mended:
			case n.Name == "odd":
				d.Metadata = map[string]any{"shop": map[string]any{"x": (chan int)(nil)}} // cannot be encoded
			}
			return d
		}})
		s := newShop(t, kind, content.Orphan, func(spec *connectors.Spec[settings]) { spec.Types = append(spec.Types, typ) })
		notes := s.stream("note", true, rows(&note{Key: "1", Name: "plain"}, &note{Key: "2", Name: "odd"}, &note{Key: "3", Name: "fine"})...)
		result, task := s.must(connectors.Options{}, notes)
		if diff := cmp.Diff(&connectors.Counts{Seen: 3, Created: 3, Indexed: 2, IndexFailed: 1}, result.Streams["note"]); diff != "" {
			t.Error(diff)
		}
		if got := s.texts("SELECT note_key FROM notes WHERE indexed_at IS NULL"); !slices.Equal(got, []string{"2"}) {
			t.Errorf("queued %v", got)
		}
		if !slices.ContainsFunc(task.Events, func(e string) bool {
			return strings.HasPrefix(e, "warn indexing: note ") && strings.Contains(e, "cannot be indexed and stays queued")
		}) || !slices.Contains(task.Events, "info indexing: 2 records indexed, 1 stay queued") {
			t.Errorf("events %q", task.Events)
		}
		result, _ = s.must(connectors.Options{}, notes)
		if diff := cmp.Diff(&connectors.Counts{Seen: 3, Unchanged: 3, IndexFailed: 1}, result.Streams["note"]); diff != "" {
			t.Error(diff)
		}
		mended = true
		result, _ = s.must(connectors.Options{}, notes)
		if diff := cmp.Diff(&connectors.Counts{Seen: 3, Unchanged: 3, Indexed: 1}, result.Streams["note"]); diff != "" {
			t.Error(diff)
		}
		if got := s.found("odd"); !slices.Equal(got, []string{"odd"}) {
			t.Errorf("found %v", got)
		}
	})
}

func TestTheIndexIsDown(t *testing.T) {
	down := errors.New("the index is down")
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		s.engine.BatchRecords = 2
		flaky := &flakyIndex{Indexer: s.engine.Index}
		s.engine.Index = flaky
		for _, test := range []struct {
			name string
			set  func()
			left int
		}{
			{"Prepare", func() { flaky.prepare = down }, 5},
			{"PutBatch", func() { flaky.put = down }, 5},
			{"a panic", func() { flaky.panics = true }, 5},
			{"Merge", func() { flaky.merge = down }, 0},
		} {
			t.Run(test.name, func(t *testing.T) {
				s.t = t
				s.clear()
				test.set()
				result, task := s.must(connectors.Options{}, s.customers(many(5)...))
				flaky.prepare, flaky.put, flaky.merge, flaky.panics = nil, nil, nil, false
				want := &connectors.Counts{Seen: 5, Created: 5, Indexed: int64(5 - test.left), IndexFailed: int64(test.left)}
				if diff := cmp.Diff(want, result.Streams["customer"]); diff != "" {
					t.Error(diff)
				}
				if got := s.queued(); got != test.left {
					t.Errorf("%d are queued", got)
				}
				if !slices.ContainsFunc(task.Events, func(e string) bool { return strings.HasPrefix(e, "warn indexing: ") }) {
					t.Errorf("events %q", task.Events)
				}
				result, _ = s.must(connectors.Options{}, s.customers(many(5)...))
				if c := result.Streams["customer"]; c.Indexed != int64(test.left) || c.IndexFailed != 0 || c.Unchanged != 5 {
					t.Errorf("%+v", *c)
				}
				if got := s.found("customer"); len(got) != 5 || s.queued() != 0 {
					t.Errorf("found %v, %d queued", got, s.queued())
				}
			})
		}
	})
}

// Without an index, or with one that is to be filled later, records wait. What is
// deleted meanwhile is not found when they are indexed at last.
func TestIndexLater(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		all := many(4)
		s.must(connectors.Options{}, s.customers(all...))
		s.engine.IndexLater = true
		all[0].Name = "Renamed"
		result, _ := s.must(connectors.Options{}, s.customers(append(all[:3:3], &customer{Key: "new", Name: "New"})...))
		if diff := cmp.Diff(&connectors.Counts{Seen: 4, Created: 1, Updated: 1, Unchanged: 2, Deleted: 1}, result.Streams["customer"]); diff != "" {
			t.Error(diff)
		}
		if got := s.queued(); got != 2 {
			t.Errorf("%d are queued", got)
		}
		if got := s.found("customer"); len(got) != 3 { // the deleted one is not among them
			t.Errorf("found %v", got)
		}
		s.engine.IndexLater = false
		result, _ = s.must(connectors.Options{}, s.orders(&order{Key: "o", Name: "Order"}))
		if c := result.Streams["customer"]; c == nil || c.Indexed != 2 {
			t.Errorf("%+v", result.Streams)
		}
		if got := s.found("renamed new"); len(got) != 2 {
			t.Errorf("found %v", got)
		}

		s.engine.Index = nil
		result, _ = s.must(connectors.Options{}, s.customers(append(all[:3:3], &customer{Key: "new", Name: "Newer"})...))
		if c := result.Streams["customer"]; c.Updated != 1 || c.Indexed != 0 || s.queued() != 1 {
			t.Errorf("%+v, %d queued", *c, s.queued())
		}
	})
}

// Another import changes and deletes records while they are being prepared for
// the index: what is indexed is what is stored.
func TestRecordsThatChangeWhileTheyArePrepared(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		s := newShop(t, kind, content.Orphan)
		s.engine.IndexLater = true
		s.must(connectors.Options{}, s.customers(many(6)...))
		s.engine.IndexLater = false
		flaky := &flakyIndex{Indexer: s.engine.Index}
		s.engine.Index = flaky
		flaky.before = func() {
			s.exec("UPDATE customers SET name = ?, document_hash = ? WHERE customer_key = ?", "Meanwhile", []byte("another"), "c00001")
			s.exec("UPDATE customers SET deleted_at = updated_at WHERE customer_key = ?", "c00002")
		}
		s.must(connectors.Options{}, s.orders())
		if n := s.queued(); n != 0 {
			t.Errorf("%d are queued", n)
		}
		if got := s.found("meanwhile"); !slices.Equal(got, []string{"Meanwhile"}) {
			t.Errorf("found %v", got)
		}
		if n := s.count("SELECT count(*) FROM search_chunks"); n != 5 {
			t.Errorf("%d chunks", n)
		}
	})
}
