package salesforce_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// imported imports CSVs, given as object and rows, and returns what is stored of
// each type, by title.
func imported(t *testing.T, options salesforce.Options, csvs map[string][][]string) (map[string][]content.Row, *connectors.Result, *curatore.Organization) {
	t.Helper()
	c, err := curatore.Open(t.Context(), curatore.Config{Database: databasetest.DSN(t, database.SQLite), NoSearch: true}, salesforce.New(options))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	org, err := c.Organization(t.Context(), "acme", "test")
	if err != nil {
		t.Fatal(err)
	}
	var entries []salesforcetest.Entry
	for object, rows := range csvs {
		entries = append(entries, salesforcetest.Entry{Name: object + ".csv", Content: salesforcetest.CSV(rows...)})
	}
	data := salesforcetest.Zip(entries...)
	run, err := org.Import(t.Context(), "salesforce", connectors.File{Name: "export.zip", Size: int64(len(data)), ReaderAt: bytes.NewReader(data)})
	if err != nil {
		t.Fatal(err)
	}
	result, err := run.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string][]content.Row{}
	for _, typ := range org.Types() {
		table, err := org.Query(t.Context(), typ.Name(), nil, store.Query{})
		if err != nil {
			t.Fatal(err)
		}
		for _, values := range table.Rows {
			row := typ.New()
			for i, f := range table.Columns {
				if _, declared := typ.Field(f.Name); declared {
					f.Set(row, values[i])
				}
			}
			stored[typ.Name()] = append(stored[typ.Name()], row)
		}
	}
	return stored, result, org
}

var noRecord = cmpopts.IgnoreTypes(content.Record{})

func p[T any](v T) *T { return &v }

