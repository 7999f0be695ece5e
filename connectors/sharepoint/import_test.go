package sharepoint_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/connectors/sharepoint"
	"github.com/curatore/curatore-go/connectors/sharepoint/sharepointtest"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const host = "contoso.sharepoint.com"

// An office is a database with the connection, beside its service.
type office struct {
	*connectortest.Workshop
	t      *testing.T
	server *sharepointtest.Server
	texts  *connectortest.Plain
}

func newOffice(t *testing.T, kind string, s sharepoint.Settings, sites ...*sharepointtest.Site) *office {
	t.Helper()
	o := &office{t: t, server: sharepointtest.New(host, sites...), texts: &connectortest.Plain{}}
	t.Cleanup(o.server.Close)
	s.Tenant, s.ClientID, s.ClientSecret = sharepointtest.Tenant, sharepointtest.ClientID, "env:SHAREPOINT"
	s.LoginURL, s.GraphURL, s.Extractor = o.server.URL, o.server.URL+"/v1.0", o.texts
	if s.Sites == nil {
		for _, site := range sites {
			s.Sites = append(s.Sites, sharepoint.Site{Host: host, Path: site.Path})
		}
	}
	o.Workshop = connectortest.NewWorkshop(t, kind, connectortest.Subject{Connection: sharepoint.New(s), Secrets: oneSecret(sharepointtest.Secret), HTTP: o.server.Client()})
	return o
}

// list is what is stored, as path and one more column.
func (o *office) list(typeName, column string) (lines []string) {
	o.t.Helper()
	typ, err := o.Store.Registry().Lookup(typeName)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, row := range o.Rows(typeName) {
		value := content.RecordOf(row).ID
		if f, ok := typ.Field(column); ok {
			value = fmt.Sprint(f.Value(row))
		}
		path, _ := typ.Field("path")
		lines = append(lines, strings.TrimSpace(fmt.Sprint(path.Value(row), " ", value)))
	}
	slices.Sort(lines)
	return lines
}

func (o *office) same(what string, want, got []string) {
	o.t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		o.t.Errorf("%s: %s", what, d)
	}
}

func bids() *sharepointtest.Drive {
	return sharepointtest.NewDrive("b!bids", "Bids",
		sharepointtest.Item{ID: "f1", Name: "Proposals", Folder: true},
		sharepointtest.Item{ID: "d1", Name: "cloud.txt", Parent: "f1", Text: "cloud migration plan"},
		sharepointtest.Item{ID: "f2", Name: "2026", Parent: "f1", Folder: true},
		sharepointtest.Item{ID: "d2", Name: "desk.txt", Parent: "f2", Text: "help desk staffing"},
		sharepointtest.Item{ID: "d3", Name: "readme.txt", Text: "start here"},
		sharepointtest.Item{ID: "d4", Name: "broken.bad", Text: "x"},
	)
}

