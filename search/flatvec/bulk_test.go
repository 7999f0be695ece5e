//go:build !race

package flatvec_test

import (
	"testing"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/flatvec"
	"github.com/curatore/curatore-go/search/searchtest"
)

func TestVectorsCompared(t *testing.T) {
	for name, o := range map[string]flatvec.Options{
		"all values in memory": {},
		"rows":                 {MemoryBytes: -1},
	} {
		t.Run(name, func(t *testing.T) {
			searchtest.RunVectors(t, database.SQLite, func() searchtest.Vectors { return flatvec.New(o) })
		})
	}
}

func TestRecall(t *testing.T) {
	for name, o := range map[string]flatvec.Options{
		"values in memory": {},
		"codes only":       {MemoryBytes: 4 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			searchtest.RunVectorRecall(t, database.SQLite, func() searchtest.Vectors { return flatvec.New(o) })
		})
	}
}
