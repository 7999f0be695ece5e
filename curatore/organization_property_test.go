//go:build !race

package curatore_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

// Two organizations of one database, with the same ids in random imports, see
// exactly what each would see in a database of its own: counts, lists, queries,
// children, statistics, hits with their scores and order, facets.
func TestTwoOrganizationsEqualTwoDatabases(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		depots := newDepots(t, kind)
		shared := []*depot{depots(t, "one"), depots(t, "two")}
		apart := []*depot{newDepots(t, kind)(t, "alone"), newDepots(t, kind)(t, "alone")}
		seed := uint64(20260301)
		random := rand.New(rand.NewPCG(seed, 7))
		rounds := 24
		if kind == "postgres" {
			rounds = 10
		}
		for round := range rounds {
			who := random.IntN(2)
			options := connectors.Options{Force: random.IntN(3) == 0, DryRun: random.IntN(8) == 0}
			if random.IntN(4) == 0 {
				options.Instance = "second"
			}
			content := randomExport(random)
			var results []string
			for _, d := range []*depot{shared[who], apart[who]} {
				result, _, err := d.load(options, content()...)
				if err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				b, err := json.Marshal(result)
				if err != nil {
					t.Fatal(err)
				}
				results = append(results, string(b))
			}
			if results[0] != results[1] {
				t.Fatalf("seed %d, round %d: the results differ:\n%s\n%s", seed, round, results[0], results[1])
			}
			if round%3 != 2 {
				continue
			}
			for i := range shared {
				if diff := gocmp.Diff(view(t, apart[i].org), view(t, shared[i].org)); diff != "" {
					t.Fatalf("seed %d, round %d: organization %d sees otherwise beside another one: %s", seed, round, i, diff)
				}
			}
		}
	})
}

var words = strings.Fields("cloud migration radar bridge harbor survey logistics training network audit satellite engine")

// randomExport makes an export of a few of forty accounts, contacts and
// opportunities, some of them deleted, broken, or twice.
func randomExport(random *rand.Rand) func() []connectors.File {
	text := func() string {
		return words[random.IntN(len(words))] + " " + words[random.IntN(len(words))] + " " + words[random.IntN(len(words))]
	}
	deleted := func() string { return []string{"0", "0", "0", "0", "0", "1"}[random.IntN(6)] }
	amount := func() string { return []string{"1000", "$2,500", "", "much"}[random.IntN(4)] }
	id := func(make func(int) string) string {
		switch n := random.IntN(40); {
		case random.IntN(60) == 0:
			return make(n)[:15] + "zzz"
		case random.IntN(4) == 0:
			return make(n)[:15]
		default:
			return make(n)
		}
	}
	accounts := [][]string{{"Id", "IsDeleted", "Name", "Type", "Description", "AnnualRevenue", "ParentId"}}
	contacts := [][]string{{"Id", "IsDeleted", "FirstName", "LastName", "Title", "AccountId", "Current_Employee__c"}}
	opportunities := [][]string{{"Id", "IsDeleted", "Name", "StageName", "Amount", "AccountId", "IsClosed", "IsWon"}}
	for range random.IntN(60) {
		accounts = append(accounts, []string{id(accountID), deleted(), text(), []string{"Customer", "Partner", ""}[random.IntN(3)], text() + ". " + text(), amount(), accountID(random.IntN(60))})
	}
	for range random.IntN(40) {
		contacts = append(contacts, []string{id(contactID), deleted(), "Ann", text(), text(), accountID(random.IntN(60)), []string{"1", "0", ""}[random.IntN(3)]})
	}
	for range random.IntN(40) {
		opportunities = append(opportunities, []string{id(opportunityID), deleted(), text(), []string{"Capture", "Closed Won"}[random.IntN(2)], amount(), accountID(random.IntN(60)), "0", "0"})
	}
	withContacts := random.IntN(4) > 0
	return func() []connectors.File {
		e := []connectors.File{zipped(entry("Account.csv", accounts...), entry("Opportunity.csv", opportunities...))}
		if withContacts {
			e = []connectors.File{zipped(entry("Account.csv", accounts...), entry("Contact.csv", contacts...), entry("Opportunity.csv", opportunities...))}
		}
		return e
	}
}

// view is what an organization shows, with external ids in place of ids.
func view(t *testing.T, org *curatore.Organization) (lines []string) {
	t.Helper()
	ctx := context.Background()
	names := map[string]string{}
	var all []content.Item
	for _, typ := range org.Types() {
		for cursor := ""; ; {
			page, err := org.List(ctx, typ.Name(), store.Query{Limit: 13, Cursor: cursor, Total: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range page.Items {
				names[item.ID] = fmt.Sprint(typ.Name(), " ", item.Fields["salesforce_id"])
			}
			all = append(all, page.Items...)
			if cursor = page.NextCursor; cursor == "" {
				lines = append(lines, fmt.Sprintf("%s: %d in all", typ.Name(), page.Total))
				break
			}
		}
	}
	// A link may lead to a record that is deleted and not purged.
	named := func(v any) string {
		if id, ok := v.(string); ok && id != "" {
			return cmp.Or(names[id], "a deleted one")
		}
		return "none"
	}
	var records []string
	for _, summary := range all {
		item, err := org.Get(ctx, summary.Type, summary.ID)
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%s: %s, below %v", names[item.ID], item.Title, named(item.ParentID))
		for _, link := range []string{"account_id", "parent_account_id"} {
			if v, has := item.Fields[link]; has {
				item.Fields[link] = named(v)
			}
		}
		line += fmt.Sprint(item.Fields)
		for relation, children := range item.Children {
			var below []string
			for _, c := range children {
				below = append(below, names[c.ID])
			}
			slices.Sort(below)
			line += fmt.Sprint(" ", relation, below, item.ChildrenMore[relation])
		}
		records = append(records, sortedWords(line))
	}
	slices.Sort(records)
	lines = append(lines, records...)
	stats, err := org.Stats(ctx, "salesforce")
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(stats)
	if err != nil {
		t.Fatal(err)
	}
	lines = append(lines, string(b))
	for _, q := range []search.Query{{}, {Text: "cloud"}, {Text: "radar \"bridge harbor\""}, {Text: "eng", Types: []string{"salesforce_account"}},
		{Text: "survey audit", Filters: []content.Filter{{Field: "salesforce.type", Op: content.Equal, Values: []string{"Customer"}}}}} {
		q.Limit = 100
		result, err := org.Search(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%q: %d", q.Text, result.Total), fmt.Sprint(result.Facets))
		var hits []string
		for _, h := range result.Hits {
			hits = append(hits, fmt.Sprintf("%.9f %s %q %q", h.Score, names[h.ID], h.Title, h.Highlights))
		}
		slices.Sort(hits) // those of one score are ordered by their ids
		lines = append(lines, hits...)
	}
	return lines
}

// sortedWords makes a line that does not depend on the order of maps.
func sortedWords(line string) string {
	parts := strings.Fields(line)
	slices.Sort(parts)
	return strings.Join(parts, " ")
}
