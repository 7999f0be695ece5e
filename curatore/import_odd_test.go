//go:build !race

package curatore_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
)

// counts leaves out what the tests of odd inputs are not about.
var counts = cmpopts.IgnoreFields(connectors.Counts{}, "Indexed")

// Odd exports that are imported all the same. Each comes after the baseline of
// ten accounts, and nothing is deleted unless the case says so.
func TestOddExports(t *testing.T) {
	all := accountsCSV(someAccounts(10)...)
	unchanged := connectors.Counts{Seen: 10, Unchanged: 10}
	header := entry("Account.csv", []string{"Id", "Name"})
	in := func(name string, e salesforcetest.Entry) salesforcetest.Entry {
		return salesforcetest.Entry{Name: name, Content: e.Content}
	}
	raw := func(name, content string) salesforcetest.Entry {
		return salesforcetest.Entry{Name: name, Content: content}
	}
	// with is the baseline, but for the row of account 5.
	with := func(lines ...string) string {
		rows := strings.SplitAfter(all.Content, "\n")
		return strings.Join(slices.Replace(rows, 6, 7, lines...), "")
	}
	wide := func(order binaryOrder) string {
		var b []byte
		for _, u := range utf16.Encode([]rune("\ufeff" + strings.Replace(all.Content, "Account 5", "Café 5", 1))) {
			b = order(b, u)
		}
		return string(b)
	}
	row := func(name string) string { return fmt.Sprintf("%q,%q\n", accountID(5), name) }
	accents := strings.Repeat("é", 200) // so that one bad byte is under 1 %
	tests := []struct {
		name     string
		files    []connectors.File
		accounts connectors.Counts
		five     string // the name of account 5; "Account 5" when empty
		failure  string // the only one
		left     int    // accounts; ten when zero
	}{
		{name: "a folder in the zip", files: []connectors.File{zipped(in("export/2026/Account.csv", all))}, accounts: unchanged},
		{name: "names in another case", files: []connectors.File{file("we_00dbm00000qmz4keaf_1.zip", salesforcetest.Zip(in("ACCOUNT.CSV", all)))}, accounts: unchanged},
		{name: "columns in another case and order", files: []connectors.File{zipped(raw("Account.csv", "NAME,id\n"+fmt.Sprintf("Account 5,%s\n", accountID(5))))}, accounts: connectors.Counts{Seen: 1, Updated: 1, Note: "that is 90% of 10, more than 50%; if it is right, use force"}},
		{name: "a CSV as it is", files: []connectors.File{file("Account.csv", []byte(all.Content))}, accounts: unchanged},
		{name: "header only", files: []connectors.File{zipped(header, entry("Contact.csv", []string{"Id"}), entry("Opportunity.csv", []string{"Id"}))}},
		{name: "decoys beside it", files: []connectors.File{zipped(all, entry("AccountContactRole.csv", []string{"Id"}, []string{"02Z"}), entry("Account_History.csv", []string{"Id"}), entry("x/AccountShare.csv", []string{"Id"}))}, accounts: unchanged},
		{name: "ids of 15 characters", files: []connectors.File{zipped(raw("Account.csv", with(fmt.Sprintf("%q,%q\n", accountID(5)[:15], "Short"))))}, accounts: connectors.Counts{Seen: 10, Updated: 1, Unchanged: 9}, five: "Short"},
		{name: "wrong id checksum", files: []connectors.File{zipped(raw("Account.csv", with(fmt.Sprintf("%q,%q\n", accountID(5)[:15]+"zzz", "x"))))},
			accounts: connectors.Counts{Seen: 10, Unchanged: 9, Failed: 1, Note: "they may be the 1 whose key could not be read; mend these, or use force"},
			failure:  "/Account.csv line 7 Id: bad id \"" + accountID(5)[:15] + "zzz\": its checksum is zzz where " + accountID(5)[15:] + " is expected"},
		{name: "empty id", files: []connectors.File{zipped(raw("Account.csv", with(row("Account 5"), "\"\",\"nobody\"\n")))}, accounts: connectors.Counts{Seen: 11, Unchanged: 10, Failed: 1}, failure: "/Account.csv line 8 Id: empty id"},
		{name: "a row that is too short", files: []connectors.File{zipped(raw("Account.csv", with(fmt.Sprintf("%q\n", accountID(5)))))}, accounts: connectors.Counts{Seen: 10, Unchanged: 9, Failed: 1}, failure: "/Account.csv line 7: wrong number of fields: 1, the header has 2"},
		{name: "a row that is too long", files: []connectors.File{zipped(raw("Account.csv", with(fmt.Sprintf("%q,a,b\n", accountID(5)))))}, accounts: connectors.Counts{Seen: 10, Unchanged: 9, Failed: 1}, failure: "/Account.csv line 7: wrong number of fields: 3, the header has 2"},
		{name: "NUL", files: []connectors.File{zipped(raw("Account.csv", with(fmt.Sprintf("%q,\"a\x00b\"\n", accountID(5)))))}, accounts: connectors.Counts{Seen: 10, Unchanged: 9, Failed: 1}, failure: "/Account.csv line 7 Name: NUL byte"},
		{name: "a byte that is not UTF-8", files: []connectors.File{zipped(raw("Account.csv", with(fmt.Sprintf("%q,\"a\xe9b\"\n", accountID(5)))+fmt.Sprintf("%q,%q\n", accountID(20), accents)))},
			accounts: connectors.Counts{Seen: 11, Created: 1, Unchanged: 9, Failed: 1}, left: 11, failure: "/Account.csv line 7 Name: invalid bytes in utf-8"},
		{name: "a stray quote", files: []connectors.File{zipped(raw("Account.csv", with(fmt.Sprintf("%q,\"a\"b\"\n", accountID(5)))))}, accounts: connectors.Counts{Seen: 10, Unchanged: 9, Failed: 1}, failure: "/Account.csv line 7 Name: stray quote, quotes in text must be doubled"},
		{name: "a byte-order mark", files: []connectors.File{zipped(raw("Account.csv", "\ufeff"+with(row("Café 5"))))}, accounts: connectors.Counts{Seen: 10, Updated: 1, Unchanged: 9}, five: "Café 5"},
		{name: "UTF-16LE", files: []connectors.File{zipped(raw("Account.csv", wide(littleEndian)))}, accounts: connectors.Counts{Seen: 10, Updated: 1, Unchanged: 9}, five: "Café 5"},
		{name: "UTF-16BE", files: []connectors.File{zipped(raw("Account.csv", wide(bigEndian)))}, accounts: connectors.Counts{Seen: 10, Updated: 1, Unchanged: 9}, five: "Café 5"},
		{name: "CR LF, a line break and quotes in a field", files: []connectors.File{zipped(raw("Account.csv", strings.ReplaceAll(with(fmt.Sprintf("%q,\"a \"\"b\"\"\nc\"\n", accountID(5))), "\"\n\"", "\"\r\n\"")))}, accounts: connectors.Counts{Seen: 10, Updated: 1, Unchanged: 9}, five: "a \"b\"\nc"},
		{name: "NA is a name", files: []connectors.File{zipped(raw("Account.csv", with(row("NA"))))}, accounts: connectors.Counts{Seen: 10, Updated: 1, Unchanged: 9}, five: "NA"},
		{name: "the same id twice", files: []connectors.File{zipped(raw("Account.csv", with(row("First"), row("Second"))))}, accounts: connectors.Counts{Seen: 11, Updated: 1, Unchanged: 9, Duplicates: 1}, five: "Second"},
		{name: "the same id as 15 and as 18 characters", files: []connectors.File{zipped(raw("Account.csv", with(row("First"), fmt.Sprintf("%q,%q\n", accountID(5)[:15], "Second"))))}, accounts: connectors.Counts{Seen: 11, Updated: 1, Unchanged: 9, Duplicates: 1}, five: "Second"},
		{name: "the same id in two parts", files: []connectors.File{part(2, accountsCSV(account(5, "Later"))), part(1, raw("Account.csv", with(row("Earlier"))))}, accounts: connectors.Counts{Seen: 11, Updated: 1, Unchanged: 9, Duplicates: 1}, five: "Later"},
		{name: "a field of 17 MB", files: []connectors.File{zipped(raw("Account.csv", with(row(strings.Repeat("x", 17<<20)))))}, accounts: connectors.Counts{Seen: 10, Unchanged: 9, Failed: 1}, failure: "/Account.csv line 7 Name: too long"},
		{name: "only part 2", files: []connectors.File{part(2, accountsCSV(someAccounts(9)...))}, accounts: connectors.Counts{Seen: 9, Unchanged: 9, Note: "part 1 is missing (given: 2); import all of it, or use force"}},
		{name: "a gap in the parts", files: []connectors.File{part(1, accountsCSV(someAccounts(5)...)), part(3, accountsCSV(someAccounts(9)[5:]...))}, accounts: connectors.Counts{Seen: 9, Unchanged: 9, Note: "part 2 is missing (given: 1, 3); import all of it, or use force"}},
		{name: "all parts", files: []connectors.File{part(2, accountsCSV(someAccounts(9)[5:]...)), part(1, accountsCSV(someAccounts(5)...))}, accounts: connectors.Counts{Seen: 9, Unchanged: 9, Deleted: 1}, left: 9},
	}
	onBoth(t, func(t *testing.T, kind string) {
		depots := newDepots(t, kind)
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				d := depots(t, test.name)
				d.baseline()
				result, run := d.must(connectors.Options{}, test.files...)
				if diff := gocmp.Diff(&test.accounts, result.Streams["salesforce_account"], counts); diff != "" {
					t.Error(diff)
				}
				accounts := d.accounts()
				if want := max(test.left, 10); test.left != 9 && len(accounts) != want || test.left == 9 && len(accounts) != 9 {
					t.Errorf("%d accounts are left", len(accounts))
				}
				five := test.five
				if five == "" {
					five = "Account 5"
				}
				if i := slices.IndexFunc(accounts, func(a string) bool { return strings.HasPrefix(a, "5 ") }); i < 0 || accounts[i] != "5 "+five {
					t.Errorf("account 5 is %.100v", accounts)
				}
				if n := len(d.rows("SELECT id FROM salesforce_contacts WHERE organization_id = ? AND deleted_at IS NULL", d.id)); n != 4 {
					t.Errorf("%d contacts are left", n)
				}
				var failures []string
				for _, f := range result.Failures {
					failures = append(failures, f.String())
				}
				if len(failures) > 1 || (test.failure != "") != (len(failures) == 1) || test.failure != "" && !strings.HasSuffix(failures[0], test.failure) {
					t.Errorf("failures %q\nwant %q", failures, test.failure)
				}
				stored := d.rows("SELECT scope, file, line, column_name, reason, raw FROM import_failures WHERE organization_id = ?", d.id)
				if len(stored) != len(failures) {
					t.Errorf("stored failures %.300q", stored)
				}
				for _, raw := range d.rows("SELECT raw FROM import_failures WHERE organization_id = ? AND scope = 'record'", d.id) {
					var row map[string]string
					if err := json.Unmarshal([]byte(raw), &row); err != nil || len(row) == 0 {
						t.Errorf("payload %.200q: %v", raw, err)
					}
				}
				if messages, _ := d.events(run.ID, "error"); len(messages) != len(failures) {
					t.Errorf("error events %.300q", messages)
				}
			})
		}
	})
}

