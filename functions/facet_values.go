package functions

import (
	"context"

	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

type facetArgs struct {
	Model   string      `json:"model" jsonschema_description:"Type of record"`
	Field   string      `json:"field" jsonschema:"minLength=1" jsonschema_description:"A field that query_model can filter by"`
	Prefix  string      `json:"prefix,omitempty" jsonschema:"maxLength=200" jsonschema_description:"Only values of a text field that begin with this, whatever the case"`
	Filters []filterArg `json:"filters,omitempty" jsonschema:"maxItems=20" jsonschema_description:"Only records for which these all hold"`
	Limit   int         `json:"limit,omitempty" jsonschema:"minimum=1" jsonschema_description:"How many values, at most 100; a higher number is lowered to 100"`
}

type facetList struct {
	Model  string       `json:"model"`
	Field  string       `json:"field"`
	Values []facetValue `json:"values" jsonschema_description:"The most frequent first"`
}

type facetValue struct {
	Value *string `json:"value" jsonschema_description:"As filters take it; null for records without one"`
	Count int64   `json:"count" jsonschema_description:"Number of records"`
}

func (l *facetList) Len() int { return len(l.Values) }

func (l *facetList) Shorten(_ context.Context, call *Call, n int) error {
	l.Values = l.Values[:n]
	call.Note("only the %d most frequent values", n)
	call.SetMessage("Found %s, and there are more", count(n, "value"))
	return nil
}

func facetValues(s Sources) *Function {
	return Define(Spec{
		Name:        "facet_values",
		Description: "Lists the values that a field really has, with the number of records of each, the most frequent first. Use it to filter by values that exist instead of guessing how they are written.",
		Category:    "records",
		Tags:        []string{"query", "facets"},
		Needs:       s.Registry.Names(),
		Defaults:    map[string]any{"limit": defaultLimit},
		Input: func(schema *jsonschema.Schema) {
			enum(schema, "model", s.Registry.Names())
			filters, _ := schema.Properties.Get("filters")
			enum(filters.Items, "op", opNames())
		},
	}, func(ctx context.Context, call *Call, in facetArgs) (*facetList, error) {
		typ, err := s.lookup(call, in.Model)
		if err != nil {
			return nil, err
		}
		var bad []Problem
		fields := columns{of: typ.Name(), fields: typ.Columns()}
		filterable := fields.names((*content.Field).Filterable)
		q := store.AggregateQuery{Aggregates: []store.Aggregate{{Op: store.AggregateCount}}, GroupBy: []string{in.Field}, OrderBy: 1, Limit: limitOf(call, in.Limit),
			Filters: checkFilters(fields, "filters", in.Filters, &bad)}
		field := fields.named(in.Field)
		switch {
		case field == nil || !field.Filterable():
			bad = append(bad, Problem{"field", fields.cannot(in.Field, "filtered", filterable)})
		case in.Prefix != "" && field.Kind != content.String:
			bad = append(bad, Problem{"prefix", "is for text, but " + in.Field + " is a " + field.Kind.String()})
		case in.Prefix != "":
			q.Filters = append(q.Filters, content.Filter{Field: in.Field, Op: content.StartsWith, Values: []string{in.Prefix}})
		}
		if bad != nil {
			return nil, invalid(bad, describeHint(typ))
		}
		page, _, err := s.records(call).Aggregate(ctx, call.Scope(), typ, q)
		if err != nil {
			return nil, err
		}
		list := &facetList{Model: typ.Name(), Field: in.Field}
		long := shortener{limit: maxListed}
		for _, group := range page.Items {
			v := facetValue{}
			if group[0] != nil {
				text, _ := long.value(in.Field, plainValue(field.Show(group[0]))).(string)
				v.Value = &text
			}
			v.Count, _ = group[1].(int64)
			list.Values = append(list.Values, v)
		}
		call.SetSource(typ.Name())
		if page.NextCursor != "" {
			call.Truncate()
			call.Note("only the %d most frequent values; narrow them with prefix or filters", len(list.Values))
			call.SetMessage("Found %s, and there are more", count(len(list.Values), "value"))
		} else {
			call.SetMessage("Found %s", count(len(list.Values), "value"))
		}
		long.report(call)
		return list, nil
	})
}
