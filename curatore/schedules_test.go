package curatore_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors/samgov"
	"github.com/curatore/curatore-go/connectors/samgov/samgovtest"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// A schedule imports for the organizations that have set up the instance, and for
// no others.
func TestSchedules(t *testing.T) {
	t.Setenv("CURATORE_SECRET_SAM", samgovtest.Key)
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			ctx := t.Context()
			server := samgovtest.New(samgovtest.Generate(8, time.Now().AddDate(0, 0, -20), 8)...)
			defer server.Close()
			dsn := databasetest.DSN(t, kind)
			c, err := curatore.Open(ctx, curatore.Config{Database: dsn, HTTP: server.Client(), NoSearch: true,
				Schedules: []curatore.ImportSchedule{{Connection: "samgov", Instance: "navy", Cron: "0 3 1 1 *", Zone: "America/New_York"}}},
				samgov.New(samgov.Settings{URL: server.URL, APIKey: "env:SAM", Descriptions: -1}))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			var orgs []*curatore.Organization
			for _, name := range []string{"acme", "globex"} {
				o, err := c.Organization(ctx, name, "ann")
				if err != nil {
					t.Fatal(err)
				}
				orgs = append(orgs, o)
			}
			if err := orgs[0].Configure(ctx, curatore.Instance{Connection: "samgov", Name: "navy"}); err != nil {
				t.Fatal(err)
			}
			if err := orgs[1].Configure(ctx, curatore.Instance{Connection: "samgov"}); err != nil { // another instance
				t.Fatal(err)
			}
			db, err := database.Open(ctx, dsn, database.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.Exec(ctx, "UPDATE job_schedules SET next_at = ? WHERE name LIKE 'import_samgov%'", tx.Dialect().Time(time.Now().Add(-time.Second)))
				return err
			}); err != nil {
				t.Fatal(err)
			}
			imports := func(o *curatore.Organization) (list []jobs.Run) {
				t.Helper()
				page, err := o.Runs(ctx, jobs.Query{})
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range page.Runs {
					if r.Type == "samgov_import" {
						list = append(list, r)
					}
				}
				return list
			}
			for deadline := time.Now().Add(2 * time.Minute); ; {
				list := imports(orgs[0])
				if len(list) == 1 && list[0].Status == jobs.Completed {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("no import has completed: %+v", list)
				}
				time.Sleep(50 * time.Millisecond)
			}
			if list := imports(orgs[1]); len(list) != 0 {
				t.Errorf("%+v", list)
			}
			list, err := orgs[0].List(ctx, "sam_notice", curatore.ListQuery{Total: true})
			if err != nil || list.Total != 8 {
				t.Errorf("%v: %d notices", err, list.Total)
			}
		})
	}
	_, err := curatore.Open(t.Context(), curatore.Config{Database: databasetest.DSN(t, database.SQLite), Schedules: []curatore.ImportSchedule{{Connection: "samgvo", Cron: "@daily"}}}, samgov.New())
	if err == nil || !strings.Contains(err.Error(), "samgov") {
		t.Errorf("got %v", err)
	}
}
