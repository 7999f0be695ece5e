package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	validation "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/dialect"
)

// publishable has what a function for every provider can have: optionals,
// enums, times, durations, nested objects, arrays, maps, a type twice, an
// embedded struct.
type publishable struct {
	Paging
	Name     string             `json:"name" jsonschema:"minLength=1,maxLength=80" jsonschema_description:"What it is called"`
	Stage    string             `json:"stage,omitempty" jsonschema:"enum=open,enum=closed,default=open"`
	Maybe    *string            `json:"maybe" jsonschema_description:"May be null?"`
	MaybeOne *Address           `json:"maybe_one"`
	Optional *int               `json:"optional,omitempty" jsonschema:"exclusiveMinimum=0,multipleOf=5"`
	Zero     time.Time          `json:"zero,omitzero"`
	At       time.Time          `json:"at"`
	Wait     functions.Duration `json:"wait,omitempty"`
	Billing  Address            `json:"billing"`
	Shipping Address            `json:"shipping" jsonschema_description:"The same type a second time"`
	Lists    [][]int            `json:"lists" jsonschema:"minItems=2"`
	Scores   map[string]float64 `json:"scores"`
	Groups   map[string]Address `json:"groups,omitempty"`
	Numbers  int                `json:"numbers" jsonschema:"enum=1,enum=2"`
	Unique   []string           `json:"unique,omitempty" jsonschema:"uniqueItems=true,maxItems=9"`
	Choice   *string            `json:"choice" jsonschema:"enum=a,enum=b"`
	Flag     bool               `json:"flag,omitempty"`
	Blob     []byte             `json:"blob,omitempty"`
}

// open cannot be written strictly: its fields are not known.
type open struct {
	Fields functions.Object `json:"fields" jsonschema_description:"Any fields"`
}

func dialectFunctions(t testing.TB) []*functions.Function {
	return append(functions.Builtins(newWorld(t).sources), echo[publishable]("publishable"), echo[open]("open"), echo[empty]("nothing"))
}

// TestDialects keeps what each provider is told of each function. Whatever is
// there is a valid schema of draft 2020-12 and passes the checker.
func TestDialects(t *testing.T) {
	all := dialectFunctions(t)
	e := engine(t, functions.Config{Dialects: dialect.All()}, all...)
	for _, d := range dialect.All() {
		t.Run(string(d), func(t *testing.T) {
			tools, err := e.Bind(scope).Tools(d)
			if err != nil {
				t.Fatal(err)
			}
			if len(tools) != len(all) {
				t.Fatalf("%d tools of %d functions", len(tools), len(all))
			}
			var shown []any
			for i, tool := range tools {
				if want := e.Functions()[i].Name(); tool.Name != want {
					t.Errorf("tool %d is %s, not %s", i, tool.Name, want)
				}
				if tool.Input != nil {
					compileDraft2020(t, tool.Input)
				}
				if problems := dialect.Check(tool.Dialect, tool.Tool); problems != nil {
					t.Errorf("%s: %v", tool.Name, problems)
				}
				var changes []string
				for _, c := range tool.Changes {
					changes = append(changes, c.Error())
				}
				shown = append(shown, map[string]any{"name": tool.Name, "dialect": tool.Dialect, "strict": tool.Strict, "input": tool.Input, "changes": changes})
			}
			raw, err := json.Marshal(shown)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "dialect/"+string(d)+".json", raw)
		})
	}
}

