package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

func queuePending(t *testing.T, w *World) {
	ctx := context.Background()
	w.Put(t, w.Company, companies(10)...)
	w.Fresh(t).Put(t, w.Company, companies(1)...)
	w.Delete(t, w.Company, "c00003")
	var ids []string
	after := ""
	for {
		rows, err := w.Store.Pending(ctx, w.Scope, w.Company, after, 4)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			ids = append(ids, content.RecordOf(row).ID)
		}
		after = ids[len(ids)-1]
	}
	if len(ids) != 9 || !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != 9 {
		t.Errorf("pending: %v", ids)
	}
	same(t, "indexed", 9, len(w.Index(t, w.Company)))
	same(t, "left", []string(nil), w.Index(t, w.Company))
	row := content.RecordOf(w.Get(t, w.Company, "c00001"))
	if row.IndexedAt == nil || row.UpdatedAt != row.CreatedAt {
		t.Errorf("an indexed record: %+v", row)
	}
}

func queueChanged(t *testing.T, w *World) {
	w.Put(t, w.Company, &Company{Key: "same", Name: "x"}, &Company{Key: "noted", Name: "x"}, &Company{Key: "changed", Name: "x"}, &Company{Key: "gone", Name: "x"}, &Company{Key: "back", Name: "x"})
	rows := w.pending(t, w.Company)
	w.Put(t, w.Company, &Company{Key: "changed", Name: "y"}, &Company{Key: "noted", Name: "x", Note: new("plain")})
	w.Delete(t, w.Company, "gone")
	other := w.Fresh(t)
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		if err := w.Store.SetIndexed(ctx, tx, other.Scope, w.Company, rows); err != nil { // another organization
			return err
		}
		return w.Store.SetIndexed(ctx, tx, w.Scope, w.Company, nil)
	})
	same(t, "nothing is set", 4, len(w.pending(t, w.Company)))
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		return w.Store.SetIndexed(ctx, tx, w.Scope, w.Company, rows)
	})
	same(t, "left", []string{"changed"}, w.Index(t, w.Company))
	w.Put(t, w.Company, &Company{Key: "gone", Name: "x"})
	same(t, "restored", []string{"gone"}, w.Index(t, w.Company))
}

func queueAll(t *testing.T, w *World) {
	w.Put(t, w.Company, companies(6)...)
	set := func(rows []content.Row) error {
		return w.DB.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
			return w.Store.SetAllIndexed(ctx, tx, w.Scope, w.Company, rows)
		})
	}
	rows := w.pending(t, w.Company)
	w.Put(t, w.Company, &Company{Key: w.Company.KeyOf(rows[1]), Name: "changed"})
	w.Delete(t, w.Company, w.Company.KeyOf(rows[3]))
	for what, some := range map[string][]content.Row{"one was changed": rows[:3], "one was deleted": rows[2:]} {
		if err := set(some); !errors.Is(err, content.ErrConflict) {
			t.Errorf("%s: %v", what, err)
		}
		same(t, "waiting when "+what, 5, len(w.pending(t, w.Company)))
	}
	if err := set(rows[4:]); err != nil {
		t.Error(err)
	}
	if err := set(rows[4:]); !errors.Is(err, content.ErrConflict) {
		t.Errorf("marked twice: %v", err)
	}
	if err := set(nil); err != nil {
		t.Errorf("nothing: %v", err)
	}
	same(t, "waiting at last", 3, len(w.pending(t, w.Company)))
}
