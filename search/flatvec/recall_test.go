//go:build !race

package flatvec_test

import (
	"testing"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/flatvec"
	"github.com/curatore/curatore-go/search/searchtest"
)

func TestRecall(t *testing.T) {
	searchtest.RunVectorRecall(t, database.SQLite, func() searchtest.Vectors { return flatvec.New(flatvec.Options{}) })
}
