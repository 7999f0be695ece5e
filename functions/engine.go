package functions

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions/dialect"
)

// A Config sets what all functions of an Engine share. The zero Config is ready
// to use.
type Config struct {
	// Authorize decides whether a caller may use a function; nil allows all.
	// It is asked when the catalogue is listed and before every call, so it
	// must be quick, and safe for concurrent use. Its error is for the log: to
	// the model a refused function does not exist.
	Authorize func(scope content.Scope, f *Function) error
	// Off tells what an organization has switched off; nil means nothing. It is
	// asked as often as Authorize, so it should remember. When it fails, nothing
	// is listed and no call succeeds.
	Off func(scope content.Scope) (Off, error)
	// Middleware stands around every call, the first one outermost.
	Middleware []Middleware
	// Budget bounds every call; its zero value allows 64 KiB. A Request may
	// tighten it.
	Budget Budget
	// CountTokens counts for Budget.Tokens; nil takes a token for 3 bytes.
	CountTokens func(data []byte) int
	// Ledger keeps confirmations, idempotency keys and the audit in the
	// database. Without one confirmations are kept in this process, and there
	// are neither keys nor an audit.
	Ledger *Ledger
	// Dialects are those that every function must be publishable in: what a
	// provider would refuse is then an error of NewEngine. Others are compiled
	// when they are asked for; see [Bound.Tools].
	Dialects []dialect.Dialect
	// MaxArguments bounds the JSON of the arguments, in bytes; 0 means 256 KiB.
	MaxArguments int
	// MaxResult is Budget.Bytes, when that is 0.
	MaxResult int
	// Trace begins a span for each call; nil traces nothing. [Call.Attributes]
	// are what to put on it.
	Trace Trace
	// Logger gets the causes of internal errors, which no result shows, and
	// every call at the level of debugging. nil is silent.
	Logger *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// An Engine holds functions and runs calls of them. It is immutable and safe for
// concurrent use.
type Engine struct {
	config Config
	byName map[string]*Function
	sorted []*Function
	names  []string
	next   Next
	slots  map[string]chan struct{} // of functions with a bound on concurrency
	offers offers
}

// NewEngine returns an Engine with the given functions. Its error lists every
// mistake of every declaration, and every name that is used twice; no function
// is left out silently.
func NewEngine(config Config, functions ...*Function) (*Engine, error) {
	e := &Engine{config: config.withDefaults(), byName: make(map[string]*Function, len(functions)), slots: map[string]chan struct{}{}}
	var problems []error
	for i, f := range functions {
		if f == nil {
			problems = append(problems, fmt.Errorf("function %d is nil", i+1))
			continue
		}
		problems = append(problems, f.problems...)
		if _, taken := e.byName[f.Name()]; taken {
			problems = append(problems, fmt.Errorf("function %q: is declared twice", f.Name()))
			continue
		}
		e.byName[f.Name()] = f
		e.sorted = append(e.sorted, f)
		if len(f.problems) == 0 {
			problems = append(problems, f.lint(config.Dialects)...)
		}
		if n := f.spec.Concurrency; n > 0 {
			e.slots[f.Name()] = make(chan struct{}, n)
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w functions: %w", content.ErrInvalid, errors.Join(problems...))
	}
	slices.SortFunc(e.sorted, func(a, b *Function) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, f := range e.sorted {
		e.names = append(e.names, f.Name())
	}
	e.next = chain(e.run, config.Middleware)
	if config.Ledger != nil {
		e.offers = config.Ledger
	} else {
		e.offers = &memory{now: e.config.Now}
	}
	return e, nil
}

// List returns the functions that a program may use on behalf of a Scope; see
// [Bound.List].
func (e *Engine) List(scope content.Scope) []*Function { return e.visible(e.Bind(scope)) }

// Functions returns all functions whoever may use them, sorted by name. The
// slice is the caller's own.
func (e *Engine) Functions() []*Function { return slices.Clone(e.sorted) }

// Call runs a function with JSON arguments for a program, on behalf of a Scope.
// The steps, in their order: resolve the name; authorise; repair the form of the
// arguments; validate them against the published schema; set defaults; confirm;
// add bound parameters; decode; run the handler; validate what it returned;
// bound its size; clean and label it.
//
// The handler never runs with arguments that the schema refuses. A panic in it
// becomes an error. Every error is an *[Error]; ctx is checked before the
// handler runs.
func (e *Engine) Call(ctx context.Context, scope content.Scope, name string, args json.RawMessage) (*Result, error) {
	return e.do(ctx, e.Bind(scope), Request{Name: name, Arguments: args})
}

func (e *Engine) do(ctx context.Context, b Bound, r Request) (*Result, error) {
	began := e.config.Now()
	f, refused := e.resolve(b, r.Name)
	if refused != nil {
		return nil, refused
	}
	call := &Call{bound: b, function: f, request: r, budget: e.config.Budget.within(r.Budget)}
	call.metadata = Metadata{Source: cmp.Or(f.spec.Source, f.spec.Name), Trust: Untrusted}
	end := func(*Result, error) {}
	if e.config.Trace != nil {
		ctx, end = e.config.Trace(ctx, call)
	}
	result, failed := e.call(ctx, call)
	e.log(ctx, call, began, result, failed)
	if failed != nil {
		end(nil, failed)
		return nil, failed
	}
	end(result, nil)
	return result, nil
}

// call takes a call from its raw arguments to its result.
func (e *Engine) call(ctx context.Context, call *Call) (*Result, *Error) {
	if ctx.Err() != nil {
		return nil, asError(ctx, context.Cause(ctx))
	}
	if err := e.accept(call); err != nil {
		return nil, err
	}
	ctx, cancel := call.deadline(ctx)
	defer cancel()
	if slots := e.slots[call.function.Name()]; slots != nil {
		select {
		case slots <- struct{}{}:
			defer func() { <-slots }()
		case <-ctx.Done():
			return nil, asError(ctx, context.Cause(ctx))
		}
	}
	if call.function.spec.Effect == Writes {
		return e.write(ctx, call)
	}
	return e.finish(ctx, call)
}

// visible returns the functions that a caller may use, sorted.
func (e *Engine) visible(b Bound) []*Function {
	if b.scope == (content.Scope{}) {
		return nil
	}
	allowed := make([]*Function, 0, len(e.sorted))
	for _, f := range e.sorted {
		if e.refuses(b, f) == nil {
			allowed = append(allowed, f)
		}
	}
	return allowed
}

// refuses tells why a caller may not use a function, or nil.
func (e *Engine) refuses(b Bound, f *Function) error {
	if b.scope == (content.Scope{}) {
		return content.ErrScope
	}
	if b.agent && f.spec.Audience == Programs {
		return fmt.Errorf("%s is for programs, not for agents", f.Name())
	}
	if b.reads && f.spec.Effect == Writes {
		return fmt.Errorf("%s writes, and this caller may only read", f.Name())
	}
	if e.config.Off != nil {
		off, err := e.config.Off(b.scope)
		if err != nil {
			return fmt.Errorf("what is switched off cannot be read: %w", err)
		}
		if why := off.refuses(f); why != nil {
			return why
		}
	}
	if e.config.Authorize != nil {
		return e.config.Authorize(b.scope, f)
	}
	return nil
}

// resolve finds a function that the caller may use. One that exists but is not
// for this caller looks as if it did not exist.
func (e *Engine) resolve(b Bound, name string) (*Function, *Error) {
	if b.scope == (content.Scope{}) {
		return nil, &Error{Code: CodeForbidden, Message: "The call does not act for an organization.",
			Cause: fmt.Errorf("%w: the call of %s has no scope; take one from an organization", content.ErrScope, show(name))}
	}
	f := e.byName[name]
	var cause error
	if f != nil {
		if cause = e.refuses(b, f); cause == nil {
			return f, nil
		}
	}
	unknown := Errorf(CodeUnknownFunction, "There is no function %s.", show(name))
	unknown.Cause = cause
	var names []string
	for _, allowed := range e.visible(b) {
		names = append(names, allowed.Name())
	}
	if near := nearest(name, names); near != "" {
		unknown.Hint = fmt.Sprintf("Did you mean %q?", near)
	} else if len(names) > 0 {
		unknown.Hint = "Use one of " + listed(names) + "."
	}
	return nil, unknown
}

// accept takes the arguments of a call: the short way where nothing is to be
// done to them and nobody compares them, the long way otherwise.
func (e *Engine) accept(call *Call) (err *Error) {
	f, raw := call.function, call.request.Arguments
	if f.spec.Effect == Reads && len(raw) <= e.config.MaxArguments {
		if args, ok := f.quick.arguments(raw); ok {
			call.args, call.asSent = args, true
			return nil
		}
	}
	call.args, err = e.arguments(f, raw)
	return err
}

// arguments repairs, validates and completes what a caller sent, and returns it
// in a canonical form: what was validated is exactly what is decoded, also when
// the original held a name twice.
func (e *Engine) arguments(f *Function, raw json.RawMessage) ([]byte, *Error) {
	if len(raw) > e.config.MaxArguments {
		return nil, Errorf(CodeInvalid, "The arguments have %d bytes; at most %d are accepted.", len(raw), e.config.MaxArguments)
	}
	value, err := parseArguments(raw)
	if err != nil {
		return nil, err
	}
	var bad []Problem
	value = f.inputShape.repair(value, nil, &bad)
	slices.SortFunc(bad, func(a, b Problem) int { return cmp.Compare(a.Path, b.Path) })
	if bad == nil {
		bad = problemsOf(f.inputValidator.Validate(value), f.inputShape, value)
	}
	if bad != nil {
		return nil, &Error{Code: CodeInvalid, Message: fmt.Sprintf("The arguments of %s were refused.", f.Name()),
			Hint: "Correct them and call again.", Fields: bad}
	}
	f.inputShape.fill(value)
	canonical, encodeErr := encode(value)
	if encodeErr != nil {
		return nil, internal(encodeErr)
	}
	return canonical, nil
}

// run is the innermost step: it calls the handler and turns what that returns
// into a result that fits.
func (e *Engine) run(ctx context.Context, call *Call) (*Result, error) {
	f := call.function
	args, err := f.bind(ctx, call, call.args)
	if err != nil {
		return nil, err
	}
	out, err := f.handle(ctx, call, args)
	if err != nil {
		return nil, err
	}
	if err := call.rows(ctx, out); err != nil {
		return nil, err
	}
	for {
		data, err := f.encode(out)
		if err != nil {
			return nil, internal(err)
		}
		if call.bound.agent {
			data = cleanJSON(data) // before it is measured: what it says in place of a link may be longer
		}
		part, excess := e.fits(call.budget, data)
		if excess == "" {
			return call.result(data), nil
		}
		if err := call.shorten(ctx, out, part, excess); err != nil {
			return nil, err
		}
	}
}

// result puts data, cleaned when it goes to a model, into its envelope.
func (c *Call) result(data json.RawMessage) *Result {
	r := &Result{Data: data, Message: c.message, Metadata: c.metadata}
	if c.bound.agent {
		r.cleanEnvelope()
	}
	return r
}

// shorten makes a list result that has too much lose some elements.
func (c *Call) shorten(ctx context.Context, out any, part float64, excess string) error {
	list, ok := out.(Shortener)
	if !ok || list.Len() < 2 {
		return &Error{Code: CodeTooLarge, Message: "The result " + excess + ".",
			Hint: "Ask for less: select fewer fields, or narrow the question."}
	}
	before := list.Len()
	n := max(1, int(float64(before)*part*9/10))
	if err := list.Shorten(ctx, c, n); err != nil {
		return err
	}
	if list.Len() >= before {
		return internal(fmt.Errorf("%T: Shorten(%d) left %d of %d elements", out, n, list.Len(), before))
	}
	c.metadata.Truncated = true
	return nil
}

// encode writes what a handler returned and holds it against the output schema:
// a mismatch is a mistake of the function.
func (f *Function) encode(out any) (json.RawMessage, error) {
	if a, ok := out.(appender); ok {
		return a.appendJSON(make([]byte, 0, 4<<10)) // what most records fit in
	}
	data, err := encode(f.filled(out))
	if err != nil {
		return nil, fmt.Errorf("the result cannot be encoded: %w", err)
	}
	if string(data) == "null" {
		return nil, errors.New("the function returned nil and no error")
	}
	if f.outputValidator == nil {
		return data, nil
	}
	var value any
	if err := unmarshalNumber(data, &value); err != nil {
		return nil, err
	}
	if bad := problemsOf(f.outputValidator.Validate(value), nil, value); bad != nil {
		return nil, fmt.Errorf("the result breaks the output schema: %v", bad)
	}
	return data, nil
}
