package sharepoint_test

import (
	"flag"
	"testing"

	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/sharepoint"
)

var update = flag.Bool("update", false, "write the migration files")

func TestMigrationFilesFitTheDeclarations(t *testing.T) {
	connectortest.Migrations(t, sharepoint.New(), "../../migrations/sharepoint", "00001_sharepoint.sql", *update)
}
