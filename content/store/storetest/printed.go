package storetest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// Printed holds the migration files of types, one for each database in folder,
// against their declarations in a package such as "content/asset". With update it
// writes them.
func Printed(t *testing.T, pkg, folder, file string, update bool, types ...*content.Type) {
	t.Helper()
	for _, name := range []string{database.SQLite, database.Postgres} {
		want := "-- Printed from the declarations of " + pkg + " by go generate.\n\n-- +goose Up\n\n" +
			store.Up(database.DialectOf(name), types...) + "\n-- +goose Down\n\n" + store.Down(types...)
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
			t.Fatalf("%v; run go generate ./%s", err, pkg)
		}
		if string(got) != want {
			t.Errorf("%s is not what the declarations give; run go generate ./%s, or add a migration if the file was released", path, pkg)
		}
	}
}
