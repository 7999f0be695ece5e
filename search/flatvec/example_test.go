package flatvec_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/migrations"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/flatvec"
	"github.com/curatore/curatore-go/search/inverted"
	"github.com/curatore/curatore-go/search/vectors"
)

// Programs give an embedder to the organization that they open, and search; this
// is what happens below. With search/pgvec it is the same on Postgres.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "flatvec")
	check(err)
	defer os.RemoveAll(dir)
	db, err := database.Open(ctx, "sqlite:"+filepath.Join(dir, "example.db"), database.Options{})
	check(err)
	defer db.Close()
	check(migrations.Up(ctx, db, migrations.Core))

	authority, registry := content.NewAuthority(), &content.Registry{}
	keywords := inverted.New(inverted.Options{})
	indexer := search.NewIndexer(search.Config{DB: db, Authority: authority, Registry: registry, Index: keywords})
	index := flatvec.New(flatvec.Options{MemoryBytes: 64 << 20})
	model := vectors.Model{Name: "animals, size and sound", Dimension: 2}

	check(db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES ('zoo', 'zoo', ?)", tx.Dialect().Time(time.Now()))
		check(err)
		_, err = indexer.Put(ctx, tx, authority.Mint("zoo", "example"), []content.Document{
			{ID: "1", Type: "animal", Group: "cats", Title: "Lion"},
			{ID: "2", Type: "animal", Group: "cats", Title: "Kitten"},
			{ID: "3", Type: "animal", Group: "others", Title: "Bear"},
		})
		check(err)
		chunks, err := index.Missing(ctx, tx, "zoo", model, 0, 10)
		check(err)
		_, err = index.Put(ctx, tx, "zoo", model, []vectors.Vector{
			{Chunk: chunks[0], Values: []float32{5, 5}},
			{Chunk: chunks[1], Values: []float32{0.1, 1}},
			{Chunk: chunks[2], Values: []float32{6, 4}},
		})
		return err
	}))

	check(db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		words, err := keywords.View(ctx, tx, "zoo")
		check(err)
		cats, err := words.Select(ctx, []content.Filter{{Field: search.FieldGroup, Op: content.Equal, Values: []string{"cats"}}}, nil)
		check(err)
		hits, err := index.Search(ctx, tx, "zoo", vectors.Request{Model: model, Vector: []float32{3, 2}, Limit: 5, Within: cats})
		for _, h := range hits {
			fmt.Printf("chunk %d, %.2f\n", h.Chunk, h.Score)
		}
		return err
	}))
	// Output:
	// chunk 1, 0.98
	// chunk 2, 0.63
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
