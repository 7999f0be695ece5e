package curatore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

// A depot is an organization with the database behind it, to look into.
type depot struct {
	t   testing.TB
	c   *curatore.Curator
	org *curatore.Organization
	db  *database.DB
	id  string // of the organization

	trip *tripStore // on SQLite; on Postgres there is no object store
}

// newDepots opens a database and returns a function that makes depots in it:
// organizations of a name.
func newDepots(t *testing.T, kind string) func(t testing.TB, name string) *depot {
	t.Helper()
	dsn := databasetest.DSN(t, kind)
	config := curatore.Config{Database: dsn}
	var trip *tripStore
	if kind == database.SQLite {
		trip = newTripStore(t)
		config.Objects = trip
	}
	c := open(t, config)
	db := databasetest.OpenDSN(t, dsn)
	return func(t testing.TB, name string) *depot {
		t.Helper()
		d := &depot{t: t, c: c, db: db, trip: trip}
		var err error
		if d.org, err = c.Organization(context.Background(), name, "test"); err != nil {
			t.Fatal(err)
		}
		d.id = d.rows("SELECT id FROM organizations WHERE name = ?", name)[0]
		return d
	}
}

// rows returns the rows of a query, each as one line.
func (d *depot) rows(query string, args ...any) []string {
	d.t.Helper()
	return databasetest.Lines(d.t, d.db, query, args...)
}

// snapshot is all that the organization has: records and chunks, live or not.
func (d *depot) snapshot() (lines []string) {
	for _, table := range []string{"accounts", "contacts", "opportunities"} {
		lines = append(lines, d.rows("SELECT id, salesforce_id, updated_at, deleted_at, indexed_at FROM salesforce_"+table+" WHERE organization_id = ? ORDER BY id", d.id)...)
	}
	return append(lines, d.rows("SELECT number, source_id, content FROM search_chunks WHERE organization_id = ? ORDER BY number", d.id)...)
}

// accounts lists the live accounts by number and name.
func (d *depot) accounts() (lines []string) {
	for _, line := range d.rows("SELECT salesforce_id, name FROM salesforce_accounts WHERE organization_id = ? AND deleted_at IS NULL", d.id) {
		key, name, _ := strings.Cut(line, " | ")
		n := slices.IndexFunc(accountIDs, func(id string) bool { return id == key })
		lines = append(lines, fmt.Sprintf("%d %s", n, name))
	}
	slices.Sort(lines)
	return lines
}

// accountIDs are the ids of accounts by number.
var accountIDs = func() (ids []string) {
	for n := range 400 {
		ids = append(ids, accountID(n))
	}
	return ids
}()

func accountID(n int) string     { return salesforcetest.ID("001", n) }
func contactID(n int) string     { return salesforcetest.ID("003", n) }
func opportunityID(n int) string { return salesforcetest.ID("006", n) }

// file makes a file in memory.
func file(name string, data []byte) connectors.File {
	return connectors.File{Name: name, Size: int64(len(data)), ReaderAt: bytes.NewReader(data)}
}

// zipped makes the one part of an export.
func zipped(entries ...salesforcetest.Entry) connectors.File { return part(1, entries...) }

func part(n int, entries ...salesforcetest.Entry) connectors.File {
	return file(salesforcetest.PartName(salesforcetest.DefaultOrgID, n), salesforcetest.Zip(entries...))
}

// accountsCSV is an Account.csv with these rows of id, name and more.
func accountsCSV(rows ...[]string) salesforcetest.Entry {
	return salesforcetest.Entry{Name: "Account.csv", Content: salesforcetest.CSV(append([][]string{{"Id", "Name"}}, rows...)...)}
}

// account is a row for accountsCSV.
func account(n int, name string) []string { return []string{accountID(n), name} }

// someAccounts are the rows of the first n accounts as load stores them.
func someAccounts(n int) (rows [][]string) {
	for i := range n {
		rows = append(rows, account(i, fmt.Sprintf("Account %d", i)))
	}
	return rows
}

// entry makes a CSV from rows.
func entry(name string, rows ...[]string) salesforcetest.Entry {
	return salesforcetest.Entry{Name: name, Content: salesforcetest.CSV(rows...)}
}

// load runs an import to its end.
func (d *depot) load(options connectors.Options, files ...connectors.File) (*connectors.Result, jobs.Run, error) {
	d.t.Helper()
	ctx := context.Background()
	run, err := d.org.ImportWith(ctx, "salesforce", options, files...)
	if err != nil {
		d.t.Fatal(err)
	}
	result, err := run.Wait(ctx)
	stored, errRun := d.org.Run(ctx, run.ID())
	if errRun != nil {
		d.t.Fatal(errRun)
	}
	if (err == nil) != (stored.Status == jobs.Completed) {
		d.t.Errorf("the run is %s, Wait says %v", stored.Status, err)
	}
	if result == nil {
		return nil, stored, err
	}
	for name, c := range result.Streams {
		if c.Seen != c.Created+c.Updated+c.Unchanged+c.Duplicates+c.Failed {
			d.t.Errorf("%s: the counts do not add up to seen: %+v", name, *c)
		}
	}
	return result, stored, err
}

