package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

func upsertCounts(t *testing.T, w *World) {
	rows := func(second string) []content.Row {
		return []content.Row{&Company{Key: "a", Name: "A"}, &Company{Key: "b", Name: second}, &Company{Key: "a", Name: "A"}}
	}
	same(t, "new", store.Counts{Created: 2, Duplicates: 1}, w.Put(t, w.Company, rows("B")...))
	same(t, "again", store.Counts{Unchanged: 2, Duplicates: 1}, w.Put(t, w.Company, rows("B")...))
	same(t, "changed", store.Counts{Updated: 1, Unchanged: 1, Duplicates: 1}, w.Put(t, w.Company, rows("Bee")...))
	same(t, "stored", []string{"a", "b"}, w.Keys(t, w.Company, store.Query{}))
	same(t, "title", "Bee", w.Get(t, w.Company, "b").(*Company).Name)
}

// full has a value in every field.
func full() *Company {
	at := time.Date(2026, 3, 4, 5, 6, 7, 891000, time.UTC)
	day := time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)
	c := &Company{Key: "full", Name: "Ünï \"quoted\" %_\\ 'single' 😀", About: new("text\nwith lines\ttabs"), Kind: new(""), Rank: new(int64(-1 << 63)), Group: new("g"), User: "u",
		Revenue: new(0.1), Staff: 1<<62 + 1, Active: new(false), Public: true, Founded: &day, Seen: &at, Address: &Address{Street: "1 \"Main\" St\\", City: "Ōsaka"},
		Tags: map[string]any{"a": []any{1.5, "x", nil, true}, "": map[string]any{}}, Note: new("note"), Secret: new("s3cret"), Above: new("full")}
	c.Raw = []byte("any bytes \x00\xff{")
	return c
}

func upsertKinds(t *testing.T, w *World) {
	none := &Company{Key: "none", Name: "none"}
	w.Put(t, w.Company, full(), none)
	for _, want := range []*Company{full(), none} {
		got := w.Get(t, w.Company, want.Key).(*Company)
		raw := got.Raw
		got.Record, want.Record.ID = content.Record{}, ""
		if d := cmp.Diff(want, got, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Record" }, cmp.Ignore())); d != "" {
			t.Errorf("%s (-put +got):\n%s", want.Key, d)
		}
		if string(raw) != string(want.Raw) {
			t.Errorf("%s: the payload comes back as %q", want.Key, raw)
		}
	}
}

func upsertRecord(t *testing.T, w *World) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6789, time.UTC)
	stored := func(key string) content.Record {
		r := *content.RecordOf(w.Get(t, w.Company, key))
		r.Raw = nil
		return r
	}
	rows := func() []content.Row {
		return []content.Row{&Company{Key: "a", Name: "A"}, &Company{Key: "b", Name: "B"}}
	}
	hold := func(what string, rows []content.Row) {
		t.Helper()
		for _, row := range rows {
			r := *content.RecordOf(row)
			same(t, what+": record of "+w.Company.KeyOf(row), stored(w.Company.KeyOf(row)), r)
			if id, err := uuid.Parse(r.ID); err != nil || id.Version() != 7 || r.OrganizationID != w.ID(t) || len(r.RowHash) != 16 || len(r.DocumentHash) != 16 {
				t.Errorf("%s: %+v", what, r)
			}
		}
	}
	first := rows()
	w.Batch(t, w.Company, store.Batch{Rows: first, Time: at.Add(time.Nanosecond).In(time.FixedZone("x", 3600))})
	hold("created", first)
	if r := stored("a"); r.CreatedAt != at.Truncate(time.Microsecond) || r.UpdatedAt != r.CreatedAt || r.IndexedAt != nil || r.DeletedAt != nil {
		t.Errorf("created: %+v", r)
	}
	w.Index(t, w.Company)
	again := rows()
	again[1].(*Company).Note = new("changed")
	w.Batch(t, w.Company, store.Batch{Rows: again, Time: at.Add(time.Hour)})
	hold("unchanged and updated", again)
	now := time.Now()
	w.Put(t, w.Company, &Company{Key: "c", Name: "C"})
	if r := stored("c"); r.CreatedAt.Sub(now).Abs() > time.Minute || r.CreatedAt.Location() != time.UTC {
		t.Errorf("the default time is %v at %v", r.CreatedAt, now)
	}
}

