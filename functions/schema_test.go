package functions_test

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/functions"
)

type Address struct {
	Street string   `json:"street"`
	Lines  []string `json:"lines"`
}

type Paging struct {
	Limit  int    `json:"limit,omitempty" jsonschema:"minimum=1,default=20"`
	Cursor string `json:"cursor,omitempty"`
}

// everything uses each feature of the mapping from Go types to schemas.
type everything struct {
	Paging
	Name     string             `json:"name" jsonschema:"minLength=1,maxLength=80" jsonschema_description:"What it is called, for people, not a key"`
	Stage    string             `json:"stage" jsonschema:"enum=open,enum=closed,default=open"`
	Maybe    *string            `json:"maybe"`
	MaybeOne *Address           `json:"maybe_one" jsonschema_description:"Where it is"`
	Optional *int               `json:"optional,omitempty"`
	Zero     time.Time          `json:"zero,omitzero"`
	At       time.Time          `json:"at"`
	ID       uuid.UUID          `json:"id"`
	Billing  Address            `json:"billing"`
	Shipping Address            `json:"shipping" jsonschema_description:"The same type a second time"`
	Tags     []string           `json:"tags"`
	Lists    [][]int            `json:"lists"`
	Scores   map[string]float64 `json:"scores"`
	Small    uint8              `json:"small"`
	Blob     []byte             `json:"blob"`
	Number   json.Number        `json:"number"`
	Nullable string             `json:"nullable" jsonschema:"nullable"`
	Choice   *string            `json:"choice" jsonschema:"enum=a,enum=b"`
	Flag     bool               `json:"flag"`
	hidden   int
	Skipped  any `json:"-"`
}

type empty struct{}

func TestSchemasOfTypes(t *testing.T) {
	_ = everything{}.hidden
	f := echo[everything]("everything")
	if _, err := functions.NewEngine(functions.Config{}, f); err != nil {
		t.Fatal(err)
	}
	golden(t, "everything_input.json", f.InputSchema())
	golden(t, "everything_output.json", f.OutputSchema())
	none := echo[empty]("nothing")
	golden(t, "empty.json", none.InputSchema())
}

type Same struct{ A string }

func TestTypesOfTheSameNameStayApart(t *testing.T) {
	type Address struct {
		Inner struct {
			Same Same `json:"same"`
		} `json:"inner"`
	}
	inner := Address{}
	f := functions.Define(functions.Spec{Name: "same", Description: "d"},
		func(context.Context, *functions.Call, outerAddress) (Address, error) { return inner, nil })
	engine(t, functions.Config{}, f)
	if got := string(f.InputSchema()); !strings.Contains(got, `"street"`) || strings.Contains(got, `"inner"`) {
		t.Errorf("input is not the outer type: %s", got)
	}
	if got := string(f.OutputSchema()); !strings.Contains(got, `"inner"`) {
		t.Errorf("output is not the inner type: %s", got)
	}
}

type outerAddress struct {
	Address Address `json:"address"`
}

// Open is an object with any content, which it says itself.
type Open map[string]any

func (Open) JSONSchema() *jsonschema.Schema { return &jsonschema.Schema{Type: "object"} }

