//go:build !race && unix

package curatore_test

import (
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content/blob/dirblob"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
)

// An import during which the disk of the database fills up goes on when there is
// room again, and stores what an undisturbed one stores.
func TestImportSurvivesAFullDisk(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			if kind == database.Postgres {
				sparePostgres(t) // whose checkpoints fail meanwhile
			}
			dsn, disk := databasetest.OnDisk(t, kind)
			objects, err := dirblob.Open(t.TempDir(), dirblob.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer objects.Close() //nolint:errcheck // nothing is written any more
			var armed atomic.Bool
			var commits atomic.Int64
			handled := make(chan bool, 1)
			failPoint := func(at string) {
				switch {
				case at == "committing" && armed.Load() && commits.Add(1) == 2:
					disk.Fill()
				case at == "handled" && commits.Load() >= 2 && armed.CompareAndSwap(true, false):
					handled <- true
				}
			}
			c := open(t, curatore.WithHooks(curatore.Config{Database: dsn, Objects: objects}, failPoint, time.Second, nil))
			db := databasetest.OpenDSN(t, dsn)
			parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: 800, Contacts: 500, Opportunities: 300, Quirks: true})
			if err != nil {
				t.Fatal(err)
			}
			importing := func(name string, full bool) (rows []string) {
				org, err := c.Organization(t.Context(), name, "test")
				if err != nil {
					t.Fatal(err)
				}
				var files []connectors.File
				for _, p := range parts {
					files = append(files, file(p.Name, p.Data))
				}
				armed.Store(full)
				run, err := org.Import(t.Context(), "salesforce", files...)
				if err != nil {
					t.Fatal(err)
				}
				if full {
					<-handled // by its job, which could not store anything more
					disk.Free()
				}
				if _, err := run.Wait(t.Context()); err != nil {
					t.Fatal(err)
				}
				if r, err := org.Run(t.Context(), run.ID()); err != nil || (r.Attempt > 1) != full {
					t.Errorf("%d attempts, %v", r.Attempt, err)
				}
				for _, table := range []string{"salesforce_accounts", "salesforce_contacts", "salesforce_opportunities"} {
					rows = append(rows, databasetest.Lines(t, db, stored(table)+" JOIN organizations o ON o.id = t.organization_id WHERE o.name = ? ORDER BY 1", name)...)
				}
				return append(rows, databasetest.Lines(t, db, "SELECT source_type, count(*) FROM search_chunks k JOIN organizations o ON o.id = k.organization_id WHERE o.name = ? GROUP BY source_type ORDER BY 1", name)...)
			}
			if diff := gocmp.Diff(importing("undisturbed", false), importing("disturbed", true)); diff != "" {
				t.Errorf("the import beside a disk with room (-), with a full one (+):\n%s", diff)
			}
		})
	}
}