func compileDraft2020(t testing.TB, schema json.RawMessage) *validation.Schema {
	t.Helper()
	doc, err := validation.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := validation.NewCompiler()
	c.DefaultDraft(validation.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("mem://tool", doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("mem://tool")
	if err != nil {
		t.Fatalf("%v: %s", err, schema)
	}
	return compiled
}

// What a model writes for the schema of its provider arrives as what the
// function declares.
func TestArgumentsOfEveryDialectArrive(t *testing.T) {
	e := engine(t, functions.Config{}, echo[publishable]("publishable"), echo[open]("open"))
	want := func(args string) publishable {
		t.Helper()
		result, err := e.Call(t.Context(), scope, "publishable", []byte(args))
		if err != nil {
			t.Fatal(err)
		}
		var p publishable
		if err := result.Decode(&p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	plain := want(`{"name":"n","maybe":null,"maybe_one":null,"at":"2026-01-31T09:30:00Z","billing":{"street":"s","lines":[]},"shipping":{"street":"t","lines":["l"]},
		"lists":[[1],[2,3]],"scores":{"a":1,"b":2},"numbers":1,"choice":"a"}`)
	strict := `{"limit":null,"cursor":null,"name":"n","stage":null,"maybe":null,"maybe_one":null,"optional":null,"zero":null,"at":"2026-01-31T09:30:00Z","wait":null,
		"billing":{"street":"s","lines":[]},"shipping":{"street":"t","lines":["l"]},"lists":[[1],[2,3]],"scores":[{"name":"a","value":1},{"name":"b","value":2}],"groups":null,
		"numbers":1,"unique":null,"choice":"a","flag":null,"blob":null}`
	tool, err := e.Functions()[1].Tool(dialect.OpenAIStrict)
	if err != nil || !tool.Strict {
		t.Fatal(tool, err)
	}
	var value any
	if err := json.Unmarshal([]byte(strict), &value); err != nil {
		t.Fatal(err)
	}
	if err := compileDraft2020(t, tool.Input).Validate(value); err != nil {
		t.Errorf("the strict schema refuses it: %v", err)
	}
	if diff := cmp.Diff(plain, want(strict)); diff != "" {
		t.Errorf("strict (-plain +strict):\n%s", diff)
	}
	result, err := e.Call(t.Context(), scope, "open", []byte(`{"fields":"{\"a\": 1}"}`))
	if err != nil || string(result.Data) != `{"fields":{"a":1}}` {
		t.Errorf("an object as text: %v, %v", result, err)
	}
	for _, args := range []string{`{"scores":[{"name":"a","value":1},{"name":"a","value":2}]}`, `{"scores":[{"name":"a"}]}`, `{"scores":[{"name":"a","value":1,"x":2}]}`, `{"scores":[1]}`} {
		_, err := e.Call(t.Context(), scope, "publishable", []byte(args))
		if !strings.Contains(failure(t, err).Error(), "scores must be an object") {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// What cannot be published is an error of NewEngine that names the function, the
// field and the rule; what falls back is in the report.
func TestDialectLints(t *testing.T) {
	nested := func(depth int) string {
		return strings.Repeat(`{"type":"array","items":`, depth) + `{"type":"string"}` + strings.Repeat("}", depth)
	}
	dynamic := func(name, property string) *functions.Function {
		return functions.DefineDynamic(functions.Spec{Name: name, Description: "d"}, schema(t, `{"type":"object","properties":{"p":`+property+`},"required":["p"]}`),
			func(context.Context, *functions.Call, map[string]any) (empty, error) { return empty{}, nil })
	}
	wrong := []*functions.Function{dynamic("no_type", `{"description":"anything"}`), dynamic("conditional", `{"type":"string","not":{"enum":["x"]}}`)}
	_, err := functions.NewEngine(functions.Config{Dialects: []dialect.Dialect{dialect.Gemini}}, wrong...)
	for _, want := range []string{`function "no_type": invalid tool no_type: gemini: p: it does not say its type (rule type)`, `function "conditional": invalid tool conditional: gemini: p: not is not accepted (rule keyword)`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\nlacks %q", err, want)
		}
	}
	e := engine(t, functions.Config{Dialects: []dialect.Dialect{dialect.OpenAIStrict, dialect.AnthropicStrict}}, append(wrong, echo[open]("open"), dynamic("deep", nested(10)))...)
	changes, refused := e.Report(dialect.OpenAIStrict, dialect.Gemini)
	if refused == nil || !strings.Contains(refused.Error(), "no_type") {
		t.Errorf("refused: %v", refused)
	}
	var got []string
	for _, c := range changes {
		got = append(got, fmt.Sprintf("%s in %s: %v", c.Function, c.Dialect, c.Problem.Error()))
	}
	want := []string{
		"conditional in openai-strict: p: written as openai: not is not accepted (rule keyword) (rule fallback)",
		"deep in openai-strict: p[][][][][][][][][]: written as openai: it is nested deeper than 10 (rule depth) (rule fallback)",
		"no_type in openai-strict: p: written as openai: it does not say its type (rule type) (rule fallback)",
		"open in openai-strict: fields: written as openai: the object must refuse other properties (rule closed) (rule fallback)",
		"open in gemini: fields: an object with any properties was written as text that holds JSON (rule properties)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// BenchmarkCatalogue serves 200 functions to each provider. They are compiled
// once, before.
func BenchmarkCatalogue(b *testing.B) {
	var all []*functions.Function
	for i := range 200 {
		all = append(all, echo[publishable](fmt.Sprintf("function_%03d", i)))
	}
	fns := engine(b, functions.Config{Dialects: dialect.All()}, all...).Bind(scope)
	for _, d := range dialect.All() {
		b.Run(string(d), func(b *testing.B) {
			for b.Loop() {
				if tools, err := fns.Tools(d); err != nil || len(tools) != 200 {
					b.Fatal(len(tools), err)
				}
			}
		})
	}
}
