package database_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

// terminate ends all other connections to the database of tx.
func terminate(ctx context.Context, tx *database.Tx) error {
	var ended []bool
	err := tx.Select(ctx, &ended, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND ?", true)
	if err == nil && len(ended) == 0 {
		err = errors.New("there was no connection to end")
	}
	return err
}

func TestALostConnectionIsReplaced(t *testing.T) {
	ctx := context.Background()
	dsn := databasetest.DSN(t, database.Postgres)
	db, admin := databasetest.OpenDSN(t, dsn), databasetest.OpenDSN(t, dsn)
	for range 3 { // several idle ones
		if err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error { return add(ctx, tx, "x") }); err != nil && !errors.Is(err, content.ErrConflict) {
			t.Fatal(err)
		}
		names(t, db)
		if err := admin.Write(ctx, terminate); err != nil {
			t.Fatal(err)
		}
		if got := names(t, db); got != "x" {
			t.Errorf("after the connections were ended: %q", got)
		}
	}
}

func TestAConnectionLostInATransactionIsBusy(t *testing.T) {
	ctx := context.Background()
	dsn := databasetest.DSN(t, database.Postgres)
	db, admin := databasetest.OpenDSN(t, dsn), databasetest.OpenDSN(t, dsn)
	for _, last := range []error{nil, errors.New("gave up")} {
		err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			if err := add(ctx, tx, "x"); err != nil {
				return err
			}
			if err := admin.Write(context.Background(), terminate); err != nil {
				t.Error(err)
			}
			if err := add(ctx, tx, "y"); err == nil || last == nil {
				return err
			}
			return last
		})
		if want := last; want == nil && !errors.Is(err, content.ErrBusy) || want != nil && !errors.Is(err, want) {
			t.Errorf("%v", err)
		}
	}
	// Lost before the COMMIT: an error, and nothing is stored.
	err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := add(ctx, tx, "x"); err != nil {
			return err
		}
		return admin.Write(context.Background(), terminate)
	})
	if !errors.Is(err, content.ErrBusy) || names(t, db) != "" {
		t.Errorf("%v; stored %q", err, names(t, db))
	}
}

func TestADeadlockIsBusy(t *testing.T) {
	db := databasetest.Open(t, database.Postgres)
	ctx := context.Background()
	ready, both := make(chan struct{}, 2), make(chan struct{})
	results := make(chan error, 2)
	for _, order := range [][2]string{{"a", "b"}, {"b", "a"}} {
		go func() {
			results <- db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
				if err := tx.Lock(ctx, order[0]); err != nil {
					return err
				}
				ready <- struct{}{}
				<-both
				return tx.Lock(ctx, order[1])
			})
		}()
	}
	<-ready
	<-ready
	close(both)
	one, two := <-results, <-results
	if (one == nil) == (two == nil) || one != nil && !errors.Is(one, content.ErrBusy) || two != nil && !errors.Is(two, content.ErrBusy) {
		t.Errorf("%v and %v; want one ErrBusy", one, two)
	}
}

// Through database/sql, a connection that is given up waits for its open rows.
func TestRowsThatAreOpenDoNotHang(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		query := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n"
		if db.Dialect().Name() == database.Postgres {
			query = "SELECT n FROM generate_series(1, ?::int) AS n"
		}
		gaveUp := errors.New("gave up")
		for _, end := range []error{nil, gaveUp} {
			err := db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
				for range 40 {
					rows, err := tx.Query(ctx, query, 1000)
					if err != nil {
						return err
					}
					_ = rows.Next()
					if err := rows.Close(); err != nil {
						return err
					}
				}
				rows, err := tx.Query(ctx, query, 1000)
				if err != nil || !rows.Next() {
					t.Error("no rows")
				}
				return end
			})
			if !errors.Is(err, end) {
				t.Errorf("rows left open: %v, want %v", err, end)
			}
			names(t, db)
		}
	})
}

func TestAStatementBesideOpenRowsIsRefused(t *testing.T) {
	db := databasetest.Open(t, database.Postgres)
	err := db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		rows, err := tx.Query(ctx, "SELECT n FROM generate_series(1, ?::int) AS n", 1000)
		if err != nil {
			return err
		}
		defer rows.Close()
		_ = rows.Next()
		return errors.Join(add(ctx, tx, "x"), rows.Err())
	})
	if err == nil || !strings.Contains(err.Error(), "still open") {
		t.Errorf("%v", err)
	}
	if got := names(t, db); got != "" {
		t.Error(got)
	}
}

// A server without TLS is what most people start with.
func TestPostgresWithoutTLS(t *testing.T) {
	dsn := strings.Replace(databasetest.DSN(t, database.Postgres), "sslmode=disable", "sslmode=require", 1)
	db, err := database.Open(t.Context(), dsn, database.Options{})
	if err == nil {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		t.Skip("the server has TLS, so there is nothing to advise")
	}
	if !strings.Contains(err.Error(), "sslmode=disable") {
		t.Error(err)
	}
}
