package curatore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob/blobtest"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
	"github.com/curatore/curatore-go/search"
)

func TestOrganizationNames(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		c := open(t, curatore.Config{Database: databasetest.DSN(t, kind)})
		for _, test := range []struct {
			name, principal string
			ok              bool
		}{
			{"acme", "ann", true}, {" acme ", "bob", true}, {"Ünïcode & Söhne; DROP TABLE runs --", "ann", true}, {strings.Repeat("x", 200), "ann", true},
			{"", "ann", false}, {"  ", "ann", false}, {"acme", "", false}, {strings.Repeat("x", 201), "ann", false}, {"a\x00b", "ann", false}, {"a\xffb", "ann", false},
			{"acme", "a\x00b", false}, {"acme", strings.Repeat("x", 201), false},
		} {
			org, err := c.Organization(t.Context(), test.name, test.principal)
			if (err == nil) != test.ok || err != nil && !errors.Is(err, content.ErrInvalid) {
				t.Errorf("%.20q by %.20q: %v", test.name, test.principal, err)
			}
			if err == nil && (org.Name() != strings.TrimSpace(test.name) || org.Scope().Principal() != test.principal) {
				t.Errorf("%q by %q", org.Name(), org.Scope().Principal())
			}
		}
	})
}

// Many who ask for a new organization at once get the same one.
func TestOrganizationAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		dsn := databasetest.DSN(t, kind)
		c := open(t, curatore.Config{Database: dsn})
		errs := make(chan error)
		for range 12 {
			go func() {
				_, err := c.Organization(context.Background(), "acme", "ann")
				errs <- err
			}()
		}
		for range 12 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		d := &depot{t: t, db: databasetest.OpenDSN(t, dsn)}
		if got := d.rows("SELECT name FROM organizations"); len(got) != 1 {
			t.Errorf("%q", got)
		}
	})
}

// tables returns the tables that hold rows of organizations.
func (d *depot) tables() []string {
	if d.db.Dialect().Name() == database.SQLite {
		return d.rows("SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = ? ORDER BY 1", "organization_id")
	}
	return d.rows("SELECT table_name FROM information_schema.columns WHERE table_schema = current_schema() AND column_name = ? ORDER BY 1", "organization_id")
}

// goesWithOrganization reports whether a table has a foreign key that removes the
// rows of an organization with it.
func (d *depot) goesWithOrganization(table string) bool {
	query := "SELECT count(*) FROM pg_constraint WHERE conrelid = to_regclass(?) AND confrelid = to_regclass('organizations') AND confdeltype = 'c'"
	if d.db.Dialect().Name() == database.SQLite {
		query = `SELECT count(*) FROM pragma_foreign_key_list(?) WHERE "table" = 'organizations' AND on_delete = 'CASCADE'`
	}
	return d.rows(query, table)[0] != "0"
}

// census counts the rows of an organization in each table, and those that belong
// to nobody.
func (d *depot) census(id string) (lines []string) {
	for _, table := range d.tables() {
		lines = append(lines, table+": "+d.rows("SELECT count(*) FROM "+table+" WHERE organization_id = ?", id)[0])
	}
	return append(lines, "sets of nobody: "+d.rows("SELECT count(*) FROM run_key_sets WHERE run_id NOT IN (SELECT id FROM runs)")[0],
		"keys of nobody: "+d.rows("SELECT count(*) FROM run_keys WHERE set_id NOT IN (SELECT id FROM run_key_sets)")[0])
}

