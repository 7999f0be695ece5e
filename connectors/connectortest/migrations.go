// Package connectortest checks that a connection keeps what the import engine
// and its users rely on.
//
// A connection is written in an afternoon, against a source that behaves on that
// day. What breaks it comes later. The checks here are run by the tests of every
// connection of this module, and are meant for those of others too.
package connectortest

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// Migrations holds the migration files of a built-in connection against its
// declarations: folder is migrations/NAME, and file the one that creates the
// tables. With update it writes them.
func Migrations(t *testing.T, c *connectors.Connection, folder, file string, update bool) {
	t.Helper()
	types := slices.DeleteFunc(c.Types(), (*content.Type).Shared) // which have files of their own
	for _, name := range []string{database.SQLite, database.Postgres} {
		d := database.DialectOf(name)
		want := "-- Printed from the declarations of connectors/" + c.Name() + " by go generate.\n\n-- +goose Up\n\n" +
			store.Up(d, types...) + "\n-- +goose Down\n\n" + store.Down(types...)
		path := filepath.Join(folder, name, file)
		if update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("%v; run go generate ./connectors/%s", err, c.Name())
		}
		if string(got) != want {
			t.Errorf("%s is not what the declarations give; run go generate ./connectors/%s, or add a migration if the file was released", path, c.Name())
		}
	}
}
