package curatore_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// Close waits for what goes on in the background, so that nothing remains of an
// SQLite database but its file.
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
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != 1 {
			t.Fatalf("%v, %v", files, err)
		}
	}
}

// An import at work when the database is closed ends as failed and says what to
// do.
func TestCloseEndsImports(t *testing.T) {
	config := curatore.Config{Database: "sqlite:" + filepath.Join(t.TempDir(), "curatore.db")}
	c, err := curatore.Open(t.Context(), config, salesforce.New())
	if err != nil {
		t.Fatal(err)
	}
	parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: 20_000})
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
	ended, err := organization(t, open(t, config), "acme").Run(t.Context(), run.ID())
	if err != nil || ended.Status != jobs.Failed || !strings.Contains(ended.Error, "start it again") {
		t.Errorf("%s: %s, %v", ended.Status, ended.Error, err)
	}
}