func TestDeleteOrganization(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		depots := newDepots(t, kind)
		one, two := depots(t, "one"), depots(t, "two")
		for _, d := range []*depot{one, two} {
			d.baseline()
			// Failures, soft deletions, a dry run, and keys that a run left behind.
			d.must(connectors.Options{}, zipped(accountsCSV(append(someAccounts(9), []string{accountID(9)})...)))
			d.must(connectors.Options{}, zipped(entry("Contact.csv", []string{"Id", "LastName", "IsDeleted"}, []string{contactID(0), "x", "1"})))
			d.must(connectors.Options{DryRun: true}, zipped(accountsCSV(someAccounts(3)...)))
			d.useFunctions()
			run := d.rows("SELECT id FROM runs WHERE organization_id = ? ORDER BY created_at", d.id)[0]
			if err := d.db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				if _, err := tx.Exec(ctx, "INSERT INTO run_key_sets (run_id, type) VALUES (?, ?)", run, "left behind"); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, "INSERT INTO run_keys (set_id, key, batch) SELECT id, 'k', 1 FROM run_key_sets WHERE run_id = ?", run); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, "INSERT INTO connection_state (organization_id, connection, instance, stream, position, updated_at) VALUES (?, 'x', '', 'y', '1', ?)", d.id, tx.Dialect().Time(time.Unix(0, 0)))
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		for _, line := range one.census(one.id) {
			if table, n, _ := strings.Cut(line, ": "); n == "0" && !strings.HasSuffix(table, "nobody") && !one.goesWithOrganization(table) {
				t.Errorf("%s has no rows in this test, and no foreign key that removes them", table)
			}
		}
		others := two.census(two.id)
		if err := one.c.DeleteOrganization(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		for _, line := range one.census(one.id) {
			if !strings.HasSuffix(line, ": 0") {
				t.Errorf("left behind: %s", line)
			}
		}
		if diff := gocmp.Diff(others, two.census(two.id)); diff != "" {
			t.Error("the other organization has lost something:", diff)
		}
		if got := two.found("account"); len(got) != 10 {
			t.Errorf("the other organization finds %q", got)
		}
		if err := one.c.DeleteOrganization(t.Context(), "one"); !errors.Is(err, content.ErrNotFound) {
			t.Error(err)
		}
		// What still holds the organization finds and stores nothing.
		if got := one.found("account"); len(got) != 0 {
			t.Errorf("found %q", got)
		}
		if _, err := one.org.Import(t.Context(), "salesforce", zipped(accountsCSV(account(0, "x")))); err == nil {
			t.Error("an organization that is gone has imported")
		}
		// A new one of that name begins anew.
		again := depots(t, "one")
		if again.id == one.id || len(again.accounts()) != 0 {
			t.Errorf("%s, %v", again.id, again.accounts())
		}
		again.baseline()
	})
}

// An organization that is deleted while it imports is gone; the import ends.
func TestDeleteOrganizationThatImports(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		d := newDepots(t, kind)(t, "acme")
		data := zipped(accountsCSV(someAccounts(400)...))
		gone := make(chan error, 1)
		wire := &tripwire{at: data.Size / 2}
		wire.call = func() { gone <- d.c.DeleteOrganization(context.Background(), "acme") }
		run, err := d.org.Import(t.Context(), "salesforce", d.wired(data, wire))
		if err != nil {
			t.Fatal(err)
		}
		if err := <-gone; err != nil {
			t.Fatal(err)
		}
		if _, err := run.Wait(t.Context()); !errors.Is(err, content.ErrNotFound) {
			t.Error(err)
		}
		if err := d.c.Close(); err != nil { // waits for the job
			t.Error(err)
		}
		for _, line := range d.census(d.id) {
			if !strings.HasSuffix(line, ": 0") {
				t.Errorf("left behind: %s", line)
			}
		}
	})
}

// The statistics have exactly these names and forms.
func TestStats(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		d := newDepots(t, kind)(t, "acme")
		stats := func() string {
			t.Helper()
			stats, err := d.org.Stats(t.Context(), "salesforce")
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(stats)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		if got, want := stats(), `{"accounts":{"by_type":[],"total":0},"contacts":{"current_employees":0,"total":0},`+
			`"opportunities":{"by_stage":[],"open":0,"open_value":0,"total":0,"won":0,"won_value":0}}`; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		o := func(n int, stage, amount, closed, won, deleted string) []string {
			return []string{opportunityID(n), fmt.Sprint("O", n), stage, amount, closed, won, deleted}
		}
		d.must(connectors.Options{}, zipped(
			entry("Account.csv", []string{"Id", "Name", "Type", "IsDeleted"}, []string{accountID(0), "A", "Customer", "0"}, []string{accountID(1), "B", "Customer", "0"},
				[]string{accountID(2), "C", "Partner", "0"}, []string{accountID(3), "D", "", "0"}, []string{accountID(4), "E", "Partner", "1"}),
			entry("Contact.csv", []string{"Id", "LastName", "Current_Employee__c"}, []string{contactID(0), "A", "1"}, []string{contactID(1), "B", "0"}, []string{contactID(2), "C", ""}),
			entry("Opportunity.csv", []string{"Id", "Name", "StageName", "Amount", "IsClosed", "IsWon", "IsDeleted"},
				o(0, "Capture", "1000.5", "0", "0", "0"), o(1, "Capture", "", "0", "0", "0"), o(2, "Closed Won", "200", "1", "1", "0"), o(3, "Closed Lost", "50", "1", "0", "0"),
				o(4, "Closed Won", "300", "1", "1", "0"), o(5, "", "7", "", "", "0"), o(6, "Capture", "9", "0", "0", "1"))))
		want := `{"accounts":{"by_type":[{"count":2,"type":"Customer"},{"count":1,"type":"Partner"},{"count":1,"type":null}],"total":4},` +
			`"contacts":{"current_employees":1,"total":3},` +
			`"opportunities":{"by_stage":[{"count":2,"stage":"Capture","value":1000.5},{"count":2,"stage":"Closed Won","value":500},{"count":1,"stage":"Closed Lost","value":50},{"count":1,"stage":null,"value":7}],` +
			`"open":2,"open_value":1000.5,"total":6,"won":2,"won_value":500}}`
		if got := stats(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		if _, err := d.org.Stats(t.Context(), "hubspot"); !errors.Is(err, content.ErrInvalid) {
			t.Error(err)
		}
	})
}

