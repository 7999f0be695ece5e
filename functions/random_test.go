//go:build !race

package functions

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	validation "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions/dialect"
)

// A generator makes Go types, and JSON values for their schemas, by chance.
type generator struct {
	*rand.Rand
	free bool // of rules beside the types
}

// structType returns a struct of up to six fields.
func (g generator) structType(depth int) reflect.Type {
	var fields []reflect.StructField
	for i := range 1 + g.IntN(6) {
		t := g.anyType(depth)
		name := fmt.Sprintf("field_%d", i)
		option := []string{"", "", ",omitempty", ",omitzero"}[g.IntN(4)]
		if option == ",omitempty" && t.Kind() == reflect.Struct {
			option = ",omitzero" // omitempty never leaves out a struct, and an empty one may break its rules
		}
		tag := `json:"` + name + option + `"`
		tag += g.rules(t)
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("Field%d", i), Type: t, Tag: reflect.StructTag(tag)})
	}
	return reflect.StructOf(fields)
}

// rules returns a tag that narrows a type, or none.
func (g generator) rules(t reflect.Type) string {
	if g.free || g.IntN(2) == 0 {
		return ""
	}
	switch t.Kind() {
	case reflect.String:
		return ` jsonschema:"` + []string{"minLength=2,maxLength=5", "enum=red,enum=green,enum=blue", "pattern=^a+$", "minLength=1"}[g.IntN(4)] + `"`
	case reflect.Int, reflect.Int16, reflect.Uint16:
		return ` jsonschema:"` + []string{"minimum=3,maximum=9", "enum=1,enum=2", "multipleOf=5,minimum=0,maximum=100"}[g.IntN(3)] + `"`
	case reflect.Slice:
		return ` jsonschema:"` + []string{"minItems=1,maxItems=3", "maxItems=2"}[g.IntN(2)] + `"`
	}
	return ""
}

func (g generator) anyType(depth int) reflect.Type {
	simple := []reflect.Type{reflect.TypeFor[bool](), reflect.TypeFor[string](), reflect.TypeFor[int](), reflect.TypeFor[int16](), reflect.TypeFor[uint16](),
		reflect.TypeFor[float64](), reflect.TypeFor[time.Time](), reflect.TypeFor[Duration](), reflect.TypeFor[json.Number]()}
	if depth <= 0 {
		return simple[g.IntN(len(simple))]
	}
	switch g.IntN(8) {
	case 0:
		return reflect.SliceOf(g.anyType(depth - 1))
	case 1:
		return reflect.MapOf(reflect.TypeFor[string](), g.anyType(depth-1))
	case 2:
		return reflect.PointerTo(simple[g.IntN(len(simple))])
	case 3:
		return g.structType(depth - 1)
	}
	return simple[g.IntN(len(simple))]
}

// value returns a JSON value that satisfies a schema.
func (g generator) value(s map[string]any) any {
	if values, ok := s["enum"].([]any); ok {
		return values[g.IntN(len(values))]
	}
	if variants, ok := s["anyOf"].([]any); ok {
		return g.value(variants[g.IntN(len(variants))].(map[string]any))
	}
	if s["nullable"] == true && g.IntN(2) == 0 {
		return nil
	}
	kind := s["type"]
	if kinds, ok := kind.([]any); ok {
		kind = kinds[g.IntN(len(kinds))]
	}
	number := func(word string, otherwise int) int {
		if n, ok := s[word].(json.Number); ok {
			i, _ := n.Int64()
			return int(i)
		}
		return otherwise
	}
	switch kind {
	case "null":
		return nil
	case "boolean":
		return g.IntN(2) == 0
	case "integer", "number":
		low, high, step := number("minimum", 0), number("maximum", 200), number("multipleOf", 1)
		n := low + g.IntN(high-low+1)
		n -= n % step
		if kind == "number" && g.IntN(2) == 0 {
			return json.Number(fmt.Sprintf("%d.25", n))
		}
		return json.Number(fmt.Sprint(n))
	case "string":
		switch {
		case s["format"] == "date-time":
			return time.Unix(g.Int64N(4e9), 0).UTC().Format(time.RFC3339)
		case s["format"] == "duration" || strings.Contains(fmt.Sprint(s["description"]), "Format: duration"): // in words, for a provider that has no such format
			return Duration(time.Duration(g.Int64N(1e15))).String() // whole seconds
		case s["pattern"] != nil:
			return strings.Repeat("a", 1+g.IntN(5))
		}
		low, high := number("minLength", 0), number("maxLength", 12)
		letters := []rune("abc é\"\\\n東👍<&")
		text := make([]rune, low+g.IntN(high-low+1))
		for i := range text {
			text[i] = letters[g.IntN(len(letters))]
		}
		return string(text)
	case "array":
		low, high := number("minItems", 0), number("maxItems", 3)
		list := []any{}
		for range low + g.IntN(high-low+1) {
			list = append(list, g.value(s["items"].(map[string]any)))
		}
		if strings.Contains(fmt.Sprint(s["description"]), "each name once") { // a map, for a provider that has none
			for i, pair := range list {
				pair.(map[string]any)["name"] = fmt.Sprint("name ", i)
			}
		}
		return list
	}
	object := map[string]any{}
	if values, ok := s["additionalProperties"].(map[string]any); ok {
		for i := range g.IntN(3) {
			object[fmt.Sprint("name ", i)] = g.value(values)
		}
	}
	properties, _ := s["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property := properties[name]
		required, _ := s["required"].([]any)
		if slices.Contains(required, any(name)) || g.IntN(2) == 0 {
			object[name] = g.value(property.(map[string]any))
		}
	}
	return object
}

