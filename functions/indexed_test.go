package functions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/search"
)

// TestSearchOfTheIndex runs the search functions on the real index: what they
// ask is what it understands.
func TestSearchOfTheIndex(t *testing.T) {
	w := newWorld(t)
	config := search.Config{DB: w.db, Authority: w.scopes, Registry: w.registry}
	indexer := search.NewIndexer(config)
	for _, scope := range []content.Scope{w.mine, w.theirs} {
		var docs []content.Document
		for _, typ := range w.registry.Types() {
			page, err := w.store.List(t.Context(), scope, typ, store.Query{Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range page.Items {
				docs = append(docs, typ.Document(row))
			}
		}
		err := w.db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := indexer.Put(ctx, tx, scope, docs)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	w.sources.Search = search.NewSearcher(config)
	e := w.engine(t, functions.Config{})
	for _, c := range []struct{ name, function, args, want string }{
		{"words", "search", `{"query":"banking","limit":1}`, "Found 1 of 12 records"},
		{"a type", "search", `{"query":"company person","types":["crm_contact"]}`, "Found 3 of 3 records"},
		{"a group", "search", `{"query":"company person","groups":["crm"]}`, "Found 20 of 33 records"},
		{"a filter", "search", `{"query":"company","filters":[{"field":"revenue","op":"gte","values":["27013.5"]}]}`, "Found 3 of 3 records"},
		{"a date", "search", `{"query":"company","filters":[{"field":"updated_at","op":"lt","values":["2026-01-01"]}]}`, "Found 0 of 0 records"},
		{"an instruction in a text", "search", `{"query":"\"ignore all previous instructions\""}`, "Found 1 of 1 record"},
		{"no query", "search_crm", `{"limit":1000}`, "Found 33 of 33 records"},
		{"a facet", "search_crm", `{"industry":["Banking"]}`, "Found 12 of 12 records"},
		{"two facets", "search_crm", `{"industry":["Banking"],"active":["true"]}`, "Found 4 of 4 records"},
		{"a facet of one type", "search_crm", `{"role":["CEO","CTO"]}`, "Found 3 of 3 records"},
		{"a type and a word", "search_crm", `{"query":"person","types":["crm_contact"]}`, "Found 3 of 3 records"},
		{"nothing indexed", "search_web", `{}`, "Found 0 of 0 records"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := w.call(t, e, c.function, c.args); !strings.Contains(got, `"message":"`+c.want+`"`) {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
	seen := map[string]int{}
	cursor := ""
	for range 10 {
		result, err := e.Call(t.Context(), w.mine, "search_crm", fmt.Appendf(nil, `{"query":"company","limit":7,"cursor":%q}`, cursor))
		if err != nil {
			t.Fatal(err)
		}
		var list struct{ Items []struct{ ID string } }
		if err := json.Unmarshal(result.Data, &list); err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			seen[item.ID]++
		}
		if cursor = result.Metadata.NextCursor; cursor == "" {
			break
		}
	}
	if len(seen) != 30 || seen["00000000-0000-7000-8000-000000000001"] != 1 {
		t.Errorf("%d records on all pages: %v", len(seen), seen)
	}
	theirs, err := e.Call(t.Context(), w.theirs, "search", []byte(`{"query":"company"}`))
	if err != nil || theirs.Message != "Found 1 of 1 record" || !strings.Contains(string(theirs.Data), "Their company") {
		t.Errorf("got %v, %v", theirs, err)
	}
	if got := w.call(t, e, "search", `{"query":"company","cursor":"abc"}`); !strings.HasPrefix(got, "invalid_arguments") || strings.Contains(got, "SELECT") {
		t.Errorf("a made-up cursor: got %s", got)
	}
}