// Records that are deleted softly are invisible to everything, and come back
// under their id.
func TestSoftDeletion(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		d := newDepots(t, kind)(t, "acme")
		ctx := t.Context()
		give := func(deleted string) {
			t.Helper()
			d.must(connectors.Options{}, zipped(entry("Account.csv", []string{"Id", "Name", "Type", "ParentId", "IsDeleted"},
				[]string{accountID(0), "Parent", "Customer", "", "0"}, []string{accountID(1), "Child", "Customer", accountID(0), deleted})))
		}
		give("0")
		page, err := d.org.List(ctx, "salesforce_account", store.Query{Keyword: "child"})
		if err != nil || len(page.Items) != 1 {
			t.Fatal(page, err)
		}
		child := page.Items[0].ID
		parent, _ := page.Items[0].Fields["parent_account_id"].(string)
		seen := func() string {
			t.Helper()
			_, getErr := d.org.Get(ctx, "salesforce_account", child)
			_, textErr := d.org.Text(ctx, "salesforce_account", child)
			list, err1 := d.org.List(ctx, "salesforce_account", store.Query{Total: true})
			table, err2 := d.org.Query(ctx, "salesforce_account", []string{"name"}, store.Query{Total: true})
			children, err3 := d.org.Children(ctx, "salesforce_account", parent, "subsidiaries", store.Query{Total: true})
			found, err4 := d.org.Search(ctx, search.Query{Text: "child"})
			stats, err5 := d.org.Stats(ctx, "salesforce")
			if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(getErr == nil, textErr == nil, " ", list.Total, table.Total, children.Total, found.Total, stats["accounts"]["total"])
		}
		if got, want := seen(), "true true 2 2 1 1 2"; got != want {
			t.Errorf("there: %s, want %s", got, want)
		}
		give("1")
		if got, want := seen(), "false false 1 1 0 0 1"; got != want {
			t.Errorf("deleted: %s, want %s", got, want)
		}
		if _, err := d.org.Get(ctx, "salesforce_account", child); !errors.Is(err, content.ErrNotFound) {
			t.Error(err)
		}
		give("0")
		if got, want := seen(), "true true 2 2 1 1 2"; got != want {
			t.Errorf("back: %s, want %s", got, want)
		}
	})
}

func TestRunsAndEvents(t *testing.T) {
	d := newDepots(t, database.SQLite)(t, "acme")
	d.baseline()
	_, run := d.must(connectors.Options{}, zipped(accountsCSV(someAccounts(9)...)))
	if run.Type != "salesforce_import" || run.Queue != "salesforce" || run.Label != "WE_00Dbm00000QmZ4kEAF_1.ZIP" || run.CreatedBy != "test" || run.Phase != "indexing" {
		t.Errorf("%+v", run)
	}
	export := zipped(accountsCSV(someAccounts(9)...))
	raw, err := io.ReadAll(io.NewSectionReader(export, 0, export.Size))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`{"files":[{"filename":"WE_00Dbm00000QmZ4kEAF_1.ZIP","file_size":%d,"key":"%s/salesforce/imports/%s/0","sha256":"%s"}]}`,
		len(raw), d.id, run.ID, blobtest.Sum(raw)); string(run.Config) != want {
		t.Errorf("config %s, want %s", run.Config, want)
	}
	_, data := d.events(run.ID, jobs.EventImportStart)
	want := map[string]any{"connection": "salesforce", "files": []any{"WE_00Dbm00000QmZ4kEAF_1.ZIP"}, "encoding": "utf-8", "csv_files": []any{"WE_00Dbm00000QmZ4kEAF_1.ZIP/Account.csv"},
		"parts": []any{1.0}, "salesforce_organization": "00Dbm00000QmZ4kEAF"}
	if diff := gocmp.Diff(want, data); diff != "" {
		t.Error(diff)
	}
	if messages, data := d.events(run.ID, jobs.EventFullSyncCleanup); len(messages) != 1 || messages[0] != "info: 1 salesforce_account deleted: not in the source any more" ||
		data["type"] != "salesforce_account" || data["count"] != 1.0 {
		t.Errorf("%q %v", messages, data)
	}
	if messages, _ := d.events(run.ID, jobs.EventProgress); len(messages) != 1 || messages[0] != "info: Accounts: 9 read, 0 new, 0 changed, 0 failed" {
		t.Errorf("%q", messages)
	}
	page, err := d.org.Runs(t.Context(), jobs.Query{Types: []string{"salesforce_import"}, Limit: 1})
	if err != nil || len(page.Runs) != 1 || page.Runs[0].ID != run.ID || page.Next == "" {
		t.Errorf("%+v %v", page, err)
	}
}
