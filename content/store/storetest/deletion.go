package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// alive returns the keys of the records of a type that are not deleted.
func (w *World) alive(t testing.TB, typ *content.Type) string {
	t.Helper()
	keys := w.Keys(t, typ, store.Query{Limit: 10_000})
	slices.Sort(keys)
	return strings.Join(keys, " ")
}

func deleteHides(t *testing.T, w *World) {
	ctx := context.Background()
	w.Put(t, w.Company, companies(2)...)
	w.Index(t, w.Company)
	ids := w.IDs(t, w.Company, "c00000", "c00001")
	d := w.Delete(t, w.Company, "c00000")
	same(t, "deleted", store.Deletion{Deleted: map[string]int64{"company": 1}, ByParent: []store.Deleted{{Type: w.Company, IDs: ids[:1]}}}.Deleted, d.Deleted)
	same(t, "ids", ids[:1], d.ByParent[0].IDs)
	if _, err := w.Store.Get(ctx, w.Scope, w.Company, ids[0]); !errors.Is(err, content.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if w.Get(t, w.Company, "c00000") != nil {
		t.Error("GetByKey finds it")
	}
	same(t, "List", "c00001", w.alive(t, w.Company))
	same(t, "with a filter that it matches", []string(nil), w.Keys(t, w.Company, store.Query{Any: []content.Filter{filter("staff", content.Equal, "0"), filter("id", content.Equal, ids[0])}}))
	if _, page, err := w.Store.Select(ctx, w.Scope, w.Company, []string{"id"}, store.Query{Total: true}); err != nil || len(page.Items) != 1 || page.Total != 1 {
		t.Errorf("Select: %+v %v", page, err)
	}
	if n, err := w.Store.Count(ctx, w.Scope, w.Company); n != 1 || err != nil {
		t.Errorf("Count: %d %v", n, err)
	}
	if g, err := w.Store.Groups(ctx, w.Scope, w.Company, "staff", ""); len(g) != 1 || err != nil {
		t.Errorf("Groups: %v %v", g, err)
	}
	if s, err := w.Store.Stats(ctx, w.Scope, w.Company); s["total"] != int64(1) || err != nil {
		t.Errorf("Stats: %v %v", s, err)
	}
	if got, err := w.Store.IDs(ctx, w.Scope, w.Company); len(got) != 1 || err != nil {
		t.Errorf("IDs: %v %v", got, err)
	}
	same(t, "Pending", 0, len(w.pending(t, w.Company)))
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		got, err := w.Store.IDsByKey(ctx, tx, w.Scope, w.Company, "", []string{"c00000", "c00001", "x", "\x00", "\xff"})
		same(t, "IDsByKey", map[string]string{"c00001": ids[1]}, got)
		return err
	})
}

func deleteOrphans(t *testing.T, w *World) {
	w.Put(t, w.Company, companies(2)...)
	w.below(t, w.Person, [2]string{"a", "c00000"}, [2]string{"b", "c00001"})
	d := w.Delete(t, w.Company, "c00000")
	same(t, "deleted", map[string]int64{"company": 1}, d.Deleted)
	same(t, "people", "a b", w.alive(t, w.Person))
	same(t, "their links", map[string]string{"a": "c00000", "b": "c00001"}, w.ups(t, w.Person, w.Company))
}

