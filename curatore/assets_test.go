package curatore_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/samgov"
	"github.com/curatore/curatore-go/connectors/sharepoint"
	"github.com/curatore/curatore-go/connectors/upload"
	"github.com/curatore/curatore-go/connectors/web"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

// Files of several connections are one type: they are listed and searched together,
// and none of the connections deletes what another has.
func TestAssetsOfSeveralConnections(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/":
					w.Header().Set("Content-Type", "text/html")
					_, _ = fmt.Fprint(w, `<title>Welcome</title><p>Read the <a href="/docs/lease.csv">lease</a>`)
				case "/docs/lease.csv":
					w.Header().Set("Content-Type", "text/csv")
					_, _ = fmt.Fprint(w, "room,rent\nharbour,4200\n")
				default:
					http.NotFound(w, r)
				}
			}))
			defer site.Close()
			ctx := t.Context()
			c, err := curatore.Open(ctx, curatore.Config{Database: databasetest.DSN(t, kind)},
				web.New(web.Settings{DelayMillis: -1, AllowNetworks: []string{"127.0.0.0/8"}, Collections: []web.Collection{{Name: "site", Seeds: []string{site.URL + "/"}}}}),
				sharepoint.New(), samgov.New(), upload.New(upload.Settings{Sync: true}))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			org, err := c.Organization(ctx, "acme", "test")
			if err != nil {
				t.Fatal(err)
			}
			load := func(connection string, texts ...string) *connectors.Result {
				t.Helper()
				var files []connectors.File
				for i := 0; i < len(texts); i += 2 {
					files = append(files, connectors.File{Name: texts[i], Size: int64(len(texts[i+1])), ReaderAt: strings.NewReader(texts[i+1])})
				}
				run, err := org.Import(ctx, connection, files...)
				if err != nil {
					t.Fatal(err)
				}
				result, err := run.Wait(ctx)
				if err != nil {
					t.Fatal(err)
				}
				return result
			}
			list := func(typeName string) (lines []string) {
				t.Helper()
				page, err := org.List(ctx, typeName, curatore.ListQuery{Limit: 1000})
				if err != nil {
					t.Fatal(err)
				}
				for _, item := range page.Items {
					lines = append(lines, fmt.Sprint(item.Fields["source"], " ", item.Fields["path"], " ", item.Fields["extraction_status"]))
				}
				slices.Sort(lines)
				return lines
			}
			expect := func(when string, want ...string) {
				t.Helper()
				for _, typeName := range []string{"asset", "extraction_result"} {
					if d := gocmp.Diff(want, list(typeName)); d != "" {
						t.Errorf("%s, %s: %s", when, typeName, d)
					}
				}
			}
			load("upload", "docs/lease.csv", "room,rent\nharbour,4100\n", "b.txt", "second", "c.txt", "third")
			load("web")
			all := []string{"scrape /docs/lease.csv ok", "upload b.txt ok", "upload c.txt ok", "upload docs/lease.csv ok"}
			expect("at first", all...)

			// A full sync of one connection: what it lacks goes, and nothing else.
			result := load("upload", "docs/lease.csv", "room,rent\nharbour,4100\n", "c.txt", "third")
			if n := *result.Streams["asset"]; n.Deleted != 1 || n.Unchanged != 2 || result.Streams["extraction_result"].Deleted != 1 {
				t.Errorf("the sync counts %+v and %+v", n, *result.Streams["extraction_result"])
			}
			all = slices.DeleteFunc(all, func(s string) bool { return s == "upload b.txt ok" })
			expect("after a sync", all...)
			load("web")
			expect("after another crawl", all...)

			// Groups and facets are those of the rows.
			found, err := org.Search(ctx, search.Query{Text: "harbour", Types: []string{"asset"}})
			if err != nil {
				t.Fatal(err)
			}
			if d := gocmp.Diff([]search.FacetCount{{Value: "scrape", Label: "Web", Count: 1}, {Value: "upload", Label: "Upload", Count: 1}}, found.Facets["group"]); d != "" {
				t.Error(d)
			}
			for _, group := range []string{"upload", "sharepoint", "sam", "scrape"} {
				found, err := org.Search(ctx, search.Query{Text: "harbour", Groups: []string{group}})
				if err != nil {
					t.Fatal(err)
				}
				for _, hit := range found.Hits {
					if hit.Group != group {
						t.Errorf("in the group %s there is a hit of %s", group, hit.Group)
					}
				}
				if want := group == "upload" || group == "scrape"; want != (found.Total > 0) {
					t.Errorf("%s: %d hits", group, found.Total)
				}
			}

			// A page shows its document, which knows it.
			pages, err := org.List(ctx, "scraped_asset", curatore.ListQuery{Filters: []content.Filter{{Field: "kind", Op: content.Equal, Values: []string{"document"}}}})
			if err != nil || len(pages.Items) != 1 {
				t.Fatal(pages, err)
			}
			below, err := org.Children(ctx, "scraped_asset", pages.Items[0].ID, "documents", curatore.ListQuery{})
			if err != nil || len(below.Items) != 1 || below.Items[0].Fields["source"] != "scrape" {
				t.Errorf("%+v, %v", below, err)
			}

			// Each connection searches its own, and what is switched off is not seen.
			call := func(name, args string) string {
				t.Helper()
				result, err := org.Functions().Call(ctx, name, json.RawMessage(args))
				if err != nil {
					return err.Error()
				}
				return string(result.Data)
			}
			if got := call("search_upload", `{"query": "harbour"}`); !strings.Contains(got, "4100") || strings.Contains(got, "4200") {
				t.Error(got)
			}
			if got := call("search_web", `{"query": "harbour"}`); strings.Contains(got, "4100") || !strings.Contains(got, "4200") {
				t.Error(got)
			}
			if err := org.SwitchConnection(ctx, "web", false); err != nil {
				t.Fatal(err)
			}
			for _, q := range []string{`{"model": "asset", "select": ["path", "source"]}`, `{"model": "asset", "aggregates": [{"op": "count"}], "group_by": ["source"]}`} {
				if got := call("query_model", q); !strings.Contains(got, "upload") || strings.Contains(got, "scrape") {
					t.Error(got)
				}
			}
			if got := call("search", `{"query": "harbour"}`); !strings.Contains(got, "upload") || strings.Contains(got, "scrape") {
				t.Error(got)
			}
			for _, name := range []string{"get", "more_like_this"} {
				if got := call(name, fmt.Sprintf(`{"type": "asset", "id": %q}`, below.Items[0].ID)); !strings.Contains(got, "There is no") {
					t.Error(name, got)
				}
			}
			stats, err := org.Stats(ctx, "upload")
			if err != nil || stats["files"]["total"] != int64(2) {
				t.Error(stats, err)
			}
			report, err := org.VerifyIndex(ctx)
			if err != nil || !report.Sound() {
				t.Errorf("%+v, %v", report, err)
			}
		})
	}
}
