package asset_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

var update = flag.Bool("update", false, "write the migration files")

// All connections that have files share these tables, so that their migrations
// belong to none of them.
func TestMigrationFilesFitTheDeclarations(t *testing.T) {
	for _, name := range []string{database.SQLite, database.Postgres} {
		want := "-- Printed from the declarations of content/asset by go generate.\n\n-- +goose Up\n\n" +
			store.Up(database.DialectOf(name), asset.Types()...) + "\n-- +goose Down\n\n" + store.Down(asset.Types()...)
		path := filepath.Join("../../migrations/asset", name, "00001_asset.sql")
		if *update {
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
			t.Fatalf("%v; run go generate ./content/asset", err)
		}
		if string(got) != want {
			t.Errorf("%s is not what the declarations give; run go generate ./content/asset, or add a migration if the file was released", path)
		}
	}
}