func deleteCascades(t *testing.T, w *World) {
	w.Put(t, w.Company, companies(2)...)
	w.below(t, w.Contract, [2]string{"x", "c00000"}, [2]string{"y", "c00000"}, [2]string{"z", "c00001"}, [2]string{"gone", "c00000"})
	w.below(t, w.Clause, [2]string{"1", "x"}, [2]string{"2", "x"}, [2]string{"3", "y"}, [2]string{"4", "z"}, [2]string{"5", "gone"})
	w.Delete(t, w.Contract, "gone")
	w.Put(t, w.Clause, &Clause{Node: Node{Key: "5", Name: "the 5", Above: "gone"}}) // below a deleted one
	d := w.Delete(t, w.Company, "c00000")
	same(t, "deleted", map[string]int64{"company": 1, "contract": 2, "clause": 3}, d.Deleted)
	var order []string
	for _, p := range d.ByParent {
		order = append(order, fmt.Sprint(p.Type.Name(), " ", len(p.IDs)))
	}
	same(t, "by type", []string{"company 1", "contract 2", "clause 3"}, order)
	same(t, "left", "c00001, z, 4 5", strings.Join([]string{w.alive(t, w.Company), w.alive(t, w.Contract), w.alive(t, w.Clause)}, ", "))

	w.below(t, w.Folder, [2]string{"self", "self"}, [2]string{"a", "c"}, [2]string{"b", "a"}, [2]string{"c", "b"}, [2]string{"below", "b"}, [2]string{"apart", ""})
	same(t, "a circle of one", map[string]int64{"folder": 1}, w.Delete(t, w.Folder, "self").Deleted)
	same(t, "a circle of three and one below", map[string]int64{"folder": 4}, w.Delete(t, w.Folder, "b").Deleted)
	same(t, "folders", "apart", w.alive(t, w.Folder))
	var chain [][2]string
	for i := range 50 {
		chain = append(chain, [2]string{fmt.Sprint(i), fmt.Sprint(i - 1)})
	}
	w.below(t, w.Folder, chain...)
	same(t, "a chain, from two places", map[string]int64{"folder": 50}, w.Delete(t, w.Folder, "30", "0").Deleted)
}

func deleteBlocked(t *testing.T, w *World) {
	w.Put(t, w.Company, companies(3)...)
	w.below(t, w.Contract, [2]string{"x", "c00000"}, [2]string{"y", "c00000"}, [2]string{"z", "c00001"})
	w.below(t, w.Clause, [2]string{"1", "x"}, [2]string{"2", "y"})
	w.below(t, w.Invoice, [2]string{"i", "x"}, [2]string{"old", "z"})
	w.Delete(t, w.Invoice, "old")
	ids := w.IDs(t, w.Contract, "x", "y")
	d := w.Delete(t, w.Contract, "x", "y", "x", "y")
	same(t, "blocked", ids[:1], d.Blocked)
	same(t, "the others", map[string]int64{"contract": 1, "clause": 1}, d.Deleted)
	w.below(t, w.Contract, [2]string{"y", "c00000"})
	// A contract that stays keeps its company, and then nothing of it goes.
	ids = w.IDs(t, w.Company, "c00000")
	d = w.Delete(t, w.Company, "c00000", "c00001", "c00002")
	same(t, "blocked from below", ids, d.Blocked)
	same(t, "the others", map[string]int64{"company": 2, "contract": 1}, d.Deleted)
	same(t, "left", "c00000, x y, 1", strings.Join([]string{w.alive(t, w.Company), w.alive(t, w.Contract), w.alive(t, w.Clause)}, ", "))
	w.Delete(t, w.Invoice, "i")
	same(t, "when the invoice is gone", map[string]int64{"company": 1, "contract": 2, "clause": 1}, w.Delete(t, w.Company, "c00000").Deleted)

	w.below(t, w.Task, [2]string{"self", "self"}, [2]string{"a", ""}, [2]string{"b", "a"}, [2]string{"c", "b"}, [2]string{"d", "a"})
	ids = w.IDs(t, w.Task, "a")
	same(t, "alone", ids, w.Delete(t, w.Task, "a").Blocked)
	d = w.Delete(t, w.Task, "a", "b", "c") // d still stands below a
	same(t, "with some of its children", ids, d.Blocked)
	same(t, "those go", map[string]int64{"task": 2}, d.Deleted)
	d = w.Delete(t, w.Task, "d", "a", "self")
	if len(d.Blocked) != 0 || d.Deleted["task"] != 3 {
		t.Errorf("with all of its children: %+v", d)
	}
}

