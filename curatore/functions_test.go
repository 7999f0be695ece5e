package curatore_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	openai "github.com/sashabaranov/go-openai"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/openaitools"
	"github.com/curatore/curatore-go/search"
)

// A world is two organizations that have imported the same export, so that all
// their external ids are the same.
type world struct{ mine, theirs *curatore.Organization }

// The export: more of each than a function returns at a time.
var exported = salesforcetest.Options{Accounts: 130, Contacts: 20, Opportunities: 140}

func newWorld(t *testing.T, kind string) world {
	t.Helper()
	c := open(t, curatore.Config{Database: databasetest.DSN(t, kind)})
	w := world{organization(t, c, "mine"), organization(t, c, "theirs")}
	importExport(t, w.mine, exported)
	importExport(t, w.theirs, exported)
	return w
}

func open(t *testing.T, config curatore.Config) *curatore.Curator {
	t.Helper()
	c, err := curatore.Open(t.Context(), config, salesforce.New())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func organization(t *testing.T, c *curatore.Curator, name string) *curatore.Organization {
	t.Helper()
	org, err := c.Organization(t.Context(), name, "test")
	if err != nil {
		t.Fatal(err)
	}
	return org
}

func importExport(t *testing.T, org *curatore.Organization, o salesforcetest.Options) *connectors.Result {
	t.Helper()
	parts, _, err := salesforcetest.Parts(o)
	if err != nil {
		t.Fatal(err)
	}
	var files []connectors.File
	for _, p := range parts {
		files = append(files, connectors.File{Name: p.Name, Size: int64(len(p.Data)), ReaderAt: bytes.NewReader(p.Data)})
	}
	run, err := org.Import(t.Context(), "salesforce", files...)
	if err != nil {
		t.Fatal(err)
	}
	result, err := run.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// args are the arguments of a call.
type args map[string]any

// call calls a function that must succeed.
func call(t *testing.T, org *curatore.Organization, name string, a args) *functions.Result {
	t.Helper()
	result, err := tryCall(t, org, name, a)
	if err != nil {
		t.Fatalf("%s(%v): %v", name, a, err)
	}
	return result
}

func tryCall(t *testing.T, org *curatore.Organization, name string, a args) (*functions.Result, error) {
	t.Helper()
	raw, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return org.Functions().Call(t.Context(), name, raw)
}

// refused calls a function that must fail with a code and name something.
func refused(t *testing.T, org *curatore.Organization, code functions.Code, says, name string, a args) {
	t.Helper()
	result, err := tryCall(t, org, name, a)
	var e *functions.Error
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(err.Error(), says) {
		t.Errorf("%s(%v): got %v, %v; want %s with %q", name, a, result, err, code, says)
	}
}

// An element is a hit, an item or a row.
type element map[string]any

func elements(t *testing.T, r *functions.Result) []element {
	t.Helper()
	var data struct{ Hits, Items, Rows, Runs []element }
	if err := r.Decode(&data); err != nil {
		t.Fatal(err)
	}
	return slices.Concat(data.Hits, data.Items, data.Rows, data.Runs)
}

// pages follows the cursor to the end and returns all elements. None may come
// twice.
func pages(t *testing.T, org *curatore.Organization, name string, a args) (all []element) {
	t.Helper()
	seen := map[any]bool{}
	for {
		r := call(t, org, name, a)
		for _, e := range elements(t, r) {
			if id := e["id"]; id != nil && seen[id] {
				t.Fatalf("%s(%v): %v comes twice", name, a, id)
			} else {
				seen[id] = true
			}
			all = append(all, e)
		}
		if total := r.Metadata.Total; total != nil && r.Metadata.NextCursor == "" && *total != len(all) {
			t.Errorf("%s(%v): %d of %d", name, a, len(all), *total)
		}
		if r.Metadata.NextCursor == "" {
			return all
		}
		a["cursor"] = r.Metadata.NextCursor
	}
}

// ids returns the ids of elements, sorted.
func ids(list []element) (sorted []string) {
	for _, e := range list {
		sorted = append(sorted, fmt.Sprint(e["id"]))
	}
	slices.Sort(sorted)
	return sorted
}

// Each built-in function on imported data, on both databases.
func TestFunctions(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, kind)
			t.Run("search", func(t *testing.T) { testSearch(t, w.mine) })
			t.Run("search_salesforce", func(t *testing.T) { testSearchSalesforce(t, w.mine) })
			t.Run("query_model", func(t *testing.T) { testQueryModel(t, w.mine) })
			t.Run("get", func(t *testing.T) { testGet(t, w.mine) })
			t.Run("more_like_this", func(t *testing.T) { testMoreLikeThis(t, w) })
			t.Run("list_types and describe_model", func(t *testing.T) { testDescriptions(t, w.mine) })
			t.Run("openaitools", func(t *testing.T) { testTools(t, w.mine) })
			t.Run("cursors", func(t *testing.T) { testCursors(t, w.mine) })
			t.Run("cursors of others", func(t *testing.T) { testForeignCursors(t, w) })
			t.Run("organizations", func(t *testing.T) { testIsolation(t, w) })
			t.Run("deleted", func(t *testing.T) { testDeleted(t, w) })
		})
	}
}

