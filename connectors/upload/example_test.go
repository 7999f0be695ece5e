package upload_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/curatore/curatore-go/connectors/upload"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A folder is uploaded, changed, and uploaded again.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "upload")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	docs := filepath.Join(dir, "docs")
	check(os.MkdirAll(filepath.Join(docs, "contracts"), 0o700))
	write := func(name, text string) { check(os.WriteFile(filepath.Join(docs, name), []byte(text), 0o600)) }
	write("contracts/lease.html", "<title>Lease</title><h1>Office lease</h1><p>The monthly rent is 4,200 dollars.</p>")
	write("prices.csv", "item,price\npaper,12\ntoner,80\n")
	write("photo.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\x00")

	c, err := curatore.Open(ctx, curatore.Config{Database: "sqlite:" + filepath.Join(dir, "curatore.db")}, upload.New())
	check(err)
	defer func() { check(c.Close()) }()
	org, err := c.Organization(ctx, "acme", "example")
	check(err)
	add := func() {
		files, err := upload.Dir(docs)
		check(err)
		changes, err := upload.Preview(ctx, org, upload.Settings{}, files...)
		check(err)
		for _, change := range changes {
			fmt.Println(change.State, change.Path)
		}
		run, err := org.Import(ctx, "upload", files...)
		check(err)
		_, err = run.Wait(ctx)
		check(err)
	}
	add()
	write("prices.csv", "item,price\npaper,14\n")
	add()

	found, err := org.Search(ctx, search.Query{Text: "rent"})
	check(err)
	lease := found.Hits[0]
	fmt.Println(lease.Type, lease.Title)
	text, err := org.Text(ctx, "asset", lease.ID)
	check(err)
	fmt.Println(text)
	result, err := org.Functions().Call(ctx, "query_model", json.RawMessage(
		`{"model": "extraction_result", "select": ["filename", "extraction_status", "extractor"], "order": [{"field": "title"}]}`))
	check(err)
	fmt.Println(string(result.Data))
	page, err := org.List(ctx, "asset", curatore.ListQuery{Keyword: "prices"})
	check(err)
	versions, err := org.History(ctx, "asset", page.Items[0].ID, 0, 0)
	check(err)
	fmt.Println("earlier versions of prices.csv:", len(versions))
	// What a model may call.
	for _, call := range [][2]string{
		{"list_types", `{}`},
		{"search_upload", `{"query": "rent"}`},
		{"get", fmt.Sprintf(`{"type": "asset", "id": %q}`, lease.ID)},
		{"query_model", `{"model": "asset", "select": ["filename"], "limit": 3}`},
	} {
		answer, err := org.Functions().Call(ctx, call[0], json.RawMessage(call[1]))
		check(err)
		fmt.Println(call[0]+":", answer.Message)
	}
	// Output:
	// new contracts/lease.html
	// new photo.png
	// new prices.csv
	// unchanged contracts/lease.html
	// unchanged photo.png
	// changed prices.csv
	// asset lease.html
	// # Office lease
	//
	// The monthly rent is 4,200 dollars.
	// {"model":"extraction_result","rows":[{"filename":"lease.html","extraction_status":"ok","extractor":"local/3"},{"filename":"photo.png","extraction_status":"unsupported","extractor":"local/3"},{"filename":"prices.csv","extraction_status":"ok","extractor":"local/3"}]}
	// earlier versions of prices.csv: 1
	// list_types: There are 2 types
	// search_upload: Found 1 of 1 record
	// get: Found 1 record
	// query_model: Found 3 records
}
