package functions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/invopop/jsonschema"
	validation "github.com/santhosh-tekuri/jsonschema/v6"
)

// An Effect says what a function does to the world.
type Effect int

// The effects. The zero value is Reads.
const (
	Reads  Effect = iota // changes nothing that a user could notice
	Writes               // changes data, starts work, or sends something
)

// String returns "reads" or "writes".
func (e Effect) String() string {
	if e == Writes {
		return "writes"
	}
	return "reads"
}

// An Audience is who may call a function.
type Audience int

// The audiences. The zero value is Everyone.
const (
	Everyone Audience = iota // programs and agents
	Programs                 // only programs: agents neither see nor call it
)

// String returns "everyone" or "programs".
func (a Audience) String() string {
	if a == Programs {
		return "programs"
	}
	return "everyone"
}

// A Spec describes a function to those who call it.
type Spec struct {
	// Name is how it is called: [a-z][a-z0-9_]{0,39}, since clients add
	// prefixes and the strictest of them stops at 64 characters.
	Name string
	// Description tells a model what the function does and when to use it.
	// Required, less than 1,024 characters.
	Description string
	// Category groups functions for people, such as "search". It may be empty.
	Category string
	// Tags are free words for filtering a catalogue.
	Tags []string
	// Effect is Reads unless set. An agent's call of a function that Writes
	// waits for a person's confirmation; see [Confirmation].
	Effect Effect
	// Additive says of a function that Writes that it only adds: nothing is
	// changed, deleted or sent. Clients warn less about it.
	Additive bool
	// Unconfirmed lets agents call a function that Writes without a person's
	// confirmation. It is for effects that nobody minds, such as a bookmark.
	Unconfirmed bool
	// Check refuses a call of a function that Writes before a person is asked to
	// confirm it: for what would make it fail in any case, and no schema says. It
	// reads the arguments by [Call.Decode], and changes nothing. It may be nil.
	Check func(ctx context.Context, call *Call) error
	// Audience is who may call it; the zero value is everyone.
	Audience Audience
	// Connection is the name of the data connection that the function belongs
	// to; where an organization has switched that off, the function is neither
	// listed nor callable. It may be empty.
	Connection string
	// Needs names the types of records that the function reads or changes, for
	// those who decide who may call it; see [Config.Authorize]. The built-in
	// functions name all that an argument can ask for.
	Needs []string
	// NeedsModel says that the function itself asks a language model, so it
	// costs money and does not work where none is configured.
	NeedsModel bool
	// Source labels the text of results: the place it came from, such as
	// "salesforce". Empty means the name of the function; [Call.SetSource]
	// overrides it for one call.
	Source string
	// Bound are parameters that the program fills in at each call: they are
	// fields of the input that no schema shows, and a caller who sends one is
	// told that it does not exist. The value must fit the field.
	Bound map[string]func(ctx context.Context, call *Call) (any, error)
	// Sensitive names parameters whose values the audit does not show.
	Sensitive []string
	// Timeout ends a call with CodeTimedOut; 0 leaves [Budget.Time] alone in
	// charge.
	Timeout time.Duration
	// Concurrency is how many calls run at a time in one Engine, for all
	// callers; others wait. 0 means any number.
	Concurrency int
	// Defaults are values of parameters that a caller leaves out, beside those
	// in `jsonschema:"default=…"` tags, which they override. They appear in
	// the schema, make their parameter optional, and must satisfy it.
	Defaults map[string]any
	// Input edits the schema reflected from the input type before it is
	// compiled, for what is only known at run time, such as the values of an
	// enum. It may narrow the schema; the result must still decode into the
	// type. It may be nil.
	Input func(*jsonschema.Schema)
}

