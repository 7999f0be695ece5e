package functions

import (
	"context"
	"encoding/json"

	"github.com/curatore/curatore-go/content"
)

// Bound is an Engine with the Scope on whose behalf it is used: what a program
// hands to the code that serves one caller. It is a value, safe for concurrent
// use. The zero Bound has no functions.
type Bound struct {
	engine *Engine
	scope  content.Scope
}

// Bind returns the functions as one caller sees them.
func (e *Engine) Bind(scope content.Scope) Bound { return Bound{engine: e, scope: scope} }

// List returns the functions that the caller may use, sorted by name.
func (b Bound) List() []*Function {
	if b.engine == nil {
		return nil
	}
	return b.engine.List(b.scope)
}

// Call runs a function on behalf of the caller, as [Engine.Call] does.
func (b Bound) Call(ctx context.Context, name string, args json.RawMessage) (*Result, error) {
	if b.engine == nil {
		return nil, &Error{Code: CodeForbidden, Message: "The call does not act for an organization.", Cause: content.ErrScope}
	}
	return b.engine.Call(ctx, b.scope, name, args)
}