func deleteWould(t *testing.T, w *World) {
	w.Put(t, w.Company, companies(4)...)
	w.below(t, w.Contract, [2]string{"x", "c00000"}, [2]string{"y", "c00001"}, [2]string{"z", "c00001"})
	w.below(t, w.Clause, [2]string{"1", "x"}, [2]string{"2", "y"})
	w.below(t, w.Invoice, [2]string{"i", "x"})
	w.below(t, w.Folder, [2]string{"a", "c"}, [2]string{"b", "a"}, [2]string{"c", "b"}, [2]string{"d", "d"})
	w.below(t, w.Task, [2]string{"a", ""}, [2]string{"b", "a"}, [2]string{"c", "b"})
	for _, c := range []struct {
		typ  *content.Type
		keys []string
	}{{w.Company, []string{"c00000", "c00001", "c00002"}}, {w.Folder, []string{"b", "d"}}, {w.Task, []string{"a", "c"}}, {w.Contract, []string{"x"}}} {
		ids := w.IDs(t, c.typ, c.keys...)
		w.Write(t, func(ctx context.Context, tx *database.Tx) error {
			before, err := w.Store.WouldDelete(ctx, tx, w.Scope, c.typ, ids)
			if err != nil {
				return err
			}
			again, err := w.Store.WouldDelete(ctx, tx, w.Scope, c.typ, ids)
			if err != nil {
				return err
			}
			did, err := w.Store.Delete(ctx, tx, w.Scope, c.typ, ids)
			same(t, "would, asked again", describe(before), describe(again))
			same(t, "would and did", describe(before), describe(did))
			return err
		})
	}
	same(t, "left", "c00000 c00003, x, 1, , a b", strings.Join([]string{w.alive(t, w.Company), w.alive(t, w.Contract), w.alive(t, w.Clause), w.alive(t, w.Folder), w.alive(t, w.Task)}, ", "))
}

func describe(d store.Deletion) string {
	var b strings.Builder
	fmt.Fprint(&b, d.Deleted, d.Blocked)
	for _, p := range d.ByParent {
		fmt.Fprint(&b, " ", p.Type.Name(), p.IDs)
	}
	return b.String()
}

func deleteForeign(t *testing.T, w *World) {
	other := w.Fresh(t)
	other.Put(t, w.Company, companies(1)...)
	w.Put(t, w.Company, companies(2)...)
	ids := append(w.IDs(t, w.Company, "c00000"), other.IDs(t, w.Company, "c00000")...)
	w.Delete(t, w.Company, "c00000")
	before := w.deletedAt(t, ids[0])
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		for _, list := range [][]string{nil, {}, append(ids, "", "ghost", "a\x00", "\xff")} {
			d, err := w.Store.Delete(ctx, tx, w.Scope, w.Company, list)
			if err != nil || len(d.Deleted) != 0 || len(d.Blocked) != 0 || len(d.ByParent) != 0 {
				t.Errorf("%+v %v", d, err)
			}
		}
		return nil
	})
	same(t, "ours", "c00001", w.alive(t, w.Company))
	same(t, "theirs", "c00000", other.alive(t, w.Company))
	same(t, "deleted_at of what was deleted", before, w.deletedAt(t, ids[0]))
}

func (w *World) deletedAt(t testing.TB, id string) (at string) {
	t.Helper()
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, `SELECT CAST(deleted_at AS TEXT) FROM "table" WHERE id = ?`, id).Scan(&at)
	})
	return at
}

// Links inside an organization do not stand in the way of removing it.
func deleteOrganization(t *testing.T, w *World) {
	other := w.Fresh(t)
	for _, w := range []*World{w, other} {
		w.Put(t, w.Company, companies(2)...)
		w.below(t, w.Contract, [2]string{"x", "c00000"})
		w.below(t, w.Clause, [2]string{"1", "x"})
		w.below(t, w.Folder, [2]string{"a", "b"}, [2]string{"b", "a"})
		w.Delete(t, w.Company, "c00001")
	}
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM organizations WHERE id = ?", w.ID(t))
		return err
	})
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		for _, typ := range w.Store.Registry().Types() {
			var n int
			if err := tx.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM %q WHERE organization_id = ?", typ.Table()), w.ID(t)).Scan(&n); err != nil || n != 0 {
				t.Errorf("%d rows of %s are left, %v", n, typ.Name(), err)
			}
		}
		return nil
	})
	same(t, "theirs", "c00000, a b", other.alive(t, w.Company)+", "+other.alive(t, w.Folder))
}
