package web_test

import (
	"flag"
	"testing"

	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/web"
)

var update = flag.Bool("update", false, "write the migration files")

func TestMigrationFilesFitTheDeclarations(t *testing.T) {
	connectortest.Migrations(t, web.New(), "../../migrations/web", "00001_web.sql", *update)
}
