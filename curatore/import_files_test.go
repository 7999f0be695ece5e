package curatore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/examples/quickstart/sample"
)

// Files that are given by their paths are closed when nobody reads them any more,
// and what is no file is refused before anything is stored.
func TestImportFiles(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	var paths []string
	entries, err := sample.Files.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := sample.Files.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, e.Name())
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	onBoth(t, func(t *testing.T, kind string) {
		c, err := curatore.Open(ctx, curatore.Config{Database: databasetest.DSN(t, kind)}, salesforce.New())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		org, err := c.Organization(ctx, "acme", "tester")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := org.ImportFiles(ctx, "salesforce", paths[0], filepath.Join(dir, "none.zip")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a missing file: %v", err)
		}
		run, err := org.ImportFiles(ctx, "salesforce", paths...)
		if err != nil {
			t.Fatal(err)
		}
		if result, err := run.Wait(ctx); err != nil || result.Streams["salesforce_account"].Created == 0 {
			t.Errorf("%+v, %v", result, err)
		}
	})
}
