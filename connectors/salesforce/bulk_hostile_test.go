//go:build !race

package salesforce_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/connectors/salesforce"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// isPage reports a request for results of a job on accounts, the first object that
// is asked for, behind a locator.
func isPage(r *http.Request, locator string) bool {
	return strings.HasSuffix(r.URL.Path, "/results") && r.URL.Query().Get("locator") == locator && strings.Contains(r.URL.Path, fmt.Sprintf("750%015d", 1))
}

// answered is what the fake would have answered, for a test that changes it.
func (o *org) answered(r *http.Request) (http.Header, string) {
	rec := httptest.NewRecorder()
	o.results(rec, r, strings.Split(r.URL.Path, "/")[6])
	return rec.Header(), rec.Body.String()
}

func reply(w http.ResponseWriter, header http.Header, body string) bool {
	for name, values := range header {
		w.Header()[name] = values
	}
	_, _ = w.Write([]byte(body))
	return true
}

// cells changes the rows of a CSV.
func cells(text string, change func(rows [][]string) [][]string) string {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	_ = csv.NewWriter(&b).WriteAll(change(rows))
	return b.String()
}

// A service that answers wrongly: what can be mended by asking again is, and what
// cannot ends the import with an error that says so. What was right before stays,
// and the next import brings all.
func TestBulkHostile(t *testing.T) {
	const accounts = 12 // in pages of five
	for _, test := range []struct {
		name  string
		spoil func(o *org, times int, w http.ResponseWriter, r *http.Request) bool
		fails string // "" completes
	}{
		{"half a page, once", func(o *org, times int, w http.ResponseWriter, r *http.Request) bool {
			if !isPage(r, "5") || times > 0 {
				return false
			}
			header, body := o.answered(r)
			return reply(w, header, body[:len(body)/2])
		}, ""},
		{"a page without its last row, once", func(o *org, times int, w http.ResponseWriter, r *http.Request) bool {
			if !isPage(r, "5") || times > 0 {
				return false
			}
			header, body := o.answered(r)
			return reply(w, header, cells(body, func(rows [][]string) [][]string { return rows[:len(rows)-1] }))
		}, ""},
		{"half a page, always", func(o *org, _ int, w http.ResponseWriter, r *http.Request) bool {
			if !isPage(r, "5") {
				return false
			}
			header, body := o.answered(r)
			return reply(w, header, body[:len(body)-9])
		}, "the results of Salesforce: the answer cannot be read"},
		{"a page of a proxy", func(_ *org, times int, w http.ResponseWriter, r *http.Request) bool {
			return isPage(r, "5") && times == 0 && reply(w, nil, "<html>\n<p>Sign in</p>\n</html>")
		}, ""},
		{"lines that end with CR LF, flags in capitals", func(o *org, _ int, w http.ResponseWriter, r *http.Request) bool {
			if !isPage(r, "5") {
				return false
			}
			header, body := o.answered(r)
			return reply(w, header, strings.ReplaceAll(strings.ReplaceAll(body, "false", "FALSE"), "\n", "\r\n"))
		}, ""},
		{"nothing", func(_ *org, _ int, w http.ResponseWriter, r *http.Request) bool {
			return isPage(r, "5") && reply(w, nil, "")
		}, "the results of Salesforce: the answer cannot be read: there are none"},
		{"a locator that stays", func(o *org, _ int, w http.ResponseWriter, r *http.Request) bool {
			if !isPage(r, "5") {
				return false
			}
			header, body := o.answered(r)
			header.Set("Sforce-Locator", "5")
			return reply(w, header, body)
		}, "leads back to one before it"},
		{"columns in another order", func(o *org, _ int, w http.ResponseWriter, r *http.Request) bool {
			if !isPage(r, "5") {
				return false
			}
			header, body := o.answered(r)
			return reply(w, header, cells(body, func(rows [][]string) [][]string {
				for _, row := range rows {
					slices.Reverse(row)
				}
				return rows
			}))
		}, ""},
		{"a column less", func(o *org, _ int, w http.ResponseWriter, r *http.Request) bool {
			if !isPage(r, "5") {
				return false
			}
			header, body := o.answered(r)
			return reply(w, header, cells(body, func(rows [][]string) [][]string {
				for i, row := range rows {
					rows[i] = row[:len(row)-1]
				}
				return rows
			}))
		}, "a page of Account has other columns than the one before it"},
		{"the session ends in the middle", func(o *org, times int, w http.ResponseWriter, r *http.Request) bool {
			if !isPage(r, "5") || times > 0 {
				return false
			}
			o.token++
			w.WriteHeader(http.StatusUnauthorized)
			return reply(w, nil, `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`)
		}, ""},
		{"no more requests today", func(_ *org, times int, w http.ResponseWriter, r *http.Request) bool {
			if !isPage(r, "5") || times > 0 {
				return false
			}
			w.WriteHeader(http.StatusForbidden)
			return reply(w, nil, `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`)
		}, "Salesforce takes no more requests until"},
		{"the job fails", func(_ *org, _ int, w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "1") && r.Method == http.MethodGet && reply(w, nil, `{"id":"x","state":"Failed","errorMessage":"INVALID_QUERY_LOCATOR"}`)
		}, "the query of Salesforce ended as Failed: INVALID_QUERY_LOCATOR"},
		{"the job is aborted", func(_ *org, _ int, w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "1") && r.Method == http.MethodGet && reply(w, nil, `{"id":"x","state":"Aborted"}`)
		}, "ended as Aborted"},
		{"a state that is none", func(_ *org, _ int, w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "1") && r.Method == http.MethodGet && reply(w, nil, `{"state":"Dreaming"}`)
		}, `its state is "Dreaming"`},
		{"a job without end", func(_ *org, _ int, w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "1") && r.Method == http.MethodGet && reply(w, nil, `{"state":"InProgress"}`)
		}, "was not done after 24h"},
		{"a job without id", func(_ *org, _ int, w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPost && reply(w, nil, `{"state":"JobComplete"}`)
		}, "it has no id"},
		{"no fields", func(_ *org, _ int, w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, "/describe") && reply(w, nil, `{}`)
		}, "it names no field that is imported"},
		{"too long a page", func(o *org, _ int, w http.ResponseWriter, r *http.Request) bool {
			if !isPage(r, "5") || len(r.URL.Query().Get("maxRecords")) < 4 {
				return false
			}
			header, body := o.answered(r)
			return reply(w, header, body+strings.Repeat(" ", 65<<20))
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.set(accounts, time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC), nil)
			times := 0
			o.spoil = func(w http.ResponseWriter, r *http.Request) bool {
				spoilt := test.spoil(o, times, w, r)
				if spoilt {
					times++
				}
				return spoilt
			}
			w := workshop(t, o)
			_, err := w.Import()
			if times == 0 {
				t.Error("nothing was spoilt")
			}
			if (err != nil) != (test.fails != "") || err != nil && !strings.Contains(err.Error(), test.fails) {
				t.Errorf("%v, want %q", err, test.fails)
			}
			o.mu.Lock()
			o.spoil = nil
			o.mu.Unlock()
			w.SetClock(w.Now().Add(25 * time.Hour))
			w.Must()
			if got := revenues(t, w); len(got) != accounts || slices.ContainsFunc(got, func(s string) bool { return !strings.HasSuffix(s, " Customer 1000.5") }) {
				t.Errorf("stored %q", got)
			}
		})
	}
}

