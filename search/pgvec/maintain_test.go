package pgvec_test

import (
	"context"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/pgvec"
	"github.com/curatore/curatore-go/search/searchtest"
	"github.com/curatore/curatore-go/search/vectors"
)

func TestMaintain(t *testing.T) {
	const n = 3000
	x := pgvec.New(pgvec.Options{IndexAbove: 1000})
	f := searchtest.NewVectors(t, database.Postgres, func() searchtest.Vectors { return x })
	f.Organization("acme")
	f.Many("acme", n)
	model := vectors.Model{Name: "it's", Dimension: 8}
	list := make([][]float32, n)
	for i := range list {
		list[i] = []float32{1, float32(i % 10), float32(i % 100), float32(i), 1, 0, 0, 0}
	}
	f.PutAll("acme", model, list)
	high := vectors.Model{Name: "high", Dimension: pgvec.MaxIndexed + 1}
	f.PutVectors("acme", high, vectors.Vector{Chunk: 1, Values: append(make([]float32, pgvec.MaxIndexed), 1)})

	read := func(do func(ctx context.Context, tx *database.Tx)) {
		t.Helper()
		if err := f.DB.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error { do(ctx, tx); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	indexes := func() (names []string) {
		read(func(ctx context.Context, tx *database.Tx) {
			if err := tx.Select(ctx, &names, "SELECT c.relname FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relname LIKE 'search_vectors_hnsw_%' AND i.indisvalid"); err != nil {
				t.Fatal(err)
			}
		})
		return names
	}
	maintain := func() {
		t.Helper()
		if err := x.Maintain(t.Context(), f.DB); err != nil {
			t.Fatal(err)
		}
	}
	want := pgvec.IndexName(model.Key())
	is := func(what string, names ...string) {
		t.Helper()
		if got := indexes(); strings.Join(got, " ") != strings.Join(names, " ") {
			t.Fatalf("%s: indexes %v, want %v", what, got, names)
		}
	}
	is("before")
	for range 2 {
		maintain()
		is("built", want)
	}
	// it is what a search uses
	if err := f.DB.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		hits, stored, indexed, explained, err := pgvec.ThroughIndex(ctx, tx, "acme", vectors.Request{Model: model, Vector: list[0], Limit: 10})
		if err != nil || len(hits) != 10 || stored != n || indexed != n || !strings.Contains(explained, want) {
			t.Errorf("%d hits of %d, %d indexed, %v\n%s", len(hits), stored, indexed, err, explained)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	// a build that was cut short leaves an index that nobody uses
	write := func(query string) {
		t.Helper()
		if err := f.DB.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error { return tx.Run(ctx, query) }); err != nil {
			t.Fatal(err)
		}
	}
	write("UPDATE pg_index SET indisvalid = false WHERE indexrelid = '" + want + "'::regclass")
	is("cut short")
	if hits := f.Near("acme", vectors.Request{Model: model, Vector: list[0], Limit: 10}); len(hits) != 10 {
		t.Errorf("%d hits without the index", len(hits))
	}
	maintain()
	is("built again", want)
	if err := f.DB.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error { return x.Drop(ctx, tx, "acme", model) }); err != nil {
		t.Fatal(err)
	}
	maintain()
	is("of a model that nobody has")
}
