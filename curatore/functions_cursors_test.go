package curatore_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/functions"
)

// A cursor goes on in the query that it is of, also with another limit, and in no
// other; one that somebody has changed is refused in words, or leads to a place
// among the caller's own records.
func testCursors(t *testing.T, org *curatore.Organization) {
	id := elements(t, call(t, org, "query_model", args{"model": "salesforce_opportunity", "limit": 2}))
	cases := []struct {
		name   string
		a      args
		others []args
	}{
		{"search", args{"query": "stage"}, []args{{"query": "account"}, {"types": []string{"salesforce_contact"}}, {"filters": []args{{"field": "updated_at", "op": "gt", "values": []string{"2001-01-01T00:00:00Z"}}}}}},
		{"search_salesforce", args{}, []args{{"query": "stage"}, {"types": []string{"salesforce_contact"}}, {"stage_name": []string{"Prospecting"}}}},
		{"query_model", args{"model": "salesforce_account"}, []args{{"model": "salesforce_contact"}, {"filters": []args{{"field": "name", "op": "not_null"}}}, {"any_of": []args{{"field": "name", "op": "not_null"}}}, {"order": []args{{"field": "name", "desc": true}}}, {"group_by": []string{"industry"}}}},
		{"query_model", args{"model": "salesforce_opportunity", "group_by": []string{"id"}}, []args{{"group_by": []string{"stage_name", "id"}}, {"filters": []args{{"field": "stage_name", "op": "not_null"}}}, {"aggregates": []args{{"op": "max", "field": "amount"}}, "order": []args{{"field": "max_amount", "desc": true}}}}},
		{"more_like_this", args{"type": "salesforce_opportunity", "id": id[0]["id"]}, []args{{"id": id[1]["id"]}, {"types": []string{"salesforce_account"}}}},
	}
	random := rand.New(rand.NewPCG(1, 2))
	var cursors []string
	for _, c := range cases {
		c.a["limit"] = 2
		cursor := call(t, org, c.name, c.a).Metadata.NextCursor
		if cursor == "" {
			t.Errorf("%s(%v) has one page", c.name, c.a)
			continue
		}
		with := func(more args) args {
			a := maps.Clone(c.a)
			maps.Copy(a, more)
			a["cursor"] = cursor
			return a
		}
		call(t, org, c.name, with(args{"limit": 3}))
		for _, other := range c.others {
			if _, wrong := tryCall(t, org, c.name, merged(c.a, other)); wrong != nil && other["group_by"] == nil {
				t.Errorf("%s(%v) is wrong by itself: %v", c.name, other, wrong)
			}
			refused(t, org, functions.CodeInvalid, "cursor", c.name, with(other))
		}
		for _, foreign := range cursors {
			refused(t, org, functions.CodeInvalid, "cursor", c.name, merged(c.a, args{"cursor": foreign}))
		}
		cursors = append(cursors, cursor)
		raw, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil {
			raw = []byte(cursor)
		}
		for range 30 {
			changed := append([]byte(nil), raw...)
			changed[random.IntN(len(changed))] ^= 1 << random.IntN(8)
			_, err := tryCall(t, org, c.name, merged(c.a, args{"cursor": base64.RawURLEncoding.EncodeToString(changed)}))
			var e *functions.Error
			if err != nil && (!errors.As(err, &e) || e.Code != functions.CodeInvalid) {
				t.Errorf("%s with %q: %v", c.name, changed, err)
			}
		}
		for _, text := range []string{"x", " ", "…", cursor[:len(cursor)-3], base64.RawURLEncoding.EncodeToString([]byte(`{"q":"","v":[]}`)), base64.RawURLEncoding.EncodeToString([]byte("null"))} {
			refused(t, org, functions.CodeInvalid, "", c.name, merged(c.a, args{"cursor": text}))
		}
	}
}

// merged returns arguments with others in their place.
func merged(a, more args) args {
	all := maps.Clone(a)
	maps.Copy(all, more)
	return all
}

// A cursor of another organization leads to a place among the caller's own records,
// or nowhere: by each function that takes one, with the very arguments that it is of.
func testForeignCursors(t *testing.T, w world) {
	of := func(org *curatore.Organization) map[string][]args {
		first := elements(t, call(t, org, "query_model", args{"model": "salesforce_opportunity", "limit": 1}))[0]["id"]
		return map[string][]args{
			"search":            {{"query": "stage"}, {"query": "stage", "types": []string{"salesforce_opportunity"}}},
			"search_salesforce": {{}, {"query": "stage"}},
			"query_model":       {{"model": "salesforce_account"}, {"model": "salesforce_account", "order": []args{{"field": "id", "desc": true}}}, {"model": "salesforce_opportunity", "group_by": []string{"id"}}},
			"more_like_this":    {{"type": "salesforce_opportunity", "id": first}},
			"list_runs":         {{}},
		}
	}
	importExport(t, w.theirs, exported) // for a second run
	theirs, own := of(w.theirs), map[string]bool{}
	for name, all := range of(w.mine) {
		for _, a := range all {
			a["limit"] = 100
			for _, e := range pages(t, w.mine, name, a) {
				own[fmt.Sprint(e["id"])] = true
			}
		}
	}
	followed := 0
	for _, f := range w.mine.Functions().List() {
		if !strings.Contains(string(f.InputSchema()), `"cursor":{`) {
			continue
		}
		if theirs[f.Name()] == nil {
			t.Errorf("%s takes a cursor and is not looked at", f.Name())
		}
		for _, a := range theirs[f.Name()] {
			a["limit"] = 1
			cursor := call(t, w.theirs, f.Name(), a).Metadata.NextCursor
			if cursor == "" {
				t.Fatalf("%s(%v) has one page", f.Name(), a)
			}
			a["cursor"], a["limit"] = cursor, 100
			if f.Name() == "list_runs" { // testCursors has the others
				refused(t, w.theirs, functions.CodeInvalid, "cursor", f.Name(), merged(a, args{"statuses": []string{"completed"}}))
			}
			result, err := tryCall(t, w.mine, f.Name(), a)
			var failed *functions.Error
			switch {
			case errors.As(err, &failed) && (failed.Code == functions.CodeInvalid || failed.Code == functions.CodeNotFound):
			case err != nil:
				t.Errorf("%s(%v): %v", f.Name(), a, err)
			default:
				followed++
				for _, e := range elements(t, result) {
					if !own[fmt.Sprint(e["id"])] {
						t.Errorf("%s(%v) returned %v", f.Name(), a, e)
					}
				}
			}
		}
	}
	if followed < 3 {
		t.Errorf("%d cursors were followed: the test looks at nothing", followed)
	}
}