func upsertDuplicates(t *testing.T, w *World) {
	n := w.Put(t, w.Company, &Company{Key: "x", Name: "first"}, &Company{Key: "y", Name: "y"}, &Company{Key: "x", Name: "second"}, &Company{Key: "x", Name: "third"})
	same(t, "counts", store.Counts{Created: 2, Duplicates: 2}, n)
	same(t, "name", "third", w.Get(t, w.Company, "x").(*Company).Name)
}

func upsertKeeps(t *testing.T, w *World) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w.Batch(t, w.Company, store.Batch{Rows: []content.Row{&Company{Key: "a", Name: "A"}}, Time: at})
	before := *content.RecordOf(w.Get(t, w.Company, "a"))
	w.Batch(t, w.Company, store.Batch{Rows: []content.Row{&Company{Key: "a", Name: "B"}}, Time: at.Add(time.Hour)})
	after := *content.RecordOf(w.Get(t, w.Company, "a"))
	if after.ID != before.ID || after.CreatedAt != at || after.UpdatedAt != at.Add(time.Hour) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	w.Batch(t, w.Company, store.Batch{Rows: []content.Row{&Company{Key: "a", Name: "B"}}, Time: at.Add(2 * time.Hour)})
	same(t, "an unchanged record", after, *content.RecordOf(w.Get(t, w.Company, "a")))
}

func upsertQueues(t *testing.T, w *World) {
	for _, c := range []struct {
		what   string
		change func(*Company)
		queued bool
	}{
		{"nothing", func(*Company) {}, false},
		{"a plain field", func(c *Company) { c.Note = new("changed") }, false},
		{"a hidden field", func(c *Company) { c.Secret = new("changed") }, false},
		{"the payload", func(c *Company) { c.Raw = []byte("changed") }, false},
		{"the title", func(c *Company) { c.Name = "changed" }, true},
		{"the text", func(c *Company) { c.About = new("changed") }, true},
		{"a facet", func(c *Company) { c.Kind = new("changed") }, true},
		{"a filter", func(c *Company) { c.Staff = 7 }, true},
		{"a value that becomes empty", func(c *Company) { c.Revenue = nil }, true},
	} {
		row := full()
		row.Key, row.Above = c.what, nil
		w.Put(t, w.Company, row)
		w.Index(t, w.Company)
		changed := full()
		changed.Key, changed.Above = c.what, nil
		c.change(changed)
		n := w.Put(t, w.Company, changed)
		if (n.Updated == 1) != (c.what != "nothing") {
			t.Errorf("%s: %+v", c.what, n)
		}
		if queued := len(w.Index(t, w.Company)) == 1; queued != c.queued {
			t.Errorf("a change of %s: queued %v", c.what, queued)
		}
	}
	// What waits already goes on waiting.
	w.Put(t, w.Company, &Company{Key: "waits", Name: "x"})
	w.Put(t, w.Company, &Company{Key: "waits", Name: "x", Note: new("changed")})
	same(t, "queue", []string{"waits"}, w.Index(t, w.Company))
}

func upsertVersion(t *testing.T, w *World) {
	rows := func() []content.Row { return companies(3) }
	w.Batch(t, w.Company, store.Batch{Rows: rows()})
	w.Index(t, w.Company)
	same(t, "version 1", store.Counts{Updated: 3}, w.Batch(t, w.Company, store.Batch{Rows: rows(), Version: 1}))
	same(t, "queue", []string(nil), w.Index(t, w.Company))
	same(t, "version 1 again", store.Counts{Unchanged: 3}, w.Batch(t, w.Company, store.Batch{Rows: rows(), Version: 1}))
}

