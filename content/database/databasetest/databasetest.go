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

// Open opens a new database with the core's tables, and closes it after the test.
// Kind is database.SQLite or database.Postgres.
func Open(t testing.TB, kind string) *database.DB {
	t.Helper()
	return open(t, DSN(t, kind))
}

// OpenDSN opens an existing database, brings the core's tables up to date, and
// closes it after the test.
func OpenDSN(t testing.TB, dsn string) *database.DB {
	t.Helper()
	db := open(t, dsn)
	if err := migrations.Up(context.Background(), db, migrations.Core); err != nil {
		t.Fatal(err)
	}
	return db
}

func open(t testing.TB, dsn string) *database.DB {
	t.Helper()
	db, err := database.Open(context.Background(), dsn, database.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// DSN returns the address of a new database with the core's tables, removed after
// the test. It is a copy of one that is made once, which is much quicker than to
// migrate. Without [Env] a test that asks for Postgres fails and says what to do.
func DSN(t testing.TB, kind string) string {
	t.Helper()
	if kind == database.SQLite {
		path := filepath.Join(t.TempDir(), "test.db")
		if err := copyTemplate(path); err != nil {
			t.Fatal(err)
		}
		return "sqlite:" + path
	}
	admin := server(t)
	template, err := postgresTemplate(context.Background(), admin)
	if err != nil {
		t.Fatalf("make the template of the test databases: %v", err)
	}
	return create(t, admin, template, "pg_default")
}

// Empty is [DSN] without any table, for tests of how a database is set up.
func Empty(t testing.TB, kind string) string {
	t.Helper()
	if kind == database.SQLite {
		return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	}
	return create(t, server(t), "template0", "pg_default")
}

// server opens the server that Env names, until the test has ended.
func server(t testing.TB) *sql.DB {
	t.Helper()
	address := os.Getenv(Env)
	if address == "" {
		t.Fatalf("%s is not set: run the tests with `make test`, which finds or starts a Postgres, or set it to the URL of one that has pgvector", Env)
	}
	admin, err := sql.Open("postgres", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin.Close(); err != nil {
			t.Error(err)
		}
	})
	return admin
}

// create makes a database of a template, for one test, in a tablespace.
func create(t testing.TB, admin *sql.DB, template, tablespace string) string {
	t.Helper()
	name := "curatore_" + uuid.New().String()[:13]
	if _, err := admin.Exec(fmt.Sprintf(`CREATE DATABASE %q TEMPLATE %q ENCODING 'UTF8' TABLESPACE %q`, name, template, tablespace)); err != nil {
		t.Fatalf("create a test database on %s: %v", database.Redact(os.Getenv(Env)), err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec(fmt.Sprintf(`DROP DATABASE IF EXISTS %q WITH (FORCE)`, name)); err != nil {
			t.Error(err)
		}
	})
	address, err := addressOf(name)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// addressOf returns the address of a database on the server.
func addressOf(name string) (string, error) {
	u, err := url.Parse(os.Getenv(Env))
	if err != nil {
		return "", fmt.Errorf("%s: %w", Env, err)
	}
	u.Path = "/" + name
	return u.String(), nil
}
