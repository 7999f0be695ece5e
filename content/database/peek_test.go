package database_test

import (
	"context"
	"testing"
	"time"

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
