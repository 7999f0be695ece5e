package functions

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"

	"github.com/curatore/curatore-go/content"
)

// A Config sets what all functions of an Engine share. The zero Config is ready
// to use.
type Config struct {
	// Authorize decides whether a caller may use a function; nil allows all.
	// It is asked when the catalogue is listed and before every call, so it
	// must be quick, and safe for concurrent use. Its error is for the log: to
	// the model a refused function does not exist.
	Authorize func(scope content.Scope, f *Function) error
	// MaxArguments bounds the JSON of the arguments, in bytes; 0 means 256 KiB.
	MaxArguments int
	// MaxResult bounds [Result.Data], in bytes; 0 means 64 KiB, which stays
	// below the 25,000 tokens at which clients cut.
	MaxResult int
	// Logger gets the causes of internal errors, which no result shows. nil is
	// silent.
	Logger *slog.Logger
}

// An Engine holds functions and runs calls of them. It is immutable and safe for
// concurrent use.
type Engine struct {
	config Config
	byName map[string]*Function
	sorted []*Function
	names  []string
}

// NewEngine returns an Engine with the given functions. Its error lists every
// mistake of every declaration, and every name that is used twice; no function
// is left out silently.
func NewEngine(config Config, functions ...*Function) (*Engine, error) {
	config.MaxArguments = cmp.Or(config.MaxArguments, 256<<10)
	config.MaxResult = cmp.Or(config.MaxResult, 64<<10)
	e := &Engine{config: config, byName: make(map[string]*Function, len(functions))}
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
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w functions: %w", content.ErrInvalid, errors.Join(problems...))
	}
	slices.SortFunc(e.sorted, func(a, b *Function) int { return cmp.Compare(a.Name(), b.Name()) })
	for _, f := range e.sorted {
		e.names = append(e.names, f.Name())
	}
	return e, nil
}

// List returns the functions that a caller may use, sorted by name: always the
// same order, so that a provider's cache of the catalogue holds. It is empty for
// the zero Scope. The slice is the caller's own.
func (e *Engine) List(scope content.Scope) []*Function {
	if scope == (content.Scope{}) {
		return nil
	}
	if e.config.Authorize == nil {
		return slices.Clone(e.sorted)
	}
	var allowed []*Function
	for _, f := range e.sorted {
		if e.config.Authorize(scope, f) == nil {
			allowed = append(allowed, f)
		}
	}
	return allowed
}

// Functions returns all functions whoever may use them, sorted by name. The
// slice is the caller's own.
func (e *Engine) Functions() []*Function { return slices.Clone(e.sorted) }

// Call runs a function with JSON arguments on behalf of a Scope. The steps, in
// their order: resolve the name; authorise; repair the form of the arguments;
// validate them against the published schema; set defaults; decode; run the
// handler; validate what it returned; bound its size; label it.
//
// The handler never runs with arguments that the schema refuses. A panic in it
// becomes an error. Every error is an *[Error]; ctx is checked before the
// handler runs.
func (e *Engine) Call(ctx context.Context, scope content.Scope, name string, args json.RawMessage) (*Result, error) {
	result, err := e.call(ctx, scope, name, args)
	if err == nil {
		return result, nil
	}
	if err.Code == CodeInternal && e.config.Logger != nil {
		e.config.Logger.ErrorContext(ctx, "function failed", "function", name, "principal", scope.Principal(), "error", err)
	}
	return nil, err
}

func (e *Engine) call(ctx context.Context, scope content.Scope, name string, raw json.RawMessage) (*Result, *Error) {
	f, err := e.resolve(scope, name)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, asError(ctx, context.Cause(ctx))
	}
	args, err := e.arguments(f, raw)
	if err != nil {
		return nil, err
	}
	call := &Call{scope: scope, function: f}
	call.metadata = Metadata{Source: cmp.Or(f.spec.Source, f.spec.Name), Trust: Untrusted}
	data, err := e.run(ctx, call, args)
	if err != nil {
		return nil, err
	}
	return &Result{Data: data, Message: call.message, Metadata: call.metadata}, nil
}

// resolve finds a function that the caller may use. One that exists but is not
// for this caller looks as if it did not exist.
func (e *Engine) resolve(scope content.Scope, name string) (*Function, *Error) {
	if scope == (content.Scope{}) {
		return nil, &Error{Code: CodeForbidden, Message: "The call does not act for an organization.",
			Cause: fmt.Errorf("%w: the call of %s has no scope; take one from an organization", content.ErrScope, show(name))}
	}
	f := e.byName[name]
	var cause error
	if f != nil && e.config.Authorize != nil {
		cause = e.config.Authorize(scope, f)
	}
	if f != nil && cause == nil {
		return f, nil
	}
	unknown := Errorf(CodeUnknownFunction, "There is no function %s.", show(name))
	unknown.Cause = cause
	names := e.names
	if e.config.Authorize != nil {
		names = nil
		for _, allowed := range e.List(scope) {
			names = append(names, allowed.Name())
		}
	}
	if near := nearest(name, names); near != "" {
		unknown.Hint = fmt.Sprintf("Did you mean %q?", near)
	} else if len(names) > 0 {
		unknown.Hint = "Use one of " + listed(names) + "."
	}
	return nil, unknown
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

// run calls the handler and turns what it returns into data that fits.
func (e *Engine) run(ctx context.Context, call *Call, args []byte) (data json.RawMessage, failed *Error) {
	defer func() {
		if r := recover(); r != nil {
			data, failed = nil, internal(fmt.Errorf("panic: %v\n%s", r, debug.Stack()))
		}
	}()
	out, err := call.function.handle(ctx, call, args)
	if err != nil {
		return nil, asError(ctx, err)
	}
	for {
		data, err := call.function.encode(out)
		if err != nil {
			return nil, internal(err)
		}
		if len(data) <= e.config.MaxResult {
			return data, nil
		}
		if failed := e.shorten(ctx, call, out, len(data)); failed != nil {
			return nil, failed
		}
	}
}

// shorten makes a list result that has too many bytes lose some elements.
func (e *Engine) shorten(ctx context.Context, call *Call, out any, size int) *Error {
	list, ok := out.(Shortener)
	if !ok || list.Len() < 2 {
		return &Error{Code: CodeTooLarge,
			Message: fmt.Sprintf("The result has %d bytes; at most %d can be returned.", size, e.config.MaxResult),
			Hint:    "Ask for less: select fewer fields, or narrow the question."}
	}
	before := list.Len()
	n := max(1, int(int64(before)*int64(e.config.MaxResult)*9/10/int64(size)))
	if err := list.Shorten(ctx, call, n); err != nil {
		return asError(ctx, err)
	}
	if list.Len() >= before {
		return internal(fmt.Errorf("%T: Shorten(%d) left %d of %d elements", out, n, list.Len(), before))
	}
	call.metadata.Truncated = true
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
