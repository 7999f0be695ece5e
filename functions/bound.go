package functions

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/curatore/curatore-go/content"
)

// Bound is an Engine with the Scope on whose behalf it is used: what a program
// hands to the code that serves one caller. It is a value, safe for concurrent
// use. The zero Bound has no functions.
//
// A Bound acts for a program until [Bound.Agent] makes it one for an agent.
type Bound struct {
	engine *Engine
	scope  content.Scope
	agent  bool
	reads  bool // only functions that read
}

// Bind returns the functions as one caller sees them.
func (e *Engine) Bind(scope content.Scope) Bound { return Bound{engine: e, scope: scope} }

// Agent returns the functions as a language model may use them: those for
// programs alone are not there, those that write wait for a person's
// confirmation, and what is returned is rid of characters that nobody sees and
// of links and images that could be fetched. Packages openaitools and mcpserver
// call it themselves.
func (b Bound) Agent() Bound {
	b.agent = true
	return b
}

// Reading returns the functions without those that write, for a caller who may
// only look.
func (b Bound) Reading() Bound {
	b.reads = true
	return b
}

// OnlyReads reports whether it was made by [Bound.Reading].
func (b Bound) OnlyReads() bool { return b.reads }

// Scope returns on whose behalf the functions are called.
func (b Bound) Scope() content.Scope { return b.scope }

// List returns the functions that the caller may use, sorted by name: always the
// same order, so that a provider's cache of the catalogue holds. It is empty for
// the zero Scope. The slice is the caller's own.
func (b Bound) List() []*Function {
	if b.engine == nil {
		return nil
	}
	return b.engine.visible(b)
}

// Function returns a function that the caller may use, by name.
func (b Bound) Function(name string) (*Function, bool) {
	if b.engine == nil {
		return nil, false
	}
	f := b.engine.byName[name]
	if f == nil || b.engine.refuses(b, f) != nil {
		return nil, false
	}
	return f, true
}

// Call runs a function on behalf of the caller, as [Engine.Call] does.
func (b Bound) Call(ctx context.Context, name string, args json.RawMessage) (*Result, error) {
	return b.Do(ctx, Request{Name: name, Arguments: args})
}

// A Request is one call, with what goes along with the arguments.
type Request struct {
	Name      string
	Arguments json.RawMessage
	// Confirmation is the token of a [Confirmation] that a person has given for
	// exactly this call. It never comes from a model.
	Confirmation string
	// IdempotencyKey makes a function that Writes run once: a second call with
	// the key and the same arguments returns the result of the first, for 24
	// hours. It is of this principal alone. It needs a [Ledger]; reading
	// functions ignore it.
	IdempotencyKey string
	// Budget tightens that of the Engine.
	Budget Budget
	// Progress is told how far the function is, on the goroutine of the call;
	// Done increases from call to call. It may be nil.
	Progress func(Progress)
}

// Progress is how far a function is.
type Progress struct {
	Done, Total float64 // in units of its own; a Total of 0 is not known
	Message     string
}

// Do runs a request on behalf of the caller. Every error is an *[Error].
func (b Bound) Do(ctx context.Context, r Request) (*Result, error) {
	if b.engine == nil {
		return nil, &Error{Code: CodeForbidden, Message: "The call does not act for an organization.", Cause: content.ErrScope}
	}
	return b.engine.do(ctx, b, r)
}

// An Outcome is what one of several requests came to: a Result, or an error
// which is an *[Error].
type Outcome struct {
	Result *Result
	Err    error
}

// DoAll runs requests side by side, at most so many at a time (0 means 8), and
// returns their outcomes in the order of the requests. A context that ends
// leaves out those that have not begun.
func (b Bound) DoAll(ctx context.Context, parallel int, requests ...Request) []Outcome {
	if parallel <= 0 {
		parallel = 8
	}
	outcomes := make([]Outcome, len(requests))
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(parallel, len(requests)) {
		workers.Go(func() {
			for i := range next {
				outcomes[i].Result, outcomes[i].Err = b.Do(ctx, requests[i])
			}
		})
	}
	for i := range requests {
		next <- i
	}
	close(next)
	workers.Wait()
	return outcomes
}
