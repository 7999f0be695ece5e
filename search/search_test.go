package search_test

import (
	"testing"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/search/searchtest"
)

func TestSQLite(t *testing.T) {
	searchtest.Run(t, func(t *testing.T) *database.DB { return databasetest.Open(t, database.SQLite) })
}

func TestPostgres(t *testing.T) {
	searchtest.Run(t, func(t *testing.T) *database.DB { return databasetest.Open(t, database.Postgres) })
}
