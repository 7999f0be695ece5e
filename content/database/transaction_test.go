package database_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

// names returns the organizations that stand in the database.
func names(t *testing.T, db *database.DB) string {
	t.Helper()
	var all []string
	if err := db.Read(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		return tx.Select(ctx, &all, "SELECT name FROM organizations ORDER BY name")
	}); err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func add(ctx context.Context, tx *database.Tx, name string) error {
	n, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", "id of "+name, name, tx.Dialect().Time(time.Unix(0, 0)))
	if err == nil && n != 1 {
		err = fmt.Errorf("%d rows affected by one insert", n)
	}
	return err
}

func TestWriteCommitsOnNilAndRollsBackOnAnErrorOrPanic(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		if err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error { return add(ctx, tx, "kept") }); err != nil {
			t.Fatal(err)
		}
		wrong := errors.New("changed my mind")
		if err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			return errors.Join(add(ctx, tx, "lost"), wrong)
		}); !errors.Is(err, wrong) {
			t.Errorf("an error of the function comes back as %v", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("a panic was swallowed")
				}
			}()
			_ = db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
				_ = add(ctx, tx, "panicked")
				panic("oh")
			})
		}()
		if got := names(t, db); got != "kept" {
			t.Errorf("stored: %s", got)
		}
	})
}

// On Postgres a COMMIT after a failed statement reports success and stores
// nothing; on SQLite it stores the rest. Neither is what a caller expects.
func TestAStatementThatFailedFailsItsTransaction(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		for name, fail := range map[string]func(context.Context, *database.Tx) error{
			"exec": func(ctx context.Context, tx *database.Tx) error { return add(ctx, tx, "one") },
			"query row": func(ctx context.Context, tx *database.Tx) error {
				var id string
				return tx.QueryRow(ctx, "INSERT INTO organizations (id, name, created_at) VALUES ('x', ?, '2026-01-01') RETURNING id", "one").Scan(&id)
			},
			"select": func(ctx context.Context, tx *database.Tx) error {
				return tx.Select(ctx, &[]string{}, "SELECT ? FROM nowhere", 1)
			},
			"prepare": func(ctx context.Context, tx *database.Tx) error { _, err := tx.Exec(ctx, "NONSENSE ?", 1); return err },
			"run":     func(ctx context.Context, tx *database.Tx) error { return tx.Run(ctx, "NONSENSE") },
			"query": func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.Query(ctx, "SELECT ? FROM nowhere", 1)
				return err
			},
		} {
			var failed error
			err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
				if err := add(ctx, tx, "one"); err != nil {
					return err
				}
				failed = fail(ctx, tx)
				return nil
			})
			if failed == nil || err == nil {
				t.Errorf("%s: failed with %v, the transaction ended with %v", name, failed, err)
			}
			if got := names(t, db); got != "" {
				t.Fatalf("%s: stored %s", name, got)
			}
		}
	})
}

// A failure that only rows.Err tells is not seen by the Tx, but Postgres sees it.
func TestRowsThatFailedFailTheirTransactionOnPostgres(t *testing.T) {
	db := databasetest.Open(t, database.Postgres)
	err := db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		if err := add(ctx, tx, "one"); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, "SELECT 1 / (2 - n) FROM generate_series(1, 2 * ?::int) AS n", 1)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			continue
		}
		if rows.Err() == nil {
			t.Error("dividing by zero is no error")
		}
		return nil
	})
	if err == nil || names(t, db) != "" {
		t.Errorf("%v; stored %s", err, names(t, db))
	}
}

func TestWriteInsideWritePanicsOnlyForTheSameDatabase(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		other := databasetest.Open(t, database.SQLite)
		nothing := func(context.Context, *database.Tx) error { return nil }
		if err := db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "inside a Write") {
					t.Errorf("a Write inside a Write: %v", r)
				}
			}()
			if err := other.Write(ctx, nothing); err != nil { // copying from one to another is fine
				t.Error(err)
			}
			return db.Write(ctx, nothing)
		}); err != nil {
			t.Fatal(err)
		}
	})
}