func testSearch(t *testing.T, org *curatore.Organization) {
	// Each opportunity has its stage in its text.
	all := args{"query": "stage", "types": []string{"salesforce_opportunity"}, "limit": 500}
	r := call(t, org, "search", all)
	if n := len(elements(t, r)); n != 100 || *r.Metadata.Total != 140 || r.Message != "Found 100 of 140 records" {
		t.Errorf("%d hits: %s, %+v", n, r.Message, r.Metadata)
	}
	if len(r.Metadata.Notes) != 1 || !strings.Contains(r.Metadata.Notes[0], "limit 500 was lowered to 100") || !r.Metadata.Truncated {
		t.Errorf("%+v", r.Metadata)
	}
	if n := len(pages(t, org, "search", all)); n != 140 {
		t.Errorf("%d on all pages", n)
	}
	closed := pages(t, org, "search", args{"query": "stage", "filters": []args{{"field": "is_closed", "op": "eq", "values": []string{"true"}}}})
	want := pages(t, org, "query_model", args{"model": "salesforce_opportunity", "select": []string{"id"}, "filters": []args{{"field": "is_closed", "op": "eq", "values": []string{"true"}}}})
	if d := gocmp.Diff(ids(want), ids(closed)); d != "" || len(closed) == 0 {
		t.Errorf("%d closed: %s", len(closed), d)
	}
	group := call(t, org, "search", args{"query": "stage", "groups": []string{"salesforce"}, "limit": 1})
	if *group.Metadata.Total != 140 {
		t.Errorf("group: %+v", group.Metadata)
	}
	refused(t, org, functions.CodeInvalid, "query", "search", args{"query": ""})
	refused(t, org, functions.CodeInvalid, "500", "search", args{"query": strings.Repeat("ä", 501)})
	refused(t, org, functions.CodeInvalid, "salesforce_account", "search", args{"query": "a", "types": []string{"salesforce_acount"}})
	refused(t, org, functions.CodeInvalid, "salesforce", "search", args{"query": "a", "groups": []string{"hubspot"}})
	refused(t, org, functions.CodeInvalid, "stage_name", "search", args{"query": "a", "filters": []args{{"field": "stagename", "op": "eq", "values": []string{"x"}}}})
	call(t, org, "search", args{"query": strings.Repeat("ä", 500)})
}

