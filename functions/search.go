package functions

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search"
)

// A Searcher finds documents for the built-in search functions.
// [search.Searcher] is one.
type Searcher interface {
	Search(ctx context.Context, scope content.Scope, q search.Query) (*search.Result, error)
}

var _ Searcher = (*search.Searcher)(nil)

type searchArgs struct {
	Query   string      `json:"query" jsonschema:"minLength=1,maxLength=500" jsonschema_description:"Words to look for; a phrase in quotation marks must occur as it is"`
	Types   []string    `json:"types,omitempty" jsonschema:"uniqueItems=true" jsonschema_description:"Only records of these types, or of one of the groups"`
	Groups  []string    `json:"groups,omitempty" jsonschema:"uniqueItems=true,maxItems=100" jsonschema_description:"Only records of these groups, or of one of the types"`
	Filters []filterArg `json:"filters,omitempty" jsonschema:"maxItems=20" jsonschema_description:"Conditions on fields that must all hold"`
	Limit   int         `json:"limit,omitempty" jsonschema:"minimum=1" jsonschema_description:"How many to return, at most 100; a higher number is lowered to 100"`
	Cursor  string      `json:"cursor,omitempty" jsonschema:"maxLength=10000" jsonschema_description:"next_cursor of the previous result, with otherwise unchanged arguments"`
}

// hitList is a page of hits that can fetch a shorter one in its place.
type hitList struct {
	Hits   []search.Hit                   `json:"hits" jsonschema_description:"The best first; type and id are for get"`
	Facets map[string][]search.FacetCount `json:"facets" jsonschema_description:"Number of matches by group, type and content type, on all pages together"`

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
		Needs:       s.Registry.Names(),
		Defaults:    map[string]any{"limit": defaultLimit},
		Input: func(schema *jsonschema.Schema) {
			enum(schema, "types", s.Registry.Names())
			if groups := s.groups(); len(groups) > 0 {
				enum(schema, "groups", groups)
			}
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
		off, err := s.offTypes(call)
		if err != nil {
			return nil, err
		}
		if len(off) > 0 {
			filters = append(filters, content.Filter{Field: search.FieldType, Op: content.NotIn, Values: off})
		}
		groups, err := s.offGroups(call)
		if err != nil {
			return nil, err
		}
		if len(groups) > 0 {
			filters = append(filters, content.Filter{Field: search.FieldGroup, Op: content.NotIn, Values: groups})
		}
		q := search.Query{Text: in.Query, Types: in.Types, Groups: in.Groups, Filters: filters, Cursor: in.Cursor}
		list := &hitList{}
		list.fetch = func(ctx context.Context, limit int) error {
			q.Limit = limit
			result, err := s.Search.Search(ctx, call.Scope(), q)
			if err != nil {
				return err
			}
			list.Hits, list.Facets = result.Hits, result.Facets
			found(call, len(list.Hits), int64(result.Total), result.NextCursor)
			return nil
		}
		return list, list.fetch(ctx, limitOf(call, in.Limit))
	})
}

// groups returns the names of all groups, or nil when there are none or when
// records bring their own.
func (s Sources) groups() []string {
	for _, t := range s.Registry.Types() {
		if t.GroupField() != nil && !t.Shared() {
			return nil
		}
	}
	return slices.DeleteFunc(s.Registry.Groups(), func(group string) bool { return group == "" })
}

// chosen returns the types that a search may find records of: the union of types
// and groups, or all.
func (s Sources) chosen(types, groups []string) []*content.Type {
	if len(types)+len(groups) == 0 {
		return s.Registry.Types()
	}
	var chosen []*content.Type
	for _, t := range s.Registry.Types() {
		ownGroups := len(groups) > 0 && t.GroupField() != nil && !t.Shared()
		if ownGroups || slices.Contains(types, t.Name()) || slices.ContainsFunc(t.Groups(), func(g string) bool { return slices.Contains(groups, g) }) {
			chosen = append(chosen, t)
		}
	}
	return chosen
}

// documentFields can be filtered by whatever the type.
var documentFields = []*content.Field{
	{Name: search.FieldContentType, Kind: content.String, Roles: content.Filterable},
	{Name: search.FieldUpdatedAt, Kind: content.Time, Roles: content.Filterable},
}

// searchable returns the fields that the documents of some types can be filtered
// by.
func searchable(types []*content.Type) columns {
	c := columns{of: "these types"}
	if len(types) == 1 {
		c.of = types[0].Name()
	}
	c.fields = append(c.fields, documentFields...)
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

// qualify puts the namespace before the names of filters, as search knows them.
// A name that several namespaces have must be narrowed to one.
func qualify(filters []content.Filter, types []*content.Type, bad *[]Problem) []content.Filter {
	for i, filter := range filters {
		if slices.ContainsFunc(documentFields, func(f *content.Field) bool { return f.Name == filter.Field }) {
			continue
		}
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
