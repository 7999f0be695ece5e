package curatore_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/connectors/samgov"
	"github.com/curatore/curatore-go/connectors/samgov/samgovtest"
	"github.com/curatore/curatore-go/connectors/sharepoint"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
)

// An opportunity is linked to a solicitation of its organization; both show it, an
// import keeps it, and it goes with the solicitation.
func TestLink(t *testing.T) {
	t.Setenv("CURATORE_SECRET_SAM", samgovtest.Key)
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			ctx := t.Context()
			server := samgovtest.New(samgovtest.Generate(8, time.Now().AddDate(0, 0, -20), 8)...)
			defer server.Close()
			dsn := databasetest.DSN(t, kind)
			c, err := curatore.Open(ctx, curatore.Config{Database: dsn, HTTP: server.Client(), NoSearch: true}, salesforce.New(), sharepoint.New(),
				samgov.New(samgov.Settings{Descriptions: -1, APIKey: "env:SAM", URL: server.URL}))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: 5, Contacts: 5, Opportunities: 5})
			if err != nil {
				t.Fatal(err)
			}
			load := func(o *curatore.Organization) {
				t.Helper()
				var files []connectors.File
				for _, p := range parts {
					files = append(files, connectors.File{Name: p.Name, Size: int64(len(p.Data)), ReaderAt: bytes.NewReader(p.Data)})
				}
				for name, files := range map[string][]connectors.File{"samgov": nil, "salesforce": files} {
					run, err := o.Import(ctx, name, files...)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := run.Wait(ctx); err != nil {
						t.Fatal(err)
					}
				}
			}
			first := func(o *curatore.Organization, typeName string) string {
				t.Helper()
				page, err := o.List(ctx, typeName, curatore.ListQuery{Limit: 1})
				if err != nil || len(page.Items) == 0 {
					t.Fatalf("%v: %+v", err, page)
				}
				return page.Items[0].ID
			}
			var orgs []*curatore.Organization
			for _, name := range []string{"acme", "globex"} {
				o, err := c.Organization(ctx, name, "ann")
				if err != nil {
					t.Fatal(err)
				}
				load(o)
				orgs = append(orgs, o)
			}
			acme, globex := orgs[0], orgs[1]
			opportunity, solicitation := first(acme, "salesforce_opportunity"), first(acme, "sam_solicitation")
			if err := acme.Link(ctx, "salesforce_opportunity", opportunity, "sam_solicitation", solicitation); err != nil {
				t.Fatal(err)
			}
			linked := func(want bool) {
				t.Helper()
				o, err := acme.Get(ctx, "salesforce_opportunity", opportunity)
				if err != nil || (o.Fields["linked_sam_solicitation_id"] == solicitation) != want {
					t.Errorf("%v: %v", err, o.Fields)
				}
				s, err := acme.Get(ctx, "sam_solicitation", solicitation)
				if err != nil || (len(s.Children["opportunities"]) == 1) != want || want && s.Children["opportunities"][0].ID != opportunity {
					t.Errorf("%v: %v", err, s.Children)
				}
			}
			linked(true)
			load(acme) // a full sync
			linked(true)
			for name, err := range map[string]error{
				"a solicitation of another organization": acme.Link(ctx, "salesforce_opportunity", opportunity, "sam_solicitation", first(globex, "sam_solicitation")),
				"an opportunity of another organization": acme.Link(ctx, "salesforce_opportunity", first(globex, "salesforce_opportunity"), "sam_solicitation", solicitation),
				"another organization":                   globex.Link(ctx, "salesforce_opportunity", opportunity, "sam_solicitation", solicitation),
				"no such solicitation":                   acme.Link(ctx, "salesforce_opportunity", opportunity, "sam_solicitation", "none"),
				"unlinked by another organization":       globex.Unlink(ctx, "salesforce_opportunity", opportunity, "sam_solicitation"),
			} {
				if !errors.Is(err, content.ErrNotFound) {
					t.Errorf("%s: %v", name, err)
				}
			}
			for name, err := range map[string]error{
				"to an account": acme.Link(ctx, "salesforce_opportunity", opportunity, "salesforce_account", first(acme, "salesforce_account")),
				"from a notice": acme.Link(ctx, "sam_notice", first(acme, "sam_notice"), "sam_solicitation", solicitation),
				"to nothing":    acme.Link(ctx, "salesforce_opportunity", opportunity, "sam_solicitation", ""),
			} {
				if !errors.Is(err, content.ErrInvalid) {
					t.Errorf("%s: %v", name, err)
				}
			}
			linked(true)
			if err := acme.Unlink(ctx, "salesforce_opportunity", opportunity, "sam_solicitation"); err != nil {
				t.Error(err)
			}
			linked(false)

			// The database itself keeps it right.
			if err := acme.Link(ctx, "salesforce_opportunity", opportunity, "sam_solicitation", solicitation); err != nil {
				t.Fatal(err)
			}
			db, err := database.Open(ctx, dsn, database.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			exec := func(query string, args ...any) error {
				return db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
					_, err := tx.Exec(ctx, query, args...)
					return err
				})
			}
			if err := exec("UPDATE salesforce_opportunities SET linked_sam_solicitation_id = ? WHERE id = ?", first(globex, "sam_solicitation"), opportunity); err == nil {
				t.Error("the database took a link to another organization")
			}
			linked(true)
			if err := exec("UPDATE sam_notices SET solicitation_id = NULL WHERE solicitation_id = ?", solicitation); err != nil {
				t.Fatal(err)
			}
			if err := exec("DELETE FROM sam_solicitations WHERE id = ?", solicitation); err != nil {
				t.Fatal(err)
			}
			if o, err := acme.Get(ctx, "salesforce_opportunity", opportunity); err != nil || o.Fields["linked_sam_solicitation_id"] != nil {
				t.Errorf("%v: %v", err, o.Fields)
			}
		})
	}
}
