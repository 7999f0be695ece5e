package functions

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
)

type quickIn struct {
	Query string   `json:"query" jsonschema:"minLength=1,maxLength=10"`
	Kind  string   `json:"kind,omitempty" jsonschema:"enum=red,enum=green,default=red"`
	Types []string `json:"types,omitempty" jsonschema:"uniqueItems=true,maxItems=3"`
	Limit int      `json:"limit,omitempty" jsonschema:"minimum=1,maximum=100,default=20"`
	Score float64  `json:"score,omitempty"`
	Exact *bool    `json:"exact"`
	Where []struct {
		Field  string   `json:"field" jsonschema:"minLength=1"`
		Values []string `json:"values,omitempty"`
	} `json:"where,omitempty"`
	Odd string `json:"odd,omitempty" jsonschema:"pattern=^a+$"`
}

// agree holds the short way against the long one: what it lets through, the long
// way lets through as the same values.
func agree(t *testing.T, e *Engine, f *Function, raw []byte) (short bool) {
	t.Helper()
	args, short := f.quick.arguments(raw)
	if !short {
		return false
	}
	want, failed := e.arguments(f, raw)
	if failed != nil {
		t.Fatalf("%s was let through, and is refused: %v", raw, failed)
	}
	var values map[string]any
	if err := unmarshalNumber(args, &values); err != nil {
		t.Fatalf("%s became %s: %v", raw, args, err)
	}
	got, err := encode(values)
	if err != nil || !bytes.Equal(want, got) {
		t.Fatalf("%s became %s, not %s (%v)", raw, got, want, err)
	}
	return true
}

func quickEngine(t testing.TB) (*Engine, *Function) {
	t.Helper()
	f := Define(Spec{Name: "find", Description: "Finds."}, func(_ context.Context, _ *Call, in quickIn) (quickIn, error) { return in, nil })
	e, err := NewEngine(Config{}, f)
	if err != nil {
		t.Fatal(err)
	}
	return e, f
}

// What is right as it comes takes the short way; what is to be repaired, refused or
// looked at closely takes the long one.
func TestShortWay(t *testing.T) {
	e, f := quickEngine(t)
	for _, c := range []struct {
		args  string
		short bool
	}{
		{`{"query":"a","exact":true}`, true},
		{` { "query" : "é東👍" , "exact" : null , "limit" : 5 } ` + "\n", true},
		{`{"exact":false,"query":"\"\\\n\t/"}`, true},
		{`{"query":"a","exact":null,"kind":"green","types":["a","b"],"score":-1.25,"where":[{"field":"x","values":[]},{"field":"y"}]}`, true},
		{`{"query":"a","exact":null,"score":0,"types":[]}`, true},
		{``, false},
		{`{"query":"a"}`, false},
		{`{"query":"","exact":null}`, false},
		{`{"query":"12345678901","exact":null}`, false},
		{`{"query":"a","query":"b","exact":null}`, false},
		{`{"query":"a","exact":null,"kind":"Green"}`, false},
		{`{"query":"a","exact":null,"limit":0}`, false},
		{`{"query":"a","exact":null,"limit":101}`, false},
		{`{"query":"a","exact":null,"limit":"5"}`, false},
		{`{"query":"a","exact":null,"limit":5.0}`, false},
		{`{"query":"a","exact":null,"limit":1e1}`, false},
		{`{"query":"a","exact":null,"limit":null}`, false},
		{`{"query":"a","exact":null,"score":-0}`, false},
		{`{"query":"a","exact":null,"score":01}`, false},
		{`{"query":"a","exact":null,"score":0.12345678901234567890}`, false},
		{`{"query":"a","exact":null,"types":["a","a"]}`, false},
		{`{"query":"a","exact":null,"types":["a","b","c","d"]}`, false},
		{`{"query":"a","exact":null,"types":"[\"a\"]"}`, false},
		{`{"query":"a","exact":null,"other":1}`, false},
		{`{"query":"a","exact":null,"odd":"aaa"}`, false},
		{`{"query":"\u0061","exact":null}`, false},
		{`{"qu\u0065ry":"a","exact":null}`, false},
		{"{\"query\":\"\xff\",\"exact\":null}", false},
		{`{"query":"a","exact":nul}`, false},
		{`{"query":"a","exact":null}}`, false},
		{`{"query":"a","exact":null,}`, false},
		{`{"query":"a" "exact":null}`, false},
		{`{"query":"a","exact":null`, false},
	} {
		if short := agree(t, e, f, []byte(c.args)); short != c.short {
			t.Errorf("%s: the short way is %v", c.args, short)
		}
	}
	scope := content.NewAuthority().Mint("org", "me")
	result, err := e.Call(t.Context(), scope, "find", []byte(`{"query":"a","exact":true}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"query":"a","kind":"red","limit":20,"exact":true}`, string(result.Data)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	call := &Call{args: json.RawMessage(`{"b":1,"a":[1.50]}`), asSent: true}
	if got := string(call.Arguments()) + string(call.Arguments()); got != `{"a":[1.50],"b":1}{"a":[1.50],"b":1}` {
		t.Errorf("arguments %s", got)
	}
}

// FuzzShortWay holds the short way against the long one, for any text.
func FuzzShortWay(f *testing.F) {
	for _, seed := range []string{`{"query":"a","exact":true}`, `{"query":"é","exact":null,"types":["a"],"where":[{"field":"x","values":["1"]}]}`,
		`{"exact":false,"query":"\n","score":1.5,"limit":100,"kind":"red"}`, `{"query":"a","exact":null,"limit":1000000000000000000}`} {
		f.Add([]byte(seed))
	}
	e, fn := quickEngine(f)
	f.Fuzz(func(t *testing.T, raw []byte) { agree(t, e, fn, raw) })
}
