package flatvec_test

import (
	"context"
	"errors"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/flatvec"
	"github.com/curatore/curatore-go/search/searchtest"
	"github.com/curatore/curatore-go/search/vectors"
)

// The suite is run on each of the ways in which vectors are compared; on those
// that are the simpler ones without the race detector, in bulk_test.go. In
// 70,000 bytes the mirror of one organization fits, without values, and no second
// one.
func TestVectors(t *testing.T) {
	for name, o := range map[string]flatvec.Options{
		"codes first": {Exact: 1},
		"codes only":  {Exact: 1, MemoryBytes: 70_000},
	} {
		t.Run(name, func(t *testing.T) {
			searchtest.RunVectors(t, database.SQLite, func() searchtest.Vectors { return flatvec.New(o) })
		})
	}
}

// A mirror that is far behind, or whose vectors have mostly gone, is read anew.
func TestFarBehind(t *testing.T) {
	index := flatvec.New(flatvec.Options{})
	f := searchtest.NewVectors(t, database.SQLite, func() searchtest.Vectors { return index })
	f.Organization("acme")
	model := vectors.Model{Name: "m", Dimension: 2}
	chunks := f.Chunks("acme", 3)
	near := func() int {
		return len(f.Near("acme", vectors.Request{Model: model, Vector: []float32{1, 0}, Limit: 9}))
	}
	f.PutVectors("acme", model, vectors.Vector{Chunk: chunks[0], Values: []float32{1, 0}})
	if n := near(); n != 1 {
		t.Fatalf("%d hits", n)
	}
	if err := f.DB.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		for i := range 1100 {
			if _, err := index.Put(ctx, tx, "acme", model, []vectors.Vector{{Chunk: chunks[1+i%2], Values: []float32{0, 1}}}); err != nil {
				return err
			}
		}
		var kept int
		if err := tx.Get(ctx, &kept, "SELECT count(*) FROM search_vector_changes"); err != nil || kept > 1000 {
			t.Errorf("%d changes are remembered, %v", kept, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := near(); n != 3 {
		t.Errorf("%d hits", n)
	}
}

func TestBrokenRow(t *testing.T) {
	f := searchtest.NewVectors(t, database.SQLite, func() searchtest.Vectors { return flatvec.New(flatvec.Options{}) })
	f.Organization("acme")
	model := vectors.Model{Name: "m", Dimension: 2}
	chunk := f.Chunks("acme", 1)[0]
	f.PutVectors("acme", model, vectors.Vector{Chunk: chunk, Values: []float32{1, 0}})
	search := func() error {
		return f.DB.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := f.Vectors.Search(ctx, tx, "acme", vectors.Request{Model: model, Vector: []float32{1, 0}, Limit: 1})
			return err
		})
	}
	write := func(query string) {
		if err := f.DB.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error { return tx.Run(ctx, query) }); err != nil {
			t.Fatal(err)
		}
	}
	write("UPDATE search_vectors SET data = x'00'")
	if err := search(); err == nil || errors.Is(err, content.ErrInvalid) {
		t.Errorf("a broken row: %v", err)
	}
	write("DELETE FROM search_vectors")
	if err := search(); err != nil {
		t.Errorf("a mirror that could not be loaded is loaded again: %v", err)
	}
}
