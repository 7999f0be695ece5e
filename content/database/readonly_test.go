package database_test

import (
	"context"
	"testing"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

func TestReadOnly(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		for want, run := range map[bool]func(context.Context, func(context.Context, *database.Tx) error) error{true: db.Read, false: db.Write} {
			if err := run(t.Context(), func(_ context.Context, tx *database.Tx) error {
				if tx.ReadOnly() != want {
					t.Errorf("ReadOnly() is %v", !want)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
