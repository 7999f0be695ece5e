package database_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

// What a transaction tells is heard by others after its commit, and only then.
func TestListen(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx, cancel := context.WithCancelCause(context.Background())
		heard, ended := make(chan string, 100), make(chan error, 1)
		go func() { ended <- db.Listen(ctx, "test_channel", func(payload string) { heard <- payload }) }()
		within := time.After(30 * time.Second)
		wait := func(want string) {
			t.Helper()
			for {
				select {
				case got := <-heard:
					if got == want || db.Dialect().Name() == database.SQLite {
						return
					}
					t.Fatalf("heard %q, want %q", got, want)
				case <-within:
					t.Fatalf("did not hear %q", want)
				}
			}
		}
		wait("")
		rolledBack := errors.New("rolled back")
		for _, end := range []error{rolledBack, nil} {
			err := db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
				var err error
				if db.Dialect().Name() == database.Postgres {
					_, err = tx.Exec(ctx, "SELECT pg_notify('test_channel', ?)", map[bool]string{true: "kept", false: "lost"}[end == nil])
				} else {
					_, err = tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, 'o', '')", "o")
				}
				return errors.Join(err, end)
			})
			if !errors.Is(err, end) {
				t.Fatal(err)
			}
		}
		wait("kept")
		gone := errors.New("gone")
		cancel(gone)
		if err := <-ended; !errors.Is(err, gone) {
			t.Errorf("Listen returned %v, want its cause", err)
		}
	})
}

func TestAfterEndTellsHowATransactionEnded(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		var told []bool
		rolledBack := errors.New("rolled back")
		for _, end := range []error{nil, rolledBack} {
			_ = db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
				tx.AfterEnd(func(committed bool) {
					told = append(told, committed)
					// The connection is free again, also the only one.
					if err := db.Write(context.Background(), func(context.Context, *database.Tx) error { return nil }); err != nil {
						t.Error(err)
					}
				})
				return end
			})
		}
		if !slices.Equal(told, []bool{true, false}) {
			t.Errorf("told %v, want true and false", told)
		}
	})
}
