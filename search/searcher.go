package search

import (
	"context"
	"fmt"
	"strings"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/inverted"
)

// A Searcher answers queries. It is safe for concurrent use, also while the
// index changes: each search sees one state of it.
type Searcher struct {
	config Config
	words  Arm
	fields map[string]bool // declared
}

// NewSearcher returns a Searcher. It does not touch the database.
func NewSearcher(c Config) *Searcher {
	c = c.withDefaults()
	return &Searcher{config: c, words: c.Index, fields: declaredFields(c.Registry)}
}

// Search finds documents of the Scope's organization, of types that are
// registered. Scores, order, total and facets do not depend on the page, and all
// are of the same documents. A type, group or field that does not exist, and a
// value that a field cannot hold, is an error that wraps [content.ErrInvalid] and
// names what there is; a search that fails is an error, never an empty result.
func (s *Searcher) Search(ctx context.Context, scope content.Scope, q Query) (*Result, error) {
	organization, err := s.config.Authority.Organization(scope)
	if err != nil {
		return nil, err
	}
	if q, err = q.normalize(); err != nil {
		return nil, err
	}
	after, err := decodeCursor(organization, q)
	if err != nil {
		return nil, err
	}
	var res *Result
	err = s.config.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := s.check(ctx, tx, organization, q); err != nil {
			return err
		}
		res, err = s.search(ctx, tx, organization, q, after)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return res, nil
}

func (s *Searcher) search(ctx context.Context, tx *database.Tx, organization string, q Query, after *inverted.Position) (*Result, error) {
	req := s.request(q)
	req.After = after
	req.Limit = q.Offset + q.Limit + 1 // one more tells whether there is a next page
	found, err := s.words.Search(ctx, tx, organization, req)
	if err != nil {
		return nil, err
	}
	hits := fuse([]ranking{{weight: 1, hits: found.Hits}})
	res := &Result{Total: found.Total, Hits: []Hit{}, Facets: s.facets(found.Facets)}
	hits = hits[min(q.Offset, len(hits)):]
	if len(hits) > q.Limit {
		hits = hits[:q.Limit]
		last := hits[len(hits)-1]
		res.NextCursor = encodeCursor(organization, q, inverted.Position{Score: last.Score, Document: last.Document})
	}
	if len(hits) == 0 {
		return res, nil
	}
	numbers := make([]int64, len(hits))
	for i, h := range hits {
		numbers[i] = h.Chunk
	}
	rows, err := readHits(ctx, tx, organization, numbers)
	if err != nil {
		return nil, err
	}
	for i, row := range rows {
		row.Label = s.label(row.Type)
		if req.Query != nil {
			row.Score = hits[i].Score
			if !q.Highlight.Off {
				row.Highlights = highlights(req.Query, row.Title, row.text, q.Highlight)
			}
		}
		res.Hits = append(res.Hits, row.Hit)
	}
	return res, nil
}

// request turns a query into what the index is asked.
func (s *Searcher) request(q Query) inverted.Request {
	req := inverted.Request{Filters: q.Filters, Facets: q.Facets, OrderBy: FieldUpdatedAt}
	if strings.TrimSpace(q.Text) != "" {
		req.Query = inverted.Parse(q.Text)
	}
	if len(q.Types) > 0 {
		req.Any = append(req.Any, content.Filter{Field: FieldType, Op: content.In, Values: q.Types})
	}
	if len(q.Groups) > 0 {
		req.Any = append(req.Any, content.Filter{Field: FieldGroup, Op: content.In, Values: q.Groups})
	}
	// what a connection has left behind that is no longer registered cannot be
	// opened, so it is not found
	registered := content.Filter{Field: FieldType, Op: content.In, Values: s.config.Registry.Names()}
	if len(registered.Values) == 0 {
		registered = content.Filter{Field: FieldType, Op: content.IsNull}
	}
	req.Filters = append([]content.Filter{registered}, req.Filters...)
	return req
}

func (s *Searcher) label(typeName string) string {
	if t, ok := s.config.Registry.Type(typeName); ok {
		return t.Label("default")
	}
	return typeName
}

// facets bounds the lists and adds the labels.
func (s *Searcher) facets(found map[string][]inverted.Count) map[string][]FacetCount {
	facets := make(map[string][]FacetCount, len(found))
	for field, counts := range found {
		counts = counts[:min(len(counts), maxFacetValues)]
		list := make([]FacetCount, len(counts))
		for i, c := range counts {
			list[i] = FacetCount{Value: c.Value, Label: c.Value, Count: c.Count}
			if field == FieldType {
				list[i].Label = s.label(c.Value)
			}
		}
		facets[field] = list
	}
	return facets
}