// Every field that users expect is read from its column.
func TestFields(t *testing.T) {
	account, contact, opportunity, user := salesforcetest.ID("001", 1), salesforcetest.ID("003", 1), salesforcetest.ID("006", 1), salesforcetest.ID("005", 1)
	other := salesforcetest.ID("001", 2)
	stored, result, org := imported(t, salesforce.Options{OpportunityDates: []string{"RFP_Release_Date__c", "Award_Date__c"}}, map[string][][]string{
		"Account": {
			{"Id", "IsDeleted", "Name", "Type", "ParentId", "BillingStreet", "BillingCity", "BillingState", "BillingPostalCode", "BillingCountry", "ShippingStreet", "ShippingCity", "ShippingState",
				"ShippingPostalCode", "ShippingCountry", "Phone", "Website", "Industry", "AnnualRevenue", "NumberOfEmployees", "Description", "OwnerId", "CreatedDate", "LastModifiedDate",
				"SBA_8a__c", "HUBZone__c", "WOSB__c", "EDWOSB__c", "SDVOSB__c", "VOSB__c", "SDB__c", "Small_Business__c", "Custom__c"},
			{account[:15], "0", "  Acme Rockets  ", "Customer", other, "1 Main St\nSuite 2", "Tucson", "AZ", "85701", "USA", "", "Phoenix", "", "", "",
				"(520) 555-0100", "https://acme.example.com", "Aerospace", "$1,250,000.50", "1,200", "Rockets \"for\" coyotes.\nAnd anvils.", user, "2026-02-23 20:55:00", "2026-02-24T10:00:00.000-05:00",
				"1", "true", "YES", "0", "No", "FALSE", "", "1", "NA"},
			{other, "false", "Above", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", ""},
		},
		"Contact": {
			{"Id", "FirstName", "LastName", "Title", "Department", "Email", "Phone", "MobilePhone", "MailingStreet", "MailingCity", "AccountId", "Current_Employee__c", "OwnerId", "CreatedDate", "LastModifiedDate"},
			{contact, "Wile", "Coyote", "Chief Tester", "Field", "wile@example.com", "1", "2", "Cliff 1", "Desert", account, "1", user, "2026-01-01", "2/3/2024 3:04 PM"},
		},
		"Opportunity": {
			{"Id", "Name", "StageName", "Amount", "Probability", "CloseDate", "IsClosed", "IsWon", "Type", "LeadSource", "Description", "NextStep", "AccountId", "FiscalYear", "OwnerId", "CreatedDate", "LastModifiedDate",
				"RFP_Release_Date__c"},
			{opportunity, "Anvils", "Capture", "(1,000)", "35", "2026-12-31 00:00:00", "0", "0", "New", "Web", "Many anvils.", "Call", account, "2027", user, "2026-01-01 01:02:03", "", "1/31/26"},
		},
	})
	when := func(s string) *time.Time {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return &at
	}
	opts := cmp.Options{noRecord, cmp.Comparer(func(a, b json.RawMessage) bool { return string(a) == string(b) }), cmpopts.IgnoreFields(salesforce.Account{}, "ParentAccountID"),
		cmpopts.IgnoreFields(salesforce.Contact{}, "AccountID"), cmpopts.IgnoreFields(salesforce.Opportunity{}, "AccountID")}
	want := map[string][]content.Row{
		"salesforce_account": {
			&salesforce.Account{SalesforceID: other, Name: "Above"},
			&salesforce.Account{SalesforceID: account, Name: "Acme Rockets", Type: p("Customer"), Industry: p("Aerospace"), Phone: p("(520) 555-0100"), Website: p("https://acme.example.com"),
				AnnualRevenue: p(1250000.5), Employees: p(int64(1200)), Description: p("Rockets \"for\" coyotes.\nAnd anvils."),
				BillingAddress:     json.RawMessage(`{"street":"1 Main St\nSuite 2","city":"Tucson","state":"AZ","postal_code":"85701","country":"USA"}`),
				ShippingAddress:    json.RawMessage(`{"city":"Phoenix"}`),
				SmallBusinessFlags: json.RawMessage(`{"edwosb":false,"hubzone":true,"sba_8a":true,"sdvosb":false,"small_business":true,"vosb":false,"wosb":true}`),
				OwnerSalesforceID:  &user, ParentSalesforceID: &other, CreatedDate: when("2026-02-23T20:55:00Z"), ModifiedDate: when("2026-02-24T15:00:00Z")},
		},
		"salesforce_contact": {&salesforce.Contact{SalesforceID: contact, FirstName: p("Wile"), LastName: p("Coyote"), Title: p("Chief Tester"), Department: p("Field"), Email: p("wile@example.com"),
			Phone: p("1"), MobilePhone: p("2"), MailingAddress: json.RawMessage(`{"street":"Cliff 1","city":"Desert"}`), IsCurrentEmployee: p(true), AccountSalesforceID: &account,
			OwnerSalesforceID: &user, CreatedDate: when("2026-01-01T00:00:00Z"), ModifiedDate: when("2024-02-03T15:04:00Z")}},
		"salesforce_opportunity": {&salesforce.Opportunity{SalesforceID: opportunity, Name: "Anvils", StageName: p("Capture"), Amount: p(-1000.0), Probability: p(35.0), CloseDate: when("2026-12-31T00:00:00Z"),
			IsClosed: p(false), IsWon: p(false), Type: p("New"), LeadSource: p("Web"), Description: p("Many anvils."), NextStep: p("Call"), FiscalYear: p(int64(2027)),
			CustomDates: json.RawMessage(`{"RFP_Release_Date__c":"2026-01-31"}`), AccountSalesforceID: &account, OwnerSalesforceID: &user, CreatedDate: when("2026-01-01T01:02:03Z")}},
	}
	if diff := cmp.Diff(want, stored, opts); diff != "" {
		t.Error(diff)
	}
	if len(result.Failures) != 0 {
		t.Errorf("failures %v", result.Failures)
	}

	// The item: title, children, addresses and the whole row as metadata.
	page, err := org.List(t.Context(), "salesforce_account", store.Query{Keyword: "acme"})
	if err != nil || len(page.Items) != 1 {
		t.Fatal(page, err)
	}
	item, err := org.Get(t.Context(), "salesforce_account", page.Items[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := item.Metadata["raw_data"].(json.RawMessage)
	var row map[string]string
	if err := json.Unmarshal(raw, &row); err != nil || row["Custom__c"] != "NA" || row["Name"] != "  Acme Rockets  " || row["ShippingStreet"] != "" {
		t.Errorf("raw data %s, %v", raw, err)
	}
	if item.DisplayType != "Account" || item.Children["contacts"][0].Title != "Wile Coyote" || item.Children["opportunities"][0].Title != "Anvils" {
		t.Errorf("%+v", item)
	}
	for _, name := range []string{"billing_address", "shipping_address", "small_business_flags", "created_at", "updated_at"} {
		if item.Metadata[name] == nil {
			t.Errorf("no %s in %v", name, item.Metadata)
		}
	}
	typ := org.Types()[0]
	if typ.FormalName() != "Salesforce Account" || typ.Label("crm") != "Customer Account" || typ.Label("search") != "Salesforce Account" || typ.Label("unknown") != "Account" {
		t.Error(typ.FormalName(), typ.Label("crm"))
	}
}

// A name may be as long as any text. Another value that is too long for its field
// is left out and told, and the record is kept.
func TestLongValues(t *testing.T) {
	name, kind := strings.Repeat("Acme ", 20_000)+"Rockets", strings.Repeat("k", store.MaxValue)
	stored, result, org := imported(t, salesforce.Options{}, map[string][][]string{
		"Account": {{"Id", "Name", "Type", "Industry"}, {salesforcetest.ID("001", 1), name, kind, kind + "k"}},
		"Contact": {{"Id", "LastName", "Email"}, {salesforcetest.ID("003", 1), kind + "k", "a@example.com"}},
	})
	account, contact := stored["salesforce_account"][0].(*salesforce.Account), stored["salesforce_contact"][0].(*salesforce.Contact)
	if account.Name != name || account.Type == nil || *account.Type != kind || account.Industry != nil || contact.LastName != nil || *contact.Email != "a@example.com" {
		t.Errorf("%d bytes of name, type %v, industry %v, last name %v", len(account.Name), account.Type, account.Industry, contact.LastName)
	}
	var told []string
	for _, f := range result.Failures {
		told = append(told, fmt.Sprint(f.Scope, " ", f.Line, " ", f.Column, " ", f.Value[:3]))
	}
	if d := cmp.Diff([]string{"field 2 Industry kkk", "field 2 LastName kkk"}, told); d != "" {
		t.Error(d)
	}
	page, err := org.List(t.Context(), "salesforce_account", store.Query{Order: []store.Order{{Field: "name"}}})
	if err != nil || len(page.Items) != 1 || page.Items[0].Title != name {
		t.Error(len(page.Items), err)
	}
}

// A file that ends in the middle of a row is not all of an export, and nothing is
// deleted because of what it lacks.
func TestCutShort(t *testing.T) {
	c, err := curatore.Open(t.Context(), curatore.Config{Database: databasetest.DSN(t, database.SQLite), NoSearch: true}, salesforce.New())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	org, err := c.Organization(t.Context(), "acme", "test")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for i := range 10 {
		rows = append(rows, []string{salesforcetest.ID("001", i), fmt.Sprint("Account ", i)})
	}
	text := salesforcetest.CSV(append([][]string{{"Id", "Name"}}, rows...)...)
	for _, test := range []struct {
		cut     int // bytes at the end
		deleted int64
		note    string
	}{
		{0, 0, ""},
		{60, 0, "Account.csv ends with a broken row in line 10, as if it were cut short; import all of it, or use force"},
		{strings.Index(text, rows[8][0]) - 1 - len(text), 2, ""}, // between two rows nobody sees it
	} {
		data := text[:len(text)-max(test.cut, -test.cut)]
		run, err := org.Import(t.Context(), "salesforce", connectors.File{Name: "Account.csv", Size: int64(len(data)), ReaderAt: strings.NewReader(data)})
		if err != nil {
			t.Fatal(err)
		}
		result, err := run.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n := result.Streams["salesforce_account"]; n.Deleted != test.deleted || n.Note != test.note {
			t.Errorf("cut by %d: %+v", test.cut, *n)
		}
	}
}

// The columns of custom fields are named in Options; those that are not there
// are told.
func TestOptions(t *testing.T) {
	options := salesforce.Options{SmallBusiness: map[string]string{"hubzone": "Hub__c", "women_owned": "Women__c"}, CurrentEmployee: "Still_There__c"}
	stored, result, org := imported(t, options, map[string][][]string{
		"Account": {{"Id", "Name", "hub__C", "SBA_8a__c"}, {salesforcetest.ID("001", 1), "A", "1", "1"}},
		"Contact": {{"Id", "LastName", "Still_There__c", "Current_Employee__c"}, {salesforcetest.ID("003", 1), "C", "no", "yes"}},
	})
	if got := string(stored["salesforce_account"][0].(*salesforce.Account).SmallBusinessFlags); got != `{"hubzone":true}` {
		t.Errorf("flags %s", got)
	}
	if got := stored["salesforce_contact"][0].(*salesforce.Contact).IsCurrentEmployee; got == nil || *got {
		t.Errorf("current employee %v", got)
	}
	if len(result.Streams) != 2 || len(result.Failures) != 0 {
		t.Errorf("%v %v", result.Streams, result.Failures)
	}
	runs, err := org.Runs(t.Context(), jobs.Query{})
	if err != nil {
		t.Fatal(err)
	}
	events, err := org.Events(t.Context(), runs.Runs[0].ID, 0, 0)
	if err != nil || !strings.Contains(string(events[0].Data), "Account.Women__c") {
		t.Errorf("%s %v", events[0].Data, err)
	}
}

// A row changes when one of its values does: not when a column is added that it
// has no value for, nor when the rest of the export settles dates or encodings
// differently.
func TestWhatCountsAsChanged(t *testing.T) {
	ctx := context.Background()
	c, err := curatore.Open(ctx, curatore.Config{Database: databasetest.DSN(t, database.SQLite), NoSearch: true}, salesforce.New())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	org, err := c.Organization(ctx, "acme", "test")
	if err != nil {
		t.Fatal(err)
	}
	one, two := salesforcetest.ID("001", 1), salesforcetest.ID("001", 2)
	for i, test := range []struct {
		name     string
		settings string
		csv      string
		updated  int64
	}{
		{"first", ``, "Id,Name,CreatedDate\n%s,A,2026-01-01\n%s,B,2026-01-02\n", 0},
		{"the same", ``, "Id,Name,CreatedDate\n%s,A,2026-01-01\n%s,B,2026-01-02\n", 0},
		{"a column that one has a value for", ``, "Id,Name,CreatedDate,New__c\n%s,A,2026-01-01,x\n%s,B,2026-01-02,\n", 1},
		{"options that change nothing", `{"encoding":"utf-8","date_order":"day first"}`, "Id,Name,CreatedDate,New__c\n%s,A,2026-01-01,x\n%s,B,2026-01-02,\n", 0},
		{"a slash date elsewhere", ``, "Id,Name,CreatedDate,New__c\n%s,A,2026-01-01,x\n%s,B,1/13/2026,\n", 1},
		{"options that map other columns", `{"small_business":{"x":"New__c"}}`, "Id,Name,CreatedDate,New__c\n%s,A,2026-01-01,1\n%s,B,1/13/2026,\n", 2},
	} {
		data := fmt.Sprintf(test.csv, one, two)
		run, err := org.ImportWith(ctx, "salesforce", connectors.Options{Settings: json.RawMessage(test.settings)}, connectors.File{Name: "Account.csv", Size: int64(len(data)), ReaderAt: strings.NewReader(data)})
		if err != nil {
			t.Fatal(err)
		}
		result, err := run.Wait(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n := result.Streams["salesforce_account"]; i > 0 && (n.Updated != test.updated || n.Unchanged != 2-test.updated) {
			t.Errorf("%s: %+v", test.name, *n)
		}
	}
}

// Fields that are not the import's stay as they are.
func TestKeptFields(t *testing.T) {
	dsn := databasetest.DSN(t, database.SQLite)
	c, err := curatore.Open(t.Context(), curatore.Config{Database: dsn, NoSearch: true}, salesforce.New())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	org, err := c.Organization(t.Context(), "acme", "test")
	if err != nil {
		t.Fatal(err)
	}
	load := func(name string) {
		t.Helper()
		data := fmt.Sprintf("Id,Name,linked_sharepoint_folder_id\n%s,%s,from the export\n", salesforcetest.ID("006", 1), name)
		run, err := org.Import(t.Context(), "salesforce", connectors.File{Name: "Opportunity.csv", Size: int64(len(data)), ReaderAt: strings.NewReader(data)})
		if err == nil {
			_, err = run.Wait(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	get := func() string {
		t.Helper()
		table, err := org.Query(t.Context(), "salesforce_opportunity", []string{"name", "linked_sharepoint_folder_id", "linked_sam_solicitation_id"}, store.Query{})
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(table.Rows[0])
	}
	load("First")
	if got := get(); got != "[First <nil> <nil>]" {
		t.Error(got)
	}
	db := databasetest.OpenDSN(t, dsn)
	if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE salesforce_opportunities SET linked_sharepoint_folder_id = ?, linked_sam_solicitation_id = ?", "folder", "solicitation")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	load("Second")
	if got := get(); got != "[Second folder solicitation]" {
		t.Error(got)
	}
}

func TestNewTakesOptions(t *testing.T) {
	for _, c := range []*connectors.Connection{salesforce.New(), salesforce.New(salesforce.Options{DateOrder: "day first"})} {
		if err := connectors.Check(c); err != nil {
			t.Error(err)
		}
		if _, err := content.NewRegistry(c.Types()...); err != nil {
			t.Error(err)
		}
		if !c.Replayable() || c.Name() != "salesforce" || len(c.Types()) != 3 {
			t.Errorf("%v", c)
		}
	}
	if errors.Is(connectors.Check(salesforce.New()), content.ErrInvalid) {
		t.Error("invalid")
	}
	one, two := salesforce.DefaultSmallBusiness(), salesforce.DefaultSmallBusiness()
	one["sba_8a"] = "changed"
	if two["sba_8a"] != "SBA_8a__c" {
		t.Error("the defaults are shared")
	}
}
