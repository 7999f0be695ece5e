package curatore

import (
	"context"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/flatvec"
	"github.com/curatore/curatore-go/search/inverted"
	"github.com/curatore/curatore-go/search/pgvec"
)

// assembleSearch makes the indexer and the searcher. When search is off, imports
// take deleted records out of the index nevertheless, so that nobody finds them
// when it is on again.
func (c *Curator) assembleSearch() {
	switch {
	case c.db.Dialect().Name() == database.SQLite:
		c.vectors = flatvec.New(flatvec.Options{MemoryBytes: c.config.VectorMemory}) // also without an Embedder: what is deleted may have vectors
	case c.config.Embedder != nil:
		c.vectors = pgvec.New(pgvec.Options{})
	}
	config := search.Config{DB: c.db, Authority: c.auth, Registry: c.registry, Index: inverted.New(inverted.Options{CacheBytes: int(c.config.SearchMemory)}), Now: c.now, Logger: c.config.Logger,
		Labels: c.groupLabels(), Vectors: c.vectors, Embedder: c.config.Embedder, MinSimilarity: c.config.MinSimilarity, Reranker: c.config.Reranker}
	c.indexer = search.NewIndexer(config)
	c.imports.Index, c.imports.IndexLater = c.indexer, c.config.NoSearch
	if !c.config.NoSearch {
		c.searcher = search.NewSearcher(config)
	}
}

// prepareSearch makes the tables of vectors that migrations do not make.
func (c *Curator) prepareSearch(ctx context.Context) error {
	if c.vectors == nil {
		return nil
	}
	return c.vectors.Prepare(ctx, c.db)
}

// groupLabels are the display names of the groups that connections stand for.
func (c *Curator) groupLabels() map[string]string {
	labels := map[string]string{}
	for _, conn := range c.order {
		if conn != nil {
			labels[conn.Name()] = conn.Label()
			for _, t := range conn.Types() {
				for _, group := range t.Groups() {
					if labels[group] == "" {
						labels[group] = conn.Label()
					}
				}
			}
		}
	}
	return labels
}

// Search finds records by words, types, groups, filters and facets; see
// search.Query. A search that fails is an error, never an empty result. With
// Config.NoSearch it is search.ErrDisabled.
func (o *Organization) Search(ctx context.Context, q search.Query) (*search.Result, error) {
	return o.c.search(ctx, o.scope, q)
}

func (c *Curator) search(ctx context.Context, scope content.Scope, q search.Query) (*search.Result, error) {
	if c.searcher == nil {
		return nil, fmt.Errorf("%w by Config.NoSearch", search.ErrDisabled)
	}
	return c.searcher.Search(ctx, scope, q)
}

// MoreLikeThis finds records like one, by the most telling words of its document;
// see search.Searcher.Similar.
func (o *Organization) MoreLikeThis(ctx context.Context, typeName, id string, q search.Query) (*search.Result, error) {
	if o.c.searcher == nil {
		return nil, fmt.Errorf("%w by Config.NoSearch", search.ErrDisabled)
	}
	return o.c.searcher.Similar(ctx, o.scope, typeName, id, q)
}

// Suggest completes the last word of what somebody types into a search box; see
// search.Searcher.Suggest.
func (o *Organization) Suggest(ctx context.Context, q search.SuggestQuery) ([]search.Suggestion, error) {
	if o.c.searcher == nil {
		return nil, fmt.Errorf("%w by Config.NoSearch", search.ErrDisabled)
	}
	return o.c.searcher.Suggest(ctx, o.scope, q)
}

// sources are what the built-in functions are made of.
func (c *Curator) sources() functions.Sources {
	s := functions.Sources{Registry: c.registry, Records: c.store, Text: c.text}
	if c.hasObjects() {
		s.Export = c.export
	}
	if c.searcher != nil {
		s.Search = c.searcher
	}
	s.Connections = []functions.Connection{}
	for _, conn := range c.order {
		s.Connections = append(s.Connections, functions.Connection{Name: conn.Name(), Label: conn.Label(), Description: conn.Description(), Types: conn.Types()})
	}
	return s
}
