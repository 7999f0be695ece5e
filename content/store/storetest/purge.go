package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// rows counts the rows of a type, deleted ones included.
func (w *World) rows(t testing.TB, typ *content.Type) (n int) {
	t.Helper()
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM %q WHERE organization_id = ?", typ.Table()), w.ID(t)).Scan(&n)
	})
	return n
}

// Purge purges what was deleted before a time.
func (w *World) Purge(t testing.TB, typ *content.Type, before time.Time) int64 {
	t.Helper()
	n, err := w.Store.Purge(context.Background(), w.Scope, typ, before, w.DB.Write)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func purgeRemoves(t *testing.T, w *World) {
	const n = 1200 // more than one chunk
	other := w.Fresh(t)
	other.Put(t, w.Company, companies(2)...)
	other.Delete(t, w.Company, "c00000")
	rows := companies(n + 3)
	w.Put(t, w.Company, rows...)
	ids := make([]string, n)
	for i := range ids {
		ids[i] = content.RecordOf(rows[i]).ID
	}
	begun := time.Now()
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		_, err := w.Store.Delete(ctx, tx, w.Scope, w.Company, ids)
		return err
	})
	same(t, "purged too early", int64(0), w.Purge(t, w.Company, begun.Add(-time.Second)))
	same(t, "purged", int64(n), w.Purge(t, w.Company, time.Now().Add(time.Second)))
	same(t, "purged again", int64(0), w.Purge(t, w.Company, time.Now().Add(time.Hour)))
	same(t, "left", 3, w.rows(t, w.Company))
	same(t, "theirs", 2, other.rows(t, w.Company))
	before := ids[0]
	w.Put(t, w.Company, companies(1)...)
	if w.IDs(t, w.Company, "c00000")[0] == before {
		t.Error("a purged record comes back under its id")
	}
}

func purgeLinks(t *testing.T, w *World) {
	later := time.Now().Add(time.Hour)
	w.Put(t, w.Company, companies(2)...)
	w.below(t, w.Person, [2]string{"a", "c00000"}, [2]string{"b", "c00001"}, [2]string{"gone", "c00000"})
	w.Delete(t, w.Person, "gone")
	w.below(t, w.Folder, [2]string{"x", "y"}, [2]string{"y", "x"}, [2]string{"z", "x"})
	w.Index(t, w.Person)
	w.Delete(t, w.Company, "c00000")
	same(t, "companies", int64(1), w.Purge(t, w.Company, later))
	same(t, "links", map[string]string{"a": "-", "b": "c00001"}, w.ups(t, w.Person, w.Company))
	same(t, "their keys", "c00000", w.Get(t, w.Person, "a").(*Person).Above)
	same(t, "queued, for the link is gone", []string{"a"}, w.Index(t, w.Person))
	same(t, "links changed while it is away", int64(0), w.Link(t, w.Person))
	w.Put(t, w.Company, companies(1)...)
	w.Link(t, w.Person)
	same(t, "when it is back", map[string]string{"a": "c00000", "b": "c00001"}, w.ups(t, w.Person, w.Company))
	w.Delete(t, w.Folder, "x")
	same(t, "folders in a circle", int64(3), w.Purge(t, w.Folder, later))
}

func purgeRestored(t *testing.T, w *World) {
	w.Put(t, w.Company, companies(2)...)
	id := w.IDs(t, w.Company, "c00000")[0]
	w.Delete(t, w.Company, "c00000", "c00001")
	w.Put(t, w.Company, companies(1)...)
	same(t, "purged", int64(1), w.Purge(t, w.Company, time.Now().Add(time.Hour)))
	same(t, "left", "c00000", w.alive(t, w.Company))
	same(t, "id", id, w.IDs(t, w.Company, "c00000")[0])
}
