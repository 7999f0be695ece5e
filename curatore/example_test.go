package curatore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/examples/quickstart/sample"
	"github.com/curatore/curatore-go/search"
)

// check ends an example whose output then is missing.
func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// sampleFiles are the parts of the export that the quickstart carries. Files on
// disk are opened by connectors.OpenFiles.
func sampleFiles() (files []connectors.File) {
	entries, err := sample.Files.ReadDir(".")
	check(err)
	for _, e := range entries {
		data, err := sample.Files.ReadFile(e.Name())
		check(err)
		files = append(files, connectors.File{Name: e.Name(), Size: int64(len(data)), ReaderAt: strings.NewReader(string(data))})
	}
	return files
}

// withSample calls do with an organization into which the sample was imported.
func withSample(do func(ctx context.Context, org *curatore.Organization)) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "curatore")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	c, err := curatore.Open(ctx, curatore.Config{Database: "sqlite:" + filepath.Join(dir, "curatore.db")}, salesforce.New())
	check(err)
	defer func() { check(c.Close()) }()
	org, err := c.Organization(ctx, "acme", "example")
	check(err)
	run, err := org.Import(ctx, "salesforce", sampleFiles()...)
	check(err)
	_, err = run.Wait(ctx)
	check(err)
	do(ctx, org)
}

// Open reports every mistake of every declaration at once, before it touches the
// database.
func ExampleOpen() {
	type Ticket struct {
		content.Record
		Subject string `db:"subject" content:"key"`
		Number  string `db:"number" content:"key"`
		Holder  string `db:"holder_id" content:"parent=helpdesk_person"`
	}
	tickets := content.Define(content.Spec[Ticket]{Name: "helpdesk_ticket", Label: "Ticket", Group: "helpdesk"})
	_, err := curatore.Open(context.Background(), curatore.Config{Database: "sqlite:curatore.db", Types: []*content.Type{tickets}})
	fmt.Println(err)
	// Output:
	// open curatore: invalid declarations:
	// type helpdesk_ticket: two fields have the role "key": subject and number
	// type helpdesk_ticket: the title is missing: tag a field with content:"title" or set Spec.Title
	// type helpdesk_ticket: link field holder_id must be a *string: a record can be without one
	// type helpdesk_ticket: field holder_id links to the unknown type "helpdesk_person"
}

func ExampleOrganization_Import() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "curatore")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	c, err := curatore.Open(ctx, curatore.Config{Database: "sqlite:" + filepath.Join(dir, "curatore.db")}, salesforce.New())
	check(err)
	defer func() { check(c.Close()) }()
	org, err := c.Organization(ctx, "acme", "example")
	check(err)

	for range 2 {
		run, err := org.Import(ctx, "salesforce", sampleFiles()...)
		check(err)
		result, err := run.Wait(ctx)
		check(err)
		for _, t := range org.Types() {
			n := result.Streams[t.Name()]
			fmt.Printf("%s: %d created, %d unchanged, %d indexed\n", t.Plural(), n.Created, n.Unchanged, n.Indexed)
		}
	}
	// Output:
	// Accounts: 59 created, 0 unchanged, 59 indexed
	// Contacts: 146 created, 0 unchanged, 146 indexed
	// Opportunities: 117 created, 0 unchanged, 117 indexed
	// Accounts: 0 created, 59 unchanged, 0 indexed
	// Contacts: 0 created, 146 unchanged, 0 indexed
	// Opportunities: 0 created, 117 unchanged, 0 indexed
}

