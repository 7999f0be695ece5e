package functions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/functions"
)

func TestSchemasOfBuiltins(t *testing.T) {
	e := newWorld(t).engine(t, functions.Config{})
	for _, f := range e.Functions() {
		spec := f.Spec()
		if spec.Effect != functions.Reads || spec.NeedsModel || spec.Category == "" || len(spec.Tags) == 0 {
			t.Errorf("%s: %+v", f.Name(), spec)
		}
		golden(t, "builtin/"+f.Name()+"_input.json", f.InputSchema())
		golden(t, "builtin/"+f.Name()+"_output.json", f.OutputSchema())
	}
}

// Each function names the types whose records it can be asked for, so that a
// program can tell who may call it.
func TestNeedsOfBuiltins(t *testing.T) {
	w := newWorld(t)
	w.sources.Export = func(context.Context, content.Scope, string, string, func(io.Writer) error) (functions.Exported, error) {
		return functions.Exported{}, nil
	}
	private := map[string]bool{"crm_contact": true}
	e := w.engine(t, functions.Config{Authorize: func(s content.Scope, f *functions.Function) error {
		for _, name := range f.Spec().Needs {
			if private[name] && s != w.mine {
				return fmt.Errorf("%s is private", name)
			}
		}
		return nil
	}})
	got := map[string]string{}
	for _, f := range e.Functions() {
		got[f.Name()] = strings.Join(f.Spec().Needs, " ")
	}
	all := "crm_account crm_contact page"
	want := map[string]string{"describe_model": "", "list_types": "", "export_query": all, "facet_values": all, "get": all, "query_model": all, "search": all,
		"search_crm": "crm_account crm_contact", "search_web": "page"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var names []string
	for _, f := range e.List(w.theirs) {
		names = append(names, f.Name())
	}
	if diff := cmp.Diff([]string{"describe_model", "list_types", "search_web"}, names); diff != "" {
		t.Errorf("without private records (-want +got):\n%s", diff)
	}
}

// TestResultsOfBuiltins keeps one whole result of each function.
func TestResultsOfBuiltins(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	for name, args := range map[string]string{
		"list_types":     `{"group":"crm"}`,
		"describe_model": `{"model":"crm_account"}`,
		"get":            `{"type":"crm_account","id":"00000000-0000-7000-8000-000000000001"}`,
		"query_model":    `{"model":"crm_account","filters":[{"field":"industry","op":"eq","values":["Banking"]}],"order":[{"field":"revenue","desc":true}],"limit":2,"include_total":true}`,
	} {
		golden(t, "builtin/"+name+"_result.json", []byte(w.call(t, e, name, args)))
	}
}

// rows returns one field of the rows of a query_model result.
func (w world) rows(t *testing.T, e *functions.Engine, field, args string) (values []string, meta functions.Metadata) {
	t.Helper()
	result, err := e.Call(t.Context(), w.mine, "query_model", []byte(args))
	if err != nil {
		t.Fatalf("%s: %v", args, err)
	}
	var list struct {
		Rows []map[string]any `json:"rows"`
	}
	if err := result.Decode(&list); err != nil {
		t.Fatal(err)
	}
	for _, row := range list.Rows {
		values = append(values, fmt.Sprint(row[field]))
	}
	return values, result.Metadata
}

func TestQueryModel(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	for _, c := range []struct{ name, args, want string }{
		{"all of them, by title", `"limit":3`, "A00 A01 A02"},
		{"number as number", `"filters":[{"field":"revenue","op":"gte","values":["27013.5"]}]`, "A27 A28 A29"},
		{"number given as a number", `"filters":[{"field":"revenue","op":"gte","values":[28014]}]`, "A28 A29"},
		{"boolean", `"filters":[{"field":"active","op":"eq","values":["true"]}],"limit":2`, "A00 A03"},
		{"date", `"filters":[{"field":"founded","op":"lt","values":["1998-01-01"]}]`, "A29"},
		{"null", `"filters":[{"field":"industry","op":"is_null"}]`, "A00 A05 A10 A15 A20 A25"},
		{"either", `"any_of":[{"field":"account_id","op":"eq","values":["A07"]},{"field":"account_id","op":"in","values":["A01","A02"]}]`, "A01 A02 A07"},
		{"both kinds", `"filters":[{"field":"industry","op":"eq","values":["Banking"]}],"any_of":[{"field":"account_id","op":"eq","values":["A07"]},{"field":"account_id","op":"eq","values":["A02"]}]`, "A07"},
		{"contains", `"filters":[{"field":"name","op":"contains","values":["ANY 1"]}],"limit":2`, "A10 A11"},
		{"percent stands for itself", `"filters":[{"field":"name","op":"contains","values":["%"]}]`, ""},
		{"quotes stand for themselves", `"filters":[{"field":"name","op":"eq","values":["' OR 1=1 --"]}]`, ""},
		{"descending", `"order":[{"field":"revenue","desc":true}],"limit":2`, "A29 A28"},
		{"by title", `"order":[{"field":"title","desc":true}],"limit":2`, "A29 A28"},
		{"selected", `"select":["account_id"],"limit":1`, "A00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := w.rows(t, e, "account_id", `{"model":"crm_account",`+c.args+`}`)
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}

func TestQueryModelRefuses(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	for _, c := range []struct{ name, args, want string }{
		{"an unknown type", `"model":"crm_acount"`, `model is "crm_acount", which does not exist; did you mean "crm_account"?`},
		{"an unknown field", `"filters":[{"field":"industri","op":"eq","values":["x"]}]`, `filters[0].field is "industri", which is no field of crm_account; did you mean "industry"? describe_model with model "crm_account" lists the fields.`},
		{"a field without index", `"filters":[{"field":"website","op":"eq","values":["x"]}]`, `filters[0].field is "website", which cannot be filtered by; use one of "id",`},
		{"a hidden field", `"filters":[{"field":"secret","op":"eq","values":["x"]}]`, `filters[0].field is "secret", which is no field of crm_account`},
		{"to select a hidden field", `"select":["secret"]`, `select[0] is "secret", which is no field of crm_account`},
		{"to select the organization", `"select":["organization_id"]`, `select[0] is "organization_id", which is no field of crm_account`},
		{"SQL as a field", `"order":[{"field":"name; DROP TABLE x"}]`, `order[0].field is "name; DROP TABLE x", which is no field of crm_account`},
		{"an order that is not sortable", `"order":[{"field":"notes"}]`, `order[0].field is "notes", which cannot be sorted by`},
		{"an unknown operator", `"filters":[{"field":"name","op":"like","values":["x"]}]`, `filters[0].op is "like"; use one of "eq", "neq",`},
		{"no value", `"filters":[{"field":"name","op":"eq"}]`, `filters[0] must have exactly one value for eq, not 0`},
		{"two values", `"filters":[{"field":"name","op":"eq","values":["a","b"]}]`, `filters[0] must have exactly one value for eq, not 2`},
		{"a value for null", `"any_of":[{"field":"name","op":"is_null","values":["a"]}]`, `any_of[0] must have no values for is_null, not 1`},
		{"no value for in", `"filters":[{"field":"name","op":"in","values":[]}]`, `filters[0] must have at least one value for in`},
		{"a word as a number", `"filters":[{"field":"revenue","op":"gt","values":["a lot"]}]`, `filters[0].values[0] is wrong for revenue: "a lot" is not a number`},
		{"text search in a number", `"filters":[{"field":"revenue","op":"contains","values":["1"]}]`, `filters[0].op is contains, which needs text, but revenue is a float`},
		{"a made-up cursor", `"cursor":"abc"`, `cursor`},
		{"several at once", `"filters":[{"field":"x","op":"eq"}],"select":["y"]`, `select[0] is "y"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := "{" + c.args + "}"
			if !strings.Contains(args, `"model"`) {
				args = `{"model":"crm_account",` + c.args + "}"
			}
			got := w.call(t, e, "query_model", args)
			if !strings.HasPrefix(got, string(functions.CodeInvalid)) || !strings.Contains(got, c.want) {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestQueryModelPages(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	args := func(cursor string) string {
		return fmt.Sprintf(`{"model":"crm_account","order":[{"field":"industry"}],"limit":7,"cursor":%q}`, cursor)
	}
	var all []string
	cursor, pages := "", 0
	for {
		got, meta := w.rows(t, e, "account_id", args(cursor))
		all = append(all, got...)
		pages++
		if meta.Truncated != (meta.NextCursor != "") {
			t.Errorf("truncated %v with the cursor %q", meta.Truncated, meta.NextCursor)
		}
		if cursor = meta.NextCursor; cursor == "" || pages > 9 {
			break
		}
	}
	seen := map[string]bool{}
	for _, key := range all {
		seen[key] = true
	}
	if len(all) != 30 || len(seen) != 30 || pages != 5 {
		t.Errorf("%d rows, %d different, on %d pages", len(all), len(seen), pages)
	}
	_, meta := w.rows(t, e, "account_id", args(""))
	other := fmt.Sprintf(`{"model":"crm_account","limit":7,"cursor":%q}`, meta.NextCursor)
	if got := w.call(t, e, "query_model", other); !strings.Contains(got, "another query") {
		t.Errorf("the cursor of another query: got %s", got)
	}
	theirs, err := e.Call(t.Context(), w.theirs, "query_model", []byte(args(meta.NextCursor)))
	if err == nil && strings.Contains(string(theirs.Data), "Company") {
		t.Errorf("a cursor opened another organization's records: %s", theirs.Data)
	}
}

func TestLimitIsLoweredAndSaysSo(t *testing.T) {
	w := newWorld(t)
	got, meta := w.rows(t, w.engine(t, functions.Config{}), "account_id", `{"model":"crm_account","limit":500}`)
	if diff := cmp.Diff([]string{"limit 500 was lowered to 100, the most at a time; go on with next_cursor"}, meta.Notes); diff != "" || len(got) != 30 {
		t.Errorf("%d rows, notes (-want +got):\n%s", len(got), diff)
	}
}

// TestLongPageContinues holds that a page which is cut for its size goes on
// exactly where it was cut.
func TestLongPageContinues(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{MaxResult: 1500})
	var all []string
	cursor := ""
	for range 30 {
		got, meta := w.rows(t, e, "account_id", fmt.Sprintf(`{"model":"crm_account","limit":100,"cursor":%q}`, cursor))
		all = append(all, got...)
		if cursor = meta.NextCursor; cursor == "" {
			break
		}
	}
	var want []string
	for i := range 30 {
		want = append(want, fmt.Sprintf("A%02d", i))
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLongTextsAreShortenedAndSaySo(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("ä", 30_000)
	w.sources.Records = edited{w.store, func(a *account) { a.Notes, a.Website, a.Address = long, long, map[string]any{"x": long} }}
	result, err := w.engine(t, functions.Config{MaxResult: 1 << 20}).Call(t.Context(), w.mine, "get", []byte(`{"type":"crm_account","id":"00000000-0000-7000-8000-000000000001"}`))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Text     string
		Fields   map[string]any
		Metadata map[string]any
	}
	if err := result.Decode(&got); err != nil {
		t.Fatal(err)
	}
	website, _ := got.Fields["website"].(string)
	if n, m := len([]rune(got.Text)), len([]rune(website)); n != 20_001 || m != 4_001 || got.Metadata["address"] != nil {
		t.Errorf("text %d, website %d characters, address %v", n, m, got.Metadata["address"])
	}
	want := []string{`longer than 4000 characters and shortened or left out: "website", "address"`, `longer than 20000 characters and shortened or left out: "text"`}
	if diff := cmp.Diff(want, result.Metadata.Notes); diff != "" || !result.Metadata.Truncated {
		t.Errorf("truncated %v, notes (-want +got):\n%s", result.Metadata.Truncated, diff)
	}
}

// edited changes accounts as they are read.
type edited struct {
	functions.Records
	edit func(*account)
}

func (e edited) Get(ctx context.Context, scope content.Scope, typ *content.Type, id string) (content.Row, error) {
	row, err := e.Records.Get(ctx, scope, typ, id)
	if a, ok := row.(*account); ok {
		e.edit(a)
	}
	return row, err
}

func TestGetOfNothing(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	for _, id := range []string{"00000000-0000-7000-8000-000000000099", "no id at all", "'; DROP TABLE crm_accounts; --", "00000000-0000-7000-8000-000000000034"} {
		got := w.call(t, e, "get", fmt.Sprintf(`{"type":"crm_account","id":%q}`, id))
		want := fmt.Sprintf("not_found: There is no Account with the id %q. Use an id from the result of search or query_model.", id)
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// broken fails as a database does.
type broken struct{ functions.Records }

var errDriver = errors.New(`pq: column "x" of relation "crm_accounts" does not exist`)

func (broken) Get(context.Context, content.Scope, *content.Type, string) (content.Row, error) {
	return nil, errDriver
}

func (broken) Select(context.Context, content.Scope, *content.Type, []string, store.Query) ([]*content.Field, store.Page[[]any], error) {
	return nil, store.Page[[]any]{}, errDriver
}

func TestDatabaseErrorsStayInside(t *testing.T) {
	w := newWorld(t)
	w.sources.Records = broken{}
	e := w.engine(t, functions.Config{})
	for name, args := range map[string]string{"get": `{"type":"crm_account","id":"x"}`, "query_model": `{"model":"crm_account"}`} {
		_, err := e.Call(t.Context(), w.mine, name, json.RawMessage(args))
		if got := failure(t, err); got.Code != functions.CodeInternal || strings.Contains(got.Error(), "pq") || !errors.Is(err, errDriver) {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// TestOrganizationsStayApart holds that each function answers from the
// organization of its Scope alone.
func TestOrganizationsStayApart(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	result, err := e.Call(t.Context(), w.theirs, "query_model", []byte(`{"model":"crm_account","limit":100}`))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(result.Data); !strings.Contains(text, "Their company") || strings.Contains(text, "Company 0") {
		t.Errorf("got %s", text)
	}
	if _, err := e.Call(t.Context(), w.theirs, "get", []byte(`{"type":"crm_account","id":"00000000-0000-7000-8000-000000000001"}`)); failure(t, err).Code != functions.CodeNotFound {
		t.Errorf("got %v", err)
	}
	elsewhere := content.NewAuthority().Mint("mine", "me")
	if _, err := e.Call(t.Context(), elsewhere, "query_model", []byte(`{"model":"crm_account"}`)); failure(t, err).Code != functions.CodeForbidden {
		t.Errorf("a Scope of another database: got %v", err)
	}
}

func TestBuiltinsWithoutTypes(t *testing.T) {
	registry, err := content.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	e := engine(t, functions.Config{}, functions.Builtins(functions.Sources{Registry: registry})...)
	result, err := e.Call(t.Context(), scope, "list_types", nil)
	if err != nil || string(result.Data) != `{"types":[]}` {
		t.Errorf("got %v, %v", result, err)
	}
	if n := len(e.Functions()); n != 1 {
		t.Errorf("%d functions", n)
	}
}
