//go:build !race

package salesforce_test

import (
	"bytes"
	"testing"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content/database"
)

// exported gives the files of a generated export.
func exported(t testing.TB, o salesforcetest.Options) func() []connectors.File {
	t.Helper()
	parts, _, err := salesforcetest.Parts(o)
	if err != nil {
		t.Fatal(err)
	}
	return func() (files []connectors.File) {
		for _, p := range parts {
			files = append(files, connectors.File{Name: p.Name, Size: int64(len(p.Data)), ReaderAt: bytes.NewReader(p.Data)})
		}
		return files
	}
}

// An export of three parts after an earlier edition: rows that are new, changed,
// deleted and gone, and whatever else the generator thinks of. Positions are
// counted differently in each encoding.
func TestConformance(t *testing.T) {
	for encoding, part := range map[string]struct {
		batch     int
		databases []string
	}{"utf-8": {8, nil}, "windows-1252": {24, []string{database.SQLite}}, "utf-16le": {24, []string{database.SQLite}}} { // what differs is in the reading
		t.Run(encoding, func(t *testing.T) {
			connectortest.Run(t, connectortest.Subject{
				Connection: salesforce.New(salesforce.Options{OpportunityDates: []string{"RFP_Release_Date__c"}}),
				Before:     exported(t, salesforcetest.Options{Accounts: 42, Contacts: 20, Opportunities: 12, Quirks: true}),
				Files:      exported(t, salesforcetest.Options{Accounts: 50, Contacts: 15, Opportunities: 20, Quirks: true, Parts: 3, Edition: 1, Encoding: encoding, Dates: salesforcetest.MonthFirst}),
				Parts:      true, Replay: []byte(`{"date_order": "month first"}`), // which an import finds out from all dates together
				Batch: part.batch, Databases: part.databases,
			})
		})
	}
}
