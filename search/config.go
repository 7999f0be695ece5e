package search

import (
	"cmp"
	"log/slog"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/inverted"
)

// Config is what an [Indexer] and a [Searcher] work with. DB, Authority and
// Registry are required.
type Config struct {
	DB        *database.DB       // with the core's migrations applied
	Authority *content.Authority // verifies the Scopes
	Registry  *content.Registry  // the types that are searched
	Index     *inverted.Index    // give both the same one: it holds the cache; nil: one with default options
	Now       func() time.Time   // nil: time.Now
	Logger    *slog.Logger       // gets what only degrades an answer; nil is silent

	// Labels are the display names of groups, by group.
	Labels map[string]string

	// Embedder turns texts into vectors; nil: search is by words. Vectors keeps
	// them, prepared, and is required with an Embedder. Without one it only forgets
	// the vectors of what is deleted.
	Embedder Embedder
	Vectors  Vectors

	// Reranker judges the first 50 hits anew; nil: they stay as they are.
	Reranker Reranker

	// VectorWeight is how much vectors count in hybrid search where they are of
	// use; 0 is what the Embedder says (see [Weighted]), else 0.3.
	VectorWeight float64
	// MinSimilarity is the cosine below which a document is not near at all. What
	// is a good one depends on the model; 0 leaves it to the distance from random
	// documents.
	MinSimilarity float64
	// Patience is how long a search waits for the Embedder, and for the Reranker,
	// before it answers without them; 0 is 5 s.
	Patience time.Duration
}

func (c Config) withDefaults() Config {
	if c.Index == nil {
		c.Index = inverted.New(inverted.Options{})
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.VectorWeight == 0 {
		if w, ok := c.Embedder.(Weighted); ok {
			c.VectorWeight = w.Weight()
		}
		c.VectorWeight = cmp.Or(c.VectorWeight, defaultWeight)
	}
	c.VectorWeight = max(0, min(1, c.VectorWeight))
	c.Patience = cmp.Or(c.Patience, 5*time.Second)
	return c
}

// Names under which a document's own properties are filtered, counted and
// sorted by. Metadata are named "namespace.field".
const (
	FieldType        = "type"
	FieldGroup       = "group"
	FieldContentType = "content_type"
	FieldUpdatedAt   = "updated_at"
)
