package sharepoint_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/connectors/sharepoint"
	"github.com/curatore/curatore-go/connectors/sharepoint/sharepointtest"
	"github.com/curatore/curatore-go/content/extract/local"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

type vault struct{}

func (vault) Secret(context.Context, string) (rest.Secret, error) {
	return rest.NewSecret(sharepointtest.Secret), nil
}

// A library is imported with the text of its documents, and then asked for what
// has changed.
func Example() {
	ctx := context.Background()
	drive := sharepointtest.NewDrive("b!1", "Documents",
		sharepointtest.Item{ID: "f1", Name: "Proposals", Folder: true},
		sharepointtest.Item{ID: "d1", Name: "cloud.md", Parent: "f1", Text: "# Approach\n\nWe move the help desk to the cloud."})
	server := sharepointtest.New("contoso.sharepoint.com", &sharepointtest.Site{Path: "sites/bids", Drives: []*sharepointtest.Drive{drive}})
	defer server.Close()
	dir, err := os.MkdirTemp("", "sharepoint")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()

	c, err := curatore.Open(ctx, curatore.Config{Database: "sqlite:" + filepath.Join(dir, "docs.db"), Secrets: vault{}, HTTP: server.Client()}, sharepoint.New(sharepoint.Settings{
		Tenant: sharepointtest.Tenant, ClientID: sharepointtest.ClientID, ClientSecret: "vault:graph", LoginURL: server.URL, GraphURL: server.URL + "/v1.0",
		Sites: []sharepoint.Site{{Host: "contoso.sharepoint.com", Path: "sites/bids"}}, Extractor: local.New(local.Options{}),
	}))
	check(err)
	defer func() { check(c.Close()) }()
	org, err := c.Organization(ctx, "acme", "example")
	check(err)
	load := func() {
		run, err := org.Import(ctx, "sharepoint")
		check(err)
		result, err := run.Wait(ctx)
		check(err)
		n := result.Streams["asset"]
		fmt.Println(n.Created, "new,", n.Updated, "changed,", n.Deleted, "deleted")
	}
	load()
	server.Do(func() {
		drive.Put(sharepointtest.Item{ID: "d1", Name: "cloud v2.md", Parent: "f1", Text: "# Approach\n\nWe move the help desk to the cloud."})
	})
	load()
	found, err := org.Search(ctx, search.Query{Text: "help desk"})
	check(err)
	for _, hit := range found.Hits {
		fmt.Println(hit.Label, hit.Title)
	}
	// What a model may call.
	for _, call := range [][2]string{
		{"list_types", `{}`},
		{"search_sharepoint", `{"query": "help desk"}`},
		{"get", fmt.Sprintf(`{"type": "asset", "id": %q}`, found.Hits[0].ID)},
		{"query_model", `{"model": "asset", "select": ["filename"], "limit": 3}`},
	} {
		answer, err := org.Functions().Call(ctx, call[0], json.RawMessage(call[1]))
		check(err)
		fmt.Println(call[0]+":", answer.Message)
	}
	// Output:
	// 1 new, 0 changed, 0 deleted
	// 0 new, 1 changed, 0 deleted
	// File cloud v2.md
	// list_types: There are 3 types
	// search_sharepoint: Found 1 of 1 record
	// get: Found 1 record
	// query_model: Found 1 record
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