func ExampleOrganization_Search() {
	withSample(func(ctx context.Context, org *curatore.Organization) {
		found, err := org.Search(ctx, search.Query{
			Text:    `"cloud migration"`,
			Filters: []content.Filter{{Field: "salesforce.is_closed", Op: content.Equal, Values: []string{"false"}}},
			Facets:  []string{"salesforce.stage_name"},
			Limit:   2,
		})
		check(err)
		fmt.Println("found:", found.Total)
		for _, h := range found.Hits {
			fmt.Printf("%s %q %q\n", h.Label, h.Title, h.Highlights["title"])
		}
		for _, v := range found.Facets["salesforce.stage_name"] {
			fmt.Println(v.Label, v.Count)
		}
	})
	// Output:
	// found: 9
	// Opportunity "Cloud migration for personnel database" ["<mark>Cloud migration</mark> for personnel database"]
	// Opportunity "Digital transformation for public website" []
	// Prospecting 3
	// Capture 2
	// Proposal Submitted 2
	// Negotiation/Review 1
	// Qualification 1
}

func ExampleOrganization_Query() {
	withSample(func(ctx context.Context, org *curatore.Organization) {
		table, err := org.Query(ctx, "salesforce_opportunity", []string{"name", "amount", "close_date"}, curatore.ListQuery{
			Filters: []content.Filter{
				{Field: "is_won", Op: content.Equal, Values: []string{"true"}},
				{Field: "close_date", Op: content.GreaterOrEqual, Values: []string{"2025-01-01"}},
			},
			Order: []curatore.Order{{Field: "amount", Desc: true}},
			Limit: 3,
			Total: true,
		})
		check(err)
		for _, row := range table.Rows {
			fmt.Printf("%s: $%.0f, %s\n", row[0], row[1], row[2].(time.Time).Format(time.DateOnly))
		}
		fmt.Println("of", table.Total)
	})
	// Output:
	// Zero trust rollout for airfield lighting (full and open competition): $44637500, 2025-06-11
	// Integration for tax filing platform: $41262500, 2025-05-24
	// Modernization for laboratories: $41000000, 2025-04-05
	// of 17
}

func ExampleOrganization_Stats() {
	withSample(func(ctx context.Context, org *curatore.Organization) {
		stats, err := org.Stats(ctx, "salesforce")
		check(err)
		fmt.Println("open:", stats["opportunities"]["open"], "won:", stats["opportunities"]["won"])
		text, err := json.Marshal(stats["accounts"])
		check(err)
		fmt.Println(string(text))
	})
	// Output:
	// open: 77 won: 21
	// {"by_type":[{"count":12,"type":"Customer - Federal"},{"count":10,"type":"Prospect"},{"count":8,"type":"Competitor"},{"count":8,"type":"Customer - Commercial"},{"count":7,"type":"Subcontractor"},{"count":6,"type":"Partner"},{"count":6,"type":"Vendor"},{"count":2,"type":"Customer - State and Local"}],"total":59}
}

// Functions are what a language model may call; here the program does, with the
// arguments that a model would send. For models there is package openaitools.
func ExampleOrganization_Functions() {
	withSample(func(ctx context.Context, org *curatore.Organization) {
		for _, f := range org.Functions().List() {
			fmt.Println(f.Name())
		}
		result, err := org.Functions().Call(ctx, "query_model", json.RawMessage(`{
			"model": "salesforce_account",
			"select": ["name", "industry"],
			"filters": [{"field": "type", "op": "eq", "values": ["Customer - Federal"]}],
			"limit": 2
		}`))
		check(err)
		fmt.Println(result.Message)
		fmt.Println(string(result.Data))

		_, err = org.Functions().Call(ctx, "query_model", json.RawMessage(`{"model": "salesforce_acount"}`))
		fmt.Println(err)
	})
	// Output:
	// describe_model
	// export_query
	// facet_values
	// get
	// get_run
	// list_runs
	// list_types
	// more_like_this
	// query_model
	// search
	// search_salesforce
	// start_import
	// Found 2 records, and there are more
	// {"model":"salesforce_account","rows":[{"name":"Defense Health Agency - Mission Support Center","industry":"Government"},{"name":"Department of Commerce - Emergency Response Directorate","industry":"Government"}]}
	// invalid_arguments: The arguments of query_model were refused. model is "salesforce_acount", which does not exist; did you mean "salesforce_account"? Correct them and call again.
}
