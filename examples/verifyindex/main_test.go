package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/samgov"
	"github.com/curatore/curatore-go/connectors/upload"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
)

func TestRun(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			dsn := databasetest.DSN(t, kind)
			c, err := curatore.Open(t.Context(), curatore.Config{Database: dsn}, salesforce.New(), upload.New(), samgov.New())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Organization(t.Context(), "acme", "test"); err != nil {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := run(t.Context(), []string{"-db", dsn}, &out); err != nil || !strings.Contains(out.String(), "acme salesforce_account: 0 records, 0 chunks") {
				t.Errorf("%s, %v", &out, err)
			}
			for _, want := range []string{"acme asset: 0 records", "acme sam_notice: 0 records"} {
				if strings.Count(out.String(), want) != 1 {
					t.Errorf("%s not once in\n%s", want, &out)
				}
			}
			if strings.Contains(out.String(), "sharepoint") || strings.Contains(out.String(), "scrape") {
				t.Errorf("types of connections that are not there:\n%s", &out)
			}
			db := databasetest.OpenDSN(t, dsn)
			err = db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				for number, typeName := range map[int]string{1: "salesforce_account", 2: "ticket"} {
					_, err := tx.Exec(ctx, `INSERT INTO search_chunks (organization_id, number, source_type, source_id, source_type_filter, chunk_index, title, filename, url, content, content_type, metadata, updated_at, created_at)
						SELECT id, ?, ?, 'gone', '', 0, '', '', '', '', '', '{}', created_at, created_at FROM organizations`, number, typeName)
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			out.Reset()
			if err := run(t.Context(), []string{"-db", dsn}, &out); err == nil || !strings.Contains(out.String(), "1 chunks without a record") || !strings.Contains(out.String(), "acme ticket: 1 chunks of a type") {
				t.Errorf("%s, %v", &out, err)
			}
		})
	}
	for _, args := range [][]string{nil, {"-x"}, {"-db", "x", "y"}} {
		if err := run(t.Context(), args, &bytes.Buffer{}); !errors.Is(err, errUsage) {
			t.Errorf("%v: %v", args, err)
		}
	}
	if err := run(t.Context(), []string{"-db", "sqlite:/nowhere/x.db"}, &bytes.Buffer{}); err == nil {
		t.Error("a database that is not there")
	}
}