// A Function is one declared function, made by [Define] or [DefineDynamic] and
// run by an [Engine]. It is immutable and safe for concurrent use, and may be
// in several Engines.
type Function struct {
	spec     Spec
	problems []error

	input, output   json.RawMessage
	inputShape      *shape
	quick           *pass // of arguments that are right as they come; may be nil
	inputValidator  *validation.Schema
	outputValidator *validation.Schema // nil when the Go type cannot break its schema
	filler          filler             // of what the handler's result points to; nil when nothing in it can be null
	handle          handler
	bound           []string // parameters that the program fills in, sorted
	compiled        compiled // for providers
}

// A handler decodes validated arguments and runs the function.
type handler func(ctx context.Context, call *Call, args []byte) (out any, err error)

// Name returns the name by which the function is called.
func (f *Function) Name() string { return f.spec.Name }

// Description returns what a model is told about the function.
func (f *Function) Description() string { return f.spec.Description }

// Spec returns a copy of the declaration.
func (f *Function) Spec() Spec {
	s := f.spec
	s.Tags, s.Needs, s.Sensitive = slices.Clone(s.Tags), slices.Clone(s.Needs), slices.Clone(s.Sensitive)
	s.Defaults, s.Bound = maps.Clone(s.Defaults), maps.Clone(s.Bound)
	return s
}

// InputSchema returns the JSON Schema (draft 2020-12) of the arguments, an
// object that refuses properties it does not name. The caller must not change
// it. It is nil for a function whose declaration is wrong.
func (f *Function) InputSchema() json.RawMessage { return f.input }

// OutputSchema returns the JSON Schema of [Result.Data], under the same terms
// as InputSchema.
func (f *Function) OutputSchema() json.RawMessage { return f.output }

// Define declares a function with typed input and output. Both schemas come
// from the Go types: names and optionality from json tags (omitempty and
// omitzero make a property optional, a pointer without them may be null),
// rules from jsonschema tags, descriptions from jsonschema_description tags.
//
// In must be a struct. Types that no schema can describe honestly are refused:
// any, recursive types, channels, functions, maps without string keys, and
// types with their own JSON form that do not say it by a method
// JSONSchema() *jsonschema.Schema.
//
// Define never fails by itself: [NewEngine] reports the mistakes of all its
// functions together. handle runs on the caller's goroutine, with a Call that
// carries the Scope; see [Error] for what it should return when it fails.
func Define[In, Out any](spec Spec, handle func(ctx context.Context, call *Call, in In) (Out, error)) *Function {
	f := newFunction(spec)
	input, errs := reflectSchema(reflect.TypeFor[In](), true)
	f.wrong("input", errs...)
	if input != nil && input.Type != "object" {
		f.wrong("input", fmt.Errorf("%v is not a struct; arguments have names", reflect.TypeFor[In]()))
	}
	if input != nil && spec.Input != nil {
		spec.Input(input)
	}
	f.compileInput(input)
	f.compileOutput(reflect.TypeFor[Out]())
	f.handle = func(ctx context.Context, call *Call, args []byte) (any, error) {
		var in In
		if err := json.Unmarshal(args, &in); err != nil {
			return nil, decodeError(err)
		}
		return erase(handle(ctx, call, in))
	}
	if handle == nil {
		f.wrong("handler", errors.New("is nil"))
	}
	return f
}

