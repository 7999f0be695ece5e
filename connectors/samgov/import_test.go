package samgov_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/connectors/samgov"
	"github.com/curatore/curatore-go/connectors/samgov/samgovtest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/curatore/jobs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var march = time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC)

// A desk is a program with the connection, on a clock of its own.
type desk struct {
	t      *testing.T
	org    *curatore.Organization
	server *samgovtest.Server

	mu sync.Mutex
	at time.Time
}

// now moves on by a little each time that somebody looks, as clocks do.
func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.Add(200 * time.Millisecond)
	return d.at
}

func (d *desk) set(at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = at
}

func newDesk(t *testing.T, kind string, s samgov.Settings, notices ...*samgovtest.Notice) *desk {
	t.Helper()
	t.Setenv("CURATORE_SECRET_SAM", samgovtest.Key)
	d := &desk{t: t, server: samgovtest.New(notices...), at: march}
	t.Cleanup(d.server.Close)
	d.server.Now = d.now
	s.URL, s.APIKey = d.server.URL, "env:SAM"
	config := curatore.Config{Database: databasetest.DSN(t, kind), Now: d.now, HTTP: d.server.Client(), NoSearch: len(notices) > 2000}
	c, err := curatore.Open(t.Context(), config, samgov.New(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if d.org, err = c.Organization(t.Context(), "acme", "test"); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *desk) load() (*connectors.Result, error) {
	d.t.Helper()
	d.set(d.now().Add(time.Hour))
	run, err := d.org.Import(d.t.Context(), "samgov")
	if err != nil {
		d.t.Fatal(err)
	}
	return run.Wait(d.t.Context())
}

// parked is an import that does not fail, but waits for a time; it is given up.
func (d *desk) parked(until string) {
	d.t.Helper()
	run, err := d.org.Import(d.t.Context(), "samgov")
	if err != nil {
		d.t.Fatal(err)
	}
	for {
		r, err := d.org.Run(d.t.Context(), run.ID())
		switch {
		case err != nil:
			d.t.Fatal(err)
		case r.Status.Ended():
			d.t.Errorf("it is %s: %s", r.Status, r.Error)
			return
		case r.Status == jobs.Parked:
			if r.NotBefore == nil || r.NotBefore.UTC().Format(time.RFC3339) != until || !strings.Contains(r.WaitReason, "takes no more requests") {
				d.t.Errorf("it waits until %v: %s", r.NotBefore, r.WaitReason)
			}
			if err := run.Cancel(d.t.Context(), "enough"); err != nil {
				d.t.Error(err)
			}
			return
		}
		if err := rest.Wait(d.t.Context(), 20*time.Millisecond); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *desk) must() *connectors.Result {
	d.t.Helper()
	r, err := d.load()
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

func (d *desk) rows(typeName string, filters ...content.Filter) (rows []content.Row) {
	d.t.Helper()
	for _, typ := range d.org.Types() {
		if typ.Name() != typeName {
			continue
		}
		for cursor := ""; ; {
			table, err := d.org.Query(d.t.Context(), typeName, nil, store.Query{Limit: 1000, Cursor: cursor, Filters: filters, Order: []store.Order{{Field: typ.Key().Name}}})
			if err != nil {
				d.t.Fatal(err)
			}
			for _, values := range table.Rows {
				row := typ.New()
				for i, f := range table.Columns {
					if _, declared := typ.Field(f.Name); declared {
						f.Set(row, values[i])
					} else if f.Name == "id" {
						content.RecordOf(row).ID, _ = values[i].(string)
					}
				}
				rows = append(rows, row)
			}
			if cursor = table.NextCursor; cursor == "" {
				break
			}
		}
	}
	return rows
}

// Everything that the service says, with its oddities, becomes notices, their
// descriptions, and the solicitations above them; again it changes nothing.
func TestImport(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			all := samgovtest.Generate(40, march.AddDate(0, -2, 0), 50)
			d := newDesk(t, kind, samgov.Settings{}, all...)
			result := d.must()
			n, s := result.Streams["sam_notice"], result.Streams["sam_solicitation"]
			if n.Created != 40 || n.Updated != 40 || n.Failed+n.BadValues != 0 || s.Created != 10 {
				t.Errorf("%+v, %+v, %v", *n, *s, result.Failures)
			}
			if got := d.server.Requests(); got["search"] != 2 || got["description"] != 40 {
				t.Errorf("requests: %v", got) // a year and a day are two windows
			}
			stored := d.rows("sam_notice")
			byID := map[string]*samgov.Notice{}
			for _, r := range stored {
				byID[r.(*samgov.Notice).NoticeID] = r.(*samgov.Notice)
			}
			three := byID[all[3].ID]
			if *three.AwardAmount != 1234567.89 || *three.Awardee != "ACME LLC" || three.OfficeAddress != nil || three.Place != nil || three.SolicitationNumber != nil || three.SolicitationID != nil {
				t.Errorf("%+v", three)
			}
			if two := byID[all[2].ID]; two.Award != nil || two.AwardAmount != nil || *two.ContactName != "First Person" || *two.ContactEmail != "first@example.gov" || *two.State != "TX" || *two.City != "Tucson" {
				t.Errorf("%+v", two)
			}
			if one := byID[all[1].ID]; one.SetAside != nil || one.SetAsideText != nil || *one.Agency != "DEPT OF DEFENSE" {
				t.Errorf("%+v", one)
			}
			if four := byID[all[4].ID]; *four.NAICS != "541512" || string(four.NAICSCodes) != `["541512", "541519"]` && string(four.NAICSCodes) != `["541512","541519"]` || four.Resources != nil {
				t.Errorf("%+v %s", four, four.NAICSCodes)
			}
			if six := byID[all[6].ID]; six.Deadline.Format(time.RFC3339) != all[6].Day.AddDate(0, 0, 21).Format("2006-01-02")+"T04:59:59Z" {
				t.Errorf("a date as deadline: %v", six.Deadline)
			}
			if seven := byID[all[7].ID]; *seven.AwardAmount != 2e6 || seven.Link != nil || strings.Contains(string(seven.Resources), "api_key") {
				t.Errorf("%+v", seven)
			}
			if got := *byID[all[0].ID].Description; got != "The agency needs Cloud Migration & support.\nItem 0" {
				t.Errorf("description %q", got)
			}
			if ten := byID[all[10].ID]; ten.Description != nil || ten.DescribedAt == nil {
				t.Errorf("no description: %+v", ten)
			}
			// The solicitation stands above its notices, and says what the last one says.
			sol := d.rows("sam_solicitation")[0].(*samgov.Solicitation)
			if sol.Notices != 3 || sol.LastNotice != all[2].ID || *byID[all[1].ID].SolicitationID != sol.ID || sol.Title != all[2].Title {
				t.Errorf("%+v", sol)
			}
			item, err := d.org.Get(t.Context(), "sam_solicitation", sol.ID)
			if err != nil || len(item.Children["notices"]) != 3 {
				t.Errorf("%v: %+v", err, item.Children)
			}
			// Again: one search, nothing written, nothing described.
			result = d.must()
			n, s = result.Streams["sam_notice"], result.Streams["sam_solicitation"]
			if n.Created+n.Updated+n.Indexed+s.Seen+s.Indexed != 0 {
				t.Errorf("again: %+v, %+v", *n, *s)
			}
			if got := d.server.Requests(); got["search"] != 1 || got["description"] != 0 {
				t.Errorf("again: requests %v", got)
			}
			stats, err := d.org.Stats(t.Context(), "samgov")
			if err != nil {
				t.Fatal(err)
			}
			if got := stats["notices"]; got["total"] != int64(40) || got["active"] != int64(32) || got["due_in_7_days"].(int64) > got["due_in_14_days"].(int64) || got["due_in_30_days"].(int64) < 5 {
				t.Errorf("%v", got)
			}
		})
	}
}

// A search finds what it is for; nothing found is no error; a notice that two
// searches find is one.
func TestSearches(t *testing.T) {
	all := samgovtest.Generate(80, march.AddDate(0, -1, 0), 20)
	for name, c := range map[string]struct {
		searches []samgov.Search
		want     int
	}{
		"NAICS":           {[]samgov.Search{{NAICS: "541512"}}, 20},
		"nothing":         {[]samgov.Search{{NAICS: "999999"}}, 0},
		"two that cross":  {[]samgov.Search{{NAICS: "541512"}, {State: "VA"}}, 20},
		"two of them":     {[]samgov.Search{{NAICS: "541512"}, {NAICS: "561720"}}, 40},
		"one type":        {[]samgov.Search{{Types: []string{"a"}}}, 10},
		"several types":   {[]samgov.Search{{Types: []string{"a", "o"}}}, 30},
		"title":           {[]samgov.Search{{Title: "cloud"}}, 14},
		"all conditions":  {[]samgov.Search{{Title: "cloud", NAICS: "336412", Organization: "general"}}, 7},
		"by organization": {[]samgov.Search{{Organization: "NAVSEA"}}, 21},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, database.SQLite, samgov.Settings{Searches: c.searches, Descriptions: -1}, all...)
			if n := d.must().Streams["sam_notice"]; n.Created != int64(c.want) {
				t.Errorf("%+v, want %d", *n, c.want)
			}
		})
	}
}