// Folders and documents come with their paths and texts; a second import asks for
// changes only; renames and moves keep an item's identity and download nothing.
func TestImport(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			drive := bids()
			o := newOffice(t, kind, sharepoint.Settings{}, &sharepointtest.Site{Path: "sites/bids", Drives: []*sharepointtest.Drive{drive}})
			result := o.Must()
			if f, d := result.Streams["sharepoint_folder"], result.Streams["asset"]; f.Created != 3 || d.Created != 4 || d.Failed != 0 {
				t.Errorf("%+v %+v %v", *f, *d, result.Failures)
			}
			o.same("folders", []string{"Bids", "Proposals Proposals", "Proposals/2026 2026"}, o.list("sharepoint_folder", "name"))
			o.same("documents", []string{"Proposals/2026/desk.txt ok", "Proposals/cloud.txt ok", "broken.bad broken", "readme.txt ok"}, o.list("asset", "extraction_status"))
			o.same("found", []string{"cloud.txt"}, o.Found("migration"))
			o.same("read", []string{"broken.bad", "cloud.txt", "desk.txt", "readme.txt"}, o.texts.Took())
			before := o.list("asset", "id")

			o.server.Requests()
			result = o.Must()
			if f, d := result.Streams["sharepoint_folder"], result.Streams["asset"]; f.Seen+d.Seen+f.Deleted+d.Deleted != 0 {
				t.Errorf("again: %+v %+v", *f, *d)
			}
			if got := o.server.Requests(); got["delta"] != 2 || got["download"] != 0 {
				t.Errorf("again: %v", got)
			}

			o.server.Do(func() {
				drive.Put(sharepointtest.Item{ID: "d1", Name: "cloud v2.txt", Parent: "f1", Text: "cloud migration plan"}) // renamed
				drive.Put(sharepointtest.Item{ID: "d2", Name: "desk.txt", Parent: "f1", Text: "help desk staffing"})       // moved
				drive.Put(sharepointtest.Item{ID: "d5", Name: "new.txt", Parent: "f2", Text: "brand new"})
				drive.Touch("d3") // saved without a change
				drive.Delete("d4")
			})
			result = o.Must()
			o.same("after changes", []string{"Proposals/2026/new.txt ok", "Proposals/cloud v2.txt ok", "Proposals/desk.txt ok", "readme.txt ok"}, o.list("asset", "extraction_status"))
			o.same("read after changes", []string{"new.txt"}, o.texts.Took())
			if got := o.server.Requests(); got["download"] != 2 { // the new one, and the one that was saved
				t.Errorf("downloads: %v", got)
			}
			after := o.list("asset", "id")
			id := func(list []string, path string) string {
				for _, l := range list {
					if p, ok := strings.CutPrefix(l, path+" "); ok {
						return p
					}
				}
				return "none"
			}
			if id(before, "Proposals/cloud.txt") != id(after, "Proposals/cloud v2.txt") || id(before, "Proposals/2026/desk.txt") != id(after, "Proposals/desk.txt") {
				t.Errorf("identities: %v, %v", before, after)
			}
			if d := result.Streams["asset"]; d.Deleted != 1 {
				t.Errorf("%+v", *d)
			}
			// A folder goes when nothing is in it any more.
			o.server.Do(func() { drive.Delete("f2") })
			result = o.Must()
			if f, d := result.Streams["sharepoint_folder"], result.Streams["asset"]; f.Deleted != 1 || d.Deleted != 1 {
				t.Errorf("%+v %+v", *f, *d)
			}
		})
	}
}

// A folder that is renamed changes the paths of all that is below it, although the
// log says nothing of them.
func TestRenamedFolder(t *testing.T) {
	drive := bids()
	o := newOffice(t, database.SQLite, sharepoint.Settings{}, &sharepointtest.Site{Path: "sites/bids", Drives: []*sharepointtest.Drive{drive}})
	o.Must()
	o.server.Requests()
	o.server.Do(func() { drive.Put(sharepointtest.Item{ID: "f1", Name: "Offers", Folder: true}) })
	o.Must()
	o.same("documents", []string{"Offers/2026/desk.txt", "Offers/cloud.txt", "broken.bad", "readme.txt"}, paths(o.list("asset", "extraction_status")))
	o.same("folders", []string{"", "Offers", "Offers/2026"}, paths(o.list("sharepoint_folder", "drive_id")))
	if got := o.server.Requests(); got["download"] != 0 {
		t.Errorf("%v", got)
	}
}

func paths(lines []string) (list []string) {
	for _, l := range lines {
		p := l[:strings.LastIndexByte(l, ' ')+1]
		list = append(list, strings.TrimSpace(p))
	}
	slices.Sort(list)
	return list
}