func upsertRestores(t *testing.T, w *World) {
	row := func() content.Row { return &Company{Key: "a", Name: "A"} }
	w.Put(t, w.Company, row())
	w.Index(t, w.Company)
	before := *content.RecordOf(w.Get(t, w.Company, "a"))
	w.Delete(t, w.Company, "a")
	if w.Get(t, w.Company, "a") != nil {
		t.Fatal("a deleted record is there")
	}
	same(t, "counts", store.Counts{Updated: 1}, w.Put(t, w.Company, row()))
	after := content.RecordOf(w.Get(t, w.Company, "a"))
	if after.ID != before.ID || after.CreatedAt != before.CreatedAt || string(after.RowHash) != string(before.RowHash) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	same(t, "queue", []string{"a"}, w.Index(t, w.Company))
}

func upsertInstances(t *testing.T, w *World) {
	for i, instance := range []string{"", "one", "two", "One"} {
		n := w.Batch(t, w.Company, store.Batch{Instance: instance, Rows: []content.Row{&Company{Key: "a", Name: "of " + instance}}})
		same(t, "counts of "+instance, store.Counts{Created: 1}, n)
		same(t, "records", i+1, len(w.Keys(t, w.Company, store.Query{})))
		row, err := w.Store.GetByKey(context.Background(), w.Scope, w.Company, instance, "a")
		if err != nil || row.(*Company).Name != "of "+instance || content.RecordOf(row).Instance != instance {
			t.Errorf("%q: %v %v", instance, row, err)
		}
	}
}

func upsertOrganizations(t *testing.T, w *World) {
	other := w.Fresh(t)
	w.Put(t, w.Company, &Company{Key: "a", Name: "ours"})
	same(t, "their first", store.Counts{Created: 1}, other.Put(t, w.Company, &Company{Key: "a", Name: "theirs"}))
	same(t, "our second", store.Counts{Updated: 1}, w.Put(t, w.Company, &Company{Key: "a", Name: "still ours"}))
	other.Delete(t, w.Company, "a")
	same(t, "ours", "still ours", w.Get(t, w.Company, "a").(*Company).Name)
	if other.Get(t, w.Company, "a") != nil {
		t.Error("theirs is not deleted")
	}
}

