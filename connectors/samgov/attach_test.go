package samgov_test

import (
	"fmt"
	"net/http"
	"slices"
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

// local allows the fake server.
var local = []string{"127.0.0.0/8"}

// assets lists attachments: notice, number of the file, status, text or reason.
func (d *desk) assets() (lines []string) {
	for _, row := range d.Rows("asset") {
		a := row.(*asset.Asset)
		text := a.Text
		if text == "" {
			text = a.Error
		}
		lines = append(lines, fmt.Sprintf("%s %s %s: %s", a.ParentKey[28:], a.Filename, a.Status, text))
	}
	return lines
}

func noticeWith(n int, files ...string) *samgovtest.Notice {
	return &samgovtest.Notice{ID: fmt.Sprintf("%032x", n), Number: fmt.Sprintf("N-%d", n/2), Title: fmt.Sprintf("Notice %d", n), Path: "DEPT.OFFICE", Type: "o", Active: true,
		Day: march.AddDate(0, 0, -n).Truncate(24 * time.Hour), Text: "text", Files: files}
}

// Attachments are downloaded, kept and read, stand below their notice, are found,
// and are not had again.
func TestAttachments(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			texts := &connectortest.Plain{}
			d := newDesk(t, kind, samgov.Settings{Extractor: texts, AllowNetworks: local, DailyLimit: 10}, noticeWith(2, "the statement of work", "the price list"), noticeWith(3, "an amendment"), noticeWith(4))
			result := d.Must()
			if c := result.Streams["asset"]; c.Created != 3 || c.Failed != 0 {
				t.Errorf("%+v", *c)
			}
			if c := result.Streams["extraction_result"]; c == nil || c.Created != 3 {
				t.Errorf("results of extraction: %+v", c)
			}
			if diff := cmp.Diff([]string{"0002 SOW 0.txt ok: the statement of work", "0002 SOW 1.txt ok: the price list", "0003 SOW 0.txt ok: an amendment"}, d.assets()); diff != "" {
				t.Error(diff)
			}
			if got := d.server.Requests(); got["file"] != 3 || got["search"] != 2 || got["description"] != 3 {
				t.Errorf("%v", got)
			}
			first := d.Rows("asset")[0].(*asset.Asset)
			notice := d.Rows("sam_notice")[0].(*samgov.Notice)
			if first.NoticeID == nil || *first.NoticeID != notice.ID || first.Path != "N-1/SOW 0.txt" || first.Collection != "DEPT" || first.ObjectKey == "" || strings.Contains(first.URL, "api_key") {
				t.Errorf("%+v", first)
			}
			if diff := cmp.Diff([]string{"SOW 1.txt"}, d.Found("price list")); diff != "" {
				t.Error(diff)
			}
			before := d.State()
			d.Must()
			if got := d.server.Requests(); got["file"] != 0 {
				t.Errorf("again: %v", got)
			}
			if diff := cmp.Diff(before, d.State()); diff != "" {
				t.Error("again:", diff)
			}
			// One more and one less; a notice without any keeps what it had.
			two, three := noticeWith(2, "the statement of work", "the price list", "questions and answers"), noticeWith(3)
			d.server.Set(two, three, noticeWith(4))
			d.Must()
			if diff := cmp.Diff([]string{"0002 SOW 0.txt ok: the statement of work", "0002 SOW 1.txt ok: the price list", "0002 SOW 2.txt ok: questions and answers", "0003 SOW 0.txt ok: an amendment"}, d.assets()); diff != "" {
				t.Error("changed:", diff)
			}
			d.server.Set(noticeWith(2, "the statement of work"), three)
			if c := d.Must().Streams["asset"]; c.Deleted != 2 || c.Created+c.Updated != 0 {
				t.Errorf("%+v", *c)
			}
			if got, want := texts.Took(), 4; len(got) != want {
				t.Errorf("read: %v", got)
			}
		})
	}
}

