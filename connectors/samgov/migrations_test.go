package samgov_test

import (
	"flag"
	"testing"

	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/samgov"
)

var update = flag.Bool("update", false, "write the migration files")

func TestMigrationFilesFitTheDeclarations(t *testing.T) {
	connectortest.Migrations(t, samgov.New(), "../../migrations/samgov", "00001_samgov.sql", *update)
}
