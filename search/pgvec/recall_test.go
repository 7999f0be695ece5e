//go:build !race

package pgvec_test

import (
	"testing"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/pgvec"
	"github.com/curatore/curatore-go/search/searchtest"
)

func TestRecall(t *testing.T) {
	searchtest.RunVectorRecall(t, database.Postgres, func() searchtest.Vectors { return pgvec.New(pgvec.Options{}) })
}
