package database_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

func TestLoad(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		load := func(rows int, name func(i int) string) error {
			return db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				var values []any
				for i := range rows {
					values = append(values, name(i), name(i), tx.Dialect().Time(time.Unix(int64(i), 0)))
				}
				return tx.Load(ctx, "organizations", []string{"id", "name", "created_at"}, values)
			})
		}
		odd := []string{"tab\tnew\nline\\N", `\.`, "'; DROP TABLE organizations; --", "ünï漢字🚀", "\r\\t\b", "\\N", " "}
		if err := load(150, func(i int) string {
			if i < len(odd) {
				return odd[i]
			}
			return fmt.Sprint("n", i)
		}); err != nil {
			t.Fatal(err)
		}
		if err := load(0, nil); err != nil {
			t.Errorf("no rows: %v", err)
		}
		// a row that cannot be stored stores none, and leaves the connection usable
		for range 15 {
			if err := load(100, func(i int) string { return fmt.Sprint("m", i%99) }); !errors.Is(err, content.ErrConflict) {
				t.Errorf("a key twice: %v", err)
			}
		}
		err := db.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			var names []string
			if err := tx.Select(ctx, &names, "SELECT name FROM organizations WHERE id = name AND id <> ?", ""); err != nil {
				return err
			}
			if len(names) != 150 {
				t.Errorf("%d rows", len(names))
			}
			for _, o := range odd {
				var n int
				if err := tx.QueryRow(ctx, "SELECT count(*) FROM organizations WHERE id = ?", o).Scan(&n); err != nil || n != 1 {
					t.Errorf("%q: %d, %v", o, n, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		err = db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			cancel()
			return tx.Load(ctx, "organizations", []string{"id", "name", "created_at"}, []any{"late", "late", tx.Dialect().Time(time.Now())})
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			return tx.Load(ctx, "organizations", []string{"id", "name"}, []any{"a", "b", "c"})
		}); err == nil {
			t.Error("half a row")
		}
	})
}
