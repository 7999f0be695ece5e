package database_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

// Each statement of a Peek sees what is committed by then, and none writes.
func TestPeek(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		count := func(ctx context.Context, tx *database.Tx) (n int) {
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM organizations WHERE name <> ?", "").Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		insert := func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES ('a', 'a', ?)", tx.Dialect().Time(time.Unix(0, 0)))
			return err
		}
		err := db.Peek(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			before := count(ctx, tx)
			if err := db.Write(t.Context(), insert); err != nil {
				return err
			}
			if after := count(ctx, tx); before != 0 || after != 1 || tx.ReadOnly() {
				t.Errorf("%d organizations, then %d; ReadOnly is %v", before, after, tx.ReadOnly())
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 20 { // more than there are connections
			if err := db.Peek(t.Context(), insert); err == nil {
				t.Error("a Peek has written")
			}
			if err := db.Peek(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				return tx.Run(ctx, "DELETE FROM organizations")
			}); err == nil {
				t.Error("a Peek has deleted")
			}
		}
		defer func() {
			if recover() == nil {
				t.Error("a Peek inside a Peek")
			}
		}()
		_ = db.Peek(t.Context(), func(ctx context.Context, _ *database.Tx) error {
			return db.Peek(ctx, func(context.Context, *database.Tx) error { return nil })
		})
	})
}

// What AutoCommit writes is stored at once, for those who look by another way too. On
// SQLite it is a Write, and its error takes everything back.
func TestAutoCommit(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		count := func() (n int) {
			if err := db.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				return tx.QueryRow(ctx, "SELECT count(*) FROM organizations WHERE name <> ?", "").Scan(&n)
			}); err != nil {
				t.Error(err)
			}
			return n
		}
		insert := func(ctx context.Context, tx *database.Tx, id string) error {
			_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", id, id, tx.Dialect().Time(time.Unix(0, 0)))
			return err
		}
		lasts := db.Dialect().Name() == database.Postgres
		var told []bool
		later := errors.New("later")
		err := db.AutoCommit(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			tx.AfterEnd(func(committed bool) { told = append(told, committed) })
			if err := insert(ctx, tx, "a"); err != nil {
				return err
			}
			if stored := count() == 1; stored != lasts {
				t.Errorf("stored is %v before the end", stored)
			}
			return later
		})
		if !errors.Is(err, later) || count() == 1 != lasts {
			t.Errorf("%v; %d organizations", err, count())
		}
		for range 20 { // more than there are connections
			err := db.AutoCommit(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				tx.AfterEnd(func(committed bool) { told = append(told, committed) })
				return errors.Join(insert(ctx, tx, "b"), insert(ctx, tx, "b"))
			})
			if !errors.Is(err, content.ErrConflict) {
				t.Fatalf("two organizations with one id: %v", err)
			}
		}
		if err := db.AutoCommit(t.Context(), func(ctx context.Context, tx *database.Tx) error { return insert(ctx, tx, "c") }); err != nil {
			t.Error(err)
		}
		if told[0] != lasts || slices.Contains(told[1:], true) {
			t.Errorf("told %v", told)
		}
		defer func() {
			if recover() == nil {
				t.Error("an AutoCommit inside a Write")
			}
		}()
		_ = db.Write(t.Context(), func(ctx context.Context, _ *database.Tx) error {
			return db.AutoCommit(ctx, func(context.Context, *database.Tx) error { return nil })
		})
	})
}
