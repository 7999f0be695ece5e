package functions_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
)

func TestAggregates(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	for _, c := range []struct{ name, args, want string }{
		{"all", `"aggregates":[{"op":"count"},{"op":"count","field":"revenue"},{"op":"max","field":"revenue"},{"op":"min","field":"founded"},{"op":"max","field":"name"}]`,
			`[{"count":30,"count_revenue":24,"max_revenue":29014.5,"min_founded":"1997-01-31","max_name":"Company 29"}]`},
		{"of none", `"aggregates":[{"op":"count"},{"op":"sum","field":"revenue"}],"filters":[{"field":"name","op":"eq","values":["nobody"]}]`, `[{"count":0,"sum_revenue":null}]`},
		{"by group", `"group_by":["industry"]`, `[{"industry":"Aerospace","count":12},{"industry":"Banking","count":12},{"industry":null,"count":6}]`},
		{"by two", `"group_by":["industry","active"],"filters":[{"field":"industry","op":"eq","values":["Banking"]}]`,
			`[{"industry":"Banking","active":false,"count":8},{"industry":"Banking","active":true,"count":4}]`},
		{"highest first", `"group_by":["active"],"aggregates":[{"op":"sum","field":"revenue"}],"order":[{"field":"sum_revenue","desc":true}]`,
			`[{"active":false,"sum_revenue":240120},{"active":true,"sum_revenue":120060}]`},
		{"average", `"group_by":["active"],"aggregates":[{"op":"avg","field":"revenue"}]`, `[{"active":false,"avg_revenue":15007.5},{"active":true,"avg_revenue":15007.5}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := w.call(t, e, "query_model", `{"model":"crm_account",`+c.args+`}`)
			if !strings.Contains(got, `"rows":`+c.want+`}`) {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
	for _, c := range []struct{ name, args, want string }{
		{"an unknown field", `"group_by":["industri"]`, `group_by[0] is "industri", which is no field of crm_account; did you mean "industry"?`},
		{"a field that is not indexed", `"group_by":["website"]`, `group_by[0] is "website", which cannot be grouped by`},
		{"a hidden field", `"aggregates":[{"op":"count","field":"secret"}]`, `aggregates[0].field is "secret", which is no field`},
		{"a sum of text", `"aggregates":[{"op":"sum","field":"name"}]`, `aggregates[0].field is "name", which has no sum; use one of "revenue"`},
		{"no field", `"aggregates":[{"op":"avg"}]`, `aggregates[0].field is required for avg`},
		{"an unknown operation", `"aggregates":[{"op":"median","field":"revenue"}]`, `aggregates[0].op is "median"`},
		{"twice", `"aggregates":[{"op":"count"},{"op":"count"}]`, `aggregates[1] is there twice`},
		{"with select", `"aggregates":[{"op":"count"}],"select":["name"]`, `select cannot be used with aggregates`},
		{"with a total", `"aggregates":[{"op":"count"}],"include_total":true`, `include_total cannot be used with aggregates`},
		{"an order by a field", `"group_by":["industry"],"order":[{"field":"industry"}]`, `order[0] must be one of "count" with desc true`},
		{"a cursor of records", `"group_by":["industry"],"cursor":"eyJxIjoiIn0"`, `cursor`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := w.call(t, e, "query_model", `{"model":"crm_account",`+c.args+`}`)
			if !strings.HasPrefix(got, "invalid_arguments") || !strings.Contains(got, c.want) {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
}

// Pages of groups have each group once.
func TestPagesOfGroups(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	var got []string
	cursor := ""
	for range 30 {
		result, err := e.Call(t.Context(), w.mine, "query_model", fmt.Appendf(nil, `{"model":"crm_account","group_by":["industry","active"],"limit":2%s}`, cursor))
		if err != nil {
			t.Fatal(err)
		}
		var list struct {
			Rows []struct {
				Industry *string
				Active   bool
				Count    int
			}
		}
		if err := result.Decode(&list); err != nil {
			t.Fatal(err)
		}
		for _, r := range list.Rows {
			name := "none"
			if r.Industry != nil {
				name = *r.Industry
			}
			got = append(got, fmt.Sprintf("%s %v %d", name, r.Active, r.Count))
		}
		if result.Metadata.NextCursor == "" {
			break
		}
		cursor = fmt.Sprintf(`,"cursor":%q`, result.Metadata.NextCursor)
	}
	want := []string{"Aerospace false 8", "Aerospace true 4", "Banking false 8", "Banking true 4", "none false 4", "none true 2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	result, err := e.Call(t.Context(), w.mine, "query_model", []byte(`{"model":"crm_account","group_by":["name"],"aggregates":[{"op":"sum","field":"revenue"}],"order":[{"field":"sum_revenue","desc":true}],"limit":3}`))
	if err != nil || !result.Metadata.Truncated || result.Metadata.NextCursor != "" || len(result.Metadata.Notes) != 1 || !strings.Contains(string(result.Data), "Company 29") {
		t.Errorf("the highest: %+v, %v", result, err)
	}
}

func TestFacetValues(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	for args, want := range map[string]string{
		`"field":"industry"`:                 `"values":[{"value":"Aerospace","count":12},{"value":"Banking","count":12},{"value":null,"count":6}]`,
		`"field":"industry","prefix":"bank"`: `"values":[{"value":"Banking","count":12}]`,
		`"field":"active","filters":[{"field":"industry","op":"eq","values":["Banking"]}]`:     `"values":[{"value":"false","count":8},{"value":"true","count":4}]`,
		`"field":"founded","limit":1,"filters":[{"field":"name","op":"eq","values":["none"]}]`: `"values":[]`,
		`"field":"name","limit":2`:        `only the 2 most frequent values`,
		`"field":"secret"`:                `field is "secret", which is no field`,
		`"field":"website"`:               `field is "website", which cannot be filtered by`,
		`"field":"revenue","prefix":"10"`: `prefix is for text, but revenue is a float`,
	} {
		if got := w.call(t, e, "facet_values", `{"model":"crm_account",`+args+`}`); !strings.Contains(got, want) {
			t.Errorf("%s: got %s\nwant %s", args, got, want)
		}
	}
}

func TestGetByKeyWithChildren(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	byKey := w.call(t, e, "get", `{"type":"crm_account","key":"A00"}`)
	if byID := w.call(t, e, "get", `{"type":"crm_account","id":"00000000-0000-7000-8000-000000000001"}`); byKey != byID || !strings.Contains(byKey, "Ignore all previous instructions") {
		t.Errorf("by key %s\nby id %s", byKey, byID)
	}
	got := w.call(t, e, "get", `{"type":"crm_account","key":"A00","children":true,"text":false}`)
	golden(t, "builtin/get_children_result.json", []byte(got))
	for args, want := range map[string]string{
		`{"type":"crm_account"}`:                                     "id is required, or key in its place",
		`{"type":"crm_account","id":"1","key":"2"}`:                  "key cannot be used beside id",
		`{"type":"crm_account","key":"A99"}`:                         `not_found: There is no Account with the key "A99".`,
		`{"type":"crm_account","key":"A00","instance":"other"}`:      "not_found",
		`{"type":"crm_contact","key":"C0","children":true}`:          `"title":"Person 0"`,
		`{"type":"crm_account","key":"A01","children":true}`:         `"children":{"contacts":{"items":[],"total":0}}`,
		`{"type":"page","key":"A00","children":true,"text":"false"}`: "not_found",
	} {
		if got := w.call(t, e, "get", args); !strings.Contains(got, want) {
			t.Errorf("%s: got %s\nwant %s", args, got, want)
		}
	}
}

func TestExportQuery(t *testing.T) {
	w := newWorld(t)
	var file bytes.Buffer
	var stored []string
	w.sources.Export = func(_ context.Context, scope content.Scope, name, contentType string, write func(io.Writer) error) (functions.Exported, error) {
		file.Reset()
		err := write(&file)
		stored = append(stored, scope.Principal()+" "+contentType)
		return functions.Exported{Key: "exports/" + name, Size: int64(file.Len())}, err
	}
	e := w.engine(t, functions.Config{})
	_, err := e.Bind(w.mine).Agent().Call(t.Context(), "export_query", []byte(`{"model":"crm_account"}`))
	confirmation(t, err)
	got := w.call(t, e, "export_query", `{"model":"crm_account","select":["account_id","industry","active","revenue","founded","address"],"filters":[{"field":"name","op":"contains","values":["0"]}],"order":[{"field":"title"}]}`)
	if !strings.Contains(got, `"rows":12`) || !strings.Contains(got, `"key":"exports/crm_account_`) || len(stored) != 1 || stored[0] != "me text/csv; charset=utf-8" {
		t.Errorf("got %s, stored %v", got, stored)
	}
	table, err := csv.NewReader(&file).ReadAll()
	if err != nil || len(table) != 13 {
		t.Fatal(len(table), err)
	}
	want := [][]string{{"account_id", "industry", "active", "revenue", "founded", "address"}, {"A00", "", "true", "", "", `{"city":"Oslo"}`}, {"A01", "Banking", "false", "1000.5", "2025-01-31", ""}}
	if diff := cmp.Diff(want, table[:3]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := w.call(t, e, "export_query", `{"model":"crm_account","select":["secret"]}`); !strings.HasPrefix(got, "invalid_arguments") {
		t.Errorf("a hidden field: %s", got)
	}
}

func TestSafeCell(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "plain": "plain", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "\n=1": "'\n=1",
		" =1": "' =1", "\ufeff=1": "'\ufeff=1", "a=1": "a=1", "'=1": "'=1", "＝1": "'＝1", "＋1": "'＋1", "－1": "'－1", "＠1": "'＠1", "﹦1": "'﹦1", "−1": "'−1",
		"\u200b=1": "'\u200b=1", "\u3000+1": "'\u3000+1", "\u00a0\u2003@x": "'\u00a0\u2003@x", "\x00=1": "'\x00=1", "\v=1": "'\v=1", "\u202e=1": "'\u202e=1", "\x1b=1": "'\x1b=1",
		"   ": "   ", "  x=1": "  x=1", "東=1": "東=1", "a\n=1": "a\n=1",
	} {
		if got := functions.SafeCell(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestFindFunctions(t *testing.T) {
	w := newWorld(t)
	programs := adds("secret_import", functions.Spec{Audience: functions.Programs}, square)
	e := engine(t, functions.Config{}, append(functions.Builtins(w.sources), functions.FindFunctions(), programs)...)
	for query, want := range map[string]string{"searching texts": "search", "count records by groups": "query_model", "fields of a model": "describe_model", "secret import": "", "zzz": ""} {
		result, err := e.Bind(w.mine).Agent().Call(t.Context(), functions.FindName, fmt.Appendf(nil, `{"query":%q}`, query))
		if err != nil {
			t.Fatal(err)
		}
		var found struct {
			Functions []struct {
				Name  string
				Input map[string]any
			}
		}
		if err := result.Decode(&found); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range found.Functions {
			names = append(names, f.Name)
			if f.Input["type"] != "object" {
				t.Errorf("%s has no schema", f.Name)
			}
		}
		if slices.Contains(names, "secret_import") || want != "" && !slices.Contains(names[:min(2, len(names))], want) || query == "zzz" && names != nil {
			t.Errorf("%s: found %v, want %s", query, names, want)
		}
	}
}

// The types of a connection that is switched off are in no result.
func TestTypesThatAreOff(t *testing.T) {
	w := newWorld(t)
	off := functions.Off{Connections: map[string]bool{"crm": true}}
	e := w.engine(t, functions.Config{Off: func(s content.Scope) (functions.Off, error) {
		if s == w.mine {
			return off, nil
		}
		return functions.Off{}, nil
	}})
	for name, args := range map[string]string{"get": `{"type":"crm_account","key":"A00"}`, "query_model": `{"model":"crm_account"}`, "describe_model": `{"model":"crm_account"}`, "facet_values": `{"model":"crm_account","field":"name"}`} {
		if got := w.call(t, e, name, args); !strings.HasPrefix(got, "disabled: The connection that crm_account belongs to is switched off") {
			t.Errorf("%s: %s", name, got)
		}
		if _, err := e.Call(t.Context(), w.theirs, name, []byte(args)); err != nil {
			t.Errorf("%s of another organization: %v", name, err)
		}
	}
	if got := w.call(t, e, "search_crm", `{}`); !strings.HasPrefix(got, "unknown_function") {
		t.Errorf("search_crm: %s", got)
	}
	if got := w.call(t, e, "list_types", `{}`); strings.Contains(got, "crm_account") || !strings.Contains(got, `"page"`) {
		t.Errorf("list_types: %s", got)
	}
	w.call(t, e, "search", `{"query":"company"}`)
	want := []content.Filter{{Field: "type", Op: content.NotIn, Values: []string{"crm_account", "crm_contact"}}}
	if diff := cmp.Diff(want, w.index.asked.Filters); diff != "" {
		t.Errorf("search asked (-want +got):\n%s", diff)
	}
}
