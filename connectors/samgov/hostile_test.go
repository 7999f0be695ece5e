package samgov_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors/samgov"
	"github.com/curatore/curatore-go/connectors/samgov/samgovtest"
	"github.com/curatore/curatore-go/content/database"
)

// A service that says what cannot be: the import ends after few requests, with little
// memory, no day counts as read that was not, and afterwards everything comes.
func TestHostileSearches(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a stranger was asked, with the key %q", r.Header.Get("X-Api-Key"))
	}))
	defer stranger.Close()
	many := func(n int, id string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,{"noticeId": "%s%d", "title": "t", "postedDate": "2026-02-20"}`, id, i)
		}
		return strings.TrimPrefix(b.String(), ",")
	}
	for name, c := range map[string]struct {
		status   int
		body     string
		requests int // at most
	}{
		"nothing":                      {200, ``, 1},
		"an empty object":              {200, `{}`, 1},
		"null":                         {200, `null`, 1},
		"a list":                       {200, `[]`, 1},
		"a page to sign in":            {200, `<html>Sign in`, 1},
		"no total":                     {200, `{"opportunitiesData": []}`, 1},
		"a negative total":             {200, `{"totalRecords": -1, "opportunitiesData": []}`, 1},
		"a total that is a text":       {200, `{"totalRecords": "many", "opportunitiesData": []}`, 1},
		"more than was asked for":      {200, `{"totalRecords": 1001, "opportunitiesData": [` + many(1001, "m") + `]}`, 1},
		"a huge total and nothing":     {200, `{"totalRecords": 9000000000000000000, "opportunitiesData": []}`, 200},
		"a huge total, the same pages": {200, `{"totalRecords": 9000000000000, "opportunitiesData": [` + many(10, "s") + `]}`, 300},
		"a total for each day":         {200, `{"totalRecords": 5000, "opportunitiesData": [` + many(10, "d") + `]}`, 300},
		"404 of somebody else":         {404, `{"message": "no Route matched"}`, 1},
		"a redirect":                   {307, ``, 1},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, database.SQLite, samgov.Settings{Descriptions: -1, From: "2026-02-01", DailyLimit: 100_000}, samgovtest.Generate(10, march.AddDate(0, 0, -20), 10)...)
			n := 0
			d.server.Hook(func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/opportunities/v2/search" {
					return false
				}
				n++
				w.Header().Set("Content-Type", "application/json")
				if c.status == 307 {
					w.Header().Set("Location", stranger.URL)
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
				return true
			})
			if result, err := d.Import(); err == nil && len(result.Skipped) == 0 {
				t.Errorf("nothing was told: %+v", result)
			}
			if n > c.requests {
				t.Errorf("%d requests, at most %d are worth it", n, c.requests)
			}
			d.server.Hook(nil)
			d.SetClock(march.AddDate(0, 0, 5)) // the look-back alone would not reach so far
			d.Must()
			found := 0
			for _, row := range d.Rows("sam_notice") {
				if len(row.(*samgov.Notice).NoticeID) == 32 {
					found++
				}
			}
			if found != 10 && c.requests == 1 {
				t.Errorf("afterwards: %d notices", found)
			}
		})
	}
}

// A description that cannot be read is left for the next import, and costs no more
// than its request; the others come.
func TestHostileDescriptions(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		later  int // how many are there after another import
	}{
		"a page of a proxy":  {200, "<html>Maintenance", 10},
		"an empty object":    {200, "{}", 10},
		"of another service": {200, `{"description": {"en": "an object"}}`, 9}, // an answer, without a text
		"null":               {200, `{"description": null}`, 9},
		"ill":                {500, "", 10},
		"refused":            {400, "", 10},
	} {
		t.Run(name, func(t *testing.T) {
			all := samgovtest.Generate(10, march.AddDate(0, 0, -20), 10)
			d := newDesk(t, database.SQLite, samgov.Settings{From: "2026-02-01"}, all...)
			d.server.Hook(func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Query().Get("noticeid") != all[9].ID {
					return false
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
				return true
			})
			described := func() (n int) {
				for _, row := range d.Rows("sam_notice") {
					if row.(*samgov.Notice).Description != nil {
						n++
					}
				}
				return n
			}
			d.Must()
			if n := described(); n != 9 {
				t.Errorf("%d descriptions", n)
			}
			d.server.Hook(nil)
			d.Must()
			if n := described(); n != c.later {
				t.Errorf("later: %d descriptions", n)
			}
		})
	}
}

// A service that is ill as a whole is not asked for all descriptions in vain.
func TestIllDescriptions(t *testing.T) {
	d := newDesk(t, database.SQLite, samgov.Settings{From: "2026-02-01"}, samgovtest.Generate(30, march.AddDate(0, 0, -20), 10)...)
	n := 0
	d.server.Hook(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "noticedesc") {
			return false
		}
		n++
		fmt.Fprint(w, "<html>Maintenance")
		return true
	})
	if c := d.Must().Streams["sam_solicitation"]; n != 5 || c.Created == 0 {
		t.Errorf("%d requests, %+v", n, *c)
	}
}

// Times at which a key may come back that are no use: what has passed, what nobody can
// read, the next century.
func TestOddNextAccess(t *testing.T) {
	for next, until := range map[string]string{
		"2026-Feb-01 00:00:00+0000 UTC": "", "soon": "", "2126-Mar-02 00:00:00+0000 UTC": "2026-03-08",
	} {
		t.Run(next, func(t *testing.T) {
			d := newDesk(t, database.SQLite, samgov.Settings{Descriptions: -1}, samgovtest.Generate(5, march.AddDate(0, 0, -5), 5)...)
			n := 0
			d.server.Hook(func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				n++
				w.WriteHeader(http.StatusTooManyRequests)
				fmt.Fprintf(w, `{"nextAccessTime": %q}`, next)
				return true
			})
			_, err := d.Import()
			at := limitOf(t, err)
			if !at.After(d.Now()) || until != "" && at.Format("2006-01-02") != until || n > 5 {
				t.Errorf("until %s, after %d requests", at, n)
			}
			d.server.Hook(nil)
			d.SetClock(at)
			if c := d.Must().Streams["sam_notice"]; c.Created != 5 {
				t.Errorf("%+v", *c)
			}
		})
	}
}

// Behind a gateway the service goes on giving its own address, where the key must not
// go; and some notices have the text itself in the place of its address.
func TestDescriptionsBehindAGateway(t *testing.T) {
	notice := func(id, description string) *samgovtest.Notice {
		return &samgovtest.Notice{ID: id, Day: march.AddDate(0, 0, -3), Text: "<p>Fetched <b>here</b>.</p>",
			Raw: fmt.Sprintf(`{"noticeId": %q, "title": "T", "postedDate": "2026-02-26", "description": %q}`, id, description)}
	}
	d := newDesk(t, database.SQLite, samgov.Settings{From: "2026-02-01"}, notice("a", "https://api.sam.gov/prod/opportunities/v1/noticedesc?noticeid=a"), notice("b", "Given at once.\n<p>In <i>HTML</i>."), notice("c", "https://elsewhere.example/x"))
	for range 2 {
		d.Must()
	}
	got := map[string]string{}
	for _, row := range d.Rows("sam_notice") {
		n := row.(*samgov.Notice)
		if n.Description != nil {
			got[n.NoticeID] = *n.Description
		}
	}
	if diff := cmp.Diff(map[string]string{"a": "Fetched here.", "b": "Given at once.\nIn HTML."}, got); diff != "" {
		t.Error(diff)
	}
}