// A quota that is used up ends the searches with the time at which to go on, and
// the descriptions until the next import. Nothing is lost.
func TestQuota(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			all := samgovtest.Generate(30, march.AddDate(0, 0, -20), 10)
			d := newDesk(t, kind, samgov.Settings{DailyLimit: 20, From: "2026-01-01"}, all...)
			result := d.must() // one search; 19 are left, of which 2 are kept
			if got := d.server.Requests(); got["search"] != 1 || got["description"] != 17 {
				t.Errorf("requests: %v", got)
			}
			described := []content.Filter{{Field: "described_at", Op: content.NotNull}}
			if n := len(d.rows("sam_notice", described...)); n != 17 || result.Streams["sam_notice"].Created != 30 {
				t.Errorf("%d described, %+v", n, *result.Streams["sam_notice"])
			}
			for _, r := range d.rows("sam_notice", described...) {
				if n := r.(*samgov.Notice); n.Posted.Before(all[12].Day) {
					t.Errorf("%s was described before later ones", n.Posted)
				}
			}
			d.must()
			d.must() // two searches were left, and are made
			d.parked("2026-03-02T05:00:00Z")
			d.set(time.Date(2026, 3, 2, 5, 0, 0, 0, time.UTC))
			d.must()
			if n := len(d.rows("sam_notice", described...)); n != 30 {
				t.Errorf("the day after: %d described", n)
			}
		})
	}
}

