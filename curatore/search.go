package curatore

import (
	"context"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/inverted"
)

// assembleSearch makes the indexer and the searcher. When search is off, imports
// take deleted records out of the index nevertheless, so that nobody finds them
// when it is on again.
func (c *Curator) assembleSearch() {
	config := search.Config{DB: c.db, Authority: c.auth, Registry: c.registry, Index: inverted.New(inverted.Options{}), Now: c.now}
	c.imports.Index, c.imports.IndexLater = search.NewIndexer(config), c.config.NoSearch
	if !c.config.NoSearch {
		c.searcher = search.NewSearcher(config)
	}
}

// Search finds records by words, types, groups, filters and facets; see
// search.Query. A search that fails is an error, never an empty result. With
// Config.NoSearch it is content.ErrDisabled.
func (o *Organization) Search(ctx context.Context, q search.Query) (*search.Result, error) {
	return o.c.search(ctx, o.scope, q)
}

func (c *Curator) search(ctx context.Context, scope content.Scope, q search.Query) (*search.Result, error) {
	if c.searcher == nil {
		return nil, fmt.Errorf("%w: search is switched off by Config.NoSearch", content.ErrDisabled)
	}
	return c.searcher.Search(ctx, scope, q)
}

// sources are what the built-in functions are made of.
func (c *Curator) sources() functions.Sources {
	s := functions.Sources{Registry: c.registry, Records: c.store, Text: c.text}
	if c.searcher != nil {
		s.Search = c.searcher
	}
	s.Connections = []functions.Connection{}
	for _, conn := range c.order {
		s.Connections = append(s.Connections, functions.Connection{Name: conn.Name(), Label: conn.Label(), Description: conn.Description(), Types: conn.Types()})
	}
	return s
}
