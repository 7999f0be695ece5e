package storetest

import (
	"context"
	"errors"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

func getFinds(t *testing.T, w *World) {
	w.Put(t, w.Company, companies(3)...)
	want := w.Get(t, w.Company, "c00001")
	got, err := w.Store.Get(context.Background(), w.Scope, w.Company, content.RecordOf(want).ID)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "by id and by key", want.(*Company).Name, got.(*Company).Name)
	same(t, "record", *content.RecordOf(want), *content.RecordOf(got))
}

func getNothing(t *testing.T, w *World) {
	ctx := context.Background()
	other := w.Fresh(t)
	other.Put(t, w.Company, &Company{Key: "theirs", Name: "x"})
	w.Put(t, w.Company, &Company{Key: "gone", Name: "x"})
	w.Batch(t, w.Company, store.Batch{Instance: "one", Rows: []content.Row{&Company{Key: "elsewhere", Name: "x"}}})
	ids := append(w.IDs(t, w.Company, "gone"), other.IDs(t, w.Company, "theirs")...)
	w.Delete(t, w.Company, "gone")
	for _, id := range append(ids, "", "x", "a\x00b", "\xff", "' OR 1=1 --") {
		if row, err := w.Store.Get(ctx, w.Scope, w.Company, id); !errors.Is(err, content.ErrNotFound) || row != nil {
			t.Errorf("id %q: %v %v", id, row, err)
		}
	}
	for _, key := range []string{"gone", "theirs", "elsewhere", "", "a\x00b", "\xff", "GONE"} {
		if row, err := w.Store.GetByKey(ctx, w.Scope, w.Company, "", key); !errors.Is(err, content.ErrNotFound) || row != nil {
			t.Errorf("key %q: %v %v", key, row, err)
		}
	}
	if _, err := w.Store.GetByKey(ctx, w.Scope, w.Company, "\x00", "elsewhere"); !errors.Is(err, content.ErrNotFound) {
		t.Errorf("impossible instance: %v", err)
	}
}
