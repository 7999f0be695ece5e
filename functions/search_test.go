package functions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/search"
)

// An index is a Searcher without an index: it lists the records of the chosen
// types, applies filters with the store, and looks for the text in the titles.
// It remembers what it was asked.
type index struct {
	world world
	asked search.Query
	extra []search.Hit // put before the others
	fail  error
}

func (x *index) Search(ctx context.Context, scope content.Scope, q search.Query) (*search.Result, error) {
	x.asked = q
	if x.fail != nil {
		return nil, x.fail
	}
	hits := slices.Clone(x.extra)
	for _, typ := range x.world.registry.Types() {
		if len(q.Types)+len(q.Groups) > 0 && !slices.Contains(q.Types, typ.Name()) && !slices.Contains(q.Groups, typ.Group()) {
			continue
		}
		query, lacks := store.Query{Limit: 1000, Keyword: q.Text}, false
		for _, f := range q.Filters {
			f.Field = strings.TrimPrefix(f.Field, typ.Group()+".")
			_, has := typ.Field(f.Field)
			lacks = lacks || !has
			query.Filters = append(query.Filters, f)
		}
		if lacks {
			continue
		}
		page, err := x.world.store.List(ctx, scope, typ, query)
		if err != nil {
			return nil, err
		}
		for _, row := range page.Items {
			hits = append(hits, search.Hit{Type: typ.Name(), ID: content.RecordOf(row).ID, Group: typ.Group(),
				Label: typ.Label(""), Title: typ.Title(row), Filename: typ.KeyOf(row), Score: 1})
		}
	}
	start, _ := strconv.Atoi(q.Cursor)
	start = max(0, min(start, len(hits)))
	result := &search.Result{Total: len(hits), Facets: map[string][]search.FacetCount{"type": {{Value: "crm_account", Label: "Account", Count: len(hits)}}}}
	end := min(start+q.Limit, len(hits))
	result.Hits = hits[start:end]
	if end < len(hits) {
		result.NextCursor = strconv.Itoa(end)
	}
	return result, nil
}

func TestResultsOfSearches(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	golden(t, "builtin/search_result.json", []byte(w.call(t, e, "search", `{"query":"company","types":["crm_account"],"limit":2}`)))
	golden(t, "builtin/search_crm_result.json", []byte(w.call(t, e, "search_crm", `{"query":"company","industry":["Banking"],"limit":2}`)))
}

