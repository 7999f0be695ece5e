package samgov_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/connectors/samgov"
	"github.com/curatore/curatore-go/connectors/samgov/samgovtest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var march = time.Date(2026, 3, 1, 15, 0, 0, 0, time.UTC)

// A desk is a database with the connection, beside its service, on a day in March.
type desk struct {
	*connectortest.Workshop
	server *samgovtest.Server
}

func newDesk(t *testing.T, kind string, s samgov.Settings, notices ...*samgovtest.Notice) *desk {
	t.Helper()
	d := &desk{server: samgovtest.New(notices...)}
	t.Cleanup(d.server.Close)
	s.URL, s.APIKey = d.server.URL, "env:SAM"
	d.Workshop = connectortest.NewWorkshop(t, kind, connectortest.Subject{Connection: samgov.New(s), Secrets: secretMap{"env:SAM": samgovtest.Key}, HTTP: d.server.Client()})
	d.server.Now = d.Now
	d.SetClock(march)
	return d
}

// limited is an import that ends with the time at which to go on.
func (d *desk) limited(t *testing.T, until string) {
	t.Helper()
	_, err := d.Import()
	if at := limitOf(t, err); at.Format(time.RFC3339) != until {
		t.Errorf("it ends with %v, want one until %s", err, until)
	}
}

// limitOf is the time at which an error says to go on.
func limitOf(t *testing.T, err error) time.Time {
	t.Helper()
	var limit *rest.LimitError
	if !errors.As(err, &limit) {
		t.Fatalf("got %v, want a time to go on", err)
	}
	return limit.RetryAt().UTC()
}

// Everything that the service says, with its oddities, becomes notices, their
// descriptions, and the solicitations above them; again it changes nothing.
func TestImport(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			all := samgovtest.Generate(40, march.AddDate(0, -2, 0), 50)
			d := newDesk(t, kind, samgov.Settings{}, all...)
			result := d.Must()
			n, s := result.Streams["sam_notice"], result.Streams["sam_solicitation"]
			if n.Created != 40 || n.Updated != 40 || n.Failed+n.BadValues != 0 || s.Created != 10 {
				t.Errorf("%+v, %+v, %v", *n, *s, result.Failures)
			}
			if got := d.server.Requests(); got["search"] != 2 || got["description"] != 40 {
				t.Errorf("requests: %v", got) // a year and a day are two windows
			}
			stored := d.Rows("sam_notice")
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
			sol := d.Rows("sam_solicitation")[0].(*samgov.Solicitation)
			if sol.Notices != 3 || sol.LastNotice != all[2].ID || *byID[all[1].ID].SolicitationID != sol.ID || sol.Title != all[2].Title {
				t.Errorf("%+v", sol)
			}
			// Again: one search, nothing written, nothing described.
			result = d.Must()
			n, s = result.Streams["sam_notice"], result.Streams["sam_solicitation"]
			if n.Created+n.Updated+n.Indexed+s.Seen+s.Indexed != 0 {
				t.Errorf("again: %+v, %+v", *n, *s)
			}
			if got := d.server.Requests(); got["search"] != 1 || got["description"] != 0 {
				t.Errorf("again: requests %v", got)
			}
			typ, err := d.Store.Registry().Lookup("sam_notice")
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.Store.Stats(t.Context(), d.Scope, typ)
			if err != nil {
				t.Fatal(err)
			}
			if got["total"] != int64(40) || got["active"] != int64(32) || got["due_in_7_days"].(int64) > got["due_in_14_days"].(int64) || got["due_in_30_days"].(int64) < 5 {
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
			if n := d.Must().Streams["sam_notice"]; n.Created != int64(c.want) {
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
			result := d.Must() // one search; 19 are left, of which 2 are kept
			if got := d.server.Requests(); got["search"] != 1 || got["description"] != 17 {
				t.Errorf("requests: %v", got)
			}
			described := []content.Filter{{Field: "described_at", Op: content.NotNull}}
			if n := len(d.Rows("sam_notice", described...)); n != 17 || result.Streams["sam_notice"].Created != 30 {
				t.Errorf("%d described, %+v", n, *result.Streams["sam_notice"])
			}
			for _, r := range d.Rows("sam_notice", described...) {
				if n := r.(*samgov.Notice); n.Posted.Before(all[12].Day) {
					t.Errorf("%s was described before later ones", n.Posted)
				}
			}
			d.Must()
			d.Must() // two searches were left, and are made
			d.limited(t, "2026-03-02T05:00:00Z")
			d.SetClock(time.Date(2026, 3, 2, 5, 0, 0, 0, time.UTC))
			d.Must()
			if n := len(d.Rows("sam_notice", described...)); n != 30 {
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
	d.limited(t, "2026-03-02T00:00:00Z")
	d.limited(t, "2026-03-02T00:00:00Z")
	d.server.Hook(nil)
	d.SetClock(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC))
	if n := d.Must().Streams["sam_notice"]; n.Created != 5 {
		t.Errorf("%+v", *n)
	}
}

// Notices that are broken are kept as failures with what came, and do not stop the
// others; nothing that is stored goes for being absent.
func TestOddNotices(t *testing.T) {
	all := samgovtest.Generate(20, march.AddDate(0, 0, -5), 5)
	d := newDesk(t, database.SQLite, samgov.Settings{Descriptions: -1}, all...)
	d.Must()
	day := march.AddDate(0, 0, -1).Truncate(24 * time.Hour)
	odd := []*samgovtest.Notice{
		{Day: day, Raw: `{"noticeId": null, "title": "No id", "postedDate": "2026-02-28"}`},
		{Day: day, Raw: `{"noticeId": "n1", "title": {"en": "an object"}, "award": "none", "active": true, "pointOfContact": "nobody", "naicsCodes": null}`},
		{Day: day, Raw: `{"noticeId": "n2", "title": "Bad values", "responseDeadLine": "soon", "award": {"amount": "a lot"}}`},
		{Day: day, Raw: `{"noticeId": "n3", "naicsCodes": 7}`},
	}
	d.server.Set(odd...)
	result := d.Must()
	n := result.Streams["sam_notice"]
	if n.Created != 2 || n.Failed != 2 || n.BadValues != 2 || n.Deleted != 0 || len(d.Rows("sam_notice")) != 22 {
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
	d.Must()
	d.server.Hook(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, "bad key %s at %s", r.Header.Get("X-Api-Key"), r.URL)
		return true
	})
	_, err := d.Import()
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