// When the log is gone, the library is listed anew, once, and what the listing does
// not have goes, under the guards.
func TestExpiredLog(t *testing.T) {
	for name, c := range map[string]struct{ where, broken bool }{"without a place": {false, false}, "with a place": {true, false}, "with a place that is gone": {true, true}} {
		t.Run(name, func(t *testing.T) {
			drive := bids()
			o := newOffice(t, database.SQLite, sharepoint.Settings{}, &sharepointtest.Site{Path: "sites/bids", Drives: []*sharepointtest.Drive{drive}})
			o.Must()
			o.texts.Took()
			o.server.Do(func() {
				drive.Vanish("d3") // of which the log says nothing any more
				drive.Put(sharepointtest.Item{ID: "d6", Name: "late.txt", Text: "late"})
				drive.Expire(c.where, c.broken)
			})
			o.server.Requests()
			result := o.Must()
			if d := result.Streams["asset"]; d.Deleted != 1 || d.Created != 1 {
				t.Errorf("%+v", *d)
			}
			o.same("read", []string{"late.txt"}, o.texts.Took())
			if got := o.server.Requests()["delta"]; got > 6 {
				t.Errorf("%d requests of changes", got)
			}
			o.server.Requests()
			if n := o.Must().Streams["asset"]; n.Seen != 0 || o.server.Requests()["delta"] != 2 {
				t.Errorf("afterwards: %+v", *n)
			}
			// Most of it gone looks like a mistake.
			o.server.Do(func() {
				for _, id := range []string{"d1", "d2", "d4", "d6"} {
					drive.Vanish(id)
				}
				drive.Put(sharepointtest.Item{ID: "d7", Name: "only.txt", Text: "only"})
				drive.Expire(c.where, c.broken)
			})
			result = o.Must()
			if d := result.Streams["asset"]; d.Deleted != 0 || !strings.Contains(d.Note, "force") {
				t.Errorf("%+v", *d)
			}
		})
	}
}

// A log that is always gone ends as a failure of its library, not in a circle.
func TestLogThatIsAlwaysGone(t *testing.T) {
	drive, other := bids(), sharepointtest.NewDrive("b!other", "Other", sharepointtest.Item{ID: "x1", Name: "x.txt", Text: "x"})
	o := newOffice(t, database.SQLite, sharepoint.Settings{}, &sharepointtest.Site{Path: "sites/bids", Drives: []*sharepointtest.Drive{drive, other}})
	o.server.Hook(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "b!bids/root/delta") {
			w.Header().Set("Location", "http://"+r.Host+r.URL.Path+"?token=all.0.0")
			w.WriteHeader(http.StatusGone)
			return true
		}
		return false
	})
	result := o.Must()
	if len(result.Skipped) != 2 || result.Streams["asset"].Created != 1 {
		t.Errorf("%+v", result)
	}
}