func upsertKept(t *testing.T, w *World) {
	w.Put(t, w.Company, &Company{Key: "up", Name: "Up"}, &Company{Key: "a", Name: "A", Above: new("up"), Folder: new("an import must not set it")})
	w.Link(t, w.Company)
	id := w.IDs(t, w.Company, "a")[0]
	if got := w.Get(t, w.Company, "a").(*Company); got.Folder != nil {
		t.Errorf("an import set a kept field to %q", *got.Folder)
	}
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE "table" SET linked_folder = ? WHERE id = ?`, "by hand", id)
		return err
	})
	same(t, "unchanged", store.Counts{Unchanged: 1}, w.Put(t, w.Company, &Company{Key: "a", Name: "A", Above: new("up")}))
	same(t, "changed", store.Counts{Updated: 1}, w.Put(t, w.Company, &Company{Key: "a", Name: "B", Above: new("up"), ParentID: new("an import must not set it")}))
	got := w.Get(t, w.Company, "a").(*Company)
	if got.Folder == nil || *got.Folder != "by hand" || got.ParentID == nil || *got.ParentID != w.IDs(t, w.Company, "up")[0] {
		t.Errorf("after an import: %+v", got)
	}
}

func upsertMany(t *testing.T, w *World) {
	const n = 1601 // of 28 columns, which is two statements at the least
	same(t, "new", store.Counts{Created: n}, w.Put(t, w.Company, companies(n)...))
	same(t, "again", store.Counts{Unchanged: n}, w.Put(t, w.Company, companies(n)...))
	changed := companies(n)
	for i := 0; i < n; i += 2 {
		changed[i].(*Company).Name += " changed"
	}
	same(t, "changed", store.Counts{Updated: (n + 1) / 2, Unchanged: n / 2}, w.Put(t, w.Company, changed...))
	total, err := w.Store.Count(context.Background(), w.Scope, w.Company)
	if err != nil || total != n {
		t.Errorf("%d of %d stored, %v", total, n, err)
	}
}

func upsertNothing(t *testing.T, w *World) {
	same(t, "counts", store.Counts{}, w.Put(t, w.Company))
}

func upsertRollback(t *testing.T, w *World) {
	w.Put(t, w.Company, &Company{Key: "old", Name: "Old"})
	w.Index(t, w.Company)
	before := w.Get(t, w.Company, "old")
	wrong := errors.New("changed my mind")
	if err := w.DB.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		_, err := w.Store.Upsert(ctx, tx, w.Scope, w.Company, store.Batch{Rows: []content.Row{&Company{Key: "old", Name: "New"}, &Company{Key: "new", Name: "New"}}})
		return errors.Join(err, wrong)
	}); !errors.Is(err, wrong) {
		t.Fatal(err)
	}
	same(t, "records", []string{"old"}, w.Keys(t, w.Company, store.Query{}))
	if d := cmp.Diff(before, w.Get(t, w.Company, "old"), cmp.AllowUnexported(content.Record{})); d != "" {
		t.Error(d)
	}
}

func upsertRefuses(t *testing.T, w *World) {
	good := &Company{Key: "good", Name: "Good"}
	for what, b := range map[string]store.Batch{
		"an empty key":            {Rows: []content.Row{good, &Company{Name: "x"}}},
		"a long key":              {Rows: []content.Row{good, &Company{Key: strings.Repeat("x", 256), Name: "x"}}},
		"a key with NUL":          {Rows: []content.Row{good, &Company{Key: "a\x00b", Name: "x"}}},
		"a key that is not UTF-8": {Rows: []content.Row{good, &Company{Key: "a\xff", Name: "x"}}},
		"a long facet":            {Rows: []content.Row{good, &Company{Key: "a", Name: "x", Kind: new(strings.Repeat("x", 1025))}}},
		"a row of another type":   {Rows: []content.Row{good, &Person{}}},
		"nil":                     {Rows: []content.Row{nil}},
		"a long instance":         {Rows: []content.Row{good}, Instance: strings.Repeat("x", 256)},
		"an instance with NUL":    {Rows: []content.Row{good}, Instance: "\x00"},
		"a time out of range":     {Rows: []content.Row{good}, Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if _, err := w.Try(w.Company, b); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%s: %v", what, err)
		}
	}
	unknown := content.Define(content.Spec[Company]{Name: "stranger", Label: "Stranger"})
	if _, err := w.Try(unknown, store.Batch{Rows: []content.Row{good}}); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("a type that is not registered: %v", err)
	}
	same(t, "stored", []string(nil), w.Keys(t, w.Company, store.Query{}))
}

func upsertHash(t *testing.T, w *World) {
	put := func(name, hash string) store.Counts {
		t.Helper()
		return w.Batch(t, w.Company, store.Batch{Rows: []content.Row{&Company{Key: "a", Name: name}, &Company{Key: "b", Name: name}},
			Hash: func(row content.Row) []byte { return []byte(hash + w.Company.KeyOf(row)) }})
	}
	same(t, "new", store.Counts{Created: 2}, put("A", "1"))
	same(t, "another row under the same hash", store.Counts{Unchanged: 2}, put("B", "1"))
	same(t, "the same row under another hash", store.Counts{Updated: 2}, put("A", "2"))
	w.Put(t, w.Company, &Company{Key: "gone", Name: "x"})
	w.Delete(t, w.Company, "gone")
	w.Fresh(t).Put(t, w.Company, &Company{Key: "theirs", Name: "x"})
	w.Batch(t, w.Company, store.Batch{Instance: "one", Rows: []content.Row{&Company{Key: "elsewhere", Name: "x"}}})
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		hashes, err := w.Store.RowHashes(ctx, tx, w.Scope, w.Company, "", []string{"a", "b", "b", "gone", "theirs", "elsewhere", "ghost", "", "\x00", "\xff"})
		same(t, "hashes", map[string][]byte{"a": []byte("2a"), "b": []byte("2b")}, hashes)
		return err
	})
}

// What Index could not take waits; what it took is marked in the same write.
func upsertIndex(t *testing.T, w *World) {
	var given []string
	failed := errors.New("no room")
	put := func(fail error, rows ...content.Row) error {
		given = nil
		_, err := w.Try(w.Company, store.Batch{Rows: rows, Index: func(_ context.Context, documents []content.Document) func(context.Context) ([]string, error) {
			return func(context.Context) ([]string, error) {
				bad := []string{"ghost"}
				for _, d := range documents {
					given = append(given, d.Filename)
					if d.Title == "bad" {
						bad = append(bad, d.ID)
					}
				}
				return bad, fail
			}
		}})
		return err
	}
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	rows := func() []content.Row {
		return []content.Row{&Company{Key: "a", Name: "A"}, &Company{Key: "b", Name: "bad"}, &Company{Key: "c", Name: "C"}, &Company{Key: "c", Name: "C"}}
	}
	ok(put(nil, rows()...))
	same(t, "new ones", []string{"a", "b", "c"}, given)
	same(t, "waiting", 1, len(w.pending(t, w.Company)))
	if a := content.RecordOf(w.Get(t, w.Company, "a")); a.IndexedAt == nil || *a.IndexedAt != a.UpdatedAt {
		t.Errorf("an indexed record: %+v", a)
	}
	ok(put(nil, rows()...))
	same(t, "unchanged ones", []string(nil), given)
	ok(put(nil, &Company{Key: "a", Name: "A", Note: new("plain")}, &Company{Key: "c", Name: "C+"}))
	same(t, "changed ones", []string{"c"}, given)
	same(t, "waiting", []string{"b"}, w.Index(t, w.Company))
	w.Delete(t, w.Company, "a")
	ok(put(nil, &Company{Key: "a", Name: "bad"}))
	same(t, "a restored one", []string{"a"}, given)
	same(t, "waiting", []string{"a"}, w.Index(t, w.Company))
	ok(put(nil, &Company{Key: "c", Name: "bad"}))
	same(t, "a changed one that cannot be indexed", []string{"c"}, w.Index(t, w.Company))
	if err := put(failed, &Company{Key: "new", Name: "x"}); !errors.Is(err, failed) || w.Get(t, w.Company, "new") != nil {
		t.Errorf("%v", err)
	}
}

func upsertConcurrently(t *testing.T, w *World) {
	const writers, keys, rounds = 8, 20, 4
	var mu sync.Mutex
	var total store.Counts
	var group sync.WaitGroup
	for g := range writers {
		group.Go(func() {
			for r := range rounds {
				rows := make([]content.Row, keys)
				for i := range rows {
					k := (i*7 + g) % keys // each in its own order
					rows[i] = &Company{Key: fmt.Sprint("k", k), Name: fmt.Sprint("of ", g, " in ", r)}
				}
				n, err := w.Try(w.Company, store.Batch{Rows: rows})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				total.Created, total.Updated, total.Unchanged = total.Created+n.Created, total.Updated+n.Updated, total.Unchanged+n.Unchanged
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if total.Created != keys || total.Created+total.Updated+total.Unchanged != writers*keys*rounds {
		t.Errorf("%d writers of the same %d keys: %+v", writers, keys, total)
	}
	page, err := w.Store.List(context.Background(), w.Scope, w.Company, store.Query{})
	if err != nil || len(page.Items) != keys {
		t.Fatalf("%d records, %v", len(page.Items), err)
	}
	names := map[string]bool{}
	for _, row := range page.Items {
		names[row.(*Company).Name] = true
	}
	if len(names) != 1 {
		t.Errorf("the last batch is mixed with others: %v", names)
	}
}

// A record that is deleted between the look-up and the write of an Upsert comes
// back queued for indexing: its chunks went with the deletion. On SQLite nothing
// can come between.
func upsertBesideDelete(t *testing.T, w *World) {
	w.Put(t, w.Company, &Company{Key: "a", Name: "A"})
	w.Index(t, w.Company)
	if w.DB.Dialect().Name() == database.SQLite {
		same(t, "queue", []string(nil), w.Index(t, w.Company))
		return
	}
	beside := store.New(w.DB, w.Store.Registry(), w.Auth)
	beside.NewID = func() string { // called for "new", after the look-up
		w.Delete(t, w.Company, "a")
		return store.NewID()
	}
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		_, err := beside.Upsert(ctx, tx, w.Scope, w.Company, store.Batch{Rows: []content.Row{&Company{Key: "a", Name: "A", Note: new("changed")}, &Company{Key: "new", Name: "New"}}})
		return err
	})
	same(t, "queue", []string{"a", "new"}, w.Index(t, w.Company))
}
