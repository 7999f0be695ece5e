package store_test

import (
	"testing"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store/storetest"
)

func TestStore(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) { storetest.Run(t, db) })
}