// must is load for imports that complete.
func (d *depot) must(options connectors.Options, files ...connectors.File) (*connectors.Result, jobs.Run) {
	d.t.Helper()
	result, run, err := d.load(options, files...)
	if err != nil {
		d.t.Fatal(err)
	}
	return result, run
}

// baseline imports ten accounts, four contacts and three opportunities.
func (d *depot) baseline() {
	d.t.Helper()
	contacts, opportunities := [][]string{{"Id", "LastName", "AccountId"}}, [][]string{{"Id", "Name", "AccountId"}}
	for i := range 4 {
		contacts = append(contacts, []string{contactID(i), fmt.Sprintf("Contact %d", i), accountID(i)})
	}
	for i := range 3 {
		opportunities = append(opportunities, []string{opportunityID(i), fmt.Sprintf("Opportunity %d", i), accountID(i)})
	}
	d.must(connectors.Options{}, zipped(accountsCSV(someAccounts(10)...), entry("Contact.csv", contacts...), entry("Opportunity.csv", opportunities...)))
}

// events returns the events of a run of a type, as level and message, and the
// data of the last.
func (d *depot) events(runID, kind string) (messages []string, data map[string]any) {
	d.t.Helper()
	events, err := d.org.Events(context.Background(), runID, 0, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, e := range events {
		if e.Type == kind {
			messages, data = append(messages, string(e.Level)+": "+e.Message), nil
			if len(e.Data) > 0 {
				if err := json.Unmarshal(e.Data, &data); err != nil {
					d.t.Fatal(err)
				}
			}
		}
	}
	return messages, data
}

// found returns the titles that are found for a text.
func (d *depot) found(text string) (titles []string) {
	d.t.Helper()
	result, err := d.org.Search(context.Background(), search.Query{Text: text, Limit: 100})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, h := range result.Hits {
		titles = append(titles, h.Title)
	}
	return titles
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(t *testing.T, kind string)) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) { test(t, kind) })
	}
}