// echoOf declares a function of a type that is only known at run time. ran
// counts how often the handler was reached.
func echoOf(t reflect.Type, ran *int) *Function {
	f := newFunction(Spec{Name: "echo", Description: "Returns its input."})
	input, errs := reflectSchema(t, true)
	f.wrong("input", errs...)
	f.compileInput(input)
	f.compileOutput(t)
	f.handle = func(_ context.Context, _ *Call, args []byte) (any, error) {
		*ran++
		in := reflect.New(t)
		if err := json.Unmarshal(args, in.Interface()); err != nil {
			return nil, decodeError(err)
		}
		return in.Interface(), nil
	}
	return f
}

// again decodes JSON into a type and encodes it, twice: what the options of its
// tags leave out is then left out everywhere.
func again(t *testing.T, typ reflect.Type, data []byte) string {
	t.Helper()
	for range 2 {
		v := reflect.New(typ)
		if err := json.Unmarshal(data, v.Interface()); err != nil {
			t.Fatalf("%v in %s", err, data)
		}
		var err error
		if data, err = json.Marshal(v.Interface()); err != nil {
			t.Fatal(err)
		}
	}
	return string(data)
}

// spoil changes a valid value so that it breaks its schema in one place, in a
// way that no repair mends, and says how. It returns false when there is no such
// place.
func (g generator) spoil(v any, s map[string]any) (any, string, bool) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, "", false
	}
	properties, _ := s["properties"].(map[string]any)
	if properties == nil {
		return nil, "", false
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	required, _ := s["required"].([]any)
	switch g.IntN(4) {
	case 0:
		object["nobody knows this"] = 1
		return object, "unknown", true
	case 1:
		if len(required) > 0 {
			name := required[g.IntN(len(required))].(string)
			delete(object, name)
			return object, "missing " + name, true
		}
	case 2:
		for _, name := range names {
			property := properties[name].(map[string]any)
			if spoiled, how, ok := g.spoil(object[name], property); ok {
				object[name] = spoiled
				return object, name + "." + how, true
			}
		}
	}
	if len(names) == 0 {
		return nil, "", false
	}
	name := names[g.IntN(len(names))]
	property := properties[name].(map[string]any)
	switch property["type"] {
	case "string":
		if property["enum"] != nil || property["format"] != nil || property["pattern"] != nil {
			object[name] = "no such value"
		} else {
			object[name] = []any{1}
		}
	case "integer", "number":
		object[name] = "many"
		if property["maximum"] != nil {
			object[name] = json.Number("1000000")
		}
	case "array":
		object[name] = []any{[]any{[]any{[]any{[]any{}}}}} // deeper than any
	default:
		object[name] = json.Number("-12.5")
		if property["type"] == nil {
			object[name] = []any{[]any{}}
		}
		if kinds, ok := property["type"].([]any); ok && slices.ContainsFunc(kinds, func(k any) bool { return k == "string" || k == "number" || k == "integer" }) {
			object[name] = []any{[]any{}}
		}
	}
	return object, "wrong " + name, true
}

