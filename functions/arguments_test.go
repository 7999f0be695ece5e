package functions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/functions"
)

type find struct {
	Query  string     `json:"query" jsonschema:"minLength=1,maxLength=10"`
	Types  []string   `json:"types,omitempty" jsonschema:"enum=account,enum=contact"`
	Limit  int        `json:"limit,omitempty" jsonschema:"minimum=1,maximum=100,default=20"`
	Exact  bool       `json:"exact,omitempty"`
	Score  float64    `json:"score,omitempty"`
	Where  []where    `json:"where,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Byte   uint8      `json:"byte,omitempty"`
	Nobody *string    `json:"nobody,omitempty"`
}

type where struct {
	Field string   `json:"field"`
	Op    string   `json:"op,omitempty" jsonschema:"enum=eq,enum=neq,default=eq"`
	Value []string `json:"values"`
}

// TestArguments holds what the steps before the handler do with what models send.
func TestArguments(t *testing.T) {
	for _, c := range []struct {
		name, args string
		want       string           // what the handler got, as JSON
		code       functions.Code   // or the error
		fields     []string         // with its problems
		text       string           // and words of its message or hint
		config     functions.Config //
	}{
		{name: "plain", args: `{"query":"acme"}`, want: `{"query":"acme","limit":20}`},
		{name: "default is overridden", args: `{"query":"acme","limit":5}`, want: `{"query":"acme","limit":5}`},
		{name: "nested default", args: `{"query":"a","where":[{"field":"x","values":[]}]}`,
			want: `{"query":"a","limit":20,"where":[{"field":"x","op":"eq","values":[]}]}`},
		{name: "number as text", args: `{"query":"a","limit":"7","score":" 1.5 "}`, want: `{"query":"a","limit":7,"score":1.5}`},
		{name: "boolean as text", args: `{"query":"a","exact":"true"}`, want: `{"query":"a","limit":20,"exact":true}`},
		{name: "boolean as Python writes it", args: `{"query":"a","exact":"True"}`, want: `{"query":"a","limit":20,"exact":true}`},
		{name: "text as number and boolean", args: `{"query":12.50,"where":[{"field":"x","values":[true,7]}]}`,
			want: `{"query":"12.50","limit":20,"where":[{"field":"x","op":"eq","values":["true","7"]}]}`},
		{name: "text stays text", args: `{"query":"12"}`, want: `{"query":"12","limit":20}`},
		{name: "text that looks like a list stays text", args: `{"query":"[1]"}`, want: `{"query":"[1]","limit":20}`},
		{name: "integer written as a fraction", args: `{"query":"a","limit":5.0}`, want: `{"query":"a","limit":5}`},
		{name: "integer with an exponent", args: `{"query":"a","limit":1e1}`, want: `{"query":"a","limit":10}`},
		{name: "list as text", args: `{"query":"a","types":"[\"account\"]"}`, want: `{"query":"a","types":["account"],"limit":20}`},
		{name: "list of objects as text", args: `{"query":"a","where":["{\"field\":\"x\",\"values\":\"[]\"}"]}`,
			want: `{"query":"a","limit":20,"where":[{"field":"x","op":"eq","values":[]}]}`},
		{name: "all of it as text", args: `"{\"query\":\"a\"}"`, want: `{"query":"a","limit":20}`},
		{name: "null for optional ones", args: `{"query":"a","types":null,"limit":null,"since":null,"where":null}`, want: `{"query":"a","limit":20}`},
		{name: "one value for a list", args: `{"query":"a","types":"account","where":{"field":"x","values":7}}`,
			want: `{"query":"a","types":["account"],"limit":20,"where":[{"field":"x","op":"eq","values":["7"]}]}`},
		{name: "one value in other case, and one as text", args: `{"query":"a","types":"ACCOUNT","where":"{\"field\":\"x\",\"values\":\"\\\"\\\"\"}"}`,
			want: `{"query":"a","types":["account"],"limit":20,"where":[{"field":"x","op":"eq","values":["\"\""]}]}`},
		{name: "one value that is wrong", args: `{"query":"a","types":"acount","where":"x"}`, code: functions.CodeInvalid,
			fields: []string{`types[0] is "acount", which does not exist; did you mean "account"?`, `where must be an array, not a string "x"`}},
		{name: "blank for a list", args: `{"query":"a","types":" ","where":false}`, code: functions.CodeInvalid,
			fields: []string{`types must be an array, not a string " "`, `where must be an array, not a boolean false`}},
		{name: "NUL in one value", args: `{"query":"a","types":"acc\u0000"}`, code: functions.CodeInvalid, fields: []string{"types[0] contains a NUL character"}},
		{name: "time", args: `{"query":"a","since":"2026-01-31T00:00:00Z"}`, want: `{"query":"a","limit":20,"since":"2026-01-31T00:00:00Z"}`},
		{name: "the last of two wins everywhere", args: `{"query":"a","limit":999,"limit":3}`, want: `{"query":"a","limit":3}`},

		{name: "nothing is an empty object", args: ``, code: functions.CodeInvalid, fields: []string{"query is required"}},
		{name: "blank", args: " \n", code: functions.CodeInvalid, fields: []string{"query is required"}},
		{name: "empty text", args: `""`, code: functions.CodeInvalid, fields: []string{"query is required"}},
		{name: "null", args: `null`, code: functions.CodeInvalid, fields: []string{"query is required"}},
		{name: "null for a required one", args: `{"query":null}`, code: functions.CodeInvalid, fields: []string{"query must be a string, not null"}},
		{name: "truncated", args: `{"query":"ac`, code: functions.CodeMalformed, text: "truncated"},
		{name: "truncated early", args: `{`, code: functions.CodeMalformed, text: "truncated"},
		{name: "no JSON", args: `query=acme`, code: functions.CodeMalformed, text: "not valid JSON"},
		{name: "two objects", args: `{"query":"a"}{}`, code: functions.CodeMalformed, text: "after the JSON value"},
		{name: "a list", args: `[1]`, code: functions.CodeInvalid, fields: []string{"must be an object, not an array of 1 element"}},
		{name: "truncated text of a list", args: `{"query":"a","types":"[\"acc"}`, code: functions.CodeInvalid,
			fields: []string{`types must be an array, not a string "[\"acc"`}},
		{name: "mistyped name", args: `{"query":"a","limt":3}`, code: functions.CodeInvalid, fields: []string{`limt is unknown; did you mean "limit"?`}},
		{name: "unknown name", args: `{"query":"a","zzzzzz":3}`, code: functions.CodeInvalid,
			fields: []string{`zzzzzz is unknown; use one of "byte", "exact", "limit", "nobody", "query", "score", "since", "types", "where"`}},
		{name: "the organization is no argument", args: `{"query":"a","organization_id":"org-2"}`, code: functions.CodeInvalid,
			fields: []string{`organization_id is unknown; use one of "byte", "exact", "limit", "nobody", "query", "score", "since", "types", "where"`}},
		{name: "several at once, sorted", args: `{"limit":0,"types":["acount"],"where":[{"feld":"x","values":[]}]}`, code: functions.CodeInvalid,
			fields: []string{"limit must be at least 1, not 0", "query is required", `types[0] is "acount", which does not exist; did you mean "account"?`,
				`where[0].feld is unknown; did you mean "field"?`, "where[0].field is required"}},
		{name: "out of range", args: `{"query":"a","limit":101}`, code: functions.CodeInvalid, fields: []string{"limit must be at most 100, not 101"}},
		{name: "too long", args: `{"query":"12345678901"}`, code: functions.CodeInvalid, fields: []string{"query must have at most 10 characters, not 11"}},
		{name: "too short", args: `{"query":""}`, code: functions.CodeInvalid, fields: []string{"query must have at least 1 character, not 0"}},
		{name: "fraction", args: `{"query":"a","limit":1.5}`, code: functions.CodeInvalid, fields: []string{"limit must be an integer, not a number 1.5"}},
		{name: "wrong time", args: `{"query":"a","since":"yesterday"}`, code: functions.CodeInvalid,
			fields: []string{`since must be a date-time such as 2026-01-31T09:30:00Z, not "yesterday"`}},
		{name: "what only Go refuses", args: `{"query":"a","byte":300}`, code: functions.CodeInvalid, fields: []string{"byte cannot hold number 300"}},
		{name: "enum without a near name", args: `{"query":"a","types":["zzzzzz"]}`, code: functions.CodeInvalid,
			fields: []string{`types[0] is "zzzzzz"; use one of "account", "contact"`}},
		{name: "huge exponent", args: `{"query":"a","limit":1e999999999}`, code: functions.CodeInvalid, fields: []string{"limit 1e999999999 is out of range"}},
		{name: "huge exponent in text", args: `{"query":"a","score":"1e999999999"}`, code: functions.CodeInvalid, fields: []string{"score 1e999999999 is out of range"}},
		{name: "tiny exponent", args: `{"query":"a","score":1e-999999999}`, code: functions.CodeInvalid, fields: []string{"score 1e-999999999 is out of range"}},
		{name: "zero with an exponent", args: `{"query":"a","score":0e999999999}`, want: `{"query":"a","limit":20}`},
		{name: "huge number where none is expected", args: `{"query":"a","unknown":{"x":[1e999999999]}}`, code: functions.CodeInvalid,
			fields: []string{"unknown.x[0] 1e999999999 is out of range"}},
		{name: "long number", args: `{"query":"a","limit":` + strings.Repeat("9", 65) + `}`, code: functions.CodeInvalid,
			fields: []string{"limit is a number of 65 characters; at most 64 are accepted"}},
		{name: "NUL", args: `{"query":"a\u0000b"}`, code: functions.CodeInvalid, fields: []string{"query contains a NUL character"}},
		{name: "too many bytes", args: `{"query":"a"}`, config: functions.Config{MaxArguments: 5}, code: functions.CodeInvalid, text: "13 bytes; at most 5"},
		{name: "long value is shown short", args: `{"query":"a","types":["` + strings.Repeat("x", 100) + `"]}`, code: functions.CodeInvalid,
			fields: []string{`types[0] is "` + strings.Repeat("x", 60) + `"…; use one of "account", "contact"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ran := false
			f := functions.Define(functions.Spec{Name: "find", Description: "Finds."},
				func(_ context.Context, _ *functions.Call, in find) (find, error) {
					ran = true
					return in, nil
				})
			result, err := engine(t, c.config, f).Call(t.Context(), scope, "find", json.RawMessage(c.args))
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, string(result.Data)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				return
			}
			if ran && c.name != "what only Go refuses" {
				t.Error("the handler ran")
			}
			e := failure(t, err)
			if e.Code != c.code {
				t.Errorf("got code %s, want %s (%v)", e.Code, c.code, e)
			}
			var fields []string
			for _, p := range e.Fields {
				fields = append(fields, p.String())
			}
			if diff := cmp.Diff(c.fields, fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if !strings.Contains(e.Message+" "+e.Hint, c.text) {
				t.Errorf("%q does not contain %q", e.Message, c.text)
			}
		})
	}
}

// TestHostileArguments holds that neither size nor depth nor a mass of mistakes
// makes a call slow or its error long.
func TestHostileArguments(t *testing.T) {
	e := engine(t, functions.Config{}, echo[find]("find"))
	var names strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&names, `,"wrong_%d":1`, i)
	}
	for name, args := range map[string]string{
		"wrong elements": `{"query":"a","types":["acount"` + strings.Repeat(`,"acount"`, 20_000) + `]}`,
		"wrong names":    `{"query":"a"` + names.String() + `}`,
		"a long name":    `{"query":"a","` + strings.Repeat("x", 200_000) + `":1}`,
		"a long value":   `{"query":"a","types":["` + strings.Repeat("x", 200_000) + `"]}`,
		"depth":          `{"query":"a","x":` + strings.Repeat("[", 9_000) + `1e999` + strings.Repeat("]", 9_000) + `}`,
		"more depth":     strings.Repeat("[", 200_000),
		"bad numbers":    `{"query":"a","x":[1e999` + strings.Repeat(`,1e999`, 20_000) + `]}`,
	} {
		start := time.Now()
		_, err := e.Call(t.Context(), scope, "find", json.RawMessage(args))
		got := failure(t, err)
		if len(got.Fields) > 21 || got.Code == functions.CodeInternal {
			t.Errorf("%s: %d problems, %s", name, len(got.Fields), got.Code)
		}
		if n := len(got.Error()); n > 8_000 {
			t.Errorf("%s: the error has %d bytes", name, n)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
	}
}
