//go:build !race

package curatore_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/connectors/samgov"
	"github.com/curatore/curatore-go/connectors/samgov/samgovtest"
	"github.com/curatore/curatore-go/connectors/sharepoint"
	"github.com/curatore/curatore-go/connectors/sharepoint/sharepointtest"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

// sources are services that several programs ask.
type sources struct {
	sam   *samgovtest.Server
	graph *sharepointtest.Server
	parts [2][]salesforcetest.Part
}

// program opens a database with all that is fetched from services.
func (s *sources) program(t *testing.T, kind string) *curatore.Curator {
	t.Helper()
	c, err := curatore.Open(t.Context(), curatore.Config{Database: databasetest.DSN(t, kind)}, salesforce.New(),
		samgov.New(samgov.Settings{URL: s.sam.URL, APIKey: "env:SAM", Descriptions: -1, Extractor: &connectortest.Plain{}, AllowNetworks: []string{"127.0.0.0/8"}}),
		sharepoint.New(sharepoint.Settings{Tenant: sharepointtest.Tenant, ClientID: sharepointtest.ClientID, ClientSecret: "env:SHAREPOINT", LoginURL: s.graph.URL, GraphURL: s.graph.URL + "/v1.0",
			Sites: []sharepoint.Site{{Host: "contoso.sharepoint.com", Path: "sites/x"}}, Extractor: &connectortest.Plain{}}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// A deed is what somebody does for an organization. It gives what came of it, without
// ids and times.
type deed struct {
	what string
	do   func(t *testing.T, s *sources, o *curatore.Organization) error
}

func importing(connection, instance string, part int) func(*testing.T, *sources, *curatore.Organization) error {
	return func(t *testing.T, s *sources, o *curatore.Organization) error {
		var files []connectors.File
		if connection == "salesforce" {
			for _, p := range s.parts[part] {
				files = append(files, connectors.File{Name: p.Name, Size: int64(len(p.Data)), ReaderAt: bytes.NewReader(p.Data)})
			}
		}
		run, err := o.ImportWith(t.Context(), connection, connectors.Options{Instance: instance}, files...)
		if err != nil {
			return err
		}
		_, err = run.Wait(t.Context())
		return err
	}
}

// byTitle returns the id of a record, by its place in the order of titles.
func byTitle(t *testing.T, o *curatore.Organization, typeName string, n int) string {
	t.Helper()
	page, err := o.List(t.Context(), typeName, curatore.ListQuery{Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Items) == 0 {
		return "none"
	}
	return page.Items[n%len(page.Items)].ID
}

func linking(target string, from, to int) func(*testing.T, *sources, *curatore.Organization) error {
	return func(t *testing.T, _ *sources, o *curatore.Organization) error {
		opportunity := byTitle(t, o, "salesforce_opportunity", from)
		if to < 0 {
			return o.Unlink(t.Context(), "salesforce_opportunity", opportunity, target)
		}
		return o.Link(t.Context(), "salesforce_opportunity", opportunity, target, byTitle(t, o, target, to))
	}
}

func configuring(connection, instance, settings string) func(*testing.T, *sources, *curatore.Organization) error {
	return func(t *testing.T, _ *sources, o *curatore.Organization) error {
		return o.Configure(t.Context(), curatore.Instance{Connection: connection, Name: instance, Settings: json.RawMessage(settings)})
	}
}

func deeds(r *rand.Rand) deed {
	naics := []string{"541512", "561720", "336412"}[r.IntN(3)]
	all := []deed{
		{what: "import salesforce", do: importing("salesforce", "", r.IntN(2))},
		{what: "import samgov", do: importing("samgov", "", 0)},
		{what: "import samgov navy", do: importing("samgov", "navy", 0)},
		{what: "import sharepoint", do: importing("sharepoint", "", 0)},
		{what: "configure samgov " + naics, do: configuring("samgov", "", `{"searches": [{"naics": "`+naics+`"}]}`)},
		{what: "configure samgov navy", do: configuring("samgov", "navy", `{"searches": [{"organization": "navy"}]}`)},
		{what: "configure sharepoint", do: configuring("sharepoint", "", `{"exclude": ["**/*1.txt"]}`)},
		{what: "link a solicitation", do: linking("sam_solicitation", r.IntN(9), r.IntN(9))},
		{what: "link a folder", do: linking("sharepoint_folder", r.IntN(9), r.IntN(9))},
		{what: "unlink", do: linking("sam_solicitation", r.IntN(9), -1)},
	}
	return all[r.IntN(len(all))]
}

// seen is all that an organization sees, without ids and times.
func seen(t *testing.T, o *curatore.Organization) (lines []string) {
	t.Helper()
	ctx := t.Context()
	names, pages := map[string]string{}, map[string]curatore.Page{}
	for _, typ := range o.Types() {
		page, err := o.List(ctx, typ.Name(), curatore.ListQuery{Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			names[item.ID] = typ.Name() + " " + item.Title
		}
		pages[typ.Name()] = page
	}
	for _, typ := range o.Types() {
		for _, item := range pages[typ.Name()].Items {
			got, err := o.Get(ctx, typ.Name(), item.ID)
			if err != nil {
				t.Fatal(err)
			}
			var cells []string
			for name, v := range got.Fields {
				if _, isTime := v.(*time.Time); isTime || v == nil || strings.HasSuffix(name, "_at") {
					continue
				}
				text := fmt.Sprint(v)
				if id, _ := v.(string); names[id] != "" {
					text = names[id]
				}
				cells = append(cells, name+"="+text)
			}
			slices.Sort(cells)
			for relation, children := range got.Children {
				cells = append(cells, fmt.Sprintf("%s: %d", relation, len(children)))
			}
			slices.Sort(cells)
			lines = append(lines, typ.Name()+" "+strings.Join(cells, ", "))
		}
	}
	for _, connection := range []string{"salesforce", "samgov", "sharepoint"} {
		stats, err := o.Stats(ctx, connection)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(stats)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(b))
	}
	instances, err := o.Instances(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range instances {
		var settings any
		if err := json.Unmarshal(in.Settings, &settings); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprint("instance ", in.Connection, in.Name, settings))
	}
	for _, text := range []string{"cloud", "text of", "statement"} {
		found, err := o.Search(ctx, search.Query{Text: text, Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("found %s: %d", text, found.Total))
	}
	for name, args := range map[string]string{"query_model": `{"model": "sam_notice", "limit": 50}`, "search_samgov": `{"query": "cloud"}`, "search_sharepoint": `{"query": "text"}`} {
		result, err := o.Functions().Call(ctx, name, json.RawMessage(args))
		if err != nil {
			t.Fatal(name, err)
		}
		b, err := json.Marshal(result)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%s: %d notices and files", name, strings.Count(string(b), `"title"`)))
	}
	slices.Sort(lines)
	return lines
}

// Two organizations that import from the same services, with settings, instances and
// links of their own, see at each step what they would see in a database of their own.
func TestSourcesOfTwoOrganizations(t *testing.T) {
	t.Setenv("CURATORE_SECRET_SAM", samgovtest.Key)
	t.Setenv("CURATORE_SECRET_SHAREPOINT", sharepointtest.Secret)
	drive := sharepointtest.NewDrive("b!x", "X", sharepointtest.Item{ID: "f", Name: "Folder", Folder: true})
	for i := range 4 {
		drive.Put(sharepointtest.Item{ID: fmt.Sprint("d", i), Name: fmt.Sprintf("file %d.txt", i), Parent: "f", Text: fmt.Sprint("text of ", i)})
	}
	s := &sources{sam: samgovtest.New(samgovtest.Generate(12, time.Now().AddDate(0, 0, -20), 10)...), graph: sharepointtest.New("contoso.sharepoint.com", &sharepointtest.Site{Path: "sites/x", Drives: []*sharepointtest.Drive{drive}})}
	defer s.sam.Close()
	defer s.graph.Close()
	for i := range s.parts {
		var err error
		if s.parts[i], _, err = salesforcetest.Parts(salesforcetest.Options{Accounts: 3 + i, Contacts: 2, Opportunities: 3, Edition: i}); err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			names := []string{"acme", "globex"}
			shared, alone := map[string]*curatore.Organization{}, map[string]*curatore.Organization{}
			both := s.program(t, kind)
			for _, name := range names {
				var err error
				if shared[name], err = both.Organization(t.Context(), name, "ann"); err != nil {
					t.Fatal(err)
				}
				if alone[name], err = s.program(t, kind).Organization(t.Context(), name, "ann"); err != nil {
					t.Fatal(err)
				}
			}
			random := rand.New(rand.NewPCG(17, 4)) //nolint:gosec // the same deeds each time
			for step := range 16 {
				name, d := names[random.IntN(2)], deeds(random)
				one, two := d.do(t, s, shared[name]), d.do(t, s, alone[name])
				if (one == nil) != (two == nil) {
					t.Fatalf("step %d: %s of %s: %v, alone %v", step, d.what, name, one, two)
				}
				for _, name := range names {
					if diff := cmp.Diff(seen(t, alone[name]), seen(t, shared[name])); diff != "" {
						t.Fatalf("step %d: after %s, %s sees what is not in a database of its own: %s", step, d.what, name, diff)
					}
				}
			}
			if n := len(seen(t, alone["acme"])) + len(seen(t, alone["globex"])); n < 60 {
				t.Errorf("only %d lines were seen", n)
			}
		})
	}
}
