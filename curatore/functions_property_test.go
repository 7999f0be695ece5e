package curatore_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/functions"
)

// A party is an organization whose every record has its mark, in a random game of
// two.
type party struct {
	org     *curatore.Organization
	mark    string
	ids     map[string]bool // of its records and runs, as far as they were seen
	cursors []string
}

// player makes arguments by chance, of what is right, nearly right and of the other
// party.
type player struct {
	*rand.Rand
	names []string // of fields and of what else arguments name
	pool  []string // ids, keys and words
}

func (p *player) of(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[p.IntN(len(list))]
}

// value makes a value for a schema.
func (p *player) value(name string, s map[string]any, cursors []string) any {
	if values, ok := s["enum"].([]any); ok && p.IntN(20) > 0 {
		return values[p.IntN(len(values))]
	}
	switch s["type"] {
	case "boolean":
		return p.IntN(2) == 0
	case "integer", "number":
		return []int{1, 2, 5, 20, 100, 1000, 0}[p.IntN(7)]
	case "array":
		list := []any{}
		for range p.IntN(3) {
			list = append(list, p.value(name, s["items"].(map[string]any), cursors))
		}
		return list
	case "object":
		object := map[string]any{}
		properties, _ := s["properties"].(map[string]any)
		required, _ := s["required"].([]any)
		for _, property := range slices.Sorted(maps.Keys(properties)) {
			often := 3
			if property == "cursor" || property == "types" || property == "groups" {
				often = 6
			}
			if slices.Contains(required, any(property)) || p.IntN(often) == 0 {
				object[property] = p.value(property, properties[property].(map[string]any), cursors)
			}
		}
		return object
	}
	switch name {
	case "cursor":
		return p.of(cursors)
	case "field", "group_by", "select":
		return p.of(p.names)
	}
	return p.of(p.pool)
}

// learn keeps the ids and the cursor of a result.
func (o *party) learn(r *functions.Result) {
	var v any
	if json.Unmarshal(r.Data, &v) != nil {
		return
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for name, item := range v {
				if id, ok := item.(string); ok && name == "id" && len(id) == 36 {
					o.ids[id] = true
				}
				walk(item)
			}
		}
	}
	walk(v)
	if next := r.Metadata.NextCursor; next != "" {
		o.cursors = append(o.cursors, next)
	}
}