// TestSearchQueries holds what the Searcher is asked.
func TestSearchQueries(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	both := []string{"crm_account", "crm_contact"}
	connection := func(q search.Query) search.Query {
		q.Facets, q.Highlight.Off = []string{}, true
		return q
	}
	for _, c := range []struct {
		name, function, args string
		want                 search.Query
	}{
		{"words", "search", `{"query":"acme"}`, search.Query{Text: "acme", Limit: 20, Filters: []content.Filter{}}},
		{"types and groups", "search", `{"query":"acme","types":["page"],"groups":["crm"],"limit":5,"cursor":"10"}`,
			search.Query{Text: "acme", Types: []string{"page"}, Groups: []string{"crm"}, Limit: 5, Cursor: "10", Filters: []content.Filter{}}},
		{"filters get their namespace", "search", `{"query":"acme","filters":[{"field":"revenue","op":"gt","values":[5]}]}`,
			search.Query{Text: "acme", Limit: 20, Filters: []content.Filter{{Field: "crm.revenue", Op: content.Greater, Values: []string{"5"}}}}},
		{"fields of all documents", "search", `{"query":"acme","filters":[{"field":"updated_at","op":"gte","values":["2026-01-01"]}]}`,
			search.Query{Text: "acme", Limit: 20, Filters: []content.Filter{{Field: "updated_at", Op: content.GreaterOrEqual, Values: []string{"2026-01-01"}}}}},
		{"without a query", "search_crm", `{}`, connection(search.Query{Types: both, Limit: 20})},
		{"empty query", "search_crm", `{"query":"","types":[],"industry":[]}`, connection(search.Query{Types: both, Limit: 20})},
		{"facets", "search_crm", `{"query":"x","types":["crm_account"],"industry":["Banking","Aerospace"],"active":[true],"limit":100}`,
			connection(search.Query{Text: "x", Types: []string{"crm_account"}, Limit: 100, Filters: []content.Filter{
				{Field: "crm.industry", Op: content.In, Values: []string{"Banking", "Aerospace"}},
				{Field: "crm.active", Op: content.In, Values: []string{"true"}}}})},
		{"high limit", "search_crm", `{"limit":1000}`, connection(search.Query{Types: both, Limit: 100})},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := w.call(t, e, c.function, c.args); strings.HasPrefix(got, "invalid") {
				t.Fatal(got)
			}
			if diff := cmp.Diff(c.want, w.index.asked); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSearchRefuses(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	for _, c := range []struct{ name, function, args, want string }{
		{"no query", "search", `{}`, "query is required"},
		{"an empty query", "search", `{"query":""}`, "query must have at least 1 character, not 0"},
		{"a long query", "search", `{"query":"` + strings.Repeat("x", 501) + `"}`, "query must have at most 500 characters, not 501"},
		{"a long query of a connection", "search_crm", `{"query":"` + strings.Repeat("x", 501) + `"}`, "query must have at most 500 characters, not 501"},
		{"an unknown group", "search", `{"query":"x","groups":["crn"]}`, `groups[0] is "crn", which does not exist; did you mean "crm"?`},
		{"a type of another connection", "search_crm", `{"types":["page"]}`, `types[0] is "page"; use one of "crm_account", "crm_contact"`},
		{"an unknown field", "search", `{"query":"x","filters":[{"field":"stage","op":"eq","values":["x"]}]}`, `filters[0].field is "stage", which is no field of these types; use one of`},
		{"a field of another type", "search", `{"query":"x","types":["crm_contact"],"filters":[{"field":"revenue","op":"gt","values":["1"]}]}`, `filters[0].field is "revenue", which is no field of crm_contact`},
		{"a wrong value", "search", `{"query":"x","filters":[{"field":"founded","op":"gt","values":["soon"]}]}`, `filters[0].values[0] is wrong for founded: "soon" is not a date`},
		{"an unknown parameter", "search_crm", `{"industri":["x"]}`, `industri is unknown; did you mean "industry"?`},
		{"a wrong boolean", "search_crm", `{"active":["yes"]}`, `active[0] is "yes"; use one of "true", "false"`},
		{"a limit of zero", "search_crm", `{"limit":0}`, "limit must be at least 1, not 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := w.call(t, e, c.function, c.args); !strings.HasPrefix(got, "invalid_arguments") || !strings.Contains(got, c.want) {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestFailedSearchIsAnError(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	for err, code := range map[error]functions.Code{
		errDriver:           functions.CodeInternal,
		content.ErrDisabled: functions.CodeDisabled,
		fmt.Errorf("%w cursor: it belongs to another query", content.ErrInvalid): functions.CodeInvalid,
	} {
		w.index.fail = err
		for name, args := range map[string]string{"search": `{"query":"x"}`, "search_crm": `{}`} {
			_, got := e.Call(t.Context(), w.mine, name, json.RawMessage(args))
			if failed := failure(t, got); failed.Code != code || !errors.Is(got, err) {
				t.Errorf("%s with %v: got %v", name, err, got)
			}
		}
	}
}

func TestLongSearchIsShortened(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{MaxResult: 1000})
	for name, args := range map[string]string{"search": `{"query":"company","limit":100%s}`, "search_crm": `{"query":"company","limit":100%s}`} {
		var titles []string
		cursor := ""
		for range 40 {
			result, err := e.Call(t.Context(), w.mine, name, fmt.Appendf(nil, args, cursor))
			if err != nil {
				t.Fatal(err, errors.Unwrap(err))
			}
			var list struct{ Hits, Items []struct{ Title string } }
			if err := result.Decode(&list); err != nil {
				t.Fatal(err)
			}
			for _, hit := range append(list.Hits, list.Items...) {
				titles = append(titles, hit.Title)
			}
			if result.Metadata.NextCursor == "" {
				break
			}
			if !result.Metadata.Truncated {
				t.Errorf("%s: a page with a next one is not truncated", name)
			}
			cursor = fmt.Sprintf(`,"cursor":%q`, result.Metadata.NextCursor)
		}
		if len(titles) != 30 || titles[0] != "Company 00" || titles[29] != "Company 29" {
			t.Errorf("%s: %d titles: %v", name, len(titles), titles)
		}
	}
}

func TestHitOfADeletedRecordIsNoted(t *testing.T) {
	w := newWorld(t)
	w.index.extra = []search.Hit{{Type: "crm_contact", ID: "00000000-0000-7000-8000-000000000099"}}
	result, err := w.engine(t, functions.Config{}).Call(t.Context(), w.mine, "search_crm", []byte(`{"limit":3}`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1 record left out: deleted a moment ago"}, result.Metadata.Notes); diff != "" || strings.Count(string(result.Data), `"title"`) != 2 {
		t.Errorf("notes (-want +got):\n%s\n%s", diff, result.Data)
	}
}

// TestParametersThatCollide holds what becomes of facets that are called like a
// parameter, or like a facet of another group.
func TestParametersThatCollide(t *testing.T) {
	define := func(name, group string) *content.Type {
		return content.DefineDynamic(content.Spec[content.Dynamic]{Name: name, Label: name, Group: group},
			content.FieldSpec{Name: "key", Kind: content.String, Roles: content.Key | content.Title, Required: true},
			content.FieldSpec{Name: "limit", Kind: content.Int, Roles: content.Facet},
			content.FieldSpec{Name: "stage", Kind: content.String, Roles: content.Facet})
	}
	registry, err := content.NewRegistry(define("one", "a"), define("two", "a"), define("three", "b"))
	if err != nil {
		t.Fatal(err)
	}
	x := &index{}
	sources := functions.Sources{Registry: registry, Search: x, Connections: []functions.Connection{{Name: "both", Label: "Both", Description: "All there is", Types: registry.Types()}}}
	x.world.registry = registry
	x.fail = content.ErrBusy
	e := engine(t, functions.Config{}, functions.Builtins(sources)...)
	var names []string
	for _, f := range e.Functions() {
		names = append(names, f.Name())
	}
	if got, want := strings.Join(names, " "), "describe_model facet_values get list_types query_model search search_both"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	f := e.Functions()[6]
	golden(t, "builtin/collisions_input.json", f.InputSchema())
	if want := "Searches Both: ones, twos and threes. All there is. Returns"; !strings.HasPrefix(f.Description(), want) {
		t.Errorf("described as %q", f.Description())
	}
	_, err = e.Call(t.Context(), scope, "search_both", []byte(`{"a_limit":[5],"stage":["x"],"b_stage":["y"],"limit":7}`))
	if failure(t, err).Code != functions.CodeBusy {
		t.Fatal(err)
	}
	want := []content.Filter{{Field: "a.limit", Op: content.In, Values: []string{"5"}}, {Field: "a.stage", Op: content.In, Values: []string{"x"}}, {Field: "b.stage", Op: content.In, Values: []string{"y"}}}
	if diff := cmp.Diff(want, x.asked.Filters); diff != "" || x.asked.Limit != 7 {
		t.Errorf("limit %d, filters (-want +got):\n%s", x.asked.Limit, diff)
	}
	_, err = e.Call(t.Context(), scope, "search_both", []byte(`{"a_limit":["many"]}`))
	if got := failure(t, err); len(got.Fields) != 1 || got.Fields[0].String() != `a_limit[0] is wrong: "many" is not a whole number` {
		t.Errorf("got %v", got)
	}
	_, err = e.Call(t.Context(), scope, "search", []byte(`{"query":"x","filters":[{"field":"stage","op":"eq","values":["x"]}]}`))
	if got := failure(t, err); len(got.Fields) != 1 || !strings.Contains(got.Fields[0].String(), `which several groups have; narrow groups to one of "a", "b"`) {
		t.Errorf("got %v", got)
	}
}
