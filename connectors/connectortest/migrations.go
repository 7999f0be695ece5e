package connectortest

import (
	"slices"
	"testing"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store/storetest"
)

// Migrations holds the migration files of a built-in connection against its
// declarations: folder is migrations/NAME, and file the one that creates the
// tables. With update it writes them.
func Migrations(t *testing.T, c *connectors.Connection, folder, file string, update bool) {
	t.Helper()
	types := slices.DeleteFunc(c.Types(), (*content.Type).Shared) // which have files of their own
	storetest.Printed(t, "connectors/"+c.Name(), folder, file, update, types...)
}