// A schema made from any type accepts what is made from it, which decodes and
// comes back; what breaks it is refused before the handler runs. Each dialect
// takes the schema, or says why not.
func TestRandomTypes(t *testing.T) {
	scope := content.NewAuthority().Mint("org-1", "tester")
	types, spoiled, strict, short := 150, 0, 0, 0
	for seed := range types {
		g := generator{Rand: rand.New(rand.NewPCG(uint64(seed), 7))}
		typ := g.structType(3)
		ran := 0
		f := echoOf(typ, &ran)
		e, err := NewEngine(Config{}, f)
		if err != nil {
			t.Fatalf("seed %d, %v: %v", seed, typ, err)
		}
		schema, err := validation.UnmarshalJSON(bytes.NewReader(f.InputSchema()))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range dialect.All() {
			tool, err := f.Tool(d)
			if err != nil {
				t.Errorf("seed %d, %s: %v", seed, d, err)
			}
			if d == dialect.OpenAIStrict && tool.Strict {
				strict++
			}
		}
		for range 10 {
			args, err := json.Marshal(g.value(schema.(map[string]any)))
			if err != nil {
				t.Fatal(err)
			}
			if agree(t, e, f, args) {
				short++
			}
			result, err := e.Call(t.Context(), scope, "echo", args)
			if err != nil {
				t.Fatalf("seed %d: %s\nfor %s: %v, %v", seed, args, f.InputSchema(), err, errors.Unwrap(err))
			}
			if want, got := again(t, typ, args), again(t, typ, result.Data); want != got {
				t.Fatalf("seed %d, %v: %s became %s", seed, typ, want, got)
			}
			value, err := validation.UnmarshalJSON(bytes.NewReader(args))
			if err != nil {
				t.Fatal(err)
			}
			wrong, how, ok := g.spoil(value, schema.(map[string]any))
			if !ok {
				continue
			}
			spoiled++
			before := ran
			raw, err := json.Marshal(wrong)
			if err != nil {
				t.Fatal(err)
			}
			agree(t, e, f, raw)
			_, err = e.Call(t.Context(), scope, "echo", raw)
			var failed *Error
			if !errors.As(err, &failed) || failed.Code != CodeInvalid || len(failed.Fields) == 0 || ran != before {
				t.Fatalf("seed %d, %s: %s for %s: %v, the handler ran %d times", seed, how, raw, f.InputSchema(), err, ran-before)
			}
		}
	}
	if spoiled < 5*types || strict < types*9/10 || short < types {
		t.Errorf("%d spoiled values, %d strict schemas and %d short ways of %d types", spoiled, strict, short, types)
	}
}

// What is made from the schema that a provider is told arrives, and comes back as
// what can be sent again.
func TestRandomValuesOfEveryDialectArrive(t *testing.T) {
	scope := content.NewAuthority().Mint("org-1", "tester")
	for seed := range 60 {
		g := generator{rand.New(rand.NewPCG(uint64(seed), 11)), true}
		typ, ran := g.structType(3), 0
		f := echoOf(typ, &ran)
		e, err := NewEngine(Config{}, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range dialect.All() {
			tool, err := f.Tool(d)
			if err != nil {
				t.Fatalf("seed %d, %s: %v", seed, d, err)
			}
			if problems := dialect.Check(tool.Dialect, tool.Tool); problems != nil {
				t.Errorf("seed %d, %s: %v in %s", seed, d, problems, tool.Input)
			}
			schema, err := validation.UnmarshalJSON(bytes.NewReader(tool.Input))
			if err != nil {
				t.Fatal(err)
			}
			for range 5 {
				args, err := json.Marshal(g.value(schema.(map[string]any)))
				if err != nil {
					t.Fatal(err)
				}
				result, err := e.Call(t.Context(), scope, "echo", args)
				if err != nil {
					t.Fatalf("seed %d, %s: %s\nfor %s: %v", seed, d, args, tool.Input, err)
				}
				again, err := e.Call(t.Context(), scope, "echo", result.Data)
				if err != nil || !bytes.Equal(again.Data, result.Data) {
					t.Fatalf("seed %d, %s: %s became %s, and then %v, %v", seed, d, args, result.Data, again, err)
				}
			}
		}
		if ran != 60 {
			t.Errorf("seed %d: the handler ran %d times", seed, ran)
		}
	}
}