func testSearchSalesforce(t *testing.T, org *curatore.Organization) {
	newest, err := org.Search(t.Context(), search.Query{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	r := call(t, org, "search_salesforce", args{"limit": 1000})
	var want []string
	for _, h := range newest.Hits {
		want = append(want, h.ID)
	}
	var got []string
	for _, e := range elements(t, r) {
		got = append(got, fmt.Sprint(e["id"]))
		for _, key := range []string{"text", "children", "metadata"} {
			if _, has := e[key]; has {
				t.Errorf("an item is no summary: it has %s", key)
			}
		}
	}
	// A hundred records have more bytes than a result may have, so there are fewer.
	if d := gocmp.Diff(want[:len(got)], got); d != "" || len(got) < 50 || r.Message != fmt.Sprintf("Found %d of 290 records", len(got)) {
		t.Errorf("%s, not the newest first: %s", r.Message, d)
	}
	if *r.Metadata.Total != 290 || len(r.Metadata.Notes) != 1 || !strings.Contains(r.Metadata.Notes[0], "lowered to 100") || r.Metadata.Source != "salesforce" {
		t.Errorf("%+v", r.Metadata)
	}
	if n := len(pages(t, org, "search_salesforce", args{"limit": 90})); n != 290 {
		t.Errorf("%d on all pages", n)
	}
	stages := []string{"Closed Won", "Prospecting"}
	chosen := pages(t, org, "search_salesforce", args{"stage_name": stages})
	same := pages(t, org, "query_model", args{"model": "salesforce_opportunity", "select": []string{"id"}, "filters": []args{{"field": "stage_name", "op": "in", "values": stages}}})
	if d := gocmp.Diff(ids(same), ids(chosen)); d != "" || len(chosen) == 0 {
		t.Errorf("%d of the stages: %s", len(chosen), d)
	}
	types := pages(t, org, "search_salesforce", args{"types": []string{"salesforce_contact"}})
	if len(types) != 20 || types[0]["type"] != "salesforce_contact" {
		t.Errorf("%d contacts", len(types))
	}
	refused(t, org, functions.CodeInvalid, "salesforce_contact", "search_salesforce", args{"types": []string{"contact"}})
	refused(t, org, functions.CodeInvalid, "stage", "search_salesforce", args{"stage": []string{"Closed Won"}})
	if r := call(t, org, "search_salesforce", args{"query": "zyzzyva"}); string(r.Data) != `{"items":[]}` || r.Message != "Found 0 of 0 records" {
		t.Errorf("%s: %s", r.Message, r.Data)
	}
}

func testQueryModel(t *testing.T, org *curatore.Organization) {
	table, err := org.Query(t.Context(), "salesforce_opportunity", []string{"id", "amount", "is_won", "stage_name"}, curatore.ListQuery{Limit: 1000})
	if err != nil || len(table.Rows) != 140 {
		t.Fatalf("%d rows, %v", len(table.Rows), err)
	}
	const atLeast = 1e7
	var want [][]any
	for _, row := range table.Rows {
		amount, _ := row[1].(float64)
		if amount >= atLeast && (row[2] == true || row[3] == "Capture") {
			want = append(want, row)
		}
	}
	slices.SortFunc(want, func(a, b []any) int { return -cmp.Compare(a[1].(float64), b[1].(float64)) })
	got := pages(t, org, "query_model", args{
		"model": "salesforce_opportunity", "select": []string{"id", "amount", "is_won", "stage_name"}, "limit": 4, "include_total": true,
		"filters": []args{{"field": "amount", "op": "gte", "values": []string{"10000000"}}},
		"any_of":  []args{{"field": "is_won", "op": "eq", "values": []string{"true"}}, {"field": "stage_name", "op": "eq", "values": []string{"Capture"}}},
		"order":   []args{{"field": "amount", "desc": true}},
	})
	if len(got) != len(want) || len(want) < 9 {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i, row := range got {
		if row["amount"] != want[i][1] || len(row) != 4 {
			t.Errorf("row %d: %v, want %v", i, row, want[i])
		}
	}
	r := call(t, org, "query_model", args{"model": "salesforce_account", "limit": 101})
	if len(elements(t, r)) != 100 || len(r.Metadata.Notes) == 0 || !strings.Contains(r.Metadata.Notes[0], "limit 101 was lowered to 100") {
		t.Errorf("%s %+v", r.Message, r.Metadata)
	}
	refused(t, org, functions.CodeInvalid, "salesforce_opportunity", "query_model", args{"model": "opportunity"})
	refused(t, org, functions.CodeInvalid, `"amount"`, "query_model", args{"model": "salesforce_opportunity", "order": []args{{"field": "amonut"}}})
	refused(t, org, functions.CodeInvalid, "much", "query_model", args{"model": "salesforce_opportunity", "filters": []args{{"field": "amount", "op": "gt", "values": []string{"much"}}}})
	refused(t, org, functions.CodeInvalid, "cursor", "query_model", args{"model": "salesforce_opportunity", "cursor": "nonsense"})
}

func testGet(t *testing.T, org *curatore.Organization) {
	contact := elements(t, call(t, org, "search_salesforce", args{"types": []string{"salesforce_contact"}, "limit": 1}))[0]
	id := contact["id"].(string)
	want, err := org.Get(t.Context(), "salesforce_contact", id)
	if err != nil {
		t.Fatal(err)
	}
	var got content.Item
	if err := call(t, org, "get", args{"type": "salesforce_contact", "id": id}).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.ID != id || got.Title != want.Title || got.DisplayType != "Contact" || got.ParentID == "" || got.ParentID != want.ParentID ||
		got.Fields["email"] != want.Fields["email"] || got.Metadata["raw_data"] == nil {
		t.Errorf("got %+v, want %+v", got, want)
	}
	refused(t, org, functions.CodeNotFound, id, "get", args{"type": "salesforce_account", "id": id})
	refused(t, org, functions.CodeNotFound, "nonsense", "get", args{"type": "salesforce_account", "id": "nonsense"})
	refused(t, org, functions.CodeInvalid, "lead", "get", args{"type": "lead", "id": id})
}

func testDescriptions(t *testing.T, org *curatore.Organization) {
	var list struct {
		Types []struct{ Type, Label, Group string }
	}
	if err := call(t, org, "list_types", nil).Decode(&list); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, typ := range list.Types {
		names = append(names, typ.Type)
		var model struct {
			Fields []struct {
				Name                 string
				Filterable, Sortable bool
			}
		}
		if err := call(t, org, "describe_model", args{"model": typ.Type}).Decode(&model); err != nil {
			t.Fatal(err)
		}
		// What it says can be done can be done.
		for _, f := range model.Fields {
			a := args{"model": typ.Type, "select": []string{f.Name}, "limit": 1}
			if f.Filterable {
				a["filters"] = []args{{"field": f.Name, "op": "not_null"}}
			}
			if f.Sortable {
				a["order"] = []args{{"field": f.Name}}
			}
			call(t, org, "query_model", a)
		}
		if len(model.Fields) < 10 {
			t.Errorf("%s has %d fields", typ.Type, len(model.Fields))
		}
	}
	if d := gocmp.Diff([]string{"salesforce_account", "salesforce_contact", "salesforce_opportunity"}, names); d != "" {
		t.Error(d)
	}
}

func testTools(t *testing.T, org *curatore.Organization) {
	tools, err := openaitools.Tools(org.Functions())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, tool := range tools {
		if tool.Function.Name != "export_query" { // where there is an object store
			names = append(names, tool.Function.Name)
		}
	}
	if d := gocmp.Diff([]string{"describe_model", "facet_values", "get", "get_run", "list_runs", "list_types", "more_like_this", "query_model", "search", "search_salesforce", "start_import"}, names); d != "" {
		t.Error(d)
	}
	for arguments, want := range map[string]string{
		`{"query":"stage","limit":1}`: `{"data":{"hits":[{"type":"salesforce_`,
		`{"limit":1}`:                 `{"error":{"code":"invalid_arguments"`,
		`{"query":`:                   `{"error":{"code":"malformed_arguments"`,
	} {
		m := openaitools.Dispatch(t.Context(), org.Functions(), openai.ToolCall{ID: "call-1", Type: openai.ToolTypeFunction,
			Function: openai.FunctionCall{Name: "search", Arguments: arguments}})
		if m.Role != openai.ChatMessageRoleTool || m.ToolCallID != "call-1" || !strings.HasPrefix(m.Content, want) {
			t.Errorf("%s: %+v", arguments, m)
		}
	}
}

func testMoreLikeThis(t *testing.T, w world) {
	of := pages(t, w.mine, "query_model", args{"model": "salesforce_opportunity", "select": []string{"id"}})[0]["id"]
	result := call(t, w.mine, "more_like_this", args{"type": "salesforce_opportunity", "id": of, "types": []string{"salesforce_opportunity"}, "limit": 5})
	var list struct{ Hits []search.Hit }
	if err := result.Decode(&list); err != nil || len(list.Hits) == 0 {
		t.Fatalf("%s, %v", result.Data, err)
	}
	for _, hit := range list.Hits {
		if hit.ID == of || hit.Type != "salesforce_opportunity" {
			t.Errorf("hit %+v", hit)
		}
	}
	if result, err := tryCall(t, w.theirs, "more_like_this", args{"type": "salesforce_opportunity", "id": of}); err == nil && !strings.Contains(string(result.Data), `"hits":[]`) {
		t.Errorf("another organization finds what is like a record that it does not have: %s", result.Data)
	}
	refused(t, w.mine, functions.CodeInvalid, "type", "more_like_this", args{"type": "salesforce_oportunity", "id": "1"})
}

// No argument and no cursor of one organization leads to rows of another.
func testIsolation(t *testing.T, w world) {
	types := []string{"salesforce_account", "salesforce_contact", "salesforce_opportunity"}
	theirs := map[string]bool{}
	for _, typ := range types {
		for _, row := range pages(t, w.theirs, "query_model", args{"model": typ, "select": []string{"id"}, "limit": 100}) {
			theirs[row["id"].(string)] = true
		}
	}
	if len(theirs) != 290 {
		t.Fatalf("they have %d records", len(theirs))
	}
	ours := func(name string, a args) {
		t.Helper()
		for _, e := range pages(t, w.mine, name, a) {
			if theirs[fmt.Sprint(e["id"])] {
				t.Fatalf("%s(%v) returned theirs: %v", name, a, e)
			}
		}
	}
	ours("search_salesforce", args{"limit": 100})
	ours("search", args{"query": "stage", "limit": 100})
	for _, typ := range types {
		ours("query_model", args{"model": typ, "select": []string{"id"}, "limit": 100})
		their := elements(t, call(t, w.theirs, "query_model", args{"model": typ, "select": []string{"id", "salesforce_id"}, "limit": 2}))
		refused(t, w.mine, functions.CodeNotFound, "", "get", args{"type": typ, "id": their[0]["id"]})
		for _, field := range []string{"id", "salesforce_id"} {
			rows := pages(t, w.mine, "query_model", args{"model": typ, "select": []string{"id"}, "filters": []args{{"field": field, "op": "eq", "values": []any{their[0][field]}}}})
			if field == "id" && len(rows) != 0 || field == "salesforce_id" && (len(rows) != 1 || theirs[rows[0]["id"].(string)]) {
				t.Errorf("%s %s: %v", typ, field, rows)
			}
		}
	}
	account := pages(t, w.theirs, "query_model", args{"model": "salesforce_contact", "select": []string{"account_id"}, "limit": 100})[0]["account_id"]
	if rows := pages(t, w.mine, "query_model", args{"model": "salesforce_contact", "filters": []args{{"field": "account_id", "op": "eq", "values": []any{account}}}}); len(rows) != 0 {
		t.Errorf("contacts of their account: %v", rows)
	}
	// Aggregates, values and records by key are one's own, too.
	for _, typ := range types {
		key := elements(t, call(t, w.theirs, "query_model", args{"model": typ, "select": []string{"id", "salesforce_id"}, "limit": 1}))[0]["salesforce_id"]
		if r := call(t, w.mine, "get", args{"type": typ, "key": key, "children": true}); theirs[fmt.Sprint(field(t, r, "id"))] {
			t.Errorf("get by key returned theirs: %s", r.Data)
		}
		counted := call(t, w.mine, "query_model", args{"model": typ, "aggregates": []args{{"op": "count"}}})
		all := len(pages(t, w.mine, "query_model", args{"model": typ, "select": []string{"id"}, "limit": 100}))
		if want := fmt.Sprintf(`"rows":[{"count":%d}]`, all); !strings.Contains(string(counted.Data), want) {
			t.Errorf("counted %s, want %s", counted.Data, want)
		}
		their := call(t, w.theirs, "query_model", args{"model": typ, "group_by": []string{"id"}, "limit": 5}).Metadata.NextCursor
		if r, err := tryCall(t, w.mine, "query_model", args{"model": typ, "group_by": []string{"id"}, "limit": 5, "cursor": their}); err == nil {
			for id := range theirs {
				if strings.Contains(string(r.Data), id) {
					t.Fatalf("a cursor of groups led to theirs: %s", r.Data)
				}
			}
		}
		if r := call(t, w.mine, "facet_values", args{"model": typ, "field": "id", "limit": 100}); slices.ContainsFunc(slices.Collect(maps.Keys(theirs)), func(id string) bool { return strings.Contains(string(r.Data), id) }) {
			t.Error("facet_values returned theirs")
		}
	}
	// A cursor is refused, or goes on among one's own.
	for name, a := range map[string]args{
		"search_salesforce": {"limit": 10}, "search": {"query": "stage", "limit": 10},
		"query_model": {"model": "salesforce_account", "select": []string{"id"}, "limit": 10},
	} {
		a["cursor"] = call(t, w.theirs, name, a).Metadata.NextCursor
		r, err := tryCall(t, w.mine, name, a)
		if err != nil {
			refused(t, w.mine, functions.CodeInvalid, "cursor", name, a)
			continue
		}
		for _, e := range elements(t, r) {
			if theirs[fmt.Sprint(e["id"])] {
				t.Errorf("%s went on among theirs: %v", name, e)
			}
		}
	}
	// Nothing lets a caller name an organization.
	for name, a := range map[string]args{"search": {"query": "a"}, "search_salesforce": {}, "list_types": {},
		"describe_model": {"model": types[0]}, "query_model": {"model": types[0]}, "get": {"type": types[0], "id": "x"}} {
		for _, key := range []string{"organization", "organization_id", "scope"} {
			a[key] = w.theirs.Name()
			refused(t, w.mine, functions.CodeInvalid, key, name, a)
			delete(a, key)
		}
	}
	for _, list := range []string{"filters", "any_of"} {
		refused(t, w.mine, functions.CodeInvalid, "organization_id", "query_model",
			args{"model": types[0], list: []args{{"field": "organization_id", "op": "not_null"}}})
	}
	refused(t, w.mine, functions.CodeInvalid, "organization_id", "query_model", args{"model": types[0], "select": []string{"organization_id"}})
}

// What a full sync has deleted is invisible to every function, and only in the
// organization whose sync it was.
func testDeleted(t *testing.T, w world) {
	before := pages(t, w.mine, "query_model", args{"model": "salesforce_account", "select": []string{"id", "name", "salesforce_id"}, "limit": 100})
	less := exported
	less.Accounts = 127
	if n := importExport(t, w.mine, less).Streams["salesforce_account"].Deleted; n != 3 {
		t.Fatalf("%d deleted", n)
	}
	after := pages(t, w.mine, "query_model", args{"model": "salesforce_account", "select": []string{"id"}, "limit": 100})
	if len(after) != 127 {
		t.Errorf("query_model returns %d", len(after))
	}
	left := map[string]bool{}
	for _, e := range after {
		left[e["id"].(string)] = true
	}
	for _, e := range before {
		id := e["id"].(string)
		if left[id] {
			continue
		}
		refused(t, w.mine, functions.CodeNotFound, id, "get", args{"type": "salesforce_account", "id": id})
		for field, value := range e {
			rows := pages(t, w.mine, "query_model", args{"model": "salesforce_account", "select": []string{"id"}, "filters": []args{{"field": field, "op": "eq", "values": []any{value}}}})
			if slices.Contains(ids(rows), id) {
				t.Errorf("query_model finds %s by %s", id, field)
			}
		}
		if slices.Contains(ids(pages(t, w.mine, "search", args{"query": e["name"], "limit": 100})), id) {
			t.Errorf("search finds %v", e)
		}
	}
	for _, name := range []string{"search_salesforce"} {
		if found := pages(t, w.mine, name, args{"types": []string{"salesforce_account"}, "limit": 100}); len(found) != 127 {
			t.Errorf("%s returns %d", name, len(found))
		}
	}
	if found := pages(t, w.theirs, "search_salesforce", args{"types": []string{"salesforce_account"}, "limit": 100}); len(found) != 130 {
		t.Errorf("they have %d", len(found))
	}
}

// Without search there are no search functions, the others work, and Search says
// what is the matter.
func TestNoSearchFunctions(t *testing.T) {
	c := open(t, curatore.Config{Database: databasetest.DSN(t, database.SQLite), NoSearch: true})
	org := organization(t, c, "acme")
	importExport(t, org, salesforcetest.Options{Accounts: 3})
	var names []string
	for _, f := range org.Functions().List() {
		names = append(names, f.Name())
	}
	if d := gocmp.Diff([]string{"describe_model", "export_query", "facet_values", "get", "get_run", "list_runs", "list_types", "query_model", "start_import"}, names); d != "" {
		t.Error(d)
	}
	if rows := pages(t, org, "query_model", args{"model": "salesforce_account"}); len(rows) != 3 {
		t.Errorf("%d rows", len(rows))
	}
	refused(t, org, functions.CodeUnknownFunction, "search_salesforce", "search_salesforce", args{})
	if _, err := org.Search(context.Background(), search.Query{Text: "a"}); !errors.Is(err, content.ErrDisabled) {
		t.Errorf("got %v", err)
	}
}

// field returns a property of a result that is an object.
func field(t *testing.T, r *functions.Result, name string) any {
	t.Helper()
	var object map[string]any
	if err := r.Decode(&object); err != nil {
		t.Fatal(err)
	}
	return object[name]
}
