package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/curatore/curatore-go/connectors/web"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A website is read, searched, and asked why a page is missing.
func Example() {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/":
			_, _ = io.WriteString(w, `<title>Town</title><h1>Town hall</h1><a href="/news">News</a> <a href="/prices.csv">Prices</a> <a href="/drafts/1">Draft</a>`)
		case "/news":
			_, _ = io.WriteString(w, `<title>News</title><h1>Road works</h1><p>The bridge is <b>closed</b> until May.</p>`)
		case "/prices.csv":
			w.Header().Set("Content-Type", "text/csv")
			_, _ = io.WriteString(w, "permit,price\nparking,30\n")
		case "/robots.txt":
			_, _ = io.WriteString(w, "User-agent: *\nDisallow: /drafts\n")
		default:
			http.NotFound(w, r)
		}
	}))
	defer site.Close()
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "web")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()

	c, err := curatore.Open(ctx, curatore.Config{Database: "sqlite:" + filepath.Join(dir, "curatore.db")}, web.New(web.Settings{
		Collections:   []web.Collection{{Name: "town", Seeds: []string{site.URL}}},
		DelayMillis:   -1,                      // it is our own
		AllowNetworks: []string{"127.0.0.0/8"}, // and on this machine
	}))
	check(err)
	defer func() { check(c.Close()) }()
	org, err := c.Organization(ctx, "acme", "example")
	check(err)
	run, err := org.Import(ctx, "web")
	check(err)
	result, err := run.Wait(ctx)
	check(err)
	fmt.Println("pages and documents:", result.Streams["scraped_asset"].Created)

	found, err := org.Search(ctx, search.Query{Text: "bridge closed", Types: []string{"scraped_asset"}})
	check(err)
	text, err := org.Text(ctx, "scraped_asset", found.Hits[0].ID)
	check(err)
	fmt.Println(text)
	decisions, err := org.Functions().Call(ctx, "query_model", json.RawMessage(
		`{"model": "scrape_decision", "select": ["url", "decision", "reason"], "order": [{"field": "title"}]}`))
	check(err)
	fmt.Println(strings.ReplaceAll(string(decisions.Data), site.URL, ""))
	again, err := org.Import(ctx, "web")
	check(err)
	result, err = again.Wait(ctx)
	check(err)
	fmt.Println("changed:", result.Streams["scraped_asset"].Updated)
	// What a model may call.
	for _, call := range [][2]string{
		{"list_types", `{}`},
		{"search_web", `{"query": "bridge closed"}`},
		{"get", fmt.Sprintf(`{"type": "scraped_asset", "id": %q}`, found.Hits[0].ID)},
		{"query_model", `{"model": "scraped_asset", "select": ["title"], "limit": 3}`},
	} {
		answer, err := org.Functions().Call(ctx, call[0], json.RawMessage(call[1]))
		check(err)
		fmt.Println(call[0]+":", answer.Message)
	}
	// Output:
	// pages and documents: 3
	// # Road works
	//
	// The bridge is **closed** until May.
	// {"model":"scrape_decision","rows":[{"url":"/","decision":"stored","reason":""},{"url":"/drafts/1","decision":"skipped","reason":"robots.txt excludes it"},{"url":"/news","decision":"stored","reason":""},{"url":"/prices.csv","decision":"stored","reason":""}]}
	// changed: 0
	// list_types: There are 5 types
	// search_web: Found 1 of 1 record
	// get: Found 1 record
	// query_model: Found 3 records
}