type binaryOrder func(b []byte, u uint16) []byte

func littleEndian(b []byte, u uint16) []byte { return append(b, byte(u), byte(u>>8)) }
func bigEndian(b []byte, u uint16) []byte    { return append(b, byte(u>>8), byte(u)) }

// A field of 10 MB is stored as it is and found by what stands at its end.
func TestGiantField(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		d := newDepots(t, kind)(t, "acme")
		text := strings.Repeat("All work and no play makes Jack a dull boy. ", 10<<20/44) + "Sesquipedalian"
		result, _ := d.must(connectors.Options{}, zipped(entry("Account.csv", []string{"Id", "Name", "Description"}, []string{accountID(0), "Overlook", text}, []string{accountID(1), "Other", "short"})))
		if diff := gocmp.Diff(&connectors.Counts{Seen: 2, Created: 2, Indexed: 2}, result.Streams["salesforce_account"]); diff != "" {
			t.Error(diff)
		}
		id := d.rows("SELECT id FROM salesforce_accounts WHERE name = 'Overlook'")[0]
		if got, err := d.org.Text(t.Context(), "salesforce_account", id); err != nil || got != text {
			t.Errorf("%d bytes, want %d; %v", len(got), len(text), err)
		}
		if got := d.found("sesquipedalian"); !slices.Equal(got, []string{"Overlook"}) {
			t.Errorf("found %q", got)
		}
	})
}

