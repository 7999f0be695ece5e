package migrations_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/migrations"
)

// migrates names the variable that makes the test binary a process which brings
// the given database up to date, and ends.
const migrates = "CURATORE_TEST_MIGRATES"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(migrates); dsn != "" {
		if err := openAndMigrate(dsn); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func openAndMigrate(dsn string) error {
	ctx := context.Background()
	db, err := database.Open(ctx, dsn, database.Options{})
	if err != nil {
		return err
	}
	for _, component := range components {
		if err := migrations.Up(ctx, db, component); err != nil {
			return errors.Join(err, db.Close())
		}
	}
	return db.Close()
}

// components are all, each behind what it builds on.
var components = []string{migrations.Core, "asset", "salesforce", "samgov", "sharepoint", "web", "salesforce_samgov", "salesforce_sharepoint"}

// catalogue describes tables, columns, indexes and constraints, one a line.
func catalogue(t *testing.T, db *database.DB) (lines []string) {
	t.Helper()
	query := "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE 'migrations_%' ORDER BY 1"
	if db.Dialect().Name() == database.Postgres {
		query = `SELECT * FROM (SELECT 'column ' || table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable || coalesce(column_default, '') AS line FROM information_schema.columns WHERE table_schema = 'public'
			UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
			UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace) AS c
			WHERE line NOT LIKE '%migrations_%' ORDER BY 1`
	}
	if err := db.Read(context.Background(), func(ctx context.Context, tx *database.Tx) error { return tx.Select(ctx, &lines, query) }); err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestUpDownUp(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		each := func(do func(context.Context, *database.DB, string) error, components []string) {
			t.Helper()
			for _, c := range components {
				if err := do(ctx, db, c); err != nil {
					t.Fatal(err)
				}
			}
		}
		each(migrations.Up, components)
		up := catalogue(t, db)
		if len(up) < 30 {
			t.Fatalf("after up: %v", up)
		}
		down := slices.Clone(components)
		slices.Reverse(down)
		for range 2 { // the second time there is nothing to do
			each(migrations.Down, down)
			if left := catalogue(t, db); len(left) != 0 {
				t.Errorf("after down: %v", left)
			}
		}
		for range 2 {
			each(migrations.Up, components)
			if d := cmp.Diff(up, catalogue(t, db)); d != "" {
				t.Errorf("after up, down, up (-first +second): %s", d)
			}
		}
	})
}

// Each component comes and goes without the others, but for the core.
func TestComponentsAreApart(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		core := catalogue(t, db)
		for _, c := range components[1:] {
			if strings.Contains(c, "_") { // of two, and only beside them
				continue
			}
			if err := migrations.Up(ctx, db, c); err != nil {
				t.Fatal(err)
			}
			if len(catalogue(t, db)) == len(core) {
				t.Errorf("%s makes no tables", c)
			}
			if err := migrations.Down(ctx, db, c); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(core, catalogue(t, db)); d != "" {
				t.Errorf("%s leaves something: %s", c, d)
			}
		}
	})
}

// Both databases have the same files, and in them the same tables and columns.
func TestDatabasesAreAlike(t *testing.T) {
	columns := func(kind string) (lines []string) {
		db := databasetest.Open(t, kind)
		// What waits and what works are views on SQLite, whose columns may always be NULL.
		query := "SELECT t.name || '.' || c.name || CASE WHEN c.pk = 0 AND c.\"notnull\" = 0 AND t.type = 'table' THEN ' NULL' ELSE '' END FROM sqlite_master t JOIN pragma_table_xinfo(t.name) c WHERE t.type IN ('table', 'view') AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE 'migrations_%' ORDER BY 1"
		if kind == database.Postgres {
			query = `SELECT table_name || '.' || column_name || CASE WHEN is_nullable = 'YES' AND table_name NOT IN ('waiting_runs', 'working_runs') THEN ' NULL' ELSE '' END FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'migrations_%' ORDER BY 1`
		}
		for _, c := range components {
			if err := migrations.Up(context.Background(), db, c); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Read(context.Background(), func(ctx context.Context, tx *database.Tx) error { return tx.Select(ctx, &lines, query) }); err != nil {
			t.Fatal(err)
		}
		slices.Sort(lines)
		return lines
	}
	// on Postgres search/pgvec makes the table of vectors, which needs an extension;
	// only on SQLite are they held in memory, so that changes must be noted
	sqlite := slices.DeleteFunc(columns(database.SQLite), func(line string) bool {
		return strings.HasPrefix(line, "search_vectors.") || strings.HasPrefix(line, "search_vector_changes.")
	})
	if d := cmp.Diff(sqlite, columns(database.Postgres)); d != "" {
		t.Errorf("columns (-sqlite +postgres): %s", d)
	}
	for _, c := range components {
		var names [2]string
		for i, kind := range []string{database.SQLite, database.Postgres} {
			dir, err := migrations.FS(c, database.DialectOf(kind))
			if err != nil {
				t.Fatal(err)
			}
			files, err := fs.Glob(dir, "*.sql")
			if err != nil {
				t.Fatal(err)
			}
			names[i] = strings.Join(files, " ")
			for n, name := range files {
				text, err := fs.ReadFile(dir, name)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(name, fmt.Sprintf("%05d_", n+1)) || strings.Count(string(text), "-- +goose Up") != 1 || strings.Count(string(text), "-- +goose Down") != 1 {
					t.Errorf("%s/%s/%s is out of number or lacks a direction", c, kind, name)
				}
			}
		}
		if names[0] == "" || names[0] != names[1] {
			t.Errorf("%s has %q for SQLite and %q for Postgres", c, names[0], names[1])
		}
	}
}

func TestEightProcessesMigrateOneNewDatabase(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			dsn := databasetest.Empty(t, kind)
			var group sync.WaitGroup
			for range 8 {
				group.Go(func() {
					cmd := exec.Command(os.Args[0])
					cmd.Env = append(os.Environ(), migrates+"="+dsn)
					if out, err := cmd.CombinedOutput(); err != nil {
						t.Errorf("%v: %s", err, out)
					}
				})
			}
			group.Wait()
			db := databasetest.OpenDSN(t, dsn)
			alone := databasetest.Open(t, kind)
			for _, c := range components[1:] {
				if err := migrations.Up(context.Background(), alone, c); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(catalogue(t, alone), catalogue(t, db)); d != "" {
				t.Errorf("one process and eight differ: %s", d)
			}
		})
	}
}

func TestUnknownComponentsAndCancelledContexts(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		for _, component := range []string{"", "ghost", "..", "core/sqlite/00001_core.sql", "/"} {
			if err := migrations.Up(context.Background(), db, component); !errors.Is(err, content.ErrNotFound) || migrations.Has(component) {
				t.Errorf("%q: %v", component, err)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := migrations.Up(ctx, db, "salesforce"); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if err := migrations.Up(context.Background(), db, "salesforce"); err != nil {
			t.Errorf("after a cancelled one: %v", err)
		}
	})
}
