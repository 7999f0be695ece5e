package dialect

import (
	"errors"
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
)

// A Compiled is a tool as a provider takes it.
type Compiled struct {
	Tool
	Dialect Dialect   // that it is written in: the fallback, where that was needed
	Strict  bool      // the provider is to enforce the schema
	Changes []Problem // what was rewritten or left out of the schema, and why it fell back

	optional, unions int // parameters that count in a request
}

// Compile writes a tool in a dialect. What the provider does not take is
// rewritten with the same meaning, or left out of the schema and put into words
// in the description: the arguments are validated against the original in any
// case. What cannot be written falls back to the plain form of the provider,
// with a Change of RuleFallback for each reason, or is an error that names all
// fields and rules.
func Compile(d Dialect, t Tool) (Compiled, error) {
	limits, ok := d.Limits()
	if !ok {
		return Compiled{}, fmt.Errorf("%w: there is no dialect %q; use one of %v", content.ErrInvalid, d, All())
	}
	root, err := parse(t.Input)
	if err != nil {
		return Compiled{}, fmt.Errorf("%w tool %s: %w", content.ErrInvalid, t.Name, err)
	}
	r := &rewriter{limits: limits, dialect: d}
	root = root.clone()
	r.schema(root, "")
	out := t
	if properties := root.object("properties"); limits.NeedsProperties && (properties == nil || len(properties.names) == 0) {
		out.Input = nil
	} else if out.Input, err = marshal(root); err != nil {
		return Compiled{}, fmt.Errorf("tool %s: %w", t.Name, err)
	}
	c := check(d, limits, out)
	problems := c.problems
	if problems == nil {
		return Compiled{Tool: out, Dialect: d, Strict: limits.Strict, Changes: r.changes, optional: c.optional, unions: c.unions}, nil
	}
	if limits.Fallback == "" {
		var errs []error
		for _, p := range problems {
			errs = append(errs, fmt.Errorf("%s: %w", d, p))
		}
		return Compiled{}, fmt.Errorf("%w tool %s: %w", content.ErrInvalid, t.Name, errors.Join(errs...))
	}
	plain, err := Compile(limits.Fallback, t)
	if err != nil {
		return Compiled{}, err
	}
	for _, p := range problems {
		plain.Changes = append(plain.Changes, Problem{p.Path, RuleFallback, fmt.Sprintf("written as %s: %s (rule %s)", limits.Fallback, p.Message, p.Rule)})
	}
	return plain, nil
}

// CompileAll compiles the tools of one request and holds them against what the
// provider takes altogether: beyond that, tools fall back to the plain form, the
// first ones staying strict. The result has the order of the tools; the error
// names everything that is wrong with any of them.
func CompileAll(d Dialect, tools ...Tool) ([]Compiled, error) {
	compiled := make([]Compiled, len(tools))
	var errs []error
	for i, t := range tools {
		var err error
		if compiled[i], err = Compile(d, t); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	limits, _ := d.Limits()
	return compiled, Together(d, compiled, func(i int) (Compiled, error) { return Compile(limits.Fallback, tools[i]) })
}

// Together is the second half of [CompileAll], for tools that were compiled one
// by one: it replaces those that are too much for one request by their plain
// form, which plain returns for the index of a tool.
func Together(d Dialect, compiled []Compiled, plain func(i int) (Compiled, error)) error {
	limits, ok := d.Limits()
	if !ok || limits.MaxTools+limits.MaxOptional+limits.MaxUnions == 0 {
		return nil
	}
	strict, optional, unions := 0, 0, 0
	for i, t := range compiled {
		if !t.Strict {
			continue
		}
		var reason string
		switch {
		case limits.MaxTools > 0 && strict+1 > limits.MaxTools:
			reason = fmt.Sprintf("a request takes %d strict tools", limits.MaxTools)
		case limits.MaxOptional > 0 && optional+t.optional > limits.MaxOptional:
			reason = fmt.Sprintf("the strict tools of a request take %d optional parameters", limits.MaxOptional)
		case limits.MaxUnions > 0 && unions+t.unions > limits.MaxUnions:
			reason = fmt.Sprintf("the strict tools of a request take %d parameters of several types", limits.MaxUnions)
		default:
			strict, optional, unions = strict+1, optional+t.optional, unions+t.unions
			continue
		}
		fallback, err := plain(i)
		if err != nil {
			return err
		}
		fallback.Changes = append(slices.Clip(fallback.Changes), Problem{Rule: RuleFallback, Message: fmt.Sprintf("written as %s: %s (rule %s)", limits.Fallback, reason, RuleTools)})
		compiled[i] = fallback
	}
	return nil
}
