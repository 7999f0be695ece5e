package functions

import (
	"context"
	"fmt"
	"slices"

	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

type queryArgs struct {
	Model        string      `json:"model" jsonschema_description:"Type of record"`
	Filters      []filterArg `json:"filters,omitempty" jsonschema_description:"Conditions that must all hold"`
	AnyOf        []filterArg `json:"any_of,omitempty" jsonschema_description:"Conditions of which at least one must hold, besides all of filters"`
	Select       []string    `json:"select,omitempty" jsonschema_description:"Names of the fields to return; without it all but long texts and nested values"`
	Order        []orderArg  `json:"order,omitempty" jsonschema_description:"Without it by title"`
	Limit        int         `json:"limit,omitempty" jsonschema:"minimum=1" jsonschema_description:"How many to return, at most 100; a higher number is lowered to 100"`
	Cursor       string      `json:"cursor,omitempty" jsonschema_description:"next_cursor of the previous result, with otherwise unchanged arguments"`
	IncludeTotal bool        `json:"include_total,omitempty" jsonschema_description:"Also count all matching records, which takes longer"`
}

type filterArg struct {
	Field  string   `json:"field" jsonschema:"minLength=1"`
	Op     string   `json:"op" jsonschema_description:"in and not_in take several values, is_null and not_null none, all others one"`
	Values []string `json:"values,omitempty" jsonschema_description:"As text: numbers in decimal, true or false, dates as 2026-01-31, times as 2026-01-31T15:04:05Z"`
}

type orderArg struct {
	Field string `json:"field" jsonschema:"minLength=1" jsonschema_description:"A sortable field or title"`
	Desc  bool   `json:"desc,omitempty" jsonschema_description:"Highest first"`
}

// rowList is a page of rows that can fetch a shorter one in its place.
type rowList struct {
	Model string   `json:"model"`
	Rows  []Object `json:"rows" jsonschema_description:"One object per record, with a value or null for each selected field"`

	fetch func(ctx context.Context, limit int) error
}

func (l *rowList) Len() int { return len(l.Rows) }

func (l *rowList) Shorten(ctx context.Context, _ *Call, n int) error { return l.fetch(ctx, n) }

func queryModel(s Sources) *Function {
	return Define(Spec{
		Name:        "query_model",
		Description: "Reads records of one type by exact conditions on their fields, sorted and page by page. For questions about values, dates and amounts; to find words in texts use search. describe_model tells the fields.",
		Category:    "records",
		Tags:        []string{"query"},
		Defaults:    map[string]any{"limit": defaultLimit},
		Input: func(schema *jsonschema.Schema) {
			enum(schema, "model", s.Registry.Names())
			for _, list := range []string{"filters", "any_of"} {
				property, _ := schema.Properties.Get(list)
				enum(property.Items, "op", opNames())
			}
		},
	}, func(ctx context.Context, call *Call, in queryArgs) (*rowList, error) {
		typ, err := s.Registry.Lookup(in.Model)
		if err != nil {
			return nil, err
		}
		q, columns, refused := in.query(typ)
		if refused != nil {
			return nil, refused
		}
		call.SetSource(typ.Name())
		list := &rowList{Model: typ.Name()}
		list.fetch = func(ctx context.Context, limit int) error {
			q.Limit = limit
			fields, page, err := s.Records.Select(ctx, call.Scope(), typ, columns, q)
			if err != nil {
				return err
			}
			list.Rows = list.Rows[:0]
			long := shortener{limit: maxListed}
			for _, values := range page.Items {
				row := make(Object, len(fields))
				for i, f := range fields {
					row[f.Name] = long.value(f.Name, f.Show(values[i]))
				}
				list.Rows = append(list.Rows, row)
			}
			found(call, len(list.Rows), page.Total, page.NextCursor)
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
	q.Filters = checkFilters(typ, "filters", in.Filters, &bad)
	q.Any = checkFilters(typ, "any_of", in.AnyOf, &bad)
	columns := typ.Columns()
	for i, name := range in.Select {
		if !slices.Contains(names(columns, anyField), name) {
			bad = append(bad, Problem{fmt.Sprintf("select[%d]", i), noField(typ, name, names(columns, anyField))})
		}
	}
	sortable := names(columns, (*content.Field).Sortable)
	if _, declared := typ.Field("title"); !declared {
		sortable = append(sortable, "title") // whatever makes the record's title
	}
	for i, o := range in.Order {
		if !slices.Contains(sortable, o.Field) {
			bad = append(bad, Problem{fmt.Sprintf("order[%d].field", i), cannot(typ, o.Field, "sorted", sortable)})
		}
		q.Order = append(q.Order, store.Order{Field: o.Field, Desc: o.Desc})
	}
	if bad != nil {
		return q, nil, invalid(bad, describeHint(typ))
	}
	if len(in.Select) > 0 {
		return q, in.Select, nil
	}
	return q, names(columns, short), nil
}

func anyField(*content.Field) bool { return true }

// short reports whether a field is read when a query selects nothing.
func short(f *content.Field) bool {
	return f.Kind != content.JSON && !f.Has(content.Text|content.Object)
}

// checkFilters holds filters against the fields of a type: whether they exist,
// can be filtered by, take the operator, and can hold the values.
func checkFilters(typ *content.Type, path string, args []filterArg, bad *[]Problem) []content.Filter {
	filterable := names(typ.Columns(), (*content.Field).Filterable)
	var filters []content.Filter
	for i, arg := range args {
		at := fmt.Sprintf("%s[%d]", path, i)
		filter := content.Filter{Field: arg.Field, Op: content.Op(arg.Op), Values: arg.Values}
		filters = append(filters, filter)
		if !slices.Contains(filterable, arg.Field) {
			*bad = append(*bad, Problem{at + ".field", cannot(typ, arg.Field, "filtered", filterable)})
			continue
		}
		if err := filter.Check(); err != nil {
			*bad = append(*bad, Problem{at, wrongCount(filter)})
			continue
		}
		field, err := typ.Column(arg.Field)
		if err != nil {
			*bad = append(*bad, Problem{at + ".field", err.Error()})
			continue
		}
		if (filter.Op == content.Contains || filter.Op == content.StartsWith) && field.Kind != content.String {
			*bad = append(*bad, Problem{at + ".op", fmt.Sprintf("is %s, which needs text, but %s is a %s", arg.Op, field.Name, field.Kind)})
			continue
		}
		for j, value := range arg.Values {
			if _, err := field.Kind.Parse(value); err != nil {
				*bad = append(*bad, Problem{fmt.Sprintf("%s.values[%d]", at, j), "is wrong for " + field.Name + ": " + err.Error()})
			}
		}
	}
	return filters
}

// wrongCount says how many values an operator takes.
func wrongCount(f content.Filter) string {
	n := len(f.Values)
	switch f.Op {
	case content.IsNull, content.NotNull:
		return fmt.Sprintf("must have no values for %s, not %d", f.Op, n)
	case content.In, content.NotIn:
		return fmt.Sprintf("must have at least one value for %s", f.Op)
	}
	return fmt.Sprintf("must have exactly one value for %s, not %d", f.Op, n)
}

// noField says that a type has no such field, and names the nearest.
func noField(typ *content.Type, name string, fields []string) string {
	if near := nearest(name, fields); near != "" {
		return fmt.Sprintf("is %s, which %s does not have; did you mean %q?", show(name), typ.Name(), near)
	}
	return fmt.Sprintf("is %s, which %s does not have; use one of %s", show(name), typ.Name(), listed(fields))
}

// cannot says that a field is missing, or is not one to filter or sort by.
func cannot(typ *content.Type, name, what string, fields []string) string {
	if slices.Contains(names(typ.Columns(), anyField), name) {
		return fmt.Sprintf("is %s, which cannot be %s by; use one of %s", show(name), what, listed(fields))
	}
	return noField(typ, name, fields)
}

func opNames() []string {
	ops := content.Ops()
	names := make([]string, len(ops))
	for i, op := range ops {
		names[i] = string(op)
	}
	return names
}
