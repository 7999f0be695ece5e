package sharepoint_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/sharepoint"
	"github.com/curatore/curatore-go/connectors/sharepoint/sharepointtest"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/database"
)

// A service that gives what it should not: the import ends, in bounded time, nothing
// that is stored goes, no credential leaves, and when all is well again everything is
// as if nothing had been.
func TestHostileLogs(t *testing.T) {
	var strangers atomic.Value
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		strangers.Store("asked with " + r.Header.Get("Authorization"))
	}))
	defer stranger.Close()
	page := func(link, to string, items ...string) string {
		return fmt.Sprintf(`{"value": [%s], %q: %q}`, strings.Join(items, ","), link, to)
	}
	for name, answer := range map[string]func(w http.ResponseWriter, r *http.Request, n int){
		"a next link to a stranger": func(w http.ResponseWriter, _ *http.Request, _ int) {
			fmt.Fprint(w, page("@odata.nextLink", stranger.URL+"/next"))
		},
		"a last link to a stranger": func(w http.ResponseWriter, _ *http.Request, _ int) {
			fmt.Fprint(w, page("@odata.deltaLink", stranger.URL+"/last"))
		},
		"a next link of another kind": func(w http.ResponseWriter, _ *http.Request, _ int) {
			fmt.Fprint(w, page("@odata.nextLink", "file:///etc/passwd"))
		},
		"a circle": func(w http.ResponseWriter, r *http.Request, n int) {
			fmt.Fprint(w, page("@odata.nextLink", fmt.Sprintf("http://%s%s?page=%d", r.Host, r.URL.Path, n%3)))
		},
		"empty pages without an end": func(w http.ResponseWriter, r *http.Request, n int) {
			fmt.Fprint(w, page("@odata.nextLink", fmt.Sprintf("http://%s%s?page=%d", r.Host, r.URL.Path, n)))
		},
		"both links": func(w http.ResponseWriter, r *http.Request, _ int) {
			at := "http://" + r.Host + r.URL.Path
			fmt.Fprintf(w, `{"value": [], "@odata.nextLink": %q, "@odata.deltaLink": %q}`, at, at)
		},
		"no link":       func(w http.ResponseWriter, _ *http.Request, _ int) { fmt.Fprint(w, `{"value": []}`) },
		"half a page":   func(w http.ResponseWriter, _ *http.Request, _ int) { fmt.Fprint(w, `{"value": [{"id": "d1", "na`) },
		"another shape": func(w http.ResponseWriter, _ *http.Request, _ int) { fmt.Fprint(w, `{"value": {"id": 7}}`) },
		"a page to sign in": func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>Sign in")
		},
		"a redirect to a stranger": func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, stranger.URL, http.StatusTemporaryRedirect)
		},
		"gone, and somewhere else": func(w http.ResponseWriter, _ *http.Request, _ int) {
			w.Header().Set("Location", stranger.URL+"/all")
			w.WriteHeader(http.StatusGone)
		},
	} {
		t.Run(name, func(t *testing.T) {
			drive := bids()
			o := newOffice(t, database.SQLite, sharepoint.Settings{}, &sharepointtest.Site{Path: "sites/bids", Drives: []*sharepointtest.Drive{drive}})
			o.Must()
			o.server.Do(func() { drive.Put(sharepointtest.Item{ID: "d9", Name: "late.txt", Text: "late"}) })
			want := len(o.Rows("asset"))
			strangers.Store("")
			n := 0
			o.server.Hook(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/root/delta") {
					return false
				}
				n++
				answer(w, r, n)
				return true
			})
			for range 2 { // what was kept of the first does not decide the second
				if result, err := o.Import(); err == nil && len(result.Skipped) == 0 {
					t.Errorf("nothing was told: %+v", result)
				}
			}
			if got := len(o.Rows("asset")); got != want || n > 5000 {
				t.Errorf("%d of %d files are left after %d requests", got, want, n)
			}
			if got := strangers.Load(); got != "" {
				t.Error("a stranger was", got)
			}
			o.server.Hook(nil)
			o.Must()
			if got := o.list("asset", "text"); len(got) != want+1 || !strings.Contains(strings.Join(got, "\n"), "late.txt late") {
				t.Errorf("afterwards: %q", got)
			}
		})
	}
}

