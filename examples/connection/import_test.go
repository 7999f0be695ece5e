package helpdesk_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	helpdesk "github.com/curatore/curatore-go/examples/connection"
	"github.com/curatore/curatore-go/functions"
)

// What the declaration promises without further code: tables, upserts, a guarded
// full sync, statistics of the import, filters and functions, on both databases.
func TestHelpdesk(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			var answer func(w http.ResponseWriter, path string)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r.URL.Path) }))
			defer s.Close()
			ctx := t.Context()
			c, err := curatore.Open(ctx, curatore.Config{Database: databasetest.DSN(t, kind)}, helpdesk.New(helpdesk.Settings{URL: s.URL}))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			org, err := c.Organization(ctx, "acme", "test")
			if err != nil {
				t.Fatal(err)
			}

			tickets := func(numbers ...int) func(http.ResponseWriter, string) {
				return func(w http.ResponseWriter, _ string) {
					var list []string
					for _, n := range numbers {
						list = append(list, fmt.Sprintf(`{"id": "T-%d", "subject": "Ticket %d", "body": "About %d", "status": "open"}`, n, n, n))
					}
					_, _ = io.WriteString(w, `{"tickets": [`+strings.Join(list, ",")+`]}`)
				}
			}
			importAll := func() (connectors.Counts, error) {
				t.Helper()
				run, err := org.Import(ctx, "helpdesk")
				if err != nil {
					t.Fatal(err)
				}
				result, err := run.Wait(ctx)
				if n := result.Streams["helpdesk_ticket"]; n != nil {
					return *n, err
				}
				return connectors.Counts{}, err
			}
			live := func() int64 {
				t.Helper()
				page, err := org.List(ctx, "helpdesk_ticket", curatore.ListQuery{Total: true})
				if err != nil {
					t.Fatal(err)
				}
				return page.Total
			}

			answer = tickets(1, 2, 3, 4, 4)
			n, err := importAll()
			if d := cmp.Diff(connectors.Counts{Seen: 5, Created: 4, Duplicates: 1, Indexed: 4}, n); d != "" || err != nil {
				t.Errorf("%v: %s", err, d)
			}
			answer = tickets(1, 2, 3)
			n, err = importAll()
			if d := cmp.Diff(connectors.Counts{Seen: 3, Unchanged: 3, Deleted: 1}, n); d != "" || err != nil || live() != 3 {
				t.Errorf("%v: %s, %d tickets", err, d, live())
			}
			answer = tickets(1)
			if n, err = importAll(); err != nil || n.Deleted != 0 || !strings.Contains(n.Note, "force") || live() != 3 {
				t.Errorf("most are gone: %+v, %v, %d tickets", n, err, live())
			}
			answer = tickets()
			if n, err = importAll(); err != nil || n.Deleted != 0 || live() != 3 {
				t.Errorf("all are gone: %+v, %v, %d tickets", n, err, live())
			}

			// A source that breaks off fails the run and deletes nothing.
			answer = func(w http.ResponseWriter, path string) {
				if path == "/more" {
					http.Error(w, "out of order", http.StatusBadGateway)
					return
				}
				_, _ = io.WriteString(w, `{"tickets": [{"id": "T-9", "subject": "New", "status": "open"}], "next": "/more"}`)
			}
			if n, err = importAll(); err == nil || !strings.Contains(err.Error(), "/more: 502") || n.Deleted != 0 || live() < 3 {
				t.Errorf("broken off: %+v, %v, %d tickets", n, err, live())
			}

			r, err := org.Functions().Call(ctx, "query_model", json.RawMessage(`{"model": "helpdesk_ticket", "filters": [{"field": "closed_at", "op": "is_null"}], "select": ["subject"], "limit": 1}`))
			if err != nil || string(r.Data) != `{"model":"helpdesk_ticket","rows":[{"subject":"New"}]}` {
				t.Errorf("%v: %s", err, r.Data)
			}
			var refused *functions.Error
			if _, err := org.Functions().Call(ctx, "ticket_status", json.RawMessage(`{"ticket_id": ""}`)); !errors.As(err, &refused) || refused.Code != functions.CodeInvalid {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Without an address an import says so; nothing else is affected.
func TestHelpdeskWithoutAddress(t *testing.T) {
	ctx := context.Background()
	c, err := curatore.Open(ctx, curatore.Config{Database: databasetest.DSN(t, database.SQLite)}, helpdesk.New(helpdesk.Settings{}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	org, err := c.Organization(ctx, "acme", "test")
	if err != nil {
		t.Fatal(err)
	}
	run, err := org.Import(ctx, "helpdesk")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Wait(ctx); err == nil || !strings.Contains(err.Error(), "the address of helpdesk must be") {
		t.Errorf("got %v", err)
	}
	if _, err := org.Import(ctx, "helpdisk"); !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), "helpdesk") {
		t.Errorf("got %v", err)
	}
}
