package functions_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/curatore/curatore-go/functions"
)

type record struct {
	ID     string            `json:"id"`
	Type   string            `json:"type"`
	Title  string            `json:"title"`
	Fields map[string]string `json:"fields"`
}

// BenchmarkCall measures what the Engine adds to a handler: everything from raw
// arguments to an encoded result. The direct form calls the same handler and
// encodes nothing.
func BenchmarkCall(b *testing.B) {
	fields := map[string]string{}
	for _, name := range []string{"industry", "city", "state", "country", "phone", "website", "owner", "stage"} {
		fields[name] = "some value of " + name
	}
	handle := func(_ context.Context, _ *functions.Call, in getArgs) (record, error) {
		return record{ID: in.ID, Type: in.Type, Title: "Acme", Fields: fields}, nil
	}
	e := engine(b, functions.Config{}, functions.Define(functions.Spec{Name: "get", Description: "Gets."}, handle),
		functions.Define(functions.Spec{Name: "find", Description: "Finds."},
			func(_ context.Context, _ *functions.Call, in find) (find, error) { return in, nil }))
	args := json.RawMessage(`{"type":"salesforce_account","id":"0195a6c8-7d3e-7c1b-9a45-3f1f0c1d2e4b"}`)
	b.Run("direct", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := handle(b.Context(), nil, getArgs{ID: "x"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Call(b.Context(), scope, "get", args); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("find", func(b *testing.B) {
		args := json.RawMessage(`{"query":"acme","types":["account"],"where":[{"field":"stage","op":"eq","values":["open"]}]}`)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Call(b.Context(), scope, "find", args); err != nil {
				b.Fatal(err)
			}
		}
	})
}

type getArgs struct {
	Type string `json:"type" jsonschema:"enum=salesforce_account,enum=salesforce_contact"`
	ID   string `json:"id" jsonschema:"minLength=1,maxLength=200"`
}