// Force deletes what the guards protect, but never because of an object that has
// no rows or is not there.
func TestForce(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		depots := newDepots(t, kind)
		for _, test := range []struct {
			name  string
			files []connectors.File
			left  int
		}{
			{"only part 2", []connectors.File{part(2, accountsCSV(someAccounts(9)...))}, 9},
			{"most are gone", []connectors.File{zipped(accountsCSV(someAccounts(1)...))}, 1},
			{"header only", []connectors.File{zipped(accountsCSV())}, 10},
			{"no Account.csv", []connectors.File{zipped(entry("Contact.csv", []string{"Id"}, []string{contactID(0)}))}, 10},
		} {
			t.Run(test.name, func(t *testing.T) {
				d := depots(t, test.name)
				d.baseline()
				d.must(connectors.Options{Force: true}, test.files...)
				if n := len(d.accounts()); n != test.left {
					t.Errorf("%d accounts are left, want %d", n, test.left)
				}
				if n := len(d.rows("SELECT DISTINCT source_id FROM search_chunks WHERE organization_id = ? AND source_type = 'salesforce_account'", d.id)); n != test.left {
					t.Errorf("%d accounts are in the index", n)
				}
			})
		}
	})
}

// An export without Account.csv leaves accounts as they are, and the result does
// not speak of them.
func TestObjectsThatAreNotThere(t *testing.T) {
	d := newDepots(t, "sqlite")(t, "acme")
	d.baseline()
	before := d.snapshot()
	result, _ := d.must(connectors.Options{}, zipped(entry("Contact.csv", []string{"Id", "LastName", "AccountId"},
		[]string{contactID(0), "Contact 0", accountID(0)}, []string{contactID(1), "Contact 1", accountID(1)}, []string{contactID(2), "Contact 2", accountID(2)}, []string{contactID(3), "Contact 3", accountID(3)})))
	if diff := gocmp.Diff(map[string]*connectors.Counts{"salesforce_contact": {Seen: 4, Unchanged: 4}}, result.Streams); diff != "" {
		t.Error(diff)
	}
	if diff := gocmp.Diff(before, d.snapshot()); diff != "" {
		t.Error(diff)
	}
}

