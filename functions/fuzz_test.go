//go:build !race

package functions_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/curatore/curatore-go/functions"
)

// FuzzArguments holds that no arguments crash a call, that a handler only sees
// what the schema allows, and that every failure is an Error with a code.
func FuzzArguments(f *testing.F) {
	for _, seed := range []string{``, `{}`, `{"query":"a"}`, `{"query":"a","limit":"7"}`, `{"query":"a","types":"[\"account\"]"}`,
		`{"query":"a","where":[{"field":"x","op":"neq","values":["1"]}]}`, `{"query":`, `[[[[`, `{"query":"a","score":1e400}`,
		`{"limit":1,"limit":2}`, `"{\"query\":\"a\"}"`, `{"query":"a","since":"2016-12-31T23:59:60Z"}`, `{"query":"\ud800"}`} {
		f.Add([]byte(seed))
	}
	fn := functions.Define(functions.Spec{Name: "find", Description: "Finds."},
		func(_ context.Context, _ *functions.Call, in find) (find, error) {
			if n := len([]rune(in.Query)); n < 1 || n > 10 || in.Limit < 1 || in.Limit > 100 {
				return in, errors.New("the handler got what the schema refuses")
			}
			for _, w := range in.Where {
				if w.Op != "eq" && w.Op != "neq" {
					return in, errors.New("the handler got an operator that does not exist")
				}
			}
			return in, nil
		})
	e := engine(f, functions.Config{}, fn)
	f.Fuzz(func(t *testing.T, args []byte) {
		result, err := e.Call(t.Context(), scope, "find", args)
		var failed *functions.Error
		switch {
		case err == nil:
			if !json.Valid(result.Data) {
				t.Errorf("the result is not JSON: %s", result.Data)
			}
		case !errors.As(err, &failed) || failed.Code == "" || failed.Message == "":
			t.Errorf("not a complete Error: %v", err)
		case failed.Code == functions.CodeInternal:
			t.Errorf("%q: %v", args, failed.Cause)
		}
	})
}
