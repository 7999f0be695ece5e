package curatore_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// Close waits for what goes on in the background, so that nothing remains of an
// SQLite database but its file, and no object beside it.
func TestCloseLeavesOneFile(t *testing.T) {
	for range 4 {
		dir := t.TempDir()
		c, err := curatore.Open(t.Context(), curatore.Config{Database: "sqlite:" + filepath.Join(dir, "curatore.db")}, salesforce.New())
		if err != nil {
			t.Fatal(err)
		}
		importExport(t, organization(t, c, "acme"), salesforcetest.Options{Accounts: 3})
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		var files []string
		if err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				files = append(files, path)
			}
			return err
		}); err != nil || len(files) != 1 || filepath.Base(files[0]) != "curatore.db" {
			t.Fatalf("%v, %v", files, err)
		}
	}
}

// An import that comes after Close is refused and makes nothing.
func TestImportAfterClose(t *testing.T) {
	dir := t.TempDir()
	c, err := curatore.Open(t.Context(), curatore.Config{Database: "sqlite:" + filepath.Join(dir, "curatore.db")}, salesforce.New())
	if err != nil {
		t.Fatal(err)
	}
	org := organization(t, c, "acme")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := org.Import(t.Context(), "salesforce", zipped(accountsCSV(account(0, "x")))); err == nil || !strings.Contains(err.Error(), "is closed") {
		t.Errorf("%v, want that it is closed", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("there are %v, %v", entries, err)
	}
}

// An import at work when the database is closed goes on when it is opened again,
// and without an object store ends as failed and says what to do.
func TestCloseDuringAnImport(t *testing.T) {
	parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: 2000})
	if err != nil {
		t.Fatal(err)
	}
	onBoth(t, func(t *testing.T, kind string) {
		config := curatore.Config{Database: databasetest.DSN(t, kind)}
		c, err := curatore.Open(t.Context(), config, salesforce.New())
		if err != nil {
			t.Fatal(err)
		}
		run, err := organization(t, c, "acme").Import(t.Context(), "salesforce",
			connectors.File{Name: parts[0].Name, Size: int64(len(parts[0].Data)), ReaderAt: bytes.NewReader(parts[0].Data)})
		if err != nil {
			t.Fatal(err)
		}
		for u, err := range run.Follow(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if u.Run.Status == jobs.Running {
				break
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		org := organization(t, open(t, config), "acme")
		ended := whenEnded(t, org, run.ID())
		if kind == database.Postgres {
			if ended.Status != jobs.Failed || !strings.Contains(ended.Error, "start it again") {
				t.Errorf("%s: %s", ended.Status, ended.Error)
			}
			return
		}
		page, err := org.List(t.Context(), "salesforce_account", curatore.ListQuery{Limit: 1, Total: true})
		if ended.Status != jobs.Completed || err != nil || page.Total != 2000 {
			t.Errorf("%s: %s; %d accounts, %v", ended.Status, ended.Error, page.Total, err)
		}
	})
}
