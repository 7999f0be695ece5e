package functions

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
)

// A Searcher finds documents for the built-in search functions.
type Searcher interface {
	Search(ctx context.Context, scope content.Scope, q SearchQuery) (SearchResult, error)
}

// A SearchQuery is what a search function asks for.
type SearchQuery struct {
	Text    string   // "" finds everything, the newest first
	Types   []string // with Groups a union; both empty means all
	Groups  []string
	Filters []content.Filter // all hold; Field is namespace and name: "salesforce.stage"
	Limit   int              // 1 to 100
	Cursor  string           // NextCursor of the page before, of the same query
}

// A SearchResult is a page of documents, best first.
type SearchResult struct {
	Hits       []SearchHit              `json:"hits"`
	Facets     map[string][]SearchCount `json:"facets" jsonschema_description:"Number of matches by group, type and content type, on all pages together"`
	Total      int                      `json:"-"` // of all pages
	NextCursor string                   `json:"-"` // "" on the last page
}

// A SearchHit is one document.
type SearchHit struct {
	Type        string   `json:"type" jsonschema_description:"Type of the record, for get"`
	ID          string   `json:"id" jsonschema_description:"Id of the record, for get"`
	Group       string   `json:"group"`
	Label       string   `json:"label" jsonschema_description:"Type for people"`
	Title       string   `json:"title"`
	Filename    string   `json:"filename,omitempty"`
	ContentType string   `json:"content_type,omitempty"`
	URL         string   `json:"url,omitempty"`
	Score       float64  `json:"score"`
	Highlights  []string `json:"highlights" jsonschema_description:"Passages of the text, as HTML, with the words that matched in mark elements"`
}

// A SearchCount is the number of documents with a value.
type SearchCount struct {
	Value string `json:"value"`
	Label string `json:"label,omitempty"`
	Count int    `json:"count"`
}

type searchArgs struct {
	Query   string      `json:"query" jsonschema:"minLength=1,maxLength=500" jsonschema_description:"Words to look for; a phrase in quotation marks must occur as it is"`
	Types   []string    `json:"types,omitempty" jsonschema_description:"Only records of these types, or of one of the groups"`
	Groups  []string    `json:"groups,omitempty" jsonschema_description:"Only records of these groups, or of one of the types"`
	Filters []filterArg `json:"filters,omitempty" jsonschema_description:"Conditions on fields that must all hold"`
	Limit   int         `json:"limit,omitempty" jsonschema:"minimum=1" jsonschema_description:"How many to return, at most 100; a higher number is lowered to 100"`
	Cursor  string      `json:"cursor,omitempty" jsonschema_description:"next_cursor of the previous result, with otherwise unchanged arguments"`
}

// hitList is a page of hits that can fetch a shorter one in its place.
type hitList struct {
	SearchResult

	fetch func(ctx context.Context, limit int) error
}

func (l *hitList) Len() int { return len(l.Hits) }

func (l *hitList) Shorten(ctx context.Context, _ *Call, n int) error { return l.fetch(ctx, n) }

func searchAll(s Sources) *Function {
	return Define(Spec{
		Name:        "search",
		Description: "Finds records by the words in their titles and texts, across all types, best first. Returns passages; read a whole record with get. For exact conditions on values use query_model.",
		Category:    "search",
		Tags:        []string{"search"},
		Defaults:    map[string]any{"limit": defaultLimit},
		Input: func(schema *jsonschema.Schema) {
			enum(schema, "types", s.Registry.Names())
			enum(schema, "groups", s.Registry.Groups())
			filters, _ := schema.Properties.Get("filters")
			enum(filters.Items, "op", opNames())
		},
	}, func(ctx context.Context, call *Call, in searchArgs) (*hitList, error) {
		types := s.chosen(in.Types, in.Groups)
		var bad []Problem
		filters := checkFilters(searchable(types), "filters", in.Filters, &bad)
		if bad == nil {
			filters = qualify(filters, types, &bad)
		}
		if bad != nil {
			return nil, invalid(bad, "describe_model lists the fields of a type.")
		}
		q := SearchQuery{Text: in.Query, Types: in.Types, Groups: in.Groups, Filters: filters, Cursor: in.Cursor}
		list := &hitList{}
		list.fetch = func(ctx context.Context, limit int) (err error) {
			q.Limit = limit
			if list.SearchResult, err = s.Search.Search(ctx, call.Scope(), q); err != nil {
				return err
			}
			found(call, len(list.Hits), int64(list.Total), list.NextCursor)
			return nil
		}
		return list, list.fetch(ctx, limitOf(call, in.Limit))
	})
}

// chosen returns the types that a search looks at: the union of types and
// groups, or all.
func (s Sources) chosen(types, groups []string) []*content.Type {
	if len(types)+len(groups) == 0 {
		return s.Registry.Types()
	}
	var chosen []*content.Type
	for _, t := range s.Registry.Types() {
		if slices.Contains(types, t.Name()) || slices.Contains(groups, t.Group()) {
			chosen = append(chosen, t)
		}
	}
	return chosen
}

// searchable returns the fields that documents of some types are indexed with.
func searchable(types []*content.Type) columns {
	c := columns{of: "these types"}
	if len(types) == 1 {
		c.of = types[0].Name()
	}
	for _, t := range types {
		for _, f := range t.Fields() {
			if indexed(f) && c.named(f.Name) == nil {
				c.fields = append(c.fields, f)
			}
		}
	}
	return c
}

// indexed reports whether a document has a field among its metadata.
func indexed(f *content.Field) bool {
	return f.Filterable() && !f.Has(content.Unindexed|content.Kept)
}

// qualify puts the namespace before the names of filters. A name that several
// namespaces have must be narrowed to one.
func qualify(filters []content.Filter, types []*content.Type, bad *[]Problem) []content.Filter {
	for i, filter := range filters {
		var spaces []string
		for _, t := range types {
			if f, ok := t.Field(filter.Field); ok && indexed(f) && !slices.Contains(spaces, t.Group()) {
				spaces = append(spaces, t.Group())
			}
		}
		if len(spaces) > 1 {
			*bad = append(*bad, Problem{fmt.Sprintf("filters[%d].field", i),
				fmt.Sprintf("is %s, which several groups have; narrow groups to one of %s", show(filter.Field), listed(spaces))})
			continue
		}
		filters[i].Field = strings.Join(append(spaces, filter.Field), ".")
	}
	return filters
}