// Unreadable values leave their fields empty and are told with file, line,
// column and value; the run completes.
func TestUnreadableValues(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		d := newDepots(t, kind)(t, "acme")
		result, run := d.must(connectors.Options{}, zipped(
			entry("Account.csv", []string{"Id", "Name", "AnnualRevenue", "NumberOfEmployees", "ParentId", "CreatedDate", "HUBZone__c", "IsDeleted"},
				[]string{accountID(0), "Acme", "1.5 million", "12.5", "001nonsense", "someday", "maybe", "perhaps"},
				[]string{accountID(1), "Bolt", "$1,250,000.50", "1,200", accountID(0)[:15], "2026-02-23T20:55:00.000+02:00", "Yes", "0"}),
			entry("Opportunity.csv", []string{"Id", "Name", "Amount", "CloseDate", "IsWon", "Probability"},
				[]string{opportunityID(0), "Deal", "1,5", "2026-02-30", "si", "n/a"},
				[]string{opportunityID(1), "Other", "", "  ", "", ""})))
		wantCounts := map[string]*connectors.Counts{
			"salesforce_account":     {Seen: 2, Created: 2, BadValues: 6},
			"salesforce_opportunity": {Seen: 2, Created: 2, BadValues: 4},
		}
		if diff := gocmp.Diff(wantCounts, result.Streams, counts); diff != "" {
			t.Error(diff)
		}
		want := []string{
			"field | " + accountID(0) + " | WE_00Dbm00000QmZ4kEAF_1.ZIP/Account.csv | 2 | AnnualRevenue | 1.5 million",
			"field | " + accountID(0) + " | WE_00Dbm00000QmZ4kEAF_1.ZIP/Account.csv | 2 | CreatedDate | someday",
			"field | " + accountID(0) + " | WE_00Dbm00000QmZ4kEAF_1.ZIP/Account.csv | 2 | HUBZone__c | maybe",
			"field | " + accountID(0) + " | WE_00Dbm00000QmZ4kEAF_1.ZIP/Account.csv | 2 | IsDeleted | perhaps",
			"field | " + accountID(0) + " | WE_00Dbm00000QmZ4kEAF_1.ZIP/Account.csv | 2 | NumberOfEmployees | 12.5",
			"field | " + accountID(0) + " | WE_00Dbm00000QmZ4kEAF_1.ZIP/Account.csv | 2 | ParentId | 001nonsense",
			"field | " + opportunityID(0) + " | WE_00Dbm00000QmZ4kEAF_1.ZIP/Opportunity.csv | 2 | Amount | 1,5",
			"field | " + opportunityID(0) + " | WE_00Dbm00000QmZ4kEAF_1.ZIP/Opportunity.csv | 2 | CloseDate | 2026-02-30",
			"field | " + opportunityID(0) + " | WE_00Dbm00000QmZ4kEAF_1.ZIP/Opportunity.csv | 2 | IsWon | si",
			"field | " + opportunityID(0) + " | WE_00Dbm00000QmZ4kEAF_1.ZIP/Opportunity.csv | 2 | Probability | n/a",
		}
		if diff := gocmp.Diff(want, d.rows("SELECT scope, key, file, line, column_name, value FROM import_failures WHERE organization_id = ? ORDER BY file, column_name", d.id)); diff != "" {
			t.Error(diff)
		}
		if len(result.Failures) != 10 {
			t.Errorf("%d failures are listed", len(result.Failures))
		}
		for _, f := range result.Failures {
			if !strings.Contains(f.Reason, f.Value) || f.Column == "" || f.Line != 2 {
				t.Errorf("%+v", f)
			}
		}
		if messages, _ := d.events(run.ID, "error"); len(messages) != 10 || !strings.Contains(strings.Join(messages, "\n"), `warn: WE_00Dbm00000QmZ4kEAF_1.ZIP/Account.csv line 2 AnnualRevenue: bad number "1.5 million"`) {
			t.Errorf("%q", messages)
		}
		got := d.rows("SELECT name, annual_revenue, number_of_employees, parent_salesforce_id, salesforce_created_at, parent_account_id IS NULL FROM salesforce_accounts WHERE organization_id = ? ORDER BY name", d.id)
		if !strings.HasPrefix(got[0], "Acme | - | - | - | - | ") || !strings.HasPrefix(got[1], "Bolt | 1.2500005e+06 | 1200 | "+accountID(0)+" | 2026-02-23") || !strings.Contains(got[1], "18:55:00") {
			t.Errorf("%q", got)
		}
		if got := d.rows("SELECT name, amount, close_date, is_won, probability FROM salesforce_opportunities WHERE organization_id = ? ORDER BY name", d.id); !slices.Equal(got, []string{"Deal | - | - | - | -", "Other | - | - | - | -"}) {
			t.Errorf("%q", got)
		}
		// They are told again as long as they are there, and the row is unchanged.
		again, _ := d.must(connectors.Options{}, zipped(entry("Opportunity.csv", []string{"Id", "Name", "Amount", "CloseDate", "IsWon", "Probability"},
			[]string{opportunityID(0), "Deal", "1,5", "2026-02-30", "si", "n/a"}, []string{opportunityID(1), "Other", "", "  ", "", ""})))
		if diff := gocmp.Diff(&connectors.Counts{Seen: 2, Unchanged: 2, BadValues: 4}, again.Streams["salesforce_opportunity"], counts); diff != "" {
			t.Error(diff)
		}
	})
}

