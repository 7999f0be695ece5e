package samgov_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/connectors/samgov"
	"github.com/curatore/curatore-go/connectors/samgov/samgovtest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

type vault struct{}

func (vault) Secret(context.Context, string) (rest.Secret, error) {
	return rest.NewSecret(samgovtest.Key), nil
}

// Notices of an industry are imported, searched, and asked for through a function.
func Example() {
	ctx := context.Background()
	now := time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC)
	server := samgovtest.New(samgovtest.Generate(24, now.AddDate(0, -1, 0), 12)...)
	defer server.Close()
	dir, err := os.MkdirTemp("", "samgov")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()

	c, err := curatore.Open(ctx, curatore.Config{Database: "sqlite:" + filepath.Join(dir, "sam.db"), Secrets: vault{}, HTTP: server.Client(), Now: func() time.Time { return now }},
		samgov.New(samgov.Settings{URL: server.URL, APIKey: "vault:sam", Searches: []samgov.Search{{NAICS: "541512"}}}))
	check(err)
	defer func() { check(c.Close()) }()
	org, err := c.Organization(ctx, "acme", "example")
	check(err)
	run, err := org.Import(ctx, "samgov")
	check(err)
	result, err := run.Wait(ctx)
	check(err)
	fmt.Println(result.Streams["sam_notice"].Created, "notices,", result.Streams["sam_solicitation"].Created, "solicitations")

	found, err := org.Search(ctx, search.Query{Text: "cloud migration", Types: []string{"sam_notice"}})
	check(err)
	for _, hit := range found.Hits {
		fmt.Println(hit.Label, hit.Title)
	}
	rows, err := org.Functions().Call(ctx, "query_model", json.RawMessage(`{"model": "sam_solicitation", "select": ["solicitation_number", "notice_count"], "limit": 2}`))
	check(err)
	fmt.Println(string(rows.Data))
	// What a model may call.
	for _, call := range [][2]string{
		{"list_types", `{}`},
		{"search_samgov", `{"query": "cloud migration"}`},
		{"get", fmt.Sprintf(`{"type": "sam_notice", "id": %q}`, found.Hits[0].ID)},
		{"query_model", `{"model": "sam_notice", "select": ["title"], "limit": 3}`},
	} {
		answer, err := org.Functions().Call(ctx, call[0], json.RawMessage(call[1]))
		check(err)
		fmt.Println(call[0]+":", answer.Message)
	}
	// Output:
	// 6 notices, 6 solicitations
	// Notice Cloud Migration, lot 12
	// Notice Cloud Migration, lot 0
	// {"model":"sam_solicitation","rows":[{"solicitation_number":"W000000-26-R-0000","notice_count":1},{"solicitation_number":"W000003-26-R-0003","notice_count":1}]}
	// list_types: There are 4 types
	// search_samgov: Found 4 of 4 records
	// get: Found 1 record
	// query_model: Found 3 records, and there are more
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
