package curatore_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/curatore"
)

// Close waits for what goes on in the background, so that nothing remains of an
// SQLite database but its file.
func TestCloseLeavesOneFile(t *testing.T) {
	for range 10 {
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
