package pgvec_test

import (
	"testing"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/pgvec"
	"github.com/curatore/curatore-go/search/searchtest"
)

// The suite is run on both ways in which vectors are compared.
func TestVectors(t *testing.T) {
	for name, index := range map[string]*pgvec.Index{
		"exactly":           pgvec.New(pgvec.Options{}),
		"through the index": pgvec.New(pgvec.Options{IndexAbove: 1}).AlwaysIndexed(),
	} {
		t.Run(name, func(t *testing.T) {
			searchtest.RunVectors(t, database.Postgres, func() searchtest.Vectors { return index })
		})
	}
}
