package migrations_test

import (
	"context"
	"testing"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/migrations"
)

func TestUpDownUp(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		tables := func() (names []string) {
			t.Helper()
			query := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> ? ORDER BY 1"
			if db.Dialect().Name() == database.Postgres {
				query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ? ORDER BY 1"
			}
			if err := db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
				return tx.Select(ctx, &names, query, "migrations_core")
			}); err != nil {
				t.Fatal(err)
			}
			return names
		}
		up := tables()
		if len(up) < 6 {
			t.Fatalf("tables after up: %v", up)
		}
		if err := migrations.Down(ctx, db, migrations.Core); err != nil {
			t.Fatal(err)
		}
		if left := tables(); len(left) != 0 {
			t.Errorf("tables after down: %v", left)
		}
		for range 2 { // the second time there is nothing to do
			if err := migrations.Up(ctx, db, migrations.Core); err != nil {
				t.Fatal(err)
			}
		}
		if again := tables(); len(again) != len(up) {
			t.Errorf("tables after up, down, up: %v", again)
		}
	})
}