func TestTypeThatSaysItsOwnSchema(t *testing.T) {
	type in struct {
		Fields Open `json:"fields"`
	}
	e := engine(t, functions.Config{}, echo[in]("open"))
	result, err := e.Call(t.Context(), scope, "open", json.RawMessage(`{"fields":{"a":[1,{"b":null}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(result.Data), `{"fields":{"a":[1,{"b":null}]}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

type node struct {
	Children []node `json:"children"`
}

type left struct {
	Right *right `json:"right"`
}

type right struct {
	Left map[string][]left `json:"left"`
}

type embedsItself struct {
	*embedsItself
}

type custom struct{ a int }

func (custom) MarshalJSON() ([]byte, error) { return []byte("1"), nil }

type embedsTime struct{ time.Time }

type halfText struct{}

func (halfText) MarshalText() ([]byte, error) { return nil, nil }

type clash struct {
	Paging
	Max int `json:"limit"`
}

type unsupported struct {
	Any      any                  `json:"any"`
	Values   []map[string]any     `json:"values"`
	Raw      json.RawMessage      `json:"raw"`
	Channel  chan int             `json:"channel"`
	Call     func()               `json:"call"`
	Complex  complex128           `json:"complex"`
	ByNumber map[int]string       `json:"by_number"`
	Wait     time.Duration        `json:"wait"`
	Address  *url.URL             `json:"address"`
	Custom   custom               `json:"custom"`
	Half     halfText             `json:"half"`
	Inline   Address              `json:"inline,inline"`
	Quoted   string               `json:"what's this"` //nolint:staticcheck // what is wrong with it is what is looked at
	Secret   string               `json:"secret" jsonschema:"-"`
	Dash     string               `json:"-,"` //nolint:staticcheck // the wrong tag is what is tested
	Deep     struct{ Bad []any }  `json:"deep"`
	Words    string               `json:"words" jsonschema:"description=one, two"`
	Fine     map[string][]Address `json:"fine" jsonschema:"description=one\\, two"`
}

// TestWrongDeclarations holds that every mistake is reported, all at once.
func TestWrongDeclarations(t *testing.T) {
	_, _ = custom{}.a, embedsItself{}.embedsItself
	ok := func(context.Context, *functions.Call, empty) (empty, error) { return empty{}, nil }
	number := 7
	_, err := functions.NewEngine(functions.Config{},
		echo[unsupported]("unsupported"),
		echo[node]("recursive"),
		echo[left]("cycle"),
		echo[embedsItself]("embedded_cycle"),
		echo[embedsTime]("embeds_time"),
		echo[clash]("clash"),
		echo[[]string]("not_an_object"),
		functions.Define(functions.Spec{Name: "Bad-Name", Description: "d"}, ok),
		functions.Define(functions.Spec{Name: strings.Repeat("a", 41), Description: "d"}, ok),
		functions.Define(functions.Spec{Name: "silent"}, ok),
		functions.Define(functions.Spec{Name: "wordy", Description: strings.Repeat("ä", 1024)}, ok),
		functions.Define(functions.Spec{Name: "twice", Description: "d"}, ok),
		functions.Define(functions.Spec{Name: "twice", Description: "d"}, ok),
		functions.Define[empty, empty](functions.Spec{Name: "no_handler", Description: "d"}, nil),
		functions.Define(functions.Spec{Name: "wrong_default", Description: "d", Defaults: map[string]any{"limit": "many", "limits": 3}},
			func(context.Context, *functions.Call, Paging) (empty, error) { return empty{}, nil }),
		functions.Define(functions.Spec{Name: "default_out_of_range", Description: "d", Defaults: map[string]any{"limit": -number}},
			func(context.Context, *functions.Call, Paging) (empty, error) { return empty{}, nil }),
		functions.DefineDynamic(functions.Spec{Name: "no_schema", Description: "d"}, nil,
			func(context.Context, *functions.Call, map[string]any) (empty, error) { return empty{}, nil }),
		functions.DefineDynamic(functions.Spec{Name: "list_schema", Description: "d"}, &jsonschema.Schema{Type: "array"},
			func(context.Context, *functions.Call, map[string]any) (empty, error) { return empty{}, nil }),
		functions.Define(functions.Spec{Name: "bad_pattern", Description: "d", Input: func(s *jsonschema.Schema) {
			limit, _ := s.Properties.Get("limit")
			limit.Type, limit.Pattern = "string", "("
		}}, func(context.Context, *functions.Call, Paging) (empty, error) { return empty{}, nil }),
		nil,
	)
	if err == nil {
		t.Fatal("NewEngine accepted wrong declarations")
	}
	for _, want := range []string{
		`function "unsupported": input: any: interface {} can hold anything`,
		`function "unsupported": output: any: interface {} can hold anything`,
		`input: values[]{}: interface {} can hold anything`,
		`input: raw: json.RawMessage can hold anything`,
		`input: channel: chan int has no JSON form`,
		`input: call: func() has no JSON form`,
		`input: complex: complex128 has no JSON form`,
		`input: by_number: map[int]string: only maps with string keys`,
		`input: wait: time.Duration travels as nanoseconds`,
		`input: address: url.URL travels as its parts, which no model guesses; use a string`,
		`input: custom: functions_test.custom has its own JSON form`,
		`input: half: functions_test.halfText is text in one direction only`,
		`input: inline: encoding/json does not know inline`,
		`input: what's this: encoding/json takes no such name, and uses Quoted instead`,
		`input: secret: is hidden from the schema but not from JSON`,
		`a field cannot be named -`,
		`input: words: unknown word " two" in the jsonschema tag`,
		`input: deep.Bad[]: interface {} can hold anything`,
		`function "recursive": input: children[]: functions_test.node contains itself`,
		`function "cycle": input: right.left{}[]: functions_test.left contains itself`,
		`function "embedded_cycle": input: embedsItself:`,
		`function "embeds_time": input: functions_test.embedsTime has its own JSON form`,
		`function "clash": input: limit: functions_test.Paging.Limit and functions_test.clash.Max have the same JSON name`,
		`function "not_an_object": input: []string is not a struct`,
		`function "Bad-Name": name: must begin with a lower-case letter`,
		`function "` + strings.Repeat("a", 41) + `": name:`,
		`function "silent": description: is empty`,
		`function "wordy": description: has 1024 characters`,
		`function "twice": is declared twice`,
		`function "no_handler": handler: is nil`,
		`function "wrong_default": defaults: there is no parameter "limits"`,
		`function "default_out_of_range": defaults: the default of limit must be at least 1, not -7`,
		`function "no_schema": input: the schema is nil`,
		`function "list_schema": input: the schema must have type object, not "array"`,
		`function "bad_pattern": input: the schema is not valid`,
		`function 20 is nil`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(err)
	}
	if strings.Contains(err.Error(), "fine") {
		t.Errorf("a field that is fine is reported: %v", err)
	}
}
