package salesforce_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

// All parts of an export are imported at once. Custom fields, which differ
// between Salesforce organizations, are named in Options.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "salesforce")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	paths, _, err := salesforcetest.WriteDir(dir, salesforcetest.Options{Accounts: 20, Contacts: 50, Opportunities: 30, Parts: 2})
	check(err)

	c, err := curatore.Open(ctx, curatore.Config{Database: "sqlite:" + filepath.Join(dir, "crm.db")},
		salesforce.New(salesforce.Options{OpportunityDates: []string{"RFP_Release_Date__c"}}))
	check(err)
	defer func() { check(c.Close()) }()
	org, err := c.Organization(ctx, "acme", "example")
	check(err)
	files, closeFiles, err := connectors.OpenFiles(paths...)
	check(err)
	defer func() { check(closeFiles()) }()
	run, err := org.Import(ctx, "salesforce", files...)
	check(err)
	result, err := run.Wait(ctx)
	check(err)
	for _, name := range []string{"salesforce_account", "salesforce_contact", "salesforce_opportunity"} {
		fmt.Println(name, result.Streams[name].Created)
	}
	stats, err := org.Stats(ctx, "salesforce")
	check(err)
	fmt.Println(stats["contacts"]["current_employees"], "of", stats["contacts"]["total"], "contacts are current employees")
	found, err := org.Search(ctx, search.Query{Types: []string{"salesforce_account"}, Limit: 1})
	check(err)
	// What a model may call.
	for _, call := range [][2]string{
		{"list_types", `{}`},
		{"search_salesforce", `{"query": "account"}`},
		{"get", fmt.Sprintf(`{"type": "salesforce_account", "id": %q}`, found.Hits[0].ID)},
		{"query_model", `{"model": "salesforce_account", "select": ["name"], "limit": 3}`},
	} {
		answer, err := org.Functions().Call(ctx, call[0], json.RawMessage(call[1]))
		check(err)
		fmt.Println(call[0]+":", answer.Message)
	}
	// Output:
	// salesforce_account 20
	// salesforce_contact 50
	// salesforce_opportunity 30
	// 40 of 50 contacts are current employees
	// list_types: There are 3 types
	// search_salesforce: Found 7 of 7 records
	// get: Found 1 record
	// query_model: Found 3 records, and there are more
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
