package functions_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
)

// What models write into the arguments of the built-in functions is taken where it
// is plain, and refused where it is not, with what to write instead.
func TestOddArgumentsOfBuiltins(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	cursorOf := func(name, args string) string {
		t.Helper()
		result, err := e.Call(t.Context(), w.mine, name, []byte(args))
		if err != nil || result.Metadata.NextCursor == "" {
			t.Fatal(result, err)
		}
		return result.Metadata.NextCursor
	}
	rows := cursorOf("query_model", `{"model":"crm_account","limit":2}`)
	groups := cursorOf("query_model", `{"model":"crm_account","group_by":["id"],"limit":2}`)
	for _, c := range []struct{ name, function, args, want string }{
		{"a number as text", "query_model", `{"model":"crm_account","limit":"2"}`, "Found 2 records"},
		{"a number with a fraction of nothing", "query_model", `{"model":"crm_account","limit":2.0}`, "Found 2 records"},
		{"null for what is optional", "query_model", `{"model":"crm_account","filters":null,"any_of":null,"select":null,"order":null,"aggregates":null,"group_by":null,"limit":null,"cursor":null,"include_total":null}`, "Found 20 records"},
		{"null for what is required", "query_model", `{"model":null}`, `model must be a string, not null`},
		{"an enum in other case", "query_model", `{"model":"CRM_Account","filters":[{"field":"active","op":"EQ","values":["true"]}]}`, "Found 10 records"},
		{"a model by its label", "query_model", `{"model":"account"}`, `did you mean "crm_account"?`},
		{"a mistyped parameter", "query_model", `{"model":"crm_account","filter":[]}`, `did you mean "filters"?`},
		{"a parameter of another function", "get", `{"type":"crm_account","id":"x","limit":3}`, `limit is unknown`},
		{"booleans as text", "query_model", `{"model":"crm_account","include_total":"true","limit":1}`, "Found 1 of 30 records"},
		{"filters as text", "query_model", `{"model":"crm_account","filters":"[{\"field\":\"active\",\"op\":\"eq\",\"values\":[true]}]"}`, "Found 10 records"},
		{"one filter in place of a list", "query_model", `{"model":"crm_account","filters":{"field":"active","op":"eq","values":["true"]}}`, "Found 10 records"},
		{"one value in place of a list", "query_model", `{"model":"crm_account","filters":[{"field":"active","op":"eq","values":"true"}]}`, "Found 10 records"},
		{"one filter with a mistake", "query_model", `{"model":"crm_account","filters":{"field":"actve","op":"eq","values":true}}`, `filters[0].field is "actve", which is no field of crm_account; did you mean "active"?`},
		{"the word value", "query_model", `{"model":"crm_account","filters":[{"field":"active","op":"eq","value":"true"}]}`, `did you mean "values"?`},
		{"numbers as values", "query_model", `{"model":"crm_account","filters":[{"field":"revenue","op":"gte","values":[27013.5]}]}`, "Found 3 records"},
		{"a sign as an operator", "query_model", `{"model":"crm_account","filters":[{"field":"revenue","op":">=","values":["1"]}]}`, `filters[0].op is ">="; use one of "eq"`},
		{"no field", "query_model", `{"model":"crm_account","filters":[{"field":"","op":"eq","values":["1"]}]}`, "filters[0].field must have at least 1 character"},
		{"a field that there is not", "query_model", `{"model":"crm_account","filters":[{"field":"revenu","op":"gte","values":["1"]}]}`, `did you mean "revenue"?`},
		{"a hidden field", "query_model", `{"model":"crm_account","select":["secret"]}`, `is no field of crm_account`},
		{"the organization", "query_model", `{"model":"crm_account","filters":[{"field":"organization_id","op":"eq","values":["theirs"]}]}`, `is no field of crm_account`},
		{"an amount in words", "query_model", `{"model":"crm_account","filters":[{"field":"revenue","op":"gt","values":["1,000"]}]}`, `is not a number`},
		{"not a number", "query_model", `{"model":"crm_account","filters":[{"field":"revenue","op":"gt","values":["NaN"]}]}`, `is not a number`},
		{"a truth in words", "query_model", `{"model":"crm_account","filters":[{"field":"active","op":"eq","values":["yes"]}]}`, `is not true or false`},
		{"a date", "query_model", `{"model":"crm_account","filters":[{"field":"founded","op":"gte","values":["2020-01-31"]}],"include_total":true}`, "of 5 records"},
		{"a time for a date", "query_model", `{"model":"crm_account","filters":[{"field":"founded","op":"gte","values":["2020-01-31T00:00:00Z"]}],"include_total":true}`, "of 5 records"},
		{"a date of America", "query_model", `{"model":"crm_account","filters":[{"field":"founded","op":"gte","values":["01/31/2020"]}]}`, `is not a date such as 2026-01-31`},
		{"a date without zeros", "query_model", `{"model":"crm_account","filters":[{"field":"founded","op":"gte","values":["2020-1-31"]}]}`, `is not a date such as 2026-01-31`},
		{"a day that there is not", "query_model", `{"model":"crm_account","filters":[{"field":"founded","op":"gte","values":["2020-02-30"]}]}`, `is not a date such as 2026-01-31`},
		{"yesterday", "query_model", `{"model":"crm_account","filters":[{"field":"founded","op":"gte","values":["yesterday"]}]}`, `is not a date such as 2026-01-31`},
		{"a limit of nothing", "query_model", `{"model":"crm_account","limit":0}`, "limit must be at least 1, not 0"},
		{"a limit below nothing", "search", `{"query":"a","limit":-1}`, "limit must be at least 1, not -1"},
		{"a limit of a thousand", "query_model", `{"model":"crm_account","limit":1000}`, "limit 1000 was lowered to 100"},
		{"a limit beyond all", "query_model", `{"model":"crm_account","limit":99999999999999999999}`, "limit"},
		{"a cursor of nothing", "query_model", `{"model":"crm_account","cursor":"abc"}`, "cursor"},
		{"a cursor of groups", "query_model", `{"model":"crm_account","limit":2,"cursor":"` + groups + `"}`, "cursor"},
		{"a cursor of rows", "query_model", `{"model":"crm_account","group_by":["id"],"limit":2,"cursor":"` + rows + `"}`, "cursor"},
		{"a cursor of another query", "query_model", `{"model":"crm_account","limit":2,"filters":[{"field":"active","op":"eq","values":["true"]}],"cursor":"` + rows + `"}`, "cursor"},
		{"a cursor of another model", "query_model", `{"model":"crm_contact","limit":2,"cursor":"` + rows + `"}`, "cursor"},
		{"a cursor of another function", "search_crm", `{"cursor":"` + rows + `"}`, ""},
		{"a sum of text", "query_model", `{"model":"crm_account","aggregates":[{"op":"sum","field":"name"}]}`, `which has no sum; use one of "revenue"`},
		{"a sum of nothing", "query_model", `{"model":"crm_account","aggregates":[{"op":"sum"}]}`, `aggregates[0].field is required for sum`},
		{"an average of a field that there is not", "query_model", `{"model":"crm_account","aggregates":[{"op":"avg","field":"revnue"}]}`, `did you mean "revenue"?`},
		{"groups by what nobody filters by", "query_model", `{"model":"crm_account","group_by":["website"]}`, `cannot be grouped by`},
		{"the same aggregate twice", "query_model", `{"model":"crm_account","aggregates":[{"op":"count"},{"op":"count"}]}`, "is there twice"},
		{"a field selected twice", "query_model", `{"model":"crm_account","select":["name","name"]}`, "select repeats element 0 at 1"},
		{"a selected field that there is not", "query_model", `{"model":"crm_account","select":["nmae"]}`, `did you mean "name"?`},
		{"an order by what has none", "query_model", `{"model":"crm_account","order":[{"field":"website"}]}`, "cannot be sorted by"},
		{"a direction in words", "query_model", `{"model":"crm_account","order":[{"field":"name","direction":"desc"}]}`, "direction"},
		{"an order as text", "query_model", `{"model":"crm_account","order":["name"]}`, "order[0] must be an object"},
		{"everything as text", "query_model", `"{\"model\":\"crm_account\",\"limit\":\"1\"}"`, "Found 1 record"},
		{"an id of another type", "get", `{"type":"crm_contact","id":"00000000-0000-7000-8000-000000000001"}`, "There is no Contact with the id"},
		{"an id as a number", "get", `{"type":"crm_account","id":1}`, `There is no Account with the id "1"`},
		{"neither id nor key", "get", `{"type":"crm_account"}`, "id is required, or key in its place"},
		{"a query of blanks", "search", `{"query":"   "}`, ""},
		{"a query of signs", "search", `{"query":"\"'; DROP TABLE crm_accounts; --"}`, ""},
		{"a facet in other case", "search_crm", `{"Industry":["Banking"]}`, `did you mean "industry"?`},
		{"a facet of a truth", "search_crm", `{"active":[true]}`, ""},
		{"a prefix of a number", "facet_values", `{"model":"crm_account","field":"revenue","prefix":"1"}`, "prefix is for text"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := w.call(t, e, c.function, c.args)
			if !strings.Contains(got, c.want) || strings.HasPrefix(got, "internal") || strings.Contains(got, "Their company") {
				t.Errorf("got %.400s\nwant %s", got, c.want)
			}
		})
	}
}