// One site or library that cannot be read does not stop the others, and keeps what
// is stored of it; the same for all is an error.
func TestLockedSite(t *testing.T) {
	for _, status := range []int{403, 404, 423} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			one := &sharepointtest.Site{Path: "sites/one", Drives: []*sharepointtest.Drive{bids()}}
			two := &sharepointtest.Site{Path: "sites/two", Drives: []*sharepointtest.Drive{sharepointtest.NewDrive("b!two", "Two", sharepointtest.Item{ID: "t1", Name: "t.txt", Text: "t"})}}
			o := newOffice(t, database.SQLite, sharepoint.Settings{}, one, two)
			o.Must()
			o.server.Do(func() {
				one.Status = status
				two.Drives[0].Put(sharepointtest.Item{ID: "t2", Name: "u.txt", Text: "u"})
			})
			result := o.Must()
			if len(result.Skipped) != 2 || !strings.Contains(result.Skipped[0].Part, "sites/one") || result.Streams["asset"].Created != 1 {
				t.Errorf("%+v", result)
			}
			if n := len(o.list("asset", "id")); n != 6 {
				t.Errorf("%d documents", n)
			}
			o.server.Do(func() { one.Status, two.Drives[0].Status = 0, status; one.Drives[0].Delete("d3") })
			result = o.Must()
			if len(result.Skipped) != 2 || result.Streams["asset"].Deleted != 1 {
				t.Errorf("%+v", result)
			}
			o.server.Do(func() { one.Status = status })
			if _, err := o.Import(); err == nil || !strings.Contains(err.Error(), "no library could be read") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What happens while a library is listed is not lost: items that are renamed, come
// or go between two pages.
func TestChangesDuringTheListing(t *testing.T) {
	drive := bids()
	o := newOffice(t, database.SQLite, sharepoint.Settings{}, &sharepointtest.Site{Path: "sites/bids", Drives: []*sharepointtest.Drive{drive}})
	o.server.PageSize = 2
	o.server.AfterPage(func(n int) {
		switch n {
		case 2:
			drive.Put(sharepointtest.Item{ID: "d1", Name: "renamed.txt", Parent: "f1", Text: "cloud migration plan"})
			drive.Put(sharepointtest.Item{ID: "d8", Name: "added.txt", Text: "added"})
		case 6:
			drive.Put(sharepointtest.Item{ID: "d2", Name: "desk.txt", Parent: "f1", Text: "changed text"})
			drive.Delete("d3")
		}
	})
	o.Must()
	o.server.AfterPage(nil)
	o.Must()
	o.same("documents", []string{"Proposals/desk.txt ok", "Proposals/renamed.txt ok", "added.txt ok", "broken.bad broken"}, o.list("asset", "extraction_status"))
	o.same("found", []string{"desk.txt"}, o.Found("changed"))
}

// Patterns, types and sizes say what is imported and what is read; with other
// patterns, what does not fit any more goes.
func TestPatterns(t *testing.T) {
	files := func() *sharepointtest.Drive {
		return sharepointtest.NewDrive("b!p", "P",
			sharepointtest.Item{ID: "a", Name: "Keep", Folder: true}, sharepointtest.Item{ID: "b", Name: "Drafts", Folder: true, Parent: "a"},
			sharepointtest.Item{ID: "1", Name: "one.txt", Parent: "a", Text: "1"}, sharepointtest.Item{ID: "2", Name: "TWO.TXT", Parent: "b", Text: "2"},
			sharepointtest.Item{ID: "3", Name: "three.log", Parent: "a", Text: "3"}, sharepointtest.Item{ID: "4", Name: "~$lock.txt", Parent: "a", Text: "4"},
			sharepointtest.Item{ID: "5", Name: "big.txt", Parent: "a", Text: strings.Repeat("x", 2000)}, sharepointtest.Item{ID: "6", Name: "liar.txt", Parent: "a", Text: strings.Repeat("x", 2000), Size: 5},
			sharepointtest.Item{ID: "7", Name: "top.txt", Text: "7"})
	}
	for name, c := range map[string]struct {
		s    sharepoint.Settings
		want []string
	}{
		"all":     {sharepoint.Settings{}, []string{"Keep/Drafts/TWO.TXT ok", "Keep/big.txt ok", "Keep/liar.txt ok", "Keep/one.txt ok", "Keep/three.log ok", "Keep/~$lock.txt ok", "top.txt ok"}},
		"folder":  {sharepoint.Settings{Include: []string{"keep/**/*.txt"}, Exclude: []string{"**/~$*", "**/drafts/**"}}, []string{"Keep/big.txt ok", "Keep/liar.txt ok", "Keep/one.txt ok"}},
		"types":   {sharepoint.Settings{Include: []string{"Keep/t*.log", "top.*"}, Types: []string{".TXT"}}, []string{"Keep/three.log skipped", "top.txt ok"}},
		"size":    {sharepoint.Settings{Include: []string{"Keep/*"}, Exclude: []string{"**/*.log", "Keep/~*"}, MaxSize: 1000}, []string{"Keep/big.txt too_large", "Keep/liar.txt too_large", "Keep/one.txt ok"}},
		"nothing": {sharepoint.Settings{Include: []string{"Elsewhere/**"}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t, database.SQLite, c.s, &sharepointtest.Site{Path: "sites/p", Drives: []*sharepointtest.Drive{files()}})
			o.Must()
			o.same("documents", c.want, o.list("asset", "extraction_status"))
		})
	}
	if err := sharepoint.New().CheckSettings([]byte(`{"include": ["a[b"]}`)); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// A file that cannot be downloaded is told and tried again; its fellows come.
func TestDownloads(t *testing.T) {
	drive := bids()
	o := newOffice(t, database.SQLite, sharepoint.Settings{}, &sharepointtest.Site{Path: "sites/bids", Drives: []*sharepointtest.Drive{drive}})
	expired, locked := 0, true
	o.server.Hook(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case strings.HasSuffix(r.URL.Path, "/download/b!bids/d1") && expired == 0: // the address is too old
			expired++
			w.WriteHeader(http.StatusUnauthorized)
			return true
		case strings.HasSuffix(r.URL.Path, "/d2") && locked, strings.HasSuffix(r.URL.Path, "/d2/content") && locked:
			w.WriteHeader(http.StatusLocked)
			return true
		}
		return false
	})
	o.Must()
	o.same("documents", []string{"Proposals/2026/desk.txt failed", "Proposals/cloud.txt ok", "broken.bad broken", "readme.txt ok"}, o.list("asset", "extraction_status"))
	before := o.State()
	if n := o.Must().Streams["asset"]; n.Created+n.Updated != 0 {
		t.Errorf("still locked: %+v", *n)
	}
	o.same("still locked", before, o.State())
	locked = false // of which the log says nothing
	o.Must()
	o.same("later", []string{"Proposals/2026/desk.txt ok", "Proposals/cloud.txt ok", "broken.bad broken", "readme.txt ok"}, o.list("asset", "extraction_status"))
}