// When the service says that the key is used up, and until when, that holds,
// whatever was counted.
func TestServiceHasTheLastWord(t *testing.T) {
	d := newDesk(t, database.SQLite, samgov.Settings{Descriptions: -1, From: "2026-01-01"}, samgovtest.Generate(5, march.AddDate(0, 0, -5), 5)...)
	d.server.Hook(func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"code":"900804","nextAccessTime":"2026-Mar-02 00:00:00+0000 UTC"}`)
		return true
	})
	d.parked("2026-03-02T00:00:00Z")
	d.parked("2026-03-02T00:00:00Z")
	d.server.Hook(nil)
	d.set(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
	if n := d.must().Streams["sam_notice"]; n.Created != 5 {
		t.Errorf("%+v", *n)
	}
}

// Notices that are broken are kept as failures with what came, and do not stop the
// others; nothing that is stored goes for being absent.
func TestOddNotices(t *testing.T) {
	all := samgovtest.Generate(20, march.AddDate(0, 0, -5), 5)
	d := newDesk(t, database.SQLite, samgov.Settings{Descriptions: -1}, all...)
	d.must()
	day := march.AddDate(0, 0, -1).Truncate(24 * time.Hour)
	odd := []*samgovtest.Notice{
		{Day: day, Raw: `{"noticeId": null, "title": "No id", "postedDate": "2026-02-28"}`},
		{Day: day, Raw: `{"noticeId": "n1", "title": {"en": "an object"}, "award": "none", "active": true, "pointOfContact": "nobody", "naicsCodes": null}`},
		{Day: day, Raw: `{"noticeId": "n2", "title": "Bad values", "responseDeadLine": "soon", "award": {"amount": "a lot"}}`},
		{Day: day, Raw: `{"noticeId": "n3", "naicsCodes": 7}`},
	}
	d.server.Set(odd...)
	result := d.must()
	n := result.Streams["sam_notice"]
	if n.Created != 2 || n.Failed != 2 || n.BadValues != 2 || n.Deleted != 0 || len(d.rows("sam_notice")) != 22 {
		t.Errorf("%+v: %v", *n, result.Failures)
	}
}

// What Test finds out, for each thing that can be wrong.
func TestPreflight(t *testing.T) {
	server := samgovtest.New(samgovtest.Generate(3, march, 1)...)
	defer server.Close()
	secrets := secretMap{"env:good": samgovtest.Key, "env:bad": "canary-wrong-key"}
	auth := content.NewAuthority()
	for name, c := range map[string]struct {
		key, url string
		hook     func(int, http.ResponseWriter, *http.Request) bool
		want     []string
	}{
		"fine":      {"env:good", server.URL, nil, []string{"settings ok", "reachable ok", "credentials ok", "quota ok", "clock ok"}},
		"wrong key": {"env:bad", server.URL, nil, []string{"settings ok", "reachable ok", "credentials failed"}},
		"no secret": {"env:none", server.URL, nil, []string{"settings failed"}},
		"no key":    {"", server.URL, nil, []string{"settings failed"}},
		"nobody":    {"env:good", "http://127.0.0.1:1", nil, []string{"settings ok", "reachable failed"}},
		"used up": {"env:good", server.URL, func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, `{"nextAccessTime":"2036-Mar-02 00:00:00+0000 UTC"}`)
			return true
		}, []string{"settings ok", "reachable ok", "quota failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			server.Hook(c.hook)
			db := databasetest.Open(t, database.SQLite) // with a ledger of its own
			engine := &connectors.Engine{DB: db, Auth: auth, Secrets: secrets, HTTP: server.Client(), Wait: func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }}
			found, err := engine.Test(t.Context(), auth.Mint("x", "test"), samgov.New(samgov.Settings{URL: c.url, APIKey: connectors.SecretRef(c.key)}), connectors.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				state := "failed"
				if f.OK {
					state = "ok"
				}
				got = append(got, f.Name+" "+state)
				if strings.Contains(f.Detail, "canary") {
					t.Errorf("a key shows: %+v", f)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff, found)
			}
		})
	}
}

type secretMap map[string]string

func (m secretMap) Secret(_ context.Context, ref string) (rest.Secret, error) {
	if v, ok := m[ref]; ok {
		return rest.NewSecret(v), nil
	}
	return rest.Secret{}, content.ErrNotFound
}

// The key shows nowhere: in no stored row, run, event or error.
func TestKeyShowsNowhere(t *testing.T) {
	d := newDesk(t, database.SQLite, samgov.Settings{}, samgovtest.Generate(5, march.AddDate(0, 0, -5), 5)...)
	d.must()
	d.server.Hook(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "bad key %s at %s", r.Header.Get("X-Api-Key"), r.URL)
		return true
	})
	_, err := d.load()
	if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "[redacted]") {
		t.Errorf("got %v", err)
	}
	if errors.Is(err, content.ErrNotFound) {
		t.Error("a bad request is no missing record")
	}
}

func TestSettingsAreChecked(t *testing.T) {
	c := samgov.New()
	for settings, ok := range map[string]bool{
		`{"api_key": "env:SAM", "searches": [{"naics": "541512", "types": ["o", "k"], "due": {"from": "2026-01-01"}}], "from": "2026-01-01"}`: true,
		`{"api_key": "SAM-canary-4711-key"}`:          false,
		`{"from": "01/02/2026"}`:                      false,
		`{"searches": [{"types": ["z"]}]}`:            false,
		`{"searches": [{"due": {"to": "tomorrow"}}]}`: false,
		`{"url": "https://user:canary@example.com"}`:  false,
		`{"daily_limit": -1}`:                         false,
	} {
		err := c.CheckSettings([]byte(settings))
		if (err == nil) != ok || err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", settings, err)
		}
	}
}