// Items that are none, or say impossible things, are told or taken as far as they go;
// their fellows come, and no permission is stored with what could not be read.
func TestHostileItems(t *testing.T) {
	drive := bids()
	o := newOffice(t, database.SQLite, sharepoint.Settings{}, &sharepointtest.Site{Path: "sites/bids", Drives: []*sharepointtest.Drive{drive}})
	long := strings.Repeat("x", 3000)
	o.server.Hook(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/root/delta") {
			return false
		}
		items := []string{
			`7`, `"text"`, `[]`, `null`, `{}`, `{"id": 7, "@microsoft.graph.downloadUrl": "https://x.example/?tempauth=ticket-canary-9"}`,
			`["@microsoft.graph.downloadUrl", "https://x.example/?tempauth=ticket-canary-9"]`,
			`{"id": "root", "root": {}, "folder": {}}`,
			`{"id": "a", "name": "A", "folder": {}, "parentReference": {"id": "b"}}`, `{"id": "b", "name": "B", "folder": {}, "parentReference": {"id": "a"}}`, // in each other
			`{"id": "own", "name": "Own", "folder": {}, "parentReference": {"id": "own"}}`,
			`{"id": "circle", "name": "in a circle.txt", "file": {"mimeType": "text/plain"}, "size": -5, "parentReference": {"id": "a"}}`,
			`{"id": "zero", "name": "zero\u0000.txt", "file": {}, "size": 1e30, "parentReference": {"id": "root"}}`,
			`{"id": "` + long + `", "name": "` + long + `.txt", "file": {}, "parentReference": {"id": "root"}}`,
			`{"id": "both", "name": "both", "file": {}, "folder": {}, "parentReference": {"id": "root"}}`,
			`{"id": "good", "name": "good.txt", "file": {"mimeType": "text/plain"}, "size": 4, "parentReference": {"id": "root"}, "@microsoft.graph.downloadUrl": "::not an address"}`,
			`{"id": "gone", "deleted": {}}`,
		}
		fmt.Fprintf(w, `{"value": [%s], "@odata.deltaLink": "http://%s%s?token=changes.0.9"}`, strings.Join(items, ","), r.Host, r.URL.Path)
		return true
	})
	result := o.Must()
	names := map[string]bool{}
	for _, row := range o.Rows("asset") {
		names[row.(*asset.Asset).Filename] = true
	}
	if !names["good.txt"] || !names["in a circle.txt"] || names["both"] {
		t.Errorf("%v %v", names, result.Failures)
	}
	if c := result.Streams["asset"]; c.Failed == 0 {
		t.Errorf("%+v", *c)
	}
	for _, f := range o.State() {
		if strings.Contains(f, "ticket-canary") {
			t.Error("a permission is stored:", f)
		}
	}
	o.Must()
}

// What comes in the place of a file is not taken for it, and not for the last word.
func TestHostileDownloads(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		first  string
	}{
		"a page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>Sign in")
		}, "failed"},
		"half of it": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99")
			fmt.Fprint(w, "half")
		}, "failed"},
		"nothing at all": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "failed"},
		"too much":       {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 2000)) }, "too_large"},
		"a circle":       {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) }, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			drive := bids()
			o := newOffice(t, database.SQLite, sharepoint.Settings{MaxSize: 1000}, &sharepointtest.Site{Path: "sites/bids", Drives: []*sharepointtest.Drive{drive}})
			o.server.Hook(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, "/d2") && !strings.HasSuffix(r.URL.Path, "/d2/content") || strings.Contains(r.URL.Path, "/items/d2") && !strings.HasSuffix(r.URL.Path, "/content") {
					return false
				}
				c.answer(w, r)
				return true
			})
			o.Must()
			o.same("first", []string{"Proposals/2026/desk.txt " + c.first, "Proposals/cloud.txt ok", "broken.bad broken", "readme.txt ok"}, o.list("asset", "extraction_status"))
			o.server.Hook(nil)
			o.Must()
			want := "ok"
			if c.first == "too_large" {
				want = c.first
			}
			o.same("later", []string{"Proposals/2026/desk.txt " + want, "Proposals/cloud.txt ok", "broken.bad broken", "readme.txt ok"}, o.list("asset", "extraction_status"))
		})
	}
	t.Run("all of them", func(t *testing.T) { // the service is ill, not the files
		var items []sharepointtest.Item
		for i := range 12 {
			items = append(items, sharepointtest.Item{ID: fmt.Sprintf("d%d", i), Name: fmt.Sprintf("%d.txt", i), Text: "text"})
		}
		o := newOffice(t, database.SQLite, sharepoint.Settings{}, &sharepointtest.Site{Path: "sites/x", Drives: []*sharepointtest.Drive{sharepointtest.NewDrive("b!x", "X", items...)}})
		o.server.Hook(func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasPrefix(r.URL.Path, "/download/") {
				w.WriteHeader(http.StatusBadGateway)
				return true
			}
			return false
		})
		if _, err := o.Import(); err == nil || !strings.Contains(err.Error(), "502") {
			t.Errorf("got %v", err)
		}
		o.server.Hook(nil)
		o.Must()
		for _, line := range o.list("asset", "extraction_status") {
			if !strings.HasSuffix(line, " ok") {
				t.Error(line)
			}
		}
	})
}

// A file of many megabytes goes to the object store with bounded memory; what is in
// the database says what it is.
func TestLargeFile(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 1<<18) // 4 MB
	drive := sharepointtest.NewDrive("b!x", "X", sharepointtest.Item{ID: "d1", Name: "large.bin", Text: text})
	server := sharepointtest.New(host, &sharepointtest.Site{Path: "sites/x", Drives: []*sharepointtest.Drive{drive}})
	defer server.Close()
	w := connectortest.NewWorkshop(t, database.SQLite, connectortest.Subject{Secrets: oneSecret(sharepointtest.Secret), HTTP: server.Client(),
		Connection: sharepoint.New(sharepoint.Settings{Tenant: sharepointtest.Tenant, ClientID: sharepointtest.ClientID, ClientSecret: "env:X",
			LoginURL: server.URL, GraphURL: server.URL + "/v1.0", Sites: []sharepoint.Site{{Host: host, Path: "sites/x"}}})})
	w.Must()
	got := w.Rows("asset")[0].(*asset.Asset)
	var details struct {
		ID, Library, Site string
	}
	if err := json.Unmarshal(got.Details, &details); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{int64(4 << 20), true, "d1", "X"}, []any{got.Size, got.ObjectKey != "" && len(got.SHA256) == 64, details.ID, details.Library}); diff != "" {
		t.Error(diff)
	}
}
