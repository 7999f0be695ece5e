package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// Run adds a run and returns its id.
func (w *World) Run(t testing.TB) string {
	t.Helper()
	id := store.NewID()
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO runs (id, organization_id, type, queue, label, status, config, created_by, created_at) VALUES (?, ?, 't', 'q', 'l', 'running', '{}', 'me', ?)",
			id, w.ID(t), tx.Dialect().Time(time.Now()))
		return err
	})
	return id
}

// See adds keys to the set of a run.
func (w *World) See(t testing.TB, run string, typ *content.Type, batch int64, keys ...string) (set store.Seen, again []string) {
	t.Helper()
	w.Write(t, func(ctx context.Context, tx *database.Tx) (err error) {
		if set, err = w.Store.OpenSeen(ctx, tx, run, typ); err != nil {
			return err
		}
		again, err = set.Add(ctx, tx, batch, keys)
		slices.Sort(again)
		return err
	})
	return set, again
}

func seenRepeats(t *testing.T, w *World) {
	run := w.Run(t)
	see := func(batch int64, keys ...string) []string {
		t.Helper()
		_, again := w.See(t, run, w.Company, batch, keys...)
		return again
	}
	same(t, "first", []string(nil), see(1, "a", "b"))
	same(t, "the same batch after a crash", []string(nil), see(1, "a", "b"))
	same(t, "a second batch", []string{"b"}, see(2, "b", "c", "é", `"\`))
	same(t, "the same again", []string{"b"}, see(2, "b", "c", "é", `"\`))
	same(t, "a key in two cases", []string(nil), see(3, "A", "É"))
	same(t, "no keys", []string(nil), see(4))
	same(t, "keys that no database holds", []string{`"\`}, see(5, "\x00", "\xff", `"\`))
	_, again := w.See(t, run, w.Person, 9, "a")
	same(t, "of another type", []string(nil), again)
	_, again = w.See(t, w.Run(t), w.Company, 9, "a")
	same(t, "of another run", []string(nil), again)
}

func seenMissing(t *testing.T, w *World) {
	ctx := context.Background()
	other := w.Fresh(t)
	other.Put(t, w.Company, companies(30)...)
	w.Batch(t, w.Company, store.Batch{Instance: "one", Rows: companies(5)})
	w.Put(t, w.Company, companies(30)...)
	w.Delete(t, w.Company, "c00029")
	run := w.Run(t)
	var keys []string
	for i := 0; i < 30; i += 3 {
		keys = append(keys, fmt.Sprintf("c%05d", i))
	}
	set, _ := w.See(t, run, w.Company, 1, append(keys, "new")...)
	live, unseen, err := w.Store.Unseen(ctx, w.Scope, w.Company, "", set)
	if err != nil || live != 29 || unseen != 19 {
		t.Errorf("%d live, %d unseen, %v", live, unseen, err)
	}
	var chunks []int
	var kept []string
	err = w.Store.EachUnseen(ctx, w.Scope, w.Company, "", set, 8, func(ctx context.Context, ids []string) error {
		chunks, kept = append(chunks, len(ids)), append(kept, ids[0])
		return w.DB.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			_, err := w.Store.Delete(ctx, tx, w.Scope, w.Company, ids[1:])
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "chunks", []int{8, 8, 3}, chunks)
	slices.Sort(keys)
	for _, id := range kept {
		row, err := w.Store.Get(ctx, w.Scope, w.Company, id)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, w.Company.KeyOf(row))
	}
	slices.Sort(keys)
	left := w.Keys(t, w.Company, store.Query{Filters: []content.Filter{filter("company_id", content.NotNull)}, Limit: 100})
	slices.Sort(left)
	same(t, "left, those of the other instance included", len(keys)+5, len(left))
	same(t, "theirs", 30, len(other.Keys(t, w.Company, store.Query{Limit: 100})))
	stop := errors.New("stop")
	if err := w.Store.EachUnseen(ctx, w.Scope, w.Company, "", set, 8, func(context.Context, []string) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
}

func seenLive(t *testing.T, w *World) {
	w.Put(t, w.Company, companies(4)...)
	w.Delete(t, w.Company, "c00001")
	w.Batch(t, w.Company, store.Batch{Instance: "one", Rows: companies(2)})
	w.Fresh(t).Put(t, w.Company, companies(1)...)
	for instance, want := range map[string]int64{"": 3, "one": 2, "two": 0} {
		if n, err := w.Store.Live(context.Background(), w.Scope, w.Company, instance); n != want || err != nil {
			t.Errorf("instance %q: %d, want %d, %v", instance, n, want, err)
		}
	}
}

func seenDrop(t *testing.T, w *World) {
	run := w.Run(t)
	const n = 20_500 // more than one part
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprint("key ", i)
	}
	set, _ := w.See(t, run, w.Company, 1, keys...)
	other, _ := w.See(t, run, w.Person, 1, "a")
	parts := 0
	for more := true; more; parts++ {
		w.Write(t, func(ctx context.Context, tx *database.Tx) (err error) {
			more, err = set.Drop(ctx, tx)
			return err
		})
	}
	want := 1
	if w.DB.Dialect().Name() == database.SQLite {
		want = 2 // so that no transaction is long
	}
	same(t, "parts", want, parts)
	set, again := w.See(t, run, w.Company, 2, keys[:10]...)
	same(t, "a new set", []string(nil), again)
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		var left int
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM run_keys k JOIN run_key_sets s ON s.id = k.set_id WHERE s.run_id = ?", run).Scan(&left); err != nil {
			return err
		}
		same(t, "keys of the run", 11, left)
		for _, s := range []store.Seen{set, other, set} {
			if more, err := s.Drop(ctx, tx); more || err != nil {
				t.Errorf("%v %v", more, err)
			}
		}
		return nil
	})
}
