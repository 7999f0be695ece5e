//go:build !race

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// Without files the sample goes into a database that is empty; the second call
// only searches. What -json tells is what is stored.
func TestWithoutFiles(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db string) {
		first := quickstart(t, "-db", db, "-json").ok(t).json(t)
		if first.Run == nil || first.Run.Status != "completed" || first.Run.Error != "" || !ids.MatchString(first.Run.ID) {
			t.Fatalf("run: %+v", first.Run)
		}
		checkCreated(t, first, 59, 146, 117)
		// export_query needs the object store that stands beside an SQLite file.
		published := slices.DeleteFunc(slices.Clone(first.Functions), func(name string) bool { return name == "export_query" })
		if d := cmp.Diff([]string{"describe_model", "facet_values", "get", "get_run", "list_runs", "list_types", "more_like_this", "query_model", "search", "search_salesforce", "start_import"}, published); d != "" {
			t.Error(d)
		}
		org := organization(t, db, "acme")
		checkHits(t, org, first, 5)

		second := quickstart(t, "-db", db, "-json").ok(t).json(t)
		if second.Run != nil {
			t.Errorf("the second call imported again: %+v", second.Run)
		}
		second.Run = first.Run
		if d := cmp.Diff(first, second, cmp.AllowUnexported(streamForm{})); d != "" {
			t.Errorf("the second call found something else: %s", d)
		}

		all100 := quickstart(t, "-db", db, "-json", "-q", "", "-limit", "100").ok(t).json(t)
		if all100.Total != 322 {
			t.Errorf("%d records in all", all100.Total)
		}
		checkHits(t, org, all100, 100)
		none := quickstart(t, "-db", db, "-json", "-q", "zyzzyva").ok(t).json(t)
		if none.Total != 0 || len(none.Hits) != 0 {
			t.Errorf("found %d, %v", none.Total, none.Hits)
		}
		out := quickstart(t, "-db", db, "-q", "zyzzyva").ok(t).stdout
		for _, part := range []string{`"acme" holds records already`, `Search for "zyzzyva": 0 found`, "\nget({", `"Found 1 record"`} {
			if !strings.Contains(out, part) {
				t.Errorf("no %q in\n%s", part, out)
			}
		}
		runs, err := org.Runs(t.Context(), jobs.Query{})
		if err != nil || len(runs.Runs) != 1 {
			t.Errorf("%d runs, %v", len(runs.Runs), err)
		}
	})
}

// The user's own files, all parts at once; the same again; a newer export; and
// an export without its first part, which deletes only by force.
func TestOwnFiles(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db string) {
		options := salesforcetest.Options{Accounts: 20, Contacts: 30, Opportunities: 10, Parts: 2}
		parts := export(t, options)
		do := func(args ...string) jsonForm {
			t.Helper()
			return quickstart(t, append([]string{"-db", db, "-json"}, args...)...).ok(t).json(t)
		}
		none := do(append([]string{"-dry-run"}, parts...)...)
		if c := none.counts(t, "account"); c != (counts{Seen: 20, Created: 20}) {
			t.Errorf("dry run: %+v", c)
		}
		org := organization(t, db, "acme")
		if n := stored(t, org); n["account"] != 0 {
			t.Errorf("the dry run stored %v", n)
		}

		first := do(parts...)
		if c := first.counts(t, "contact"); c != (counts{Seen: 30, Created: 30, Indexed: 30}) {
			t.Errorf("first: %+v", c)
		}
		checkHits(t, org, first, 5) // the newest
		again := do(parts...)
		if c := again.counts(t, "contact"); c != (counts{Seen: 30, Unchanged: 30}) {
			t.Errorf("again: %+v", c)
		}
		options.Edition = 1
		newer := do(export(t, options)...)
		if c := newer.counts(t, "account"); c.Updated == 0 || c.Updated+c.Unchanged != 20 || c.Indexed != c.Updated {
			t.Errorf("newer: %+v", c)
		}

		partial := do(parts[1])
		if c := partial.counts(t, "account"); c.Seen != 10 || c.Deleted != 0 {
			t.Errorf("without part 1: %+v", c)
		}
		forced := []string{"-force", parts[1]}
		if c := do(append([]string{"-dry-run"}, forced...)...).counts(t, "account"); c.Deleted != 10 {
			t.Errorf("dry run by force: %+v", c)
		}
		if n := stored(t, org); n["account"] != 20 {
			t.Errorf("the dry run left %v", n)
		}
		if c := do(forced...).counts(t, "account"); c.Deleted != 10 {
			t.Errorf("by force: %+v", c)
		}
		if d := cmp.Diff(map[string]int64{"account": 10, "contact": 15, "opportunity": 5}, stored(t, org)); d != "" {
			t.Error(d)
		}
	})
}