// A date of 13 or more anywhere settles the order of day and month for the whole
// export; options override it.
func TestDateOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		depots := newDepots(t, kind)
		for _, test := range []struct {
			name, settings string
			accounts       []string // CreatedDate
			closes         string   // CloseDate
			want           []string
			order          string
		}{
			{name: "month first", accounts: []string{"02/03/2026", "2/13/26 8:55 PM"}, closes: "1/2/2026", want: []string{"2026-02-03", "2026-02-13", "2026-01-02"}, order: "month first"},
			{name: "day first", accounts: []string{"02/03/2026", "3/4/26"}, closes: "31/12/2026", want: []string{"2026-03-02", "2026-04-03", "2026-12-31"}, order: "day first"},
			{name: "by the options", settings: `{"date_order":"day first"}`, accounts: []string{"02/03/2026", "3/4/26"}, closes: "5/6/2026", want: []string{"2026-03-02", "2026-04-03", "2026-06-05"}, order: "day first"},
			{name: "by the options in spite of evidence", settings: `{"date_order":"Month First"}`, accounts: []string{"02/03/2026", "13/4/26"}, closes: "5/6/2026", want: []string{"2026-02-03", "", "2026-05-06"}, order: "month first"},
			{name: "no slash dates", accounts: []string{"2026-02-03 00:00:00", "2026-02-04T10:00:00Z"}, closes: "2026-05-06", want: []string{"2026-02-03", "2026-02-04", "2026-05-06"}},
		} {
			t.Run(test.name, func(t *testing.T) {
				d := depots(t, test.name)
				_, run := d.must(connectors.Options{Settings: json.RawMessage(test.settings)}, zipped(
					entry("Account.csv", []string{"Id", "Name", "CreatedDate"}, []string{accountID(0), "a", test.accounts[0]}, []string{accountID(1), "b", test.accounts[1]}),
					entry("Opportunity.csv", []string{"Id", "Name", "CloseDate"}, []string{opportunityID(0), "o", test.closes})))
				got := append(d.rows("SELECT salesforce_created_at FROM salesforce_accounts WHERE organization_id = ? ORDER BY name", d.id), d.rows("SELECT close_date FROM salesforce_opportunities WHERE organization_id = ?", d.id)...)
				for i, want := range test.want {
					if want == "" && got[i] != "-" || !strings.HasPrefix(got[i], want) {
						t.Errorf("date %d is %s, want %q", i, got[i], want)
					}
				}
				if _, data := d.events(run.ID, "import_start"); data["date_order"] != nil && data["date_order"] != test.order || data["date_order"] == nil && test.order != "" {
					t.Errorf("the event says %v", data)
				}
			})
		}
	})
}

