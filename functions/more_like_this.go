package functions

import (
	"context"

	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search"
)

// A Similarer is a [Searcher] that finds documents like one of them.
// [search.Searcher] is one.
type Similarer interface {
	Similar(ctx context.Context, scope content.Scope, typeName, id string, q search.Query) (*search.Result, error)
}

type similarArgs struct {
	Type   string   `json:"type" jsonschema_description:"Type of the record"`
	ID     string   `json:"id" jsonschema:"minLength=1,maxLength=200" jsonschema_description:"Its id, from the result of another function"`
	Types  []string `json:"types,omitempty" jsonschema:"uniqueItems=true" jsonschema_description:"Only records of these types; without it all"`
	Limit  int      `json:"limit,omitempty" jsonschema:"minimum=1" jsonschema_description:"How many to return, at most 100; a higher number is lowered to 100"`
	Cursor string   `json:"cursor,omitempty" jsonschema:"maxLength=10000" jsonschema_description:"next_cursor of the previous result, with otherwise unchanged arguments"`
}

func moreLikeThis(s Sources, similar Similarer) *Function {
	return Define(Spec{
		Name:        "more_like_this",
		Description: "Finds records like one that you know, by the words that tell it from others, the best first. Use it for questions such as: what else is there of this kind?",
		Category:    "search",
		Tags:        []string{"search", "similar"},
		Needs:       s.Registry.Names(),
		Defaults:    map[string]any{"limit": defaultLimit},
		Input: func(schema *jsonschema.Schema) {
			enum(schema, "type", s.Registry.Names())
			enum(schema, "types", s.Registry.Names())
		},
	}, func(ctx context.Context, call *Call, in similarArgs) (*hitList, error) {
		typ, err := s.lookup(call, in.Type)
		if err != nil {
			return nil, err
		}
		if typ.Shared() { // the record may be of a connection that is switched off
			if _, err := s.records(call).Get(ctx, call.Scope(), typ, in.ID); err != nil {
				return nil, err
			}
		}
		off, err := s.offTypes(call)
		if err != nil {
			return nil, err
		}
		q := search.Query{Types: in.Types, Cursor: in.Cursor}
		if len(off) > 0 {
			q.Filters = []content.Filter{{Field: search.FieldType, Op: content.NotIn, Values: off}}
		}
		groups, err := s.offGroups(call)
		if err != nil {
			return nil, err
		}
		if len(groups) > 0 {
			q.Filters = append(q.Filters, content.Filter{Field: search.FieldGroup, Op: content.NotIn, Values: groups})
		}
		list := &hitList{}
		list.fetch = func(ctx context.Context, limit int) error {
			q.Limit = limit
			result, err := similar.Similar(ctx, call.Scope(), typ.Name(), in.ID, q)
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