// What a test of the connection says for each thing that can be wrong.
func TestPreflight(t *testing.T) {
	one := &sharepointtest.Site{Path: "sites/one", Drives: []*sharepointtest.Drive{bids()}}
	server := sharepointtest.New(host, one)
	defer server.Close()
	auth := content.NewAuthority()
	db := databasetest.Open(t, database.SQLite)
	for name, c := range map[string]struct {
		secret string
		status int
		sites  []sharepoint.Site
		want   []string
	}{
		"fine":            {sharepointtest.Secret, 0, []sharepoint.Site{{Host: host, Path: "/sites/one"}}, []string{"settings", "reachable", "credentials", "Sites.Selected for contoso.sharepoint.com/sites/one", "library Bids", "clock"}},
		"wrong secret":    {"canary-wrong", 0, []sharepoint.Site{{Host: host, Path: "sites/one"}}, []string{"settings", "reachable", "credentials failed"}},
		"no permission":   {sharepointtest.Secret, 403, []sharepoint.Site{{Host: host, Path: "sites/one"}}, []string{"settings", "reachable", "credentials", "Sites.Selected for contoso.sharepoint.com/sites/one failed"}},
		"no such site":    {sharepointtest.Secret, 0, []sharepoint.Site{{Host: host, Path: "sites/none"}}, []string{"settings", "reachable", "credentials", "site contoso.sharepoint.com/sites/none failed"}},
		"no such library": {sharepointtest.Secret, 0, []sharepoint.Site{{Host: host, Path: "sites/one", Libraries: []string{"Nowhere"}}}, []string{"settings", "reachable", "credentials", "site contoso.sharepoint.com/sites/one failed"}},
		"no site":         {sharepointtest.Secret, 0, nil, []string{"settings failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			server.Do(func() { one.Status = c.status })
			engine := &connectors.Engine{DB: db, Auth: auth, Secrets: oneSecret(c.secret), HTTP: server.Client(), Wait: func(ctx context.Context, _ time.Duration) error { return context.Cause(ctx) }}
			found, err := engine.Test(t.Context(), auth.Mint("x", "test"), sharepoint.New(sharepoint.Settings{Tenant: sharepointtest.Tenant, ClientID: sharepointtest.ClientID, ClientSecret: "env:X",
				LoginURL: server.URL, GraphURL: server.URL + "/v1.0", Sites: c.sites}), connectors.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				if strings.Contains(f.Detail, "canary") {
					t.Errorf("a secret shows: %+v", f)
				}
				if !f.OK {
					f.Name += " failed"
				}
				got = append(got, f.Name)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d, found)
			}
		})
	}
}

type oneSecret string

func (s oneSecret) Secret(context.Context, string) (rest.Secret, error) {
	return rest.NewSecret(string(s)), nil
}