// What the settings leave out is left out, and comes when they change.
func TestAttachmentSettings(t *testing.T) {
	files := func() []*samgovtest.Notice {
		return []*samgovtest.Notice{noticeWith(2, "one"), noticeWith(3, "two"), noticeWith(4, strings.Repeat("long", 100))}
	}
	for name, c := range map[string]struct {
		change func(*samgov.Settings)
		first  []string
		second []string
	}{
		"all":               {func(*samgov.Settings) {}, []string{"ok", "ok", "ok"}, nil},
		"off":               {func(s *samgov.Settings) { s.Attachments.Off = true }, nil, nil},
		"some at a time":    {func(s *samgov.Settings) { s.Attachments.Max = 2 }, []string{"ok", "ok"}, []string{"ok", "ok", "ok"}},
		"small ones":        {func(s *samgov.Settings) { s.Attachments.MaxSize = 100 }, []string{"ok", "ok", "too_large"}, nil},
		"of another type":   {func(s *samgov.Settings) { s.Attachments.Types = []string{"pdf"} }, []string{"skipped", "skipped", "skipped"}, nil},
		"of their type":     {func(s *samgov.Settings) { s.Attachments.Types = []string{".TXT"} }, []string{"ok", "ok", "ok"}, nil},
		"not on a network":  {func(s *samgov.Settings) { s.AllowNetworks = nil }, []string{"failed", "failed", "failed"}, nil},
		"without extractor": {func(s *samgov.Settings) { s.Extractor = nil }, []string{"", "", ""}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := samgov.Settings{Extractor: &connectortest.Plain{}, AllowNetworks: local, Descriptions: -1}
			c.change(&s)
			d := newDesk(t, database.SQLite, s, files()...)
			statuses := func() (list []string) {
				for _, row := range d.Rows("asset") {
					list = append(list, row.(*asset.Asset).Status)
				}
				return list
			}
			d.Must()
			if diff := cmp.Diff(c.first, statuses()); diff != "" {
				t.Error(diff)
			}
			d.server.Requests()
			d.Must()
			if c.second == nil {
				c.second = c.first
				if got := d.server.Requests()["file"]; got != 0 {
					t.Errorf("again: %d files", got)
				}
			}
			if diff := cmp.Diff(c.second, statuses()); diff != "" {
				t.Error("again:", diff)
			}
		})
	}
}

// What a hostile or an ill service gives in the place of a file is told of that file
// alone; what may pass is tried again.
func TestAttachmentsThatCannotBeHad(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		first  string
		later  string // when all is well again
	}{
		"gone":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, "failed: the download answers 404 Not Found", "failed: the download answers 404 Not Found"},
		"refused": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(403) }, "failed: the download answers 403 Forbidden", "failed: the download answers 403 Forbidden"},
		"ill":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "failed: the download breaks off", "ok: two"},
		"throttled": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "9999")
			w.WriteHeader(429)
		}, "failed: the download breaks off", "ok: two"},
		"a page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html>Sign in"))
		}, "failed: a web page came in its place", "ok: two"},
		"half of it": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99")
			_, _ = w.Write([]byte("half"))
		}, "failed: the download breaks off", "ok: two"},
		"into our network": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data", http.StatusFound)
		}, "failed: the address is not public", "failed: the address is not public"},
		"in a circle": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "failed: the download answers 302 Found", "failed: the download answers 302 Found"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, database.SQLite, samgov.Settings{Extractor: &connectortest.Plain{}, AllowNetworks: local, Descriptions: -1}, noticeWith(2, "one"), noticeWith(3, "two"), noticeWith(4, "three"))
			d.server.Hook(func(_ int, w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, fmt.Sprintf("%032x-0", 3)) {
					return false
				}
				if r.Header.Get("X-Api-Key") != "" {
					t.Error("the key went to the files")
				}
				c.answer(w, r)
				return true
			})
			d.Must()
			if diff := cmp.Diff([]string{"0002 SOW 0.txt ok: one", "0004 SOW 0.txt ok: three"}, slices.DeleteFunc(d.assets(), func(l string) bool { return strings.HasPrefix(l, "0003") })); diff != "" {
				t.Error(diff)
			}
			if got := d.assets()[1]; !strings.HasSuffix(got, c.first) {
				t.Errorf("%q, want %q", got, c.first)
			}
			before := d.State()
			if n := d.Must().Streams["asset"]; n.Created+n.Updated+n.Deleted != 0 {
				t.Errorf("again: %+v", *n)
			}
			if diff := cmp.Diff(before, d.State()); diff != "" {
				t.Error("again:", diff)
			}
			d.server.Hook(nil)
			d.Must()
			if got := d.assets()[1]; !strings.HasSuffix(got, c.later) {
				t.Errorf("later: %q, want %q", got, c.later)
			}
		})
	}
}

// A service that fails for all of them is left alone after a few.
func TestAttachmentsOfAnIllService(t *testing.T) {
	var all []*samgovtest.Notice
	for i := range 20 {
		all = append(all, noticeWith(i+1, "text"))
	}
	d := newDesk(t, database.SQLite, samgov.Settings{Extractor: &connectortest.Plain{}, AllowNetworks: local, Descriptions: -1}, all...)
	asked := 0
	d.server.Hook(func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/files/") {
			return false
		}
		asked++
		w.WriteHeader(http.StatusBadGateway)
		return true
	})
	d.Must()
	if n := len(d.Rows("asset")); n != 5 || asked != 15 {
		t.Errorf("%d assets after %d requests", n, asked)
	}
	d.server.Hook(nil)
	d.Must()
	if n := slices.DeleteFunc(d.assets(), func(l string) bool { return !strings.Contains(l, " ok: ") }); len(n) != 20 {
		t.Errorf("later: %d", len(n))
	}
}