func TestReadInsideReadPanics(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		nothing := func(context.Context, *database.Tx) error { return nil }
		other := databasetest.Open(t, database.SQLite)
		if err := db.Read(context.Background(), func(ctx context.Context, tx *database.Tx) error {
			defer func() {
				if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "inside a Read") {
					t.Errorf("a Read inside a Read: %v", r)
				}
			}()
			if err := other.Read(ctx, nothing); err != nil {
				t.Error(err)
			}
			return db.Read(ctx, nothing)
		}); err != nil {
			t.Fatal(err)
		}
		if err := db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error { return db.Read(ctx, nothing) }); err != nil {
			t.Errorf("a Read beside the Write around it: %v", err)
		}
	})
}

func TestReadRefusesToWrite(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		for _, change := range []string{"DELETE FROM organizations", "CREATE TABLE x (y INTEGER)", "INSERT INTO organizations VALUES ('a', 'a', '2026-01-01')"} {
			if err := db.Read(context.Background(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.Exec(ctx, change)
				return err
			}); err == nil {
				t.Errorf("a Read lets %q pass", change)
			}
		}
	})
}

func TestReadSeesOneState(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		count := func(tx *database.Tx) (n int) {
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM organizations").Scan(&n); err != nil {
				t.Error(err)
			}
			return n
		}
		if err := db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
			before := count(tx)
			if err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error { return add(ctx, tx, "late") }); err != nil {
				return err
			}
			if after := count(tx); after != before {
				t.Errorf("%d rows, then %d in the same Read", before, after)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if got := names(t, db); got != "late" {
			t.Errorf("the next Read sees %q", got)
		}
	})
}

func TestATransactionThatHasEndedIsRefused(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		var kept *database.Tx
		for _, end := range []error{nil, errors.New("rolled back")} {
			_ = db.Write(ctx, func(_ context.Context, tx *database.Tx) error { kept = tx; return end })
			_, execErr := kept.Exec(ctx, "DELETE FROM organizations")
			_, queryErr := kept.Query(ctx, "SELECT 1")
			for _, err := range []error{execErr, queryErr, kept.Run(ctx, "DELETE FROM organizations"), kept.QueryRow(ctx, "SELECT 1").Scan(new(int)),
				kept.Get(ctx, new(int), "SELECT 1"), kept.Select(ctx, &[]int{}, "SELECT 1")} {
				if err == nil || !strings.Contains(err.Error(), "has ended") {
					t.Errorf("used after its end: %v", err)
				}
			}
		}
	})
}

func TestCancelledContextsKeepTheirCause(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		cause := errors.New("the user pressed stop")
		for name, when := range map[string]func(cancel func()) func(context.Context, *database.Tx) error{
			"before": func(cancel func()) func(context.Context, *database.Tx) error {
				cancel()
				return func(context.Context, *database.Tx) error { return nil }
			},
			"during": func(cancel func()) func(context.Context, *database.Tx) error {
				return func(ctx context.Context, tx *database.Tx) error {
					if err := add(ctx, tx, "x"); err != nil {
						t.Error(err)
					}
					cancel()
					return add(ctx, tx, "y")
				}
			},
			"ignored": func(cancel func()) func(context.Context, *database.Tx) error {
				return func(ctx context.Context, tx *database.Tx) error { cancel(); return nil }
			},
		} {
			ctx, cancel := context.WithCancelCause(context.Background())
			err := db.Write(ctx, when(func() { cancel(cause) }))
			if !errors.Is(err, context.Canceled) || !errors.Is(err, cause) {
				t.Errorf("%s: %v", name, err)
			}
		}
		ctx, cancel := context.WithTimeoutCause(context.Background(), time.Millisecond, cause)
		defer cancel()
		<-ctx.Done()
		if err := db.Read(ctx, func(context.Context, *database.Tx) error { return nil }); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, cause) {
			t.Errorf("deadline: %v", err)
		}
		if got := names(t, db); got != "" {
			t.Errorf("stored: %s", got)
		}
		if err := db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error { return add(ctx, tx, "after") }); err != nil {
			t.Errorf("the database is unusable afterwards: %v", err)
		}
	})
}

