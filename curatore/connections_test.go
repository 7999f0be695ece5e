package curatore_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/samgov"
	"github.com/curatore/curatore-go/connectors/samgov/samgovtest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
)

// Settings are kept for each organization and instance, checked, and used by its
// imports and tests; nobody else sees them.
func TestInstances(t *testing.T) {
	t.Setenv("CURATORE_SECRET_SAM", samgovtest.Key)
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			ctx := t.Context()
			server := samgovtest.New(samgovtest.Generate(8, time.Now().AddDate(0, 0, -20), 8)...)
			defer server.Close()
			c, err := curatore.Open(ctx, curatore.Config{Database: databasetest.DSN(t, kind), HTTP: server.Client(), NoSearch: true}, samgov.New(samgov.Settings{Descriptions: -1}))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			acme, err := c.Organization(ctx, "acme", "ann")
			if err != nil {
				t.Fatal(err)
			}
			globex, err := c.Organization(ctx, "globex", "bob")
			if err != nil {
				t.Fatal(err)
			}
			settings := func(s string) json.RawMessage { return json.RawMessage(strings.ReplaceAll(s, "URL", server.URL)) }
			if err := acme.Configure(ctx, curatore.Instance{Connection: "samgov", Name: "navy", Label: "Navy", Settings: settings(`{"url": "URL", "api_key": "env:SAM", "searches": [{"naics": "541512"}]}`)}); err != nil {
				t.Fatal(err)
			}
			for _, wrong := range []curatore.Instance{
				{Connection: "samgov", Settings: settings(`{"api_key": "canary-typed-in"}`)}, {Connection: "samgov", Settings: settings(`{"nonsense": 1}`)},
				{Connection: "nothing"}, {Connection: "samgov", Name: "a\x00b"}, {Connection: "samgov", Settings: json.RawMessage("[")},
			} {
				if err := acme.Configure(ctx, wrong); !errors.Is(err, content.ErrInvalid) || strings.Contains(err.Error(), "canary") {
					t.Errorf("%s: %v", wrong.Settings, err)
				}
			}
			typed := connectors.Options{Settings: settings(`{"url": "URL", "api_key": "canary-typed-in"}`)}
			_, errImport := acme.ImportWith(ctx, "samgov", typed)
			_, errReplay := acme.ReplayFailures(ctx, "samgov", typed)
			for _, err := range []error{errImport, errReplay} {
				if !errors.Is(err, content.ErrInvalid) || strings.Contains(err.Error(), "canary") {
					t.Errorf("a run with a secret in its settings: %v", err)
				}
			}
			if runs, err := acme.Runs(ctx, jobs.Query{}); err != nil || len(runs.Runs) != 0 {
				t.Errorf("%+v, %v", runs, err)
			}
			list, err := acme.Instances(ctx)
			if err != nil || len(list) != 1 || list[0].Name != "navy" || list[0].CreatedBy != "ann" || !strings.Contains(string(list[0].Settings), "env:SAM") {
				t.Errorf("%v: %+v", err, list)
			}
			if list, err := globex.Instances(ctx); err != nil || len(list) != 0 {
				t.Errorf("%v: %+v", err, list)
			}
			load := func(o *curatore.Organization, options connectors.Options) (int64, error) {
				run, err := o.ImportWith(ctx, "samgov", options)
				if err != nil {
					t.Fatal(err)
				}
				result, err := run.Wait(ctx)
				if err != nil {
					return 0, err
				}
				return result.Streams["sam_notice"].Created, nil
			}
			if n, err := load(acme, connectors.Options{Instance: "navy"}); n != 2 || err != nil {
				t.Errorf("%d notices, %v", n, err)
			}
			if n, err := load(acme, connectors.Options{Instance: "navy", Settings: json.RawMessage(`{"searches": []}`)}); n != 6 || err != nil {
				t.Errorf("with other searches: %d notices, %v", n, err)
			}
			if _, err := load(globex, connectors.Options{Instance: "navy"}); err == nil {
				t.Error("another organization has used the settings")
			}
			checks, err := acme.TestConnection(ctx, "samgov", connectors.Options{Instance: "navy"})
			if err != nil || slices.ContainsFunc(checks, func(f connectors.Finding) bool { return !f.OK }) || len(checks) < 4 {
				t.Errorf("%v: %+v", err, checks)
			}
			if checks, err = acme.TestConnection(ctx, "samgov", connectors.Options{}); err != nil || checks[0].OK {
				t.Errorf("without settings: %v: %+v", err, checks)
			}
			if err := globex.RemoveInstance(ctx, "samgov", "navy"); !errors.Is(err, content.ErrNotFound) {
				t.Errorf("got %v", err)
			}
			if err := acme.RemoveInstance(ctx, "samgov", "navy"); err != nil {
				t.Error(err)
			}
		})
	}
	http.DefaultClient.CloseIdleConnections()
}
