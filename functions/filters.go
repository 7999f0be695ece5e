package functions

import (
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
)

// columns are the fields that arguments may name, with what has them.
type columns struct {
	of     string // for messages: "salesforce_account"
	fields []*content.Field
}

// named returns the field of that name, or nil.
func (c columns) named(name string) *content.Field {
	for _, f := range c.fields {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// names returns the names of the fields that pass a test, of all without one.
func (c columns) names(test func(*content.Field) bool) []string {
	var names []string
	for _, f := range c.fields {
		if test == nil || test(f) {
			names = append(names, f.Name)
		}
	}
	return names
}

// missing says that there is no such field, and names the nearest.
func (c columns) missing(name string, fields []string) string {
	if near := nearest(name, fields); near != "" {
		return fmt.Sprintf("is %s, which is no field of %s; did you mean %q?", show(name), c.of, near)
	}
	return fmt.Sprintf("is %s, which is no field of %s; use one of %s", show(name), c.of, listed(fields))
}

// cannot says that a field is missing, or is not one to filter or sort by.
func (c columns) cannot(name, what string, fields []string) string {
	if c.named(name) != nil {
		return fmt.Sprintf("is %s, which cannot be %s by; use one of %s", show(name), what, listed(fields))
	}
	return c.missing(name, fields)
}

// checkFilters holds filters against fields: whether they exist, can be filtered
// by, take the operator, and can hold the values.
func checkFilters(c columns, path string, args []filterArg, bad *[]Problem) []content.Filter {
	filterable := c.names((*content.Field).Filterable)
	filters := make([]content.Filter, 0, len(args))
	for i, arg := range args {
		at := fmt.Sprintf("%s[%d]", path, i)
		filter := content.Filter{Field: arg.Field, Op: content.Op(arg.Op), Values: arg.Values}
		filters = append(filters, filter)
		if len(*bad) >= maxProblems {
			continue
		}
		if !slices.Contains(filterable, arg.Field) {
			*bad = append(*bad, Problem{at + ".field", c.cannot(arg.Field, "filtered", filterable)})
			continue
		}
		if filter.Check() != nil {
			*bad = append(*bad, Problem{at, wrongCount(filter)})
			continue
		}
		field := c.named(arg.Field)
		if (filter.Op == content.Contains || filter.Op == content.StartsWith) && field.Kind != content.String {
			*bad = append(*bad, Problem{at + ".op", fmt.Sprintf("is %s, which needs text, but %s is a %s", arg.Op, field.Name, field.Kind)})
			continue
		}
		for j, value := range arg.Values {
			if _, err := field.Kind.Parse(value); err != nil && len(*bad) < maxProblems {
				*bad = append(*bad, Problem{fmt.Sprintf("%s.values[%d]", at, j), "is wrong for " + field.Name + ": " + clipped(err)})
			}
		}
	}
	return filters
}

// clipped is the text of an error about a value, without the bulk of the value.
func clipped(err error) string {
	const most = 200
	text := err.Error()
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most/2]) + " … " + string(runes[len(runes)-most/2:])
	}
	return text
}

// wrongCount says how many values an operator takes.
func wrongCount(f content.Filter) string {
	n := len(f.Values)
	switch f.Op {
	case content.IsNull, content.NotNull, content.Exists:
		return fmt.Sprintf("must have no values for %s, not %d", f.Op, n)
	case content.In, content.NotIn:
		return fmt.Sprintf("must have at least one value for %s", f.Op)
	}
	return fmt.Sprintf("must have exactly one value for %s, not %d", f.Op, n)
}
