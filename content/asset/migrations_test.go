package asset_test

import (
	"flag"
	"testing"

	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/store/storetest"
)

var update = flag.Bool("update", false, "write the migration files")

// All connections that have files share these tables, so that their migrations
// belong to none of them.
func TestMigrationFilesFitTheDeclarations(t *testing.T) {
	storetest.Printed(t, "content/asset", "../../migrations/asset", "00001_asset.sql", *update, asset.Types()...)
}
