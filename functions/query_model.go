package functions

import (
	"context"
	"fmt"
	"slices"

	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

// The bounds on lists and lengths keep a query within what SQLite takes: 32,766
// variables, 2,000 columns, patterns of 50,000 bytes.
type queryArgs struct {
	Model        string         `json:"model" jsonschema_description:"Type of record"`
	Filters      []filterArg    `json:"filters,omitempty" jsonschema:"maxItems=20" jsonschema_description:"Conditions that must all hold"`
	AnyOf        []filterArg    `json:"any_of,omitempty" jsonschema:"maxItems=20" jsonschema_description:"Conditions of which at least one must hold, besides all of filters"`
	Select       []string       `json:"select,omitempty" jsonschema:"uniqueItems=true" jsonschema_description:"Names of the fields to return; without it all but long texts and nested values"`
	Order        []orderArg     `json:"order,omitempty" jsonschema:"maxItems=5" jsonschema_description:"Without it by title; with aggregates one of their names, such as sum_amount, with desc"`
	Aggregates   []aggregateArg `json:"aggregates,omitempty" jsonschema:"maxItems=10" jsonschema_description:"Values over all matching records, or over each group of them, in place of the records"`
	GroupBy      []string       `json:"group_by,omitempty" jsonschema:"uniqueItems=true,maxItems=5" jsonschema_description:"Fields that can be filtered by: one row for each combination of their values, by default with its count"`
	Limit        int            `json:"limit,omitempty" jsonschema:"minimum=1" jsonschema_description:"How many to return, at most 100; a higher number is lowered to 100"`
	Cursor       string         `json:"cursor,omitempty" jsonschema:"maxLength=10000" jsonschema_description:"next_cursor of the previous result, with otherwise unchanged arguments"`
	IncludeTotal bool           `json:"include_total,omitempty" jsonschema_description:"Also count all matching records, which takes longer"`
}

type filterArg struct {
	Field  string   `json:"field" jsonschema:"minLength=1"`
	Op     string   `json:"op" jsonschema_description:"in and not_in take several values, is_null and not_null none, all others one"`
	Values []string `json:"values,omitempty" jsonschema:"maxItems=500,maxLength=1000" jsonschema_description:"As text: numbers in decimal, true or false, dates as 2026-01-31, times as 2026-01-31T15:04:05Z"`
}

type orderArg struct {
	Field string `json:"field" jsonschema:"minLength=1" jsonschema_description:"A sortable field, title, or with aggregates the name of one"`
	Desc  bool   `json:"desc,omitempty" jsonschema_description:"Highest first"`
}

// rowList is a page of rows that can fetch a shorter one in its place.
type rowList struct {
	Model string `json:"model"`
	Rows  rows   `json:"rows" jsonschema_description:"One object per record, with a value or null for each selected field; with aggregates one per group"`

	fetch func(ctx context.Context, limit int) error
}

func (l *rowList) Len() int { return len(l.Rows.values) }

func (l *rowList) Shorten(ctx context.Context, _ *Call, n int) error { return l.fetch(ctx, n) }

func queryModel(s Sources) *Function {
	return Define(Spec{
		Name:        "query_model",
		Description: "Reads records of one type by exact conditions on their fields, sorted and page by page, or counts and adds them up, also by groups. For questions about values, dates and amounts; to find words in texts use search. describe_model tells the fields.",
		Category:    "records",
		Tags:        []string{"query"},
		Needs:       s.Registry.Names(),
		Defaults:    map[string]any{"limit": defaultLimit},
		Input: func(schema *jsonschema.Schema) {
			enum(schema, "model", s.Registry.Names())
			for _, list := range []string{"filters", "any_of"} {
				property, _ := schema.Properties.Get(list)
				enum(property.Items, "op", opNames())
			}
		},
	}, func(ctx context.Context, call *Call, in queryArgs) (*rowList, error) {
		typ, err := s.lookup(call, in.Model)
		if err != nil {
			return nil, err
		}
		if len(in.Aggregates)+len(in.GroupBy) > 0 {
			return s.aggregates(ctx, call, typ, in)
		}
		q, columns, refused := in.query(typ)
		if refused != nil {
			return nil, refused
		}
		call.SetSource(typ.Name())
		list := &rowList{Model: typ.Name()}
		list.fetch = func(ctx context.Context, limit int) error {
			q.Limit = limit
			fields, page, err := s.records(call).Select(ctx, call.Scope(), typ, columns, q)
			if err != nil {
				return err
			}
			list.Rows = rows{values: page.Items}
			for _, f := range fields {
				list.Rows.names = append(list.Rows.names, f.Name)
			}
			long := shortener{limit: maxListed}
			for _, values := range page.Items {
				for i, f := range fields {
					values[i] = long.value(f.Name, f.Show(values[i]))
				}
			}
			found(call, list.Len(), page.Total, page.NextCursor)
			long.report(call)
			return nil
		}
		return list, list.fetch(ctx, limitOf(call, in.Limit))
	})
}

// query holds the arguments against the type and returns them as a query and
// the columns to read. Every name and value is checked here, so that a mistake
// is reported with its place in the arguments.
func (in queryArgs) query(typ *content.Type) (store.Query, []string, error) {
	var bad []Problem
	q := store.Query{Cursor: in.Cursor, Total: in.IncludeTotal}
	fields := columns{of: typ.Name(), fields: typ.Columns()}
	q.Filters = checkFilters(fields, "filters", in.Filters, &bad)
	q.Any = checkFilters(fields, "any_of", in.AnyOf, &bad)
	for i, name := range in.Select {
		if fields.named(name) == nil {
			bad = append(bad, Problem{fmt.Sprintf("select[%d]", i), fields.missing(name, fields.names(nil))})
		}
	}
	sortable := fields.names((*content.Field).Sortable)
	if _, declared := typ.Field("title"); !declared {
		sortable = append(sortable, "title") // whatever makes the record's title
	}
	for i, o := range in.Order {
		if !slices.Contains(sortable, o.Field) {
			bad = append(bad, Problem{fmt.Sprintf("order[%d].field", i), fields.cannot(o.Field, "sorted", sortable)})
		}
		q.Order = append(q.Order, store.Order{Field: o.Field, Desc: o.Desc})
	}
	if bad != nil {
		return q, nil, invalid(bad, describeHint(typ))
	}
	if len(in.Select) > 0 {
		return q, in.Select, nil
	}
	return q, fields.names(short), nil
}

// short reports whether a field is read when a query selects nothing.
func short(f *content.Field) bool {
	return f.Kind != content.JSON && !f.Has(content.Text|content.Object)
}

// opNames are the operators that a model is offered: each once, by one name.
func opNames() []string {
	var names []string
	for _, op := range content.Ops() {
		if op != content.Exists { // the same as not_null
			names = append(names, string(op))
		}
	}
	return names
}
