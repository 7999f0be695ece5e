package salesforce_test

import (
	"flag"
	"testing"

	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/salesforce"
)

var update = flag.Bool("update", false, "write the migration files")

func TestMigrationFilesFitTheDeclarations(t *testing.T) {
	connectortest.Migrations(t, salesforce.New(), "../../migrations/salesforce", "00001_salesforce.sql", *update)
}
