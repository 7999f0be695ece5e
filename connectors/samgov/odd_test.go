package samgov_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/samgov"
	"github.com/curatore/curatore-go/connectors/samgov/samgovtest"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/database"
)

// Times at which a key may come back, in the forms in which services write them.
func TestNextAccess(t *testing.T) {
	for next, until := range map[string]string{
		`"2026-Mar-02 00:00:00+0000 UTC"`: "2026-03-02T00:00:00Z",
		`"2026-Mar-02 00:00:00 UTC"`:      "2026-03-02T00:00:00Z",
		`"2026-03-02T05:00:00Z"`:          "2026-03-02T05:00:00Z",
		`"2026-03-02 00:00:00"`:           "2026-03-02T00:00:00Z",
		`"2026-03-02T00:00:00"`:           "2026-03-02T00:00:00Z",
		`"Mon, 02 Mar 2026 00:00:00 GMT"`: "2026-03-02T00:00:00Z",
		`1772409600000`:                   "2026-03-02T00:00:00Z",
		`1772409600`:                      "2026-03-02T00:00:00Z",
	} {
		t.Run(next, func(t *testing.T) {
			d := newDesk(t, database.SQLite, samgov.Settings{Descriptions: -1}, samgovtest.Generate(5, march.AddDate(0, 0, -5), 5)...)
			n := 0
			d.server.Hook(func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				n++
				w.WriteHeader(http.StatusTooManyRequests)
				fmt.Fprintf(w, `{"code":"900804","nextAccessTime": %s}`, next)
				return true
			})
			d.limited(t, until)
			if n != 1 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// Days and times of notices in other forms; what nobody can read is told, and not guessed.
func TestDatesOfNotices(t *testing.T) {
	for written, want := range map[string]string{
		"2026-03-15T17:00:00-05:00": "2026-03-15T22:00:00Z",
		"2026-03-15T17:00:00-0500":  "2026-03-15T22:00:00Z",
		"2026-03-15T17:00:00":       "2026-03-15T21:00:00Z", // Eastern
		"2026-03-15 17:00:00":       "2026-03-15T21:00:00Z",
		"2026-03-15":                "2026-03-16T03:59:59Z",
		"03/15/2026":                "2026-03-16T03:59:59Z",
		"Mar 15, 2026":              "2026-03-16T03:59:59Z",
		"03/15/2026 05:00 PM":       "2026-03-15T21:00:00Z",
		"3/15/2026 5:00 PM EDT":     "2026-03-15T21:00:00Z",
		"2026-03-15 21:00:00 GMT":   "2026-03-15T21:00:00Z",
		"2026-03-15 17:00:00 EDT":   "2026-03-15T21:00:00Z",
		"Mar 15, 2026 5:00 PM EDT":  "2026-03-15T21:00:00Z",
		"2026-03-15 17:00:00 CST":   "bad", // of which country
		"2026-03-15 at noon":        "bad",
		"15.03.2026":                "bad",
		"None":                      "none",
	} {
		t.Run(written, func(t *testing.T) {
			d := newDesk(t, database.SQLite, samgov.Settings{Descriptions: -1}, &samgovtest.Notice{ID: "a", Day: march.AddDate(0, 0, -3),
				Raw: fmt.Sprintf(`{"noticeId": "a", "title": "T", "postedDate": "2026-02-26", "responseDeadLine": %q}`, written)})
			result := d.Must()
			got := "none"
			if n := d.Rows("sam_notice")[0].(*samgov.Notice); n.Deadline != nil {
				got = n.Deadline.UTC().Format(time.RFC3339)
			} else if result.Streams["sam_notice"].BadValues > 0 {
				got = "bad"
			}
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// A notice at the border of two pages comes twice, and another one not at all, when
// notices are posted meanwhile; what counts is that all are there in the end.
func TestBordersOfPages(t *testing.T) {
	all := samgovtest.Generate(2500, march.AddDate(0, 0, -20), 10)
	d := newDesk(t, database.SQLite, samgov.Settings{Descriptions: -1, Attachments: samgov.Attachments{Off: true}, From: "2026-01-01"}, all...)
	later := &samgovtest.Notice{ID: strings.Repeat("f", 32), Title: "Posted meanwhile", Path: "A.B", Type: "o", Active: true, Day: march.AddDate(0, 0, -1)}
	d.server.Hook(func(n int, _ http.ResponseWriter, _ *http.Request) bool {
		if n == 2 { // behind the first page
			d.server.Post(later)
		}
		return false
	})
	result := d.Must()
	d.server.Hook(nil)
	if n := result.Streams["sam_notice"]; n.Failed != 0 || len(result.Skipped) != 0 {
		t.Errorf("%+v %v", *n, result.Skipped)
	}
	d.Must()
	if n := len(d.Rows("sam_notice")); n != 2501 {
		t.Errorf("%d notices", n)
	}
}

// Attachments under names that lead elsewhere, or are none.
func TestNamesOfAttachments(t *testing.T) {
	for said, want := range map[string]string{
		`attachment; filename="../../etc/passwd"`:                     "passwd",
		`attachment; filename="C:\\Users\\x\\plan.txt"`:               "plan.txt",
		`attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.txt`:           "résumé.txt",
		`attachment; filename=SOW final.txt`:                          "SOW final.txt",
		`attachment; filename=SOW final.txt; size=7`:                  "SOW final.txt",
		`attachment; filename="` + strings.Repeat("x", 500) + `.txt"`: "",
		`inline`: "",
		``:       "",
	} {
		t.Run(said[:min(len(said), 60)], func(t *testing.T) {
			d := newDesk(t, database.SQLite, samgov.Settings{Extractor: &connectortest.Plain{}, AllowNetworks: local, Descriptions: -1}, noticeWith(2, "one"))
			d.server.Hook(func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasPrefix(r.URL.Path, "/signed/") {
					return false
				}
				if said != "" {
					w.Header()["Content-Disposition"] = []string{said}
				}
				fmt.Fprint(w, "the text")
				return true
			})
			d.Must()
			a := d.Rows("asset")[0].(*asset.Asset)
			if want != "" {
				if diff := cmp.Diff([]string{want, "ok", "the text"}, []string{a.Filename, a.Status, a.Text}); diff != "" {
					t.Error(diff)
				}
			}
			if strings.Contains(a.Path, "..") || len(a.Filename) > 255 {
				t.Error(a.Path)
			}
		})
	}
}