// Each operator on each field works, or is refused in words; and what is and what
// is not add up to all.
func TestEveryOperatorOnEveryField(t *testing.T) {
	w := newWorld(t)
	e := w.engine(t, functions.Config{})
	typ, _ := w.registry.Type("crm_account")
	values := map[content.Kind]string{content.String: "Company 07", content.Int: "7", content.Float: "7003.5", content.Bool: "true", content.Time: "2020-01-31T00:00:00Z", content.Date: "2020-01-31", content.JSON: `{"city":"Oslo"}`}
	count := func(field, op string, values ...string) (n int, err error) {
		t.Helper()
		quoted := make([]string, len(values))
		for i, v := range values {
			quoted[i] = fmt.Sprintf("%q", v)
		}
		result, err := e.Call(t.Context(), w.mine, "query_model", fmt.Appendf(nil, `{"model":"crm_account","limit":1,"include_total":true,"filters":[{"field":%q,"op":%q,"values":[%s]}]}`, field, op, strings.Join(quoted, ",")))
		if err != nil {
			return 0, err
		}
		return *result.Metadata.Total, nil
	}
	for _, f := range typ.Columns() {
		worked := map[string]int{}
		for _, op := range content.Ops() {
			if op == content.Exists {
				continue
			}
			var args []string
			switch op {
			case content.IsNull, content.NotNull:
			case content.In, content.NotIn:
				args = []string{values[f.Kind], values[f.Kind]}
			default:
				args = []string{values[f.Kind]}
			}
			n, err := count(f.Name, string(op), args...)
			var failed *functions.Error
			switch {
			case err == nil:
				worked[string(op)] = n
			case !errors.As(err, &failed) || failed.Code != functions.CodeInvalid || len(failed.Fields) != 1:
				t.Errorf("%s %s: %v: %v", f.Name, op, err, errors.Unwrap(err))
			}
		}
		if !f.Filterable() {
			if len(worked) > 0 {
				t.Errorf("%s cannot be filtered by, and was: %v", f.Name, worked)
			}
			continue
		}
		for _, pair := range [][2]string{{"is_null", "not_null"}} {
			if worked[pair[0]]+worked[pair[1]] != 30 {
				t.Errorf("%s: %s %d and %s %d are not 30", f.Name, pair[0], worked[pair[0]], pair[1], worked[pair[1]])
			}
		}
		if worked["eq"] != worked["in"] || worked["neq"] != worked["not_in"] || worked["lt"]+worked["gte"] != worked["not_null"] || worked["lte"]+worked["gt"] != worked["not_null"] {
			t.Errorf("%s: %v", f.Name, worked)
		}
	}
}