func TestALongStatementIsInterrupted(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		endless := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < ?"
		if db.Dialect().Name() == database.Postgres {
			endless = "SELECT count(*) FROM generate_series(1, 100000000000) AS n WHERE n <> ?"
		}
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		err := db.Read(ctx, func(ctx context.Context, tx *database.Tx) error { return tx.Get(ctx, new(int), endless, -1) })
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		if got := names(t, db); got != "" { // a connection is there again
			t.Error(got)
		}
	})
}

func TestWritersWaitForEachOther(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				for j := range 5 {
					if err := db.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
						return add(ctx, tx, fmt.Sprint(i, "-", j))
					}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		if got := strings.Fields(names(t, db)); len(got) != 40 {
			t.Errorf("%d of 40 stored", len(got))
		}
	})
}

func TestErrorsAreToldApart(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		for name, c := range map[string]struct {
			want error
			do   func(context.Context, *database.Tx) error
		}{
			"unique": {content.ErrConflict, func(ctx context.Context, tx *database.Tx) error {
				return errors.Join(add(ctx, tx, "twice"), add(ctx, tx, "twice"))
			}},
			"foreign key": {content.ErrConflict, func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.Exec(ctx, "INSERT INTO run_key_sets (run_id, type) VALUES ('nobody', ?)", "t")
				return err
			}},
			"not null": {content.ErrConflict, func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.Exec(ctx, "INSERT INTO organizations (id) VALUES (?)", "x")
				return err
			}},
			"no rows": {content.ErrNotFound, func(ctx context.Context, tx *database.Tx) error {
				return tx.QueryRow(ctx, "SELECT id FROM organizations WHERE id = ?", "nobody").Scan(new(string))
			}},
			"no rows of Get": {content.ErrNotFound, func(ctx context.Context, tx *database.Tx) error {
				return tx.Get(ctx, new(string), "SELECT id FROM organizations WHERE id = ?", "nobody")
			}},
		} {
			if err := db.Write(ctx, c.do); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
	})
}

func TestStatementsAreReusedAndBounded(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		run := func(n int, query func(i int) string) {
			t.Helper()
			if err := db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
				for i := range n {
					var got int
					if err := tx.Get(ctx, &got, query(i), 3); err != nil {
						return err
					}
					if got != 3 {
						t.Fatalf("query %d gives %d", i, got)
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		before := db.Statements()
		run(100, func(int) string { return "SELECT CAST(? AS BIGINT)" })
		if grown := db.Statements() - before; grown != 1 {
			t.Errorf("one query 100 times left %d statements", grown)
		}
		run(10_000, func(i int) string { return fmt.Sprintf("SELECT CAST(? AS BIGINT) AS n%d", i) })
		if n := db.Statements(); n > 2*database.MaxStatements {
			t.Errorf("10,000 queries left %d statements", n)
		}
		if db.Dialect().Name() == database.Postgres {
			run(1, func(int) string { // the server has no more than we know of
				return fmt.Sprintf("SELECT CASE WHEN count(*) <= %d THEN CAST(? AS BIGINT) ELSE count(*) END FROM pg_prepared_statements", database.MaxStatements)
			})
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if err := db.Write(context.Background(), func(context.Context, *database.Tx) error { return nil }); err == nil {
			t.Error("a closed database takes writes")
		}
	})
}

func TestCloseLeavesNoGoroutineBehind(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		dsn := databasetest.Empty(t, kind)
		before := goleak.IgnoreCurrent()
		db, err := database.Open(context.Background(), dsn, database.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		for range 3 {
			_ = db.Write(ctx, func(ctx context.Context, tx *database.Tx) error { return tx.Run(ctx, "SELECT 1") })
			_ = db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
				return tx.Get(ctx, new(int), "SELECT CAST(? AS INTEGER)", 1)
			})
		}
		cancel()
		_ = db.Read(ctx, func(ctx context.Context, tx *database.Tx) error { return nil })
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		goleak.VerifyNone(t, before)
	}
}
