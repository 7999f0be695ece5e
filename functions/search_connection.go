package functions

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/search"
)

// A Connection is a source of records that gets a search function of its own.
type Connection struct {
	Name        string // search_<Name> is the function; at most 33 characters
	Label       string // for people; default: the Name
	Description string // what it holds; it may be empty
	Types       []*content.Type
}

// connections returns those given, or one for each group of the registry.
func (s Sources) connections() []Connection {
	if s.Connections != nil {
		return s.Connections
	}
	var all []Connection
	for _, group := range s.Registry.Groups() {
		if group != "" {
			all = append(all, Connection{Name: group, Types: s.Registry.InGroup(group)})
		}
	}
	return all
}

// itemList is a page of records in summary form that can fetch a shorter one in
// its place.
type itemList struct {
	Items []item `json:"items"`

	fetch func(ctx context.Context, limit int) error
}

func (l *itemList) Len() int { return len(l.Items) }

func (l *itemList) Shorten(ctx context.Context, _ *Call, n int) error { return l.fetch(ctx, n) }

// A facet is an optional list parameter of a connection's search function.
type facet struct {
	parameter string
	field     *content.Field
	filters   string // field of the filter, with its namespace
}

// The parameters that every search of a connection has.
var fixedParameters = []string{"query", "types", "limit", "cursor"}

// facetsOf returns a facet for each different name among the types. One that is
// called like a fixed parameter, or like a facet of another group, gets its
// group before its name.
func facetsOf(types []*content.Type) []facet {
	var facets []facet
	for _, t := range types {
		for _, f := range t.With(content.Facet) {
			filters := t.Group() + "." + f.Name
			if !indexed(f) || slices.ContainsFunc(facets, func(other facet) bool { return other.filters == filters }) {
				continue
			}
			parameter := f.Name
			for slices.Contains(fixedParameters, parameter) || slices.ContainsFunc(facets, func(other facet) bool { return other.parameter == parameter }) {
				parameter = t.Group() + "_" + parameter
			}
			facets = append(facets, facet{parameter, f, filters})
		}
	}
	return facets
}

func searchConnection(s Sources, c Connection) *Function {
	label := cmp.Or(c.Label, c.Name)
	facets, groups := facetsOf(c.Types), groupsOf(c)
	return DefineDynamic(Spec{
		Name:        "search_" + c.Name,
		Description: describeSearch(label, c),
		Category:    "search",
		Tags:        []string{"search", c.Name},
		Source:      c.Name,
		Connection:  c.Name,
		Needs:       typeNames(c.Types),
		Defaults:    map[string]any{"limit": defaultLimit},
	}, connectionSchema(c, facets), func(ctx context.Context, call *Call, args map[string]any) (*itemList, error) {
		q := search.Query{Types: texts(args["types"]), Facets: []string{}, Highlight: search.Highlight{Off: true}}
		q.Text, _ = args["query"].(string)
		q.Cursor, _ = args["cursor"].(string)
		if len(q.Types) == 0 {
			q.Types = typeNames(c.Types)
		}
		var bad []Problem
		for _, f := range facets {
			values := texts(args[f.parameter])
			for i, value := range values {
				if _, err := f.field.Kind.Parse(value); err != nil {
					bad = append(bad, Problem{fmt.Sprintf("%s[%d]", f.parameter, i), "is wrong: " + clipped(err)})
				}
			}
			if len(values) > 0 {
				q.Filters = append(q.Filters, content.Filter{Field: f.filters, Op: content.In, Values: values})
			}
		}
		if bad != nil {
			return nil, invalid(bad, "")
		}
		if len(groups) > 0 { // else it would find what other connections have of the types that it shares
			q.Filters = append(q.Filters, content.Filter{Field: search.FieldGroup, Op: content.In, Values: groups})
		}
		list := &itemList{}
		list.fetch = func(ctx context.Context, limit int) error {
			q.Limit = limit
			result, err := s.Search.Search(ctx, call.Scope(), q)
			if err != nil {
				return err
			}
			if list.Items, err = s.summaries(ctx, call, result.Hits); err != nil {
				return err
			}
			found(call, len(list.Items), int64(result.Total), result.NextCursor)
			return nil
		}
		return list, list.fetch(ctx, limitOf(call, integer(args["limit"])))
	})
}