// Whatever one organization calls, with ids, keys and cursors of the other in the
// arguments, nothing of the other comes back: by all functions, on both databases.
func TestRandomCallsStayApart(t *testing.T) {
	onBoth(t, func(t *testing.T, kind string) {
		objects := objectDir(t)
		c := open(t, curatore.Config{Database: databasetest.DSN(t, kind), Objects: objects})
		seed := uint64(20261123)
		p := &player{Rand: rand.New(rand.NewPCG(seed, 1)), pool: []string{"", "nothing", "Customer", "cloud", "1000", "true", "2026-01-31"}}
		parties := []*party{{mark: "zanzibar"}, {mark: "quetzal"}}
		for _, o := range parties {
			o.org, o.ids = organization(t, c, o.mark+" corp"), map[string]bool{}
			accounts := [][]string{{"Id", "Name", "Type", "Description", "AnnualRevenue"}}
			contacts := [][]string{{"Id", "LastName", "Title", "AccountId"}}
			opportunities := [][]string{{"Id", "Name", "StageName", "Amount", "AccountId", "IsClosed", "IsWon"}}
			for i := range 25 {
				accounts = append(accounts, []string{accountID(i), fmt.Sprint("Cloud ", i, o.mark), []string{"Customer", "Partner"}[i%2] + o.mark, "cloud of " + o.mark, fmt.Sprint(1000 * i)})
				contacts = append(contacts, []string{contactID(i), fmt.Sprint("Cloud ", i, o.mark), "Chief " + o.mark, accountID(i % 5)})
				opportunities = append(opportunities, []string{opportunityID(i), fmt.Sprint("Cloud ", i, o.mark), "Won by " + o.mark, fmt.Sprint(10 * i), accountID(i % 3), "1", "0"})
				p.pool = append(p.pool, accountID(i), contactID(i))
			}
			run, err := o.org.Import(t.Context(), "salesforce", zipped(entry("Account.csv", accounts...), entry("Contact.csv", contacts...), entry("Opportunity.csv", opportunities...)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := run.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			connect(t, o.org)
			for _, typ := range o.org.Types() {
				for _, f := range typ.Columns() {
					p.names = append(p.names, f.Name)
				}
				o.learn(call(t, o.org, "query_model", args{"model": typ.Name(), "select": []string{"id"}, "limit": 100}))
				o.learn(call(t, o.org, "query_model", args{"model": typ.Name(), "select": []string{"id"}, "limit": 2}))
				o.learn(call(t, o.org, "query_model", args{"model": typ.Name(), "group_by": []string{"id"}, "limit": 2}))
			}
			o.learn(call(t, o.org, "list_runs", args{}))
			o.learn(call(t, o.org, "search", args{"query": "cloud", "limit": 2}))
			o.learn(call(t, o.org, "search_salesforce", args{"limit": 2}))
			p.pool = append(p.pool, slices.Sorted(maps.Keys(o.ids))...)
		}
		p.names = append(p.names, "count", "title", "organization_id", "sum_amount")
		calls, good, own := 600, map[string]int{}, 0
		if kind == "postgres" {
			calls = 300
		}
		for n := range calls {
			me, them := parties[n%2], parties[1-n%2]
			list := me.org.Functions().List()
			f := list[n/2%len(list)]
			if f.Name() == "start_import" && n > 40 {
				continue // each one is a run
			}
			var schema map[string]any
			if err := json.Unmarshal(f.InputSchema(), &schema); err != nil {
				t.Fatal(err)
			}
			var raw []byte
			var result *functions.Result
			var err error
			for range 8 { // most random arguments are refused
				if raw, err = json.Marshal(p.value("", schema, slices.Concat(me.cursors, them.cursors))); err != nil {
					t.Fatal(err)
				}
				if result, err = me.org.Functions().Call(t.Context(), f.Name(), raw); err == nil {
					break
				}
				var failed *functions.Error
				if !errors.As(err, &failed) || failed.Code == functions.CodeInternal {
					t.Fatalf("seed %d: %s(%s): %v, %v", seed, f.Name(), raw, err, errors.Unwrap(err))
				}
				if strings.Contains(err.Error(), them.mark) {
					t.Fatalf("seed %d: %s(%s) tells of theirs: %v", seed, f.Name(), raw, err)
				}
			}
			if err != nil {
				continue
			}
			good[f.Name()]++
			all, err := result.JSON()
			if err != nil {
				t.Fatal(err)
			}
			if f.Name() == "export_query" {
				var file struct{ Key string }
				if err := result.Decode(&file); err != nil {
					t.Fatal(err)
				}
				r, _, err := objects.Get(t.Context(), file.Key, blob.Range{})
				if err != nil {
					t.Fatal(err)
				}
				table, err := io.ReadAll(r)
				if err := errors.Join(err, r.Close()); err != nil {
					t.Fatal(err)
				}
				all = append(all, table...)
			}
			if strings.Contains(string(all), me.mark) {
				own++
			}
			if strings.Contains(string(all), them.mark) {
				t.Fatalf("seed %d: %s(%s) returned theirs: %s", seed, f.Name(), raw, all)
			}
			for id := range them.ids {
				if strings.Contains(string(all), id) && !strings.Contains(string(raw), id) {
					t.Fatalf("seed %d: %s(%s) returned their id %s: %s", seed, f.Name(), raw, id, all)
				}
			}
			me.learn(result)
		}
		for _, f := range parties[0].org.Functions().List() {
			if good[f.Name()] == 0 && f.Name() != "start_import" {
				t.Errorf("no call of %s was right", f.Name())
			}
		}
		if own < calls/10 {
			t.Errorf("only %d of %d calls returned records at all", own, calls)
		}
	})
}
