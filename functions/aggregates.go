package functions

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

type aggregateArg struct {
	Op    string `json:"op" jsonschema:"enum=count,enum=sum,enum=avg,enum=min,enum=max"`
	Field string `json:"field,omitempty" jsonschema_description:"Required but for count, which without it counts records"`
}

// name is the column that an aggregate makes: count, sum_amount.
func (a aggregateArg) name() string {
	if a.Field == "" {
		return a.Op
	}
	return a.Op + "_" + a.Field
}

// aggregate holds the arguments against the type and returns them as a query
// and the names of its columns.
func (in queryArgs) aggregate(typ *content.Type) (store.AggregateQuery, []string, error) {
	var bad []Problem
	q := store.AggregateQuery{Cursor: in.Cursor, GroupBy: in.GroupBy}
	fields := columns{of: typ.Name(), fields: typ.Columns()}
	q.Filters = checkFilters(fields, "filters", in.Filters, &bad)
	q.Any = checkFilters(fields, "any_of", in.AnyOf, &bad)
	names := slices.Clone(in.GroupBy)
	groupable := fields.names(func(f *content.Field) bool { return f.Filterable() && f.Kind != content.JSON })
	for i, name := range in.GroupBy {
		if !slices.Contains(groupable, name) {
			bad = append(bad, Problem{fmt.Sprintf("group_by[%d]", i), fields.cannot(name, "grouped", groupable)})
		}
	}
	numbers := fields.names((*content.Field).Aggregatable)
	ordered := fields.names(func(f *content.Field) bool {
		return f.Kind != content.JSON && f.Kind != content.Bool && (f.Sortable() || f.Filterable() || f.Aggregatable())
	})
	aggregates := in.Aggregates
	if len(aggregates) == 0 {
		aggregates = []aggregateArg{{Op: store.AggregateCount}}
	}
	for i, a := range aggregates {
		at := fmt.Sprintf("aggregates[%d].field", i)
		choice := ordered
		switch {
		case a.Op == store.AggregateCount:
			choice = fields.names(nil)
		case a.Op == store.AggregateSum || a.Op == store.AggregateAvg:
			choice = numbers
		}
		switch {
		case a.Field == "" && a.Op != store.AggregateCount:
			bad = append(bad, Problem{at, "is required for " + a.Op})
		case a.Field != "" && fields.named(a.Field) == nil:
			bad = append(bad, Problem{at, fields.missing(a.Field, fields.names(nil))})
		case a.Field != "" && !slices.Contains(choice, a.Field):
			bad = append(bad, Problem{at, fmt.Sprintf("is %q, which has no %s; use one of %s", a.Field, a.Op, listed(choice))})
		case slices.Contains(names, a.name()):
			bad = append(bad, Problem{fmt.Sprintf("aggregates[%d]", i), "is there twice"})
		}
		q.Aggregates, names = append(q.Aggregates, store.Aggregate{Op: a.Op, Field: a.Field}), append(names, a.name())
	}
	if len(in.Select) > 0 {
		bad = append(bad, Problem{"select", "cannot be used with aggregates; the columns are those of group_by and the aggregates"})
	}
	if in.IncludeTotal {
		bad = append(bad, Problem{"include_total", "cannot be used with aggregates; use the aggregate count"})
	}
	values := names[len(in.GroupBy):]
	switch {
	case len(in.Order) > 1:
		bad = append(bad, Problem{"order", "takes one value with aggregates"})
	case len(in.Order) == 1 && (!slices.Contains(values, in.Order[0].Field) || !in.Order[0].Desc):
		bad = append(bad, Problem{"order[0]", "must be one of " + listed(values) + " with desc true; without order groups are sorted by their values"})
	case len(in.Order) == 1:
		q.OrderBy = 1 + slices.Index(values, in.Order[0].Field)
		if q.Cursor != "" {
			bad = append(bad, Problem{"cursor", "cannot be used with order and aggregates"})
		}
	}
	if bad != nil {
		return q, nil, invalid(bad, describeHint(typ))
	}
	return q, names, nil
}

// aggregates answers a query with aggregates.
func (s Sources) aggregates(ctx context.Context, call *Call, typ *content.Type, in queryArgs) (*rowList, error) {
	q, names, refused := in.aggregate(typ)
	if refused != nil {
		return nil, refused
	}
	call.SetSource(typ.Name())
	list := &rowList{Model: typ.Name()}
	list.fetch = func(ctx context.Context, limit int) error {
		q.Limit = limit
		page, kinds, err := s.records(call).Aggregate(ctx, call.Scope(), typ, q)
		if err != nil {
			return err
		}
		list.Rows = rows{names: names}
		long := shortener{limit: maxListed}
		for _, group := range page.Items {
			values := make([]any, len(group))
			for i, v := range group {
				values[i] = long.value(names[i], (&content.Field{Kind: kinds[i]}).Show(v))
			}
			list.Rows.values = append(list.Rows.values, values)
		}
		more := page.NextCursor
		if q.OrderBy > 0 {
			more = ""
		}
		call.SetNext(more)
		call.SetMessage("Found %s", count(list.Len(), "group"))
		if page.NextCursor != "" {
			call.SetMessage("Found %s, and there are more", count(list.Len(), "group"))
		}
		if page.NextCursor != "" && more == "" {
			call.Truncate()
			call.Note("only the %d groups with the highest values", list.Len())
		}
		long.report(call)
		return nil
	}
	return list, list.fetch(ctx, limitOf(call, in.Limit))
}

// plainValue writes a value as filters take it.
func plainValue(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}