// The encoding is found out for the export as a whole, told by an event, and can
// be set.
func TestEncodings(t *testing.T) {
	latin := func(s string) string {
		var b []byte
		for _, r := range s {
			b = append(b, byte(r))
		}
		return string(b)
	}
	onBoth(t, func(t *testing.T, kind string) {
		depots := newDepots(t, kind)
		for _, test := range []struct {
			name, settings, content string
			want                    string
			encoding                string
		}{
			{name: "windows-1252", content: latin("Café Zoë"), want: "Café Zoë", encoding: "windows-1252"},
			{name: "windows-1252 with bytes that it leaves out", content: latin("Café \u0081\u008d ") + "\x80", want: "Café \u0081\u008d €", encoding: "windows-1252"},
			{name: "UTF-8", content: "Café Zoë €", want: "Café Zoë €", encoding: "utf-8"},
			{name: "ASCII", content: "Cafe", want: "Cafe", encoding: "utf-8"},
			{name: "UTF-8 read as windows-1252", settings: `{"encoding":"ISO-8859-1"}`, content: "Café", want: "CafÃ©", encoding: "windows-1252"},
		} {
			t.Run(test.name, func(t *testing.T) {
				d := depots(t, test.name)
				// The other files are in ASCII, and read alike.
				_, run := d.must(connectors.Options{Settings: json.RawMessage(test.settings)}, zipped(accountsCSV(account(0, test.content)), entry("Contact.csv", []string{"Id", "LastName"}, []string{contactID(0), "Plain"})))
				if got := d.accounts(); !slices.Equal(got, []string{"0 " + test.want}) {
					t.Errorf("%q", got)
				}
				messages, data := d.events(run.ID, "import_start")
				if len(messages) != 1 || data["encoding"] != test.encoding {
					t.Errorf("%q %v", messages, data)
				}
				if found := d.found("caf"); len(found) != 1 {
					t.Errorf("found %q", found)
				}
			})
		}
	})
}
