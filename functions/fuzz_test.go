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

// FuzzBuiltins holds that no field, operator, value, order or cursor makes a
// built-in function fail inside: what the database would refuse is refused
// before, in words.
func FuzzBuiltins(f *testing.F) {
	f.Add("revenue", "gte", "5", "name", "", "query_model")
	f.Add("founded", "lt", "0000-01-01", "title", "eyJxIjoiIn0", "query_model")
	f.Add("name", "contains", "%_\\' OR 1=1 --", "industry", "", "query_model")
	f.Add("id", "in", "\x00", "x\" DESC; --", "", "search")
	f.Add("active", "is_null", "true", "", "7", "search_crm")
	f.Add("content_type", "starts_with", "", "", "-1", "search")
	f.Add("industry", "sum", "revenue", "sum_revenue", "", "aggregates")
	f.Add("id\" --", "max", "founded", "", "eyJxIjoiIiwidiI6W251bGxdfQ", "aggregates")
	f.Add("industry", "eq", "Bank", "ba%_", "", "facet_values")
	w := newWorld(f)
	e := w.engine(f, functions.Config{})
	f.Fuzz(func(t *testing.T, field, op, value, order, cursor, name string) {
		filters := []any{map[string]any{"field": field, "op": op, "values": []string{value}}, map[string]any{"field": "name", "op": "neq", "values": []string{value}}}
		args := map[string]any{"cursor": cursor}
		switch name {
		case "query_model":
			args["model"], args["filters"], args["any_of"], args["order"] = "crm_account", filters[:1], filters, []any{map[string]any{"field": order, "desc": true}}
		case "search":
			args["query"], args["filters"] = value, filters
		case "search_crm":
			args["query"], args["industry"], args[field] = order, []string{value}, []string{op}
		case "aggregates":
			name = "query_model"
			args["model"], args["group_by"], args["aggregates"] = "crm_account", []string{field}, []any{map[string]any{"op": op, "field": value}}
			if order != "" {
				args["order"] = []any{map[string]any{"field": order, "desc": true}}
			}
		case "facet_values":
			args = map[string]any{"model": "crm_account", "field": field, "prefix": order, "filters": filters[1:]}
		default:
			name, args = "get", map[string]any{"type": field, "id": value}
		}
		raw, err := json.Marshal(args)
		if err != nil {
			t.Skip("not JSON")
		}
		_, err = e.Call(t.Context(), w.mine, name, raw)
		var failed *functions.Error
		if errors.As(err, &failed) && failed.Code != functions.CodeInvalid && failed.Code != functions.CodeNotFound {
			t.Errorf("%s(%s): %v: %v", name, raw, failed, failed.Cause)
		}
	})
}

// FuzzNames holds that no name of a function crashes a call or leads to one that
// is not for the caller.
func FuzzNames(f *testing.F) {
	for _, seed := range []string{"", "search", "SEARCH", "internal", "internal\x00", "../internal", "find", "\xff"} {
		f.Add(seed)
	}
	e := engine(f, functions.Config{}, echo[empty]("search"), adds("internal", functions.Spec{Audience: functions.Programs}, square))
	f.Fuzz(func(t *testing.T, name string) {
		_, err := e.Bind(scope).Agent().Call(t.Context(), name, nil)
		if (err == nil) != (name == "search") || err != nil && failure(t, err).Code != functions.CodeUnknownFunction {
			t.Errorf("%q: %v", name, err)
		}
	})
}