// For people everything that happened is said, and once.
func TestImportSays(t *testing.T) {
	parts := export(t, salesforcetest.Options{Accounts: 20, Parts: 2})
	db := "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	says := func(want []string, args ...string) {
		t.Helper()
		out := quickstart(t, append([]string{"-db", db}, args...)...).ok(t).stdout
		for _, part := range want {
			if strings.Count(out, part) != 1 {
				t.Errorf("%q stands %d times in\n%s", part, strings.Count(out, part), out)
			}
		}
	}
	says([]string{"Importing " + salesforcetest.PartName(salesforcetest.DefaultOrgID, 1) + ", ", ": completed\n", "The newest of 20 records",
		"  Salesforce import started\n", "  20 records indexed\n", "\nget("}, parts...)
	says([]string{"nothing was deleted", "part 1 is missing"}, parts[1])
	says([]string{"A dry run", "10 salesforce_account would be deleted"}, "-force", "-dry-run", parts[1])

	bad := filepath.Join(t.TempDir(), "bad.zip")
	rows := [][]string{{"Id", "Name", "CreatedDate"}, {"nonsense", "A", ""}, {salesforcetest.ID("001", 1), "B\x1b[31m", "tomorrow\x1b[31m"}}
	if err := os.WriteFile(bad, salesforcetest.Zip(salesforcetest.Entry{Name: "Account.csv", Content: salesforcetest.CSV(rows...)}), 0o600); err != nil {
		t.Fatal(err)
	}
	says([]string{"1 records failed, 1 values were left out: ", `bad id "nonsense"`, `line 3 CreatedDate: bad date "tomorrow\x1b[31m"`}, "-org", "other", bad)
	out := quickstart(t, "-db", db, "-org", "other", "-q", "").ok(t).stdout
	if strings.Contains(out, "\x1b") || !strings.Contains(out, "1. Account      B") {
		t.Errorf("a title brought control codes: %s", out)
	}
	form := quickstart(t, "-db", db, "-org", "other", "-json", bad).ok(t).json(t)
	c := form.Run.Streams["salesforce_account"]
	if c.Seen != 2 || c.Failed != 1 || c.BadValues != 1 || len(c.Failures) != 2 || c.Failures[0].Line != 2 || c.Failures[0].File == "" {
		t.Errorf("%+v", c)
	}
}

// Organizations of one database do not see each other.
func TestOrganizations(t *testing.T) {
	eachDatabase(t, func(t *testing.T, db string) {
		parts := export(t, salesforcetest.Options{Accounts: 7})
		one := quickstart(t, append([]string{"-db", db, "-json", "-org", "one"}, parts...)...).ok(t).json(t)
		two := quickstart(t, append([]string{"-db", db, "-json", "-org", " Zwei AG "}, parts...)...).ok(t).json(t)
		if one.Total != 7 || two.Total != 7 || two.counts(t, "account").Created != 7 {
			t.Errorf("one %d, two %d, %+v", one.Total, two.Total, two.Run)
		}
		for _, h := range one.Hits {
			if slices.ContainsFunc(two.Hits, func(other hitForm) bool { return other.ID == h.ID }) {
				t.Errorf("both have %s", h.ID)
			}
		}
		// The sample goes to an organization without records, wherever others have some.
		three := quickstart(t, "-db", db, "-json", "-org", "three").ok(t).json(t)
		if three.Run == nil {
			t.Error("nothing was imported for the third")
		}
		if n := stored(t, organization(t, db, "one")); n["account"] != 7 {
			t.Errorf("the first has %v", n)
		}
	})
}

// The CSV files of a public Salesforce organization, with the dates of reports
// and custom columns.
func TestPublicExport(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "salesforce")
	files, err := filepath.Glob(filepath.Join(dir, "*.csv"))
	if err != nil || len(files) == 0 {
		t.Skipf("there are no CSV files in %s (%v)", dir, err)
	}
	var entries []salesforcetest.Entry
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, salesforcetest.Entry{Name: filepath.Base(f), Content: string(data)})
	}
	zip := filepath.Join(t.TempDir(), "export.zip")
	if err := os.WriteFile(zip, salesforcetest.Zip(entries...), 0o600); err != nil {
		t.Fatal(err)
	}
	eachDatabase(t, func(t *testing.T, db string) {
		form := quickstart(t, "-db", db, "-json", "-q", "united oil", zip).ok(t).json(t)
		checkCreated(t, form, 18, 25, 36)
		if len(form.Hits) != 5 || !strings.HasPrefix(form.Hits[0].Title, "United Oil") {
			t.Errorf("hits: %+v", form.Hits)
		}
		checkHits(t, organization(t, db, "acme"), form, 5)
	})
}

// checkCreated checks the counts of an import in which all records are new.
func checkCreated(t *testing.T, form jsonForm, accounts, contacts, opportunities int64) {
	t.Helper()
	all := func(n int64) streamForm { return streamForm{counts: counts{Seen: n, Created: n, Indexed: n}} }
	want := map[string]streamForm{"salesforce_account": all(accounts), "salesforce_contact": all(contacts), "salesforce_opportunity": all(opportunities)}
	if d := cmp.Diff(want, form.Run.Streams, cmp.AllowUnexported(streamForm{})); d != "" {
		t.Error(d)
	}
}
