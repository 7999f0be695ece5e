package helpdesk_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/curatore"
	helpdesk "github.com/curatore/curatore-go/examples/connection"
	"github.com/curatore/curatore-go/functions"
)

// A connection's function asks the service of the organization that calls, with the
// settings and the secret that are stored for it, and tells what has to do with the
// service as such.
func TestFunctionAsksTheCallersService(t *testing.T) {
	t.Setenv("CURATORE_SECRET_ACME", "token of acme")
	t.Setenv("CURATORE_SECRET_GLOBEX", "token of globex")
	server := func(token, status string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Header.Get("Authorization") != "Bearer "+token:
				w.WriteHeader(http.StatusUnauthorized)
			case r.URL.Path == "/tickets/T-1":
				_, _ = io.WriteString(w, `{"status": "`+status+`"}`)
			case r.URL.Path == "/tickets/T-503":
				w.WriteHeader(http.StatusServiceUnavailable)
			case r.URL.Path == "/tickets/T-429":
				w.Header().Set("Retry-After", "86400")
				w.WriteHeader(http.StatusTooManyRequests)
			default:
				http.NotFound(w, r)
			}
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	acme, globex := server("token of acme", "open"), server("token of globex", "solved")
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			c, err := curatore.Open(t.Context(), curatore.Config{Database: databasetest.DSN(t, kind)}, helpdesk.New(helpdesk.Settings{}))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
			ask := func(organization, url, token, ticket string) (string, *functions.Error) {
				t.Helper()
				org, err := c.Organization(t.Context(), organization, "test")
				if err != nil {
					t.Fatal(err)
				}
				if url != "" {
					settings, err := json.Marshal(helpdesk.Settings{URL: url, Token: connectors.SecretRef("env:" + token)})
					if err != nil {
						t.Fatal(err)
					}
					if err := org.Configure(t.Context(), curatore.Instance{Connection: "helpdesk", Settings: settings}); err != nil {
						t.Fatal(err)
					}
				}
				result, err := org.Functions().Call(t.Context(), "ticket_status", json.RawMessage(`{"ticket_id": "`+ticket+`"}`))
				if err != nil {
					var told *functions.Error
					if !errors.As(err, &told) {
						t.Fatal(err)
					}
					return "", told
				}
				return string(result.Data), nil
			}
			for _, good := range []struct{ organization, url, token, want string }{
				{"acme", acme, "ACME", `{"status":"open"}`}, {"globex", globex, "GLOBEX", `{"status":"solved"}`}, {"acme", "", "", `{"status":"open"}`},
			} {
				if got, err := ask(good.organization, good.url, good.token, "T-1"); err != nil || got != good.want {
					t.Errorf("%s: %s, %v; want %s", good.organization, got, err, good.want)
				}
			}
			for _, bad := range []struct {
				organization, url, token, ticket string
				code                             functions.Code
				message                          string
			}{
				{"acme", acme, "ACME", "T-2", functions.CodeNotFound, "no such"},
				{"globex", globex, "ACME", "T-1", functions.CodeForbidden, "credentials"},
				{"globex", globex, "GLOBEX", "T-503", functions.CodeBusy, "not available"},
				{"acme", acme, "ACME", "T-429", functions.CodeBusy, "no more requests until"},
				{"nobody", "", "", "T-1", functions.CodeDisabled, "settings"},
				{"globex", globex, "NOT_THERE", "T-1", functions.CodeDisabled, "settings"},
			} {
				got, err := ask(bad.organization, bad.url, bad.token, bad.ticket)
				if err == nil || err.Code != bad.code || !strings.Contains(err.Message, bad.message) || strings.Contains(err.Error(), "token of") {
					t.Errorf("%+v: %s, %v", bad, got, err)
				}
			}
		})
	}
}
