package search

import (
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/inverted"
)

// Config is what an [Indexer] and a [Searcher] work with. Index and Now may be
// left out; the rest is required.
type Config struct {
	DB        *database.DB       // with the core's migrations applied
	Authority *content.Authority // verifies the Scopes
	Registry  *content.Registry  // the types that are searched
	Index     *inverted.Index    // give both the same one: it holds the cache; nil: one with default options
	Now       func() time.Time   // nil: time.Now
}

func (c Config) withDefaults() Config {
	if c.Index == nil {
		c.Index = inverted.New(inverted.Options{})
	}
	if c.Now == nil {
		c.Now = time.Now
	}
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
