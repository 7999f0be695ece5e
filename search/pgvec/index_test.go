package pgvec_test

import (
	"testing"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/pgvec"
	"github.com/curatore/curatore-go/search/searchtest"
)

func TestVectors(t *testing.T) {
	searchtest.RunVectors(t, database.Postgres, func() searchtest.Vectors { return pgvec.New(pgvec.Options{}) })
}
