// Package databasetest gives each test a database of its own, on both kinds.
//
// A test that shares a database with another one depends on the order in which
// they run. Here a test gets a new SQLite file or a new Postgres database, with
// the core's tables, which is removed after it.
package databasetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	_ "github.com/lib/pq" // the driver that creates the databases

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/migrations"
)

// Env names the variable with the URL of a Postgres server that has pgvector
// and where the user may create databases. `make test` sets it.
const Env = "CURATORE_TEST_POSTGRES"

// Run runs a test as two sub-tests, on SQLite and on Postgres.
func Run(t *testing.T, test func(t *testing.T, db *database.DB)) {
	t.Helper()
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) { test(t, Open(t, kind)) })
	}
}

// Open opens a new database with the core's tables. Kind is database.SQLite or
// database.Postgres.
func Open(t testing.TB, kind string) *database.DB {
	t.Helper()
	return OpenDSN(t, DSN(t, kind))
}

// OpenDSN opens an existing database, brings the core's tables up to date, and
// closes it after the test.
func OpenDSN(t testing.TB, dsn string) *database.DB {
	t.Helper()
	ctx := context.Background()
	db, err := database.Open(ctx, dsn, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := migrations.Up(ctx, db, migrations.Core); err != nil {
		t.Fatal(err)
	}
	return db
}

// DSN returns the address of a new and empty database, removed after the test.
// Without [Env] a test that asks for Postgres fails and says what to do.
func DSN(t testing.TB, kind string) string {
	t.Helper()
	if kind == database.SQLite {
		return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	}
	server := os.Getenv(Env)
	if server == "" {
		t.Fatalf("%s is not set: run the tests with `make test`, which finds or starts a Postgres, or set it to the URL of one that has pgvector", Env)
	}
	admin, err := sql.Open("postgres", server)
	if err != nil {
		t.Fatal(err)
	}
	name := "curatore_" + uuid.New().String()[:13]
	if _, err := admin.Exec(fmt.Sprintf(`CREATE DATABASE %q TEMPLATE template0 ENCODING 'UTF8'`, name)); err != nil {
		t.Fatalf("create a test database on %s: %v", database.Redact(server), err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec(fmt.Sprintf(`DROP DATABASE IF EXISTS %q WITH (FORCE)`, name)); err != nil {
			t.Error(err)
		}
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("%s: %v", Env, err)
	}
	u.Path = "/" + name
	return u.String()
}
