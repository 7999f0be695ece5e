package functions

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	validation "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// A Problem says what is wrong with one argument.
type Problem struct {
	// Path leads to the value: "limit", "filters[0].field"; "" is the whole.
	Path string `json:"path"`
	// Message names the value and the rule, and reads on from the path.
	Message string `json:"message"`
}

// String is the path and the message as one clause.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + " " + p.Message
}

// maxProblems bounds how many problems one error reports.
const maxProblems = 20

// problemsOf turns the error of a validator into problems in plain words,
// sorted by path, the first 20 of them. root is what was validated and s its
// shape. It returns nil for a nil error.
func problemsOf(err error, s *shape, root any) []Problem {
	var invalid *validation.ValidationError
	if !errors.As(err, &invalid) {
		if err != nil {
			return []Problem{{Message: err.Error()}}
		}
		return nil
	}
	var leaves []leaf
	collect(invalid, s, root, &leaves)
	// A validator walks objects in random order. Words are found after the
	// cut: the nearest name is costly, and arguments may hold thousands.
	slices.SortStableFunc(leaves, func(a, b leaf) int { return cmp.Compare(a.path, b.path) })
	var problems []Problem
	for _, l := range leaves[:min(len(leaves), maxProblems)] {
		problems = append(problems, Problem{l.path, l.words()})
	}
	if more := len(leaves) - maxProblems; more > 0 {
		problems = append(problems, Problem{"", fmt.Sprintf("and %s more", count(more, "problem"))})
	}
	return slices.Compact(problems)
}

// A leaf is one broken rule at one place.
type leaf struct {
	path  string
	words func() string
}

func collect(e *validation.ValidationError, s *shape, root any, leaves *[]leaf) {
	if _, anyOf := e.ErrorKind.(*kind.AnyOf); anyOf {
		if best := closest(e); best != nil {
			collect(best, s, root, leaves)
			return
		}
	}
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			collect(cause, s, root, leaves)
		}
		return
	}
	here, place := follow(root, s, e.InstanceLocation)
	path := pathOf(root, e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			*leaves = append(*leaves, leaf{join(path, clip(name)), func() string { return unknownName(name, place) }})
		}
	case *kind.Required:
		for _, name := range k.Missing {
			*leaves = append(*leaves, leaf{join(path, name), func() string { return "is required" }})
		}
	default:
		*leaves = append(*leaves, leaf{path, func() string { return inWords(e.ErrorKind, here) }})
	}
}

// closest picks, of the variants of anyOf, the one that the value came nearest
// to: one that failed deeper than at its kind. It returns nil when all refuse
// the kind of the value.
func closest(e *validation.ValidationError) *validation.ValidationError {
	for _, cause := range e.Causes {
		if t, ok := cause.ErrorKind.(*kind.Type); !ok || len(cause.InstanceLocation) > len(e.InstanceLocation) || !slices.Contains(t.Want, "null") {
			return cause
		}
	}
	return nil
}

// follow walks a location down a value and its shape.
func follow(v any, s *shape, location []string) (any, *shape) {
	for _, step := range location {
		switch value := v.(type) {
		case map[string]any:
			v = value[step]
			if s != nil {
				if property, ok := s.properties[step]; ok {
					s = property
				} else {
					s = s.values
				}
			}
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(value) {
				return nil, nil
			}
			v = value[i]
			if s != nil {
				s = s.items
			}
		default:
			return nil, nil
		}
	}
	return v, s
}

// pathOf writes a location as people do: filters[0].field.
func pathOf(v any, location []string) string {
	path := ""
	for i, step := range location {
		parent, _ := follow(v, nil, location[:i])
		if _, list := parent.([]any); list {
			path += "[" + step + "]"
		} else {
			path = join(path, step)
		}
	}
	return path
}

func unknownName(name string, s *shape) string {
	if s == nil || len(s.names) == 0 {
		return "is unknown; there are no parameters here"
	}
	if near := nearest(name, s.names); near != "" {
		return fmt.Sprintf("is unknown; did you mean %q?", near)
	}
	return "is unknown; use one of " + listed(s.names)
}

// inWords says what a value broke. Numbers, lengths and alternatives are named.
func inWords(k validation.ErrorKind, got any) string {
	shown := show(got)
	switch k := k.(type) {
	case *kind.Type:
		if got == nil {
			return fmt.Sprintf("must be %s, not null", alternatives(k.Want))
		}
		return fmt.Sprintf("must be %s, not %s %s", alternatives(k.Want), article(k.Got), shown)
	case *kind.Enum:
		return notOneOf(got, k.Want)
	case *kind.Const:
		return fmt.Sprintf("must be %s, not %s", show(k.Want), shown)
	case *kind.Format:
		return fmt.Sprintf("must be a %s%s, not %s", k.Want, formatExample[k.Want], shown)
	case *kind.MinLength:
		return fmt.Sprintf("must have at least %s, not %d", count(k.Want, "character"), k.Got)
	case *kind.MaxLength:
		return fmt.Sprintf("must have at most %s, not %d", count(k.Want, "character"), k.Got)
	case *kind.MinItems:
		return fmt.Sprintf("must have at least %s, not %d", count(k.Want, "element"), k.Got)
	case *kind.MaxItems:
		return fmt.Sprintf("must have at most %s, not %d", count(k.Want, "element"), k.Got)
	case *kind.UniqueItems:
		return fmt.Sprintf("repeats element %d at %d; every element may occur once", k.Duplicates[0], k.Duplicates[1])
	case *kind.Pattern:
		return fmt.Sprintf("must match the pattern %s, not %s", k.Want, shown)
	case *kind.Minimum:
		return fmt.Sprintf("must be at least %s, not %s", decimal(k.Want), shown)
	case *kind.Maximum:
		return fmt.Sprintf("must be at most %s, not %s", decimal(k.Want), shown)
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("must be more than %s, not %s", decimal(k.Want), shown)
	case *kind.ExclusiveMaximum:
		return fmt.Sprintf("must be less than %s, not %s", decimal(k.Want), shown)
	case *kind.MultipleOf:
		return fmt.Sprintf("must be a multiple of %s, not %s", decimal(k.Want), shown)
	}
	return "is not accepted: " + k.LocalizedString(message.NewPrinter(language.English))
}

var formatExample = map[string]string{
	"date-time": " such as 2026-01-31T09:30:00Z",
	"date":      " such as 2026-01-31",
	"uri":       " such as https://example.com/page",
	"uuid":      " such as 0195a6c8-7d3e-7c1b-9a45-3f1f0c1d2e4b",
}

// notOneOf names the alternatives, or the nearest when a name looks mistyped.
func notOneOf(got any, want []any) string {
	var names []string
	for _, value := range want {
		if name, ok := value.(string); ok {
			names = append(names, name)
		}
	}
	text, ok := got.(string)
	if ok && len(names) > 0 {
		if near := nearest(text, names); near != "" {
			return fmt.Sprintf("is %s, which does not exist; did you mean %q?", show(got), near)
		}
		return fmt.Sprintf("is %s; use one of %s", show(got), listed(names))
	}
	all := make([]string, len(want))
	for i, value := range want {
		all[i] = show(value)
	}
	return fmt.Sprintf("is %s; use one of %s", show(got), strings.Join(all, ", "))
}
