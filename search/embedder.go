package search

import (
	"context"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/flatvec"
	"github.com/curatore/curatore-go/search/pgvec"
	"github.com/curatore/curatore-go/search/vectors"
)

// An Embedder is a model that turns texts into vectors, such that what means the
// same is near. It is safe for concurrent use.
type Embedder interface {
	// Model names the model. It does not change.
	Model() vectors.Model
	// Embed returns one vector for each text, in order, of the model's dimension.
	// No text is empty. An error that wraps content.ErrInvalid says that one of the
	// texts is refused; any other that the model cannot be reached.
	Embed(ctx context.Context, texts []string) ([][]float32, error)
}

// A ModelSwitcher is an Embedder that can reach other models where its own is.
// While an organization is given vectors of a new model, queries are embedded
// with the model of the old ones.
type ModelSwitcher interface {
	WithModel(m vectors.Model) (Embedder, error)
}

// A Weighted Embedder says how much the vectors of its model count in hybrid
// search where they are of use, between 0 and 1; words count for the rest.
type Weighted interface {
	Weight() float64
}

// Vectors keeps the vectors of chunks. What it does with a transaction is in the
// caller's.
type Vectors interface {
	Prepare(ctx context.Context, db *database.DB) error
	Put(ctx context.Context, tx *database.Tx, organization string, model vectors.Model, list []vectors.Vector) (int, error)
	Delete(ctx context.Context, tx *database.Tx, organization string, chunks []int64) error
	Prune(ctx context.Context, tx *database.Tx, organization string) (int, error)
	Drop(ctx context.Context, tx *database.Tx, organization string, model vectors.Model) error
	Search(ctx context.Context, tx *database.Tx, organization string, req vectors.Request) ([]vectors.Hit, error)
	Missing(ctx context.Context, tx *database.Tx, organization string, model vectors.Model, after int64, limit int) ([]int64, error)
	Stats(ctx context.Context, tx *database.Tx, organization string) ([]vectors.Stats, error)
	// Maintain builds and drops indexes, in transactions of its own.
	Maintain(ctx context.Context, db *database.DB) error
}

var (
	_ Vectors = (*pgvec.Index)(nil)
	_ Vectors = (*flatvec.Index)(nil)
)

// A Reranker reads a query and texts together, which is slower than comparing
// vectors and judges better. It is safe for concurrent use.
type Reranker interface {
	// Rerank returns how relevant each text is, in order, between 0 and 1.
	Rerank(ctx context.Context, query string, texts []string) ([]float64, error)
}
