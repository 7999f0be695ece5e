package inverted

import (
	"cmp"
	"context"
	"fmt"

	"github.com/curatore/curatore-go/content/database"
)

// Options are the settings of [New]. The zero value is ready to use.
type Options struct {
	// CacheBytes bounds the memory for what was read from segments, over all
	// organizations together; 0 means 64 MB, less than 0 keeps nothing. Enough for it
	// all to stay in memory are about 450 bytes for each chunk of a kilobyte, a third
	// of them for positions. While there is room, a search that has to read blocks
	// reads about a megabyte of those beside them too. A query uses, beside the cache,
	// what it reads itself and up to two megabytes for scores and sets of chunks.
	CacheBytes int
}

// An Index is the index of all organizations of a database. It is safe for
// concurrent use, also by several processes.
//
// Its methods take the id of an organization as it is: the caller has checked a
// content.Scope. No method looks at rows of another organization.
type Index struct {
	cache   *cache
	ranking *ranking
}

// New returns the index in the tables that the core's migrations create.
func New(o Options) *Index {
	return &Index{cache: newCache(cmp.Or(o.CacheBytes, 64<<20)), ranking: defaultRanking()}
}

// Names returns the names of the values that the documents of an organization
// have, in order.
func (x *Index) Names(ctx context.Context, tx *database.Tx, organization string) ([]string, error) {
	var names []string
	err := tx.Select(ctx, &names, `SELECT DISTINCT c.name FROM search_columns c
		JOIN search_segments s ON s.organization_id = c.organization_id AND s.id = c.segment_id
		WHERE c.organization_id = ? AND s.state = 'live' AND c.name NOT LIKE '#%' ORDER BY c.name`, organization)
	if err != nil {
		return nil, fmt.Errorf("search index: read names: %w", err)
	}
	return names, nil
}