// DefineDynamic declares a function whose parameters are only known at run
// time, such as one per facet of a registry. The schema must describe an
// object; additionalProperties is set to false when it says nothing. handle
// receives the arguments after repair, validation and defaults, as an object
// with every number as [json.Number]. Everything else is as with Define.
func DefineDynamic[Out any](spec Spec, input *jsonschema.Schema, handle func(ctx context.Context, call *Call, args map[string]any) (Out, error)) *Function {
	f := newFunction(spec)
	switch {
	case input == nil:
		f.wrong("input", errors.New("the schema is nil"))
	case input.Type != "object":
		f.wrong("input", fmt.Errorf("the schema must have type object, not %q", input.Type))
	default:
		clone := *input
		clone.Properties = jsonschema.NewProperties()
		if input.Properties != nil {
			for name, property := range input.Properties.FromOldest() {
				clone.Properties.Set(name, property)
			}
		}
		if clone.AdditionalProperties == nil {
			clone.AdditionalProperties = jsonschema.FalseSchema
		}
		if spec.Input != nil {
			spec.Input(&clone)
		}
		f.compileInput(&clone)
	}
	f.compileOutput(reflect.TypeFor[Out]())
	f.handle = func(ctx context.Context, call *Call, args []byte) (any, error) {
		var in map[string]any
		if err := unmarshalNumber(args, &in); err != nil {
			return nil, decodeError(err)
		}
		return erase(handle(ctx, call, in))
	}
	if handle == nil {
		f.wrong("handler", errors.New("is nil"))
	}
	return f
}

// erase drops the type of a handler's result. What is no pointer becomes one, so
// that the methods of *Out are found, too.
func erase[Out any](out Out, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if reflect.TypeFor[Out]().Kind() == reflect.Pointer {
		return out, nil
	}
	return &out, nil
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

const maxDescription = 1024

func newFunction(spec Spec) *Function {
	f := &Function{spec: spec}
	f.spec = f.Spec()
	f.bound = slices.Sorted(maps.Keys(spec.Bound))
	f.compiled = newCompiled()
	if spec.Effect == Reads && (spec.Additive || spec.Unconfirmed || spec.Check != nil) {
		f.wrong("effect", errors.New("the options Additive, Unconfirmed and Check say something of a function that Writes"))
	}
	if spec.Timeout < 0 || spec.Concurrency < 0 {
		f.wrong("limits", errors.New("the options Timeout and Concurrency must not be negative"))
	}
	if !nameForm.MatchString(spec.Name) {
		f.wrong("name", errors.New("must begin with a lower-case letter and hold at most 40 letters a-z, digits and underscores"))
	}
	switch n := utf8.RuneCountInString(spec.Description); {
	case n == 0:
		f.wrong("description", errors.New("is empty; a model chooses functions by it"))
	case n >= maxDescription:
		f.wrong("description", fmt.Errorf("has %d characters; it must have fewer than %d", n, maxDescription))
	}
	return f
}

// wrong records mistakes of the declaration, to be reported by NewEngine.
func (f *Function) wrong(part string, errs ...error) {
	for _, err := range errs {
		f.problems = append(f.problems, fmt.Errorf("function %q: %s: %w", f.spec.Name, part, err))
	}
}

func (f *Function) compileInput(schema *jsonschema.Schema) {
	if schema == nil {
		return
	}
	if errs := f.hideBound(schema); len(errs) > 0 {
		f.wrong("bound", errs...)
		return
	}
	if err := applyDefaults(schema, f.spec.Defaults); err != nil {
		f.wrong("defaults", err)
		return
	}
	raw, compiled, err := compile(schema)
	if err != nil {
		f.wrong("input", err)
		return
	}
	if f.inputShape, err = shapeOf(raw); err != nil {
		f.wrong("input", err)
		return
	}
	if errs := checkDefaults(raw, f.inputShape, "", ""); len(errs) > 0 {
		f.wrong("defaults", errs...)
		return
	}
	f.input, f.inputValidator, f.quick = raw, compiled, passOf(raw)
}

func (f *Function) compileOutput(t reflect.Type) {
	schema, errs := reflectSchema(t, false)
	f.wrong("output", errs...)
	if schema == nil {
		return
	}
	raw, compiled, err := compile(schema)
	if err != nil {
		f.wrong("output", err)
		return
	}
	f.output = raw
	if t.Kind() == reflect.Pointer {
		f.filler = fillerOf(t.Elem())
	} else {
		f.filler = fillerOf(t)
	}
	if !selfEvident(t, schema) {
		f.outputValidator = compiled
	}
}