// An export that cannot be read as a whole fails its run, says why, and changes
// nothing.
func TestExportsThatAreRefused(t *testing.T) {
	good := salesforcetest.Zip(accountsCSV(someAccounts(9)...))
	dated := func(values ...string) connectors.File {
		rows := [][]string{{"Id", "Name", "CreatedDate"}}
		for i, v := range values {
			rows = append(rows, []string{accountID(i), "x", v})
		}
		return zipped(entry("Account.csv", rows...))
	}
	settings := func(s string) connectors.Options { return connectors.Options{Settings: json.RawMessage(s)} }
	var failing [][]string
	for i := range 120 {
		id := accountID(i)
		if i < 20 {
			id = id[:15] + "zzz"
		}
		failing = append(failing, []string{id, "x"})
	}
	tests := []struct {
		name    string
		options connectors.Options
		files   []connectors.File
		want    string
	}{
		{name: "no files", want: "no files; give all parts of one export"},
		{name: "not a zip", files: []connectors.File{file("WE_1.ZIP", []byte("this is not a zip file"))}, want: "WE_1.ZIP is not a zip file: give the .ZIP parts of a data export, or .csv files"},
		{name: "empty file", files: []connectors.File{file("WE_1.ZIP", nil)}, want: "WE_1.ZIP is not a zip file: it is empty"},
		{name: "truncated", files: []connectors.File{file("WE_1.ZIP", salesforcetest.Truncated(good))}, want: "WE_1.ZIP is cut short or damaged"},
		{name: "bad checksum", files: []connectors.File{file("WE_1.ZIP", salesforcetest.BadChecksum(accountsCSV(someAccounts(9)...)))}, want: "WE_1.ZIP/Account.csv is cut short or damaged"},
		{name: "encrypted", files: []connectors.File{file("WE_1.ZIP", salesforcetest.Encrypted(accountsCSV(someAccounts(9)...)))}, want: "encrypted"},
		{name: "no known CSV", files: []connectors.File{zipped(entry("Lead.csv", []string{"Id"}), entry("Attachment.csv", []string{"Id"}))}, want: "no known CSV inside: want Account.csv or Contact.csv or Opportunity.csv, found Lead.csv, Attachment.csv"},
		{name: "only decoys", files: []connectors.File{zipped(entry("AccountContactRole.csv", []string{"Id"}), entry("OpportunityHistory.csv", []string{"Id"}), entry("MyAccount.csv", []string{"Id"}))}, want: "no known CSV inside"},
		{name: "no Id column", files: []connectors.File{zipped(entry("Account.csv", []string{"Name", "Type"}, []string{"Acme", "Customer"}))}, want: "Account.csv has no column Id; export the object with its Id (columns found: Name, Type)"},
		{name: "empty CSV", files: []connectors.File{zipped(salesforcetest.Entry{Name: "Account.csv"})}, want: "even an object without rows has a header"},
		{name: "a column twice", files: []connectors.File{zipped(entry("Account.csv", []string{"Id", "Name", "name"}))}, want: `columns 2 and 3 are both named "name"`},
		{name: "a name that leads out", files: []connectors.File{zipped(salesforcetest.Entry{Name: "../Account.csv", Content: "Id,Name\n"})}, want: `insecure entry name "../Account.csv" leads out of the archive`},
		{name: "an absolute name", files: []connectors.File{zipped(salesforcetest.Entry{Name: "/tmp/Account.csv", Content: "Id,Name\n"})}, want: "insecure entry name"},
		{name: "a name of Windows", files: []connectors.File{zipped(salesforcetest.Entry{Name: `x\..\..\Account.csv`, Content: "Id,Name\n"})}, want: "insecure entry name"},
		{name: "bomb", files: []connectors.File{file("WE_1.ZIP", salesforcetest.Bomb("Account.csv", 200<<20, false))}, want: "over the limit"},
		{name: "bomb that lies", files: []connectors.File{file("WE_1.ZIP", salesforcetest.Bomb("Account.csv", 200<<20, true))}, want: "cut short or damaged"},
		{name: "two organizations", files: []connectors.File{part(1, accountsCSV(someAccounts(9)...)), file(salesforcetest.PartName("00D5e000000abcdEAA", 2), good)}, want: "parts of different organizations"},
		{name: "a part twice", files: []connectors.File{part(1, accountsCSV(someAccounts(9)...)), file("WE_"+salesforcetest.DefaultOrgID+"_1 (1).ZIP", good)}, want: "given twice"},
		{name: "dates that nothing settles", files: []connectors.File{dated("02/03/2026", "4/5/26")}, want: `"02/03/2026" (WE_00Dbm00000QmZ4kEAF_1.ZIP/Account.csv line 2, column CreatedDate) has the day or the month first`},
		{name: "dates that contradict each other", files: []connectors.File{dated("13/03/2026", "3/13/2026")}, want: "contradict each other"},
		{name: "custom dates that nothing settles", options: settings(`{"opportunity_dates":["RFP__c"]}`), files: []connectors.File{zipped(entry("Opportunity.csv", []string{"Id", "RFP__c"}, []string{opportunityID(0), "02/03/2026"}))}, want: `set date_order to "month first" or "day first"`},
		{name: "unknown date order", options: settings(`{"date_order":"year first"}`), files: []connectors.File{file("Account.csv", []byte("Id\n"))}, want: `invalid date_order "year first"; use "month first" or "day first"`},
		{name: "unknown encoding", options: settings(`{"encoding":"ebcdic"}`), files: []connectors.File{file("Account.csv", []byte("Id\n"))}, want: `unknown encoding "ebcdic"`},
		{name: "unknown setting", options: settings(`{"encodng":"utf-8"}`), files: []connectors.File{file("Account.csv", []byte("Id\n"))}, want: `invalid settings: json: unknown field "encodng"`},
		{name: "too many failures", files: []connectors.File{zipped(accountsCSV(failing...))}, want: "20 of the first 120 records of salesforce_account failed, more than 10%; the first: WE_00Dbm00000QmZ4kEAF_1.ZIP/Account.csv line 2 Id: bad id"},
	}
	onBoth(t, func(t *testing.T, kind string) {
		depots := newDepots(t, kind)
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				d := depots(t, test.name)
				d.baseline()
				before := d.snapshot()
				options := test.options
				options.Force = true
				result, run, err := d.load(options, test.files...)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%v\nwant %s", err, test.want)
				}
				if run.Status != jobs.Failed || !strings.HasPrefix(run.Error, "import salesforce: ") || strings.ContainsRune(run.Error, '\n') {
					t.Errorf("%s: %q", run.Status, run.Error)
				}
				if result == nil {
					t.Error("a run that failed has no result")
				}
				if test.name == "too many failures" {
					return // its first batch is stored
				}
				if diff := gocmp.Diff(before, d.snapshot()); diff != "" {
					t.Error("it has changed something:", diff)
				}
			})
		}
	})
}

func TestImportIsRefused(t *testing.T) {
	d := newDepots(t, database.SQLite)(t, "acme")
	ctx := t.Context()
	if _, err := d.org.Import(ctx, "hubspot"); err == nil || !strings.Contains(err.Error(), `unknown connection "hubspot"; open are salesforce`) {
		t.Error(err)
	}
	if _, err := d.org.Import(ctx, "salesforce", connectors.File{Name: "x.zip"}); err == nil || !strings.Contains(err.Error(), `the file "x.zip" has no reader`) {
		t.Error(err)
	}
	if _, err := d.org.ReplayFailures(ctx, "hubspot", connectors.Options{}); err == nil {
		t.Error("an unknown connection was replayed")
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := d.org.Import(ended, "salesforce", zipped(accountsCSV())); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	page, err := d.org.Runs(ctx, jobs.Query{})
	if err != nil || len(page.Runs) != 0 {
		t.Errorf("%v %v", page.Runs, err)
	}
}
