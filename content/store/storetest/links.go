package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// ups returns the key of the record that each record links to, or "-".
func (w *World) ups(t testing.TB, typ, above *content.Type) map[string]string {
	t.Helper()
	ctx := context.Background()
	page, err := w.Store.List(ctx, w.Scope, typ, store.Query{Limit: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	w.Write(t, func(ctx context.Context, tx *database.Tx) error { // reads of the store do not show what is deleted
		for _, row := range page.Items {
			up := "-"
			if id, _ := typ.Parent().Value(row).(string); id != "" {
				if err := tx.QueryRow(ctx, fmt.Sprintf(`SELECT %q FROM %q WHERE id = ?`, above.Key().Name, above.Table()), id).Scan(&up); err != nil {
					return err
				}
			}
			keys[typ.KeyOf(row)] = up
		}
		return nil
	})
	return keys
}

func linksResolve(t *testing.T, w *World) {
	w.Put(t, w.Company, companies(2)...)
	w.below(t, w.Person, [2]string{"a", "c00000"}, [2]string{"b", "c00001"}, [2]string{"c", ""}, [2]string{"d", "c00000"})
	same(t, "links", map[string]string{"a": "c00000", "b": "c00001", "c": "-", "d": "c00000"}, w.ups(t, w.Person, w.Company))
	same(t, "links changed the second time", int64(0), w.Link(t, w.Person))
}

func linksMove(t *testing.T, w *World) {
	w.Put(t, w.Company, companies(3)...)
	w.below(t, w.Person, [2]string{"a", "c00000"}, [2]string{"b", "c00001"}, [2]string{"c", "c00002"})
	w.Index(t, w.Person)
	w.Put(t, w.Person, &Person{Node: Node{Key: "a", Name: "the a", Above: "c00001"}}, &Person{Node: Node{Key: "b", Name: "the b"}}, &Person{Node: Node{Key: "c", Name: "the c", Above: "c00002"}})
	same(t, "left to resolve", int64(0), w.Link(t, w.Person))
	same(t, "links", map[string]string{"a": "c00001", "b": "-", "c": "c00002"}, w.ups(t, w.Person, w.Company))
	same(t, "queued, for links can be filtered by", []string{"a", "b"}, w.Index(t, w.Person))
	w.Put(t, w.Person, &Person{Node: Node{Key: "a", Name: "the a", Above: "ghost"}})
	same(t, "to nobody", "-", w.ups(t, w.Person, w.Company)["a"])
}

func linksWait(t *testing.T, w *World) {
	w.below(t, w.Person, [2]string{"a", "c00000"}, [2]string{"b", "c00009"})
	same(t, "at first", map[string]string{"a": "-", "b": "-"}, w.ups(t, w.Person, w.Company))
	w.Index(t, w.Person)
	w.Put(t, w.Company, companies(1)...)
	same(t, "links changed", int64(1), w.Link(t, w.Person))
	same(t, "later", map[string]string{"a": "c00000", "b": "-"}, w.ups(t, w.Person, w.Company))
	same(t, "queued, for links can be filtered by", []string{"a"}, w.Index(t, w.Person))
	same(t, "the next import", store.Counts{Unchanged: 1}, w.Put(t, w.Person, &Person{Node: Node{Key: "a", Name: "the a", Above: "c00000"}}))
}

func linksSelf(t *testing.T, w *World) {
	w.below(t, w.Folder, [2]string{"me", "me"}, [2]string{"a", "b"}, [2]string{"b", "a"}, [2]string{"x", "y"}, [2]string{"y", ""})
	same(t, "links", map[string]string{"me": "me", "a": "b", "b": "a", "x": "y", "y": "-"}, w.ups(t, w.Folder, w.Folder))
	w.Put(t, w.Company, companies(1)...)
	w.Delete(t, w.Company, "c00000")
	w.below(t, w.Person, [2]string{"p", "c00000"}) // it may come back, or be purged
	same(t, "to a deleted one", map[string]string{"p": "c00000"}, w.ups(t, w.Person, w.Company))
}

func linksApart(t *testing.T, w *World) {
	ctx := context.Background()
	other := w.Fresh(t)
	other.Put(t, w.Company, companies(1)...)
	w.Batch(t, w.Company, store.Batch{Instance: "one", Rows: companies(1)})
	other.below(t, w.Person, [2]string{"p", ""})
	w.below(t, w.Person, [2]string{"p", "c00000"})
	same(t, "of another organization or instance", map[string]string{"p": "-"}, w.ups(t, w.Person, w.Company))
	w.Batch(t, w.Person, store.Batch{Instance: "one", Rows: []content.Row{&Person{Node: Node{Key: "q", Name: "q", Above: "c00000"}}}})
	same(t, "links changed", int64(0), w.Link(t, w.Person))
	w.Batch(t, w.Company, store.Batch{Instance: "one", Rows: companies(2)[1:]})
	w.Batch(t, w.Person, store.Batch{Instance: "one", Rows: []content.Row{&Person{Node: Node{Key: "r", Name: "r", Above: "c00002"}}}})
	w.Batch(t, w.Company, store.Batch{Instance: "one", Rows: companies(3)[2:]})
	same(t, "links changed in the other instance", int64(0), w.Link(t, w.Person))
	if n, err := w.Store.ResolveLinks(ctx, w.Scope, w.Person, "one", w.DB.Write); n != 1 || err != nil {
		t.Errorf("%d links of the instance, %v", n, err)
	}
	same(t, "of its instance", map[string]string{"p": "-", "q": "c00000", "r": "c00002"}, w.ups(t, w.Person, w.Company))
}

func linksChunks(t *testing.T, w *World) {
	const n = 2500 // more than are written at once
	rows := make([]content.Row, n)
	for i := range rows {
		rows[i] = &Person{Node: Node{Key: fmt.Sprint(i), Name: "x", Above: []string{"up", "missing"}[i%2]}}
	}
	w.Put(t, w.Person, rows...)
	w.Put(t, w.Company, &Company{Key: "up", Name: "x"})
	writes := 0
	count := func(ctx context.Context, do func(context.Context, *database.Tx) error) error {
		writes++
		return w.DB.Write(ctx, do)
	}
	for _, want := range []int64{n / 2, 0} {
		writes = 0
		changed, err := w.Store.ResolveLinks(context.Background(), w.Scope, w.Person, "", count)
		if err != nil || changed != want || writes > 1 || (writes > 0) != (want > 0) {
			t.Errorf("%d links changed in %d transactions, want %d, %v", changed, writes, want, err)
		}
	}
	w.Put(t, w.Company, &Company{Key: "missing", Name: "x"}, &Company{Key: "up", Name: "x"})
	same(t, "links changed later", int64(n/2), w.Link(t, w.Person))
}