func workshop(t *testing.T, o *org) *connectortest.Workshop {
	t.Helper()
	return connectortest.NewWorkshop(t, database.SQLite, connectortest.Subject{
		Connection: salesforce.New(salesforce.Options{API: salesforce.API{URL: o.URL, ClientID: "app", ClientSecret: "env:X"}}),
		Secrets:    bulkSecrets(bulkSecret), HTTP: o.Client(), Batch: 3,
	})
}

// revenues are the accounts that are stored.
func revenues(t *testing.T, w *connectortest.Workshop) (list []string) {
	t.Helper()
	typ, err := w.Store.Registry().Lookup("salesforce_account")
	if err != nil {
		t.Fatal(err)
	}
	_, page, err := w.Store.Select(t.Context(), w.Scope, typ, []string{"name", "type", "annual_revenue"}, store.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range page.Items {
		list = append(list, strings.TrimSpace(fmt.Sprintln(row...)))
	}
	return list
}

// An interrupted import whose job is gone, or was ended by somebody, asks anew.
func TestBulkJobIsLost(t *testing.T) {
	for _, status := range []int{http.StatusNotFound, http.StatusBadRequest} {
		o := newOrg(t)
		o.set(12, time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC), nil)
		o.spoil = func(w http.ResponseWriter, r *http.Request) bool {
			if isPage(r, "10") {
				w.WriteHeader(http.StatusForbidden)
				return true
			}
			return false
		}
		w := workshop(t, o)
		if _, err := w.Import(); !errors.Is(err, rest.ErrForbidden) {
			t.Fatal(err)
		}
		if n := len(revenues(t, w)); n == 0 || n == 12 {
			t.Errorf("%d accounts after the interruption", n)
		}
		o.mu.Lock()
		o.spoil = func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, fmt.Sprintf("750%015d", 1)) {
				w.WriteHeader(status)
				return reply(w, nil, `[{"errorCode":"INVALIDJOBSTATE","message":"Aborted"}]`)
			}
			return false
		}
		o.mu.Unlock()
		w.Must()
		if n := len(revenues(t, w)); n != 12 {
			t.Errorf("%d: %d accounts in the end", status, n)
		}
	}
}

// Rows that cannot be stored are failures, and the others are imported. What an
// export would keep as it is, the API's rows keep, too.
func TestBulkRows(t *testing.T) {
	o := newOrg(t)
	o.set(3, time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC), func(object string, i int, row map[string]string) {
		switch {
		case object != "Account":
		case i == 0:
			row["Id"] = salesforcetest.ID("001", 1)[:15] + "zzz"
		case i == 1:
			row["AnnualRevenue"] = "much"
		}
	})
	o.spoil = func(w http.ResponseWriter, r *http.Request) bool {
		if !isPage(r, "") {
			return false
		}
		header, body := o.answered(r)
		return reply(w, header, strings.Replace(body, "Account 2", "\"Account\r\n2\"", 1))
	}
	w := workshop(t, o)
	result := w.Must()
	want := &connectors.Counts{Seen: 3, Created: 2, Failed: 1, BadValues: 1, Indexed: 2}
	if d := cmp.Diff(want, result.Streams["salesforce_account"]); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"Account\r\n2 Customer 1000.5", "Account 1 Customer <nil>"}, revenues(t, w)); d != "" {
		t.Error(d)
	}
}
