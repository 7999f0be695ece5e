//go:build !race

package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/content/store/storetest"
)

// A table has no statistics right after its first import. Statements over a list
// of keys must not be planned then as joins that compare each record with each
// key, which takes seconds per thousand.
func TestPostgresPlansWithoutStatistics(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it stores tens of thousands of records")
	}
	ctx := context.Background()
	w := storetest.Open(t, databasetest.Open(t, database.Postgres))
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		return tx.Run(ctx, "ALTER TABLE folders SET (autovacuum_enabled = off); ALTER TABLE run_keys SET (autovacuum_enabled = off)")
	})
	const total, batch = 60_000, 2000
	var keys, ids []string
	for i := 0; i < total; i += batch {
		rows := make([]content.Row, batch)
		for j := range rows {
			rows[j] = &storetest.Folder{Node: storetest.Node{Key: fmt.Sprintf("key %09d", i+j), Name: "x", Above: fmt.Sprintf("key %09d", (i+j+total/2)%total)}}
		}
		w.Put(t, w.Folder, rows...)
		for _, row := range rows {
			keys, ids = append(keys, w.Folder.KeyOf(row)), append(ids, content.RecordOf(row).ID)
		}
	}
	const limit = 2 * total // a walk, and not one for each key
	met := func(ctx context.Context, tx *database.Tx) (rows int, err error) {
		err = tx.QueryRow(ctx, "SELECT sum(seq_tup_read + COALESCE(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables WHERE schemaname = ?", "public").Scan(&rows)
		return rows, err
	}
	// reads runs a statement and holds the rows that it met against what it needs.
	reads := func(what string, do func(ctx context.Context, tx *database.Tx) error) {
		t.Helper()
		w.Write(t, func(ctx context.Context, tx *database.Tx) error {
			before, err := met(ctx, tx)
			if err != nil {
				return err
			}
			if err := do(ctx, tx); err != nil {
				return err
			}
			after, err := met(ctx, tx)
			if t.Logf("%d rows met to %s", after-before, what); after-before > limit {
				t.Errorf("%d rows were met to %s", after-before, what)
			}
			return err
		})
	}
	pending, err := w.Store.Pending(ctx, w.Scope, w.Folder, "", 2000)
	if err != nil {
		t.Fatal(err)
	}
	reads("mark 1000 records as indexed", func(ctx context.Context, tx *database.Tx) error {
		return w.Store.SetIndexed(ctx, tx, w.Scope, w.Folder, pending[:1000])
	})
	reads("mark 1000 records as indexed, all or none", func(ctx context.Context, tx *database.Tx) error {
		return w.Store.SetAllIndexed(ctx, tx, w.Scope, w.Folder, pending[1000:])
	})
	reads("find the ids of 1000 keys", func(ctx context.Context, tx *database.Tx) error {
		found, err := w.Store.IDsByKey(ctx, tx, w.Scope, w.Folder, "", keys[:1000])
		if len(found) != 1000 {
			t.Errorf("%d found", len(found))
		}
		return err
	})
	reads("find the hashes of 1000 keys", func(ctx context.Context, tx *database.Tx) error {
		found, err := w.Store.RowHashes(ctx, tx, w.Scope, w.Folder, "", keys[:1000])
		if len(found) != 1000 {
			t.Errorf("%d found", len(found))
		}
		return err
	})
	run := w.Run(t)
	var set store.Seen
	reads("add 20,000 keys seen", func(ctx context.Context, tx *database.Tx) (err error) {
		if set, err = w.Store.OpenSeen(ctx, tx, run, w.Folder); err != nil {
			return err
		}
		for i := range 10 {
			if again, err := set.Add(ctx, tx, int64(i), keys[2000*i:2000*(i+1)]); len(again) != 0 || err != nil {
				return fmt.Errorf("%d again: %w", len(again), err)
			}
		}
		return nil
	})
	reads("add 1000 of them again", func(ctx context.Context, tx *database.Tx) error {
		again, err := set.Add(ctx, tx, 99, keys[:1000])
		if len(again) != 1000 {
			t.Errorf("%d again", len(again))
		}
		return err
	})
	if n, err := w.Store.ResolveLinks(ctx, w.Scope, w.Folder, "", w.DB.Write); n != total/2 || err != nil {
		t.Fatal(n, err)
	}
	reads("tell what deleting 1000 records would do", func(ctx context.Context, tx *database.Tx) error {
		_, err := w.Store.WouldDelete(ctx, tx, w.Scope, w.Folder, ids[:1000])
		return err
	})
	reads("delete 1000 records and their children", func(ctx context.Context, tx *database.Tx) error {
		d, err := w.Store.Delete(ctx, tx, w.Scope, w.Folder, ids[:1000])
		if d.Deleted["folder"] != 2000 {
			t.Errorf("%v", d.Deleted)
		}
		return err
	})
	if n := w.Purge(t, w.Folder, time.Now().Add(time.Hour)); n != 2000 {
		t.Errorf("%d purged", n)
	}
	if left, err := w.Store.Count(ctx, w.Scope, w.Folder); left != total-2000 || err != nil {
		t.Errorf("%d left, %v", left, err)
	}
}
