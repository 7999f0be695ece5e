package functions

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/curatore/curatore-go/functions/dialect"
)

// compiled keeps what a function looks like to each provider, made once.
type compiled struct{ byDialect *sync.Map } // dialect.Dialect -> *compilation

type compilation struct {
	tool dialect.Compiled
	err  error
}

func newCompiled() compiled { return compiled{byDialect: new(sync.Map)} }

// Tool returns the function as a provider takes it: its name, its description
// and the schema of its arguments. What it returns is shared and must not be
// changed. The error names each field and rule that cannot be published there.
func (f *Function) Tool(d dialect.Dialect) (dialect.Compiled, error) {
	if known, ok := f.compiled.byDialect.Load(d); ok {
		c := known.(*compilation)
		return c.tool, c.err
	}
	c := &compilation{}
	c.tool, c.err = dialect.Compile(d, f.tool())
	known, _ := f.compiled.byDialect.LoadOrStore(d, c)
	c = known.(*compilation)
	return c.tool, c.err
}

func (f *Function) tool() dialect.Tool {
	return dialect.Tool{Name: f.Name(), Description: f.Description(), Input: f.InputSchema()}
}

// lint compiles the function for dialects that it must be publishable in.
func (f *Function) lint(dialects []dialect.Dialect) (errs []error) {
	for _, d := range dialects {
		if _, err := f.Tool(d); err != nil {
			errs = append(errs, fmt.Errorf("function %q: %w", f.Name(), err))
		}
	}
	return errs
}

// Tools returns the functions that the caller may use as a provider takes them,
// sorted by name. Where the provider bounds the tools of one request, the last
// ones fall back to its plain form. The error names everything that the provider
// would refuse.
func (b Bound) Tools(d dialect.Dialect) ([]dialect.Compiled, error) {
	list := b.List()
	compiled := make([]dialect.Compiled, len(list))
	var errs []error
	for i, f := range list {
		var err error
		if compiled[i], err = f.Tool(d); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	limits, _ := d.Limits()
	return compiled, dialect.Together(d, compiled, func(i int) (dialect.Compiled, error) { return list[i].Tool(limits.Fallback) })
}

// A Change is something in the schema of a function that a provider does not take
// as it is, and what became of it.
type Change struct {
	Function string
	Dialect  dialect.Dialect // that was asked for
	dialect.Problem
}

// Report tells, for each function and dialect, what is rewritten, put into words
// or falls back to a plain form, and what cannot be published at all, sorted by
// function. No dialects means all of them.
func (e *Engine) Report(dialects ...dialect.Dialect) (changes []Change, refused error) {
	if len(dialects) == 0 {
		dialects = dialect.All()
	}
	var errs []error
	for _, f := range e.sorted {
		for _, d := range dialects {
			tool, err := f.Tool(d)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			for _, c := range tool.Changes {
				changes = append(changes, Change{f.Name(), d, c})
			}
		}
	}
	return slices.Clip(changes), errors.Join(errs...)
}