// groupsOf returns the groups of a connection's records when it shares types with
// others; nil when its types say whose records they are.
func groupsOf(c Connection) []string {
	groups := sharedGroups(c)
	if len(groups) == 0 {
		return nil
	}
	for _, t := range c.Types {
		groups = append(groups, t.Groups()...)
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

func describeSearch(label string, c Connection) string {
	text := "Searches " + label
	for i, t := range c.Types {
		switch {
		case i == 0:
			text += ": "
		case i == len(c.Types)-1:
			text += " and "
		default:
			text += ", "
		}
		text += t.Plural()
	}
	text += "."
	if c.Description != "" {
		text += " " + stop(c.Description)
	}
	text += " Returns records in short form, the best first; without a query the newest first. Read one in full with get."
	if runes := []rune(text); len(runes) >= maxDescription {
		text = string(runes[:maxDescription-2]) + "…"
	}
	return text
}

// connectionSchema returns the parameters of a connection's search.
func connectionSchema(c Connection, facets []facet) *jsonschema.Schema {
	longest, most, cursor := uint64(500), uint64(500), uint64(10_000)
	p := jsonschema.NewProperties()
	p.Set("query", &jsonschema.Schema{Type: "string", MaxLength: &longest,
		Description: "Words to look for; a phrase in quotation marks must occur as it is. Without it the newest records come first"})
	p.Set("types", &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "string", Enum: anys(typeNames(c.Types))}, UniqueItems: true, Description: "Only records of these types; without it all"})
	for _, f := range facets {
		longest := uint64(1000)
		values := &jsonschema.Schema{Type: "string", MaxLength: &longest}
		if f.field.Kind == content.Bool {
			values = &jsonschema.Schema{Type: "string", Enum: []any{"true", "false"}}
		}
		p.Set(f.parameter, &jsonschema.Schema{Type: "array", Items: values, MaxItems: &most, Description: describeFacet(f, c.Types)})
	}
	p.Set("limit", &jsonschema.Schema{Type: "integer", Minimum: "1", Description: "How many to return, at most 100; a higher number is lowered to 100"})
	p.Set("cursor", &jsonschema.Schema{Type: "string", MaxLength: &cursor, Description: "next_cursor of the previous result, with otherwise unchanged arguments"})
	return &jsonschema.Schema{Type: "object", Properties: p}
}

func typeNames(types []*content.Type) []string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.Name()
	}
	return names
}

// describeFacet says what a facet is and, when not all types have it, of which.
func describeFacet(f facet, types []*content.Type) string {
	var labels []string
	for _, t := range types {
		if field, ok := t.Field(f.field.Name); ok && field.Has(content.Facet) && t.Group()+"."+f.field.Name == f.filters {
			labels = append(labels, t.Plural())
		}
	}
	text := "Only records with one of these values of " + f.field.Label
	if len(labels) < len(types) {
		text += ", a field of"
		for i, label := range labels {
			if i > 0 {
				text += " and"
			}
			text += " " + label
		}
	}
	if f.field.Description != "" {
		text += ". " + f.field.Description
	}
	return text
}

// summaries reads the records of hits and returns them in the same order, in
// summary form. One that was deleted a moment ago is noted.
func (s Sources) summaries(ctx context.Context, call *Call, hits []search.Hit) ([]item, error) {
	ids := map[string][]string{}
	for _, hit := range hits {
		ids[hit.Type] = append(ids[hit.Type], hit.ID)
	}
	type key struct{ typ, id string }
	rows := make(map[key]content.Item, len(hits))
	for _, typ := range s.Registry.Types() { // in a fixed order
		wanted := ids[typ.Name()]
		if len(wanted) == 0 {
			continue
		}
		page, err := s.records(call).List(ctx, call.Scope(), typ, store.Query{Limit: len(wanted),
			Filters: []content.Filter{{Field: "id", Op: content.In, Values: wanted}}})
		if err != nil {
			return nil, err
		}
		for _, row := range page.Items {
			rows[key{typ.Name(), content.RecordOf(row).ID}] = typ.Item(row, "").Summary()
		}
	}
	long := shortener{limit: maxListed}
	items := make([]item, 0, len(hits))
	for _, hit := range hits {
		if summary, ok := rows[key{hit.Type, hit.ID}]; ok {
			items = append(items, itemOf(summary, &long))
		}
	}
	if gone := len(hits) - len(items); gone > 0 {
		call.Note("%s left out: deleted a moment ago", count(gone, "record"))
	}
	long.report(call)
	return items, nil
}

// texts returns a validated list of strings.
func texts(v any) []string {
	list, _ := v.([]any)
	values := make([]string, 0, len(list))
	for _, value := range list {
		if text, ok := value.(string); ok {
			values = append(values, text)
		}
	}
	return values
}

// integer returns a validated integer, or 0.
func integer(v any) int {
	number, _ := v.(json.Number)
	n, err := strconv.Atoi(string(number))
	if err != nil {
		return 0
	}
	return n
}
