package sharepoint_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/sharepoint"
	"github.com/curatore/curatore-go/connectors/sharepoint/sharepointtest"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/database"
)

// A library that is renamed is told by the list of libraries alone: all that is in it
// says so, the old and the new, and nothing is downloaded.
func TestRenamedLibrary(t *testing.T) {
	drive := bids()
	o := newOffice(t, database.SQLite, sharepoint.Settings{}, &sharepointtest.Site{Path: "sites/bids", Drives: []*sharepointtest.Drive{drive}})
	o.Must()
	before := o.list("asset", "id")
	o.server.Requests()
	o.server.Do(func() {
		drive.Name = "Offers"
		drive.Put(sharepointtest.Item{ID: "d9", Name: "late.txt", Text: "late"})
	})
	o.Must()
	o.same("folders", []string{"Offers", "Proposals Offers", "Proposals/2026 Offers"}, o.list("sharepoint_folder", "library"))
	for _, row := range o.Rows("sharepoint_folder") {
		if f := row.(*sharepoint.Folder); f.ParentKey == nil && f.Name != "Offers" {
			t.Errorf("the top of the library is %q", f.Name)
		}
	}
	for _, row := range o.Rows("asset") {
		if a := row.(*asset.Asset); a.Collection != host+"/sites/bids/Offers" || !strings.Contains(string(a.Details), `Offers`) {
			t.Errorf("%s: %s %s", a.Path, a.Collection, a.Details)
		}
	}
	if got := o.server.Requests(); got["download"] != 1 {
		t.Errorf("%v", got)
	}
	for _, line := range before {
		if !strings.Contains(strings.Join(o.list("asset", "id"), "\n"), line) {
			t.Errorf("%s has another identity", line)
		}
	}
	state := o.State()
	if n := o.Must().Streams["asset"]; n.Created+n.Updated != 0 {
		t.Errorf("again: %+v", *n)
	}
	o.same("again", state, o.State())
}

// Files without a name, of nothing, below a notebook, throttled, and folders that are
// moved while they are listed.
func TestOddFiles(t *testing.T) {
	drive := sharepointtest.NewDrive("b!x", "X", sharepointtest.Item{ID: "f1", Name: "One", Folder: true}, sharepointtest.Item{ID: "f2", Name: "Two", Folder: true},
		sharepointtest.Item{ID: "zero", Name: "zero.txt"}, sharepointtest.Item{ID: "unnamed", Text: "no name"},
		sharepointtest.Item{ID: "in", Name: "in a notebook.one", Parent: "notebook", Text: "notes"},
		sharepointtest.Item{ID: "moved", Name: "moved.txt", Parent: "f1", Text: "moved"})
	o := newOffice(t, database.SQLite, sharepoint.Settings{}, &sharepointtest.Site{Path: "sites/x", Drives: []*sharepointtest.Drive{drive}})
	o.server.PageSize = 3
	o.server.AfterPage(func(n int) {
		if n == 4 { // of documents
			drive.Put(sharepointtest.Item{ID: "moved", Name: "moved.txt", Parent: "f2", Text: "moved"})
		}
	})
	throttled := 0
	o.server.Hook(func(w http.ResponseWriter, r *http.Request) bool {
		if throttled++; throttled%3 == 0 {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, `{"error":{"code":"activityLimitReached"}}`)
			return true
		}
		return false
	})
	o.Must()
	o.Must()
	o.same("documents", []string{"Two/moved.txt ok", "in a notebook.one ok", "ok", "zero.txt empty"}, o.list("asset", "extraction_status"))
	// Deleted, and made anew under the same name.
	o.server.Do(func() {
		drive.Delete("zero")
		drive.Put(sharepointtest.Item{ID: "zero2", Name: "zero.txt", Text: "not any more"})
		drive.Delete("moved")
		drive.Put(sharepointtest.Item{ID: "moved", Name: "moved.txt", Parent: "f1", Text: "restored"})
	})
	o.Must()
	o.same("restored", []string{"One/moved.txt restored", "in a notebook.one notes", "no name", "zero.txt not any more"}, o.list("asset", "text"))
}

// Each national cloud is a Graph of its own, with its own sign-in service and scope. One
// setting is enough to name it.
func TestNationalClouds(t *testing.T) {
	for graph, want := range map[string][3]string{
		"":                                     {"login.microsoftonline.com", "https://graph.microsoft.com/.default", "graph.microsoft.com/v1.0"},
		"https://graph.microsoft.us":           {"login.microsoftonline.us", "https://graph.microsoft.us/.default", "graph.microsoft.us/v1.0"},
		"https://graph.microsoft.us/v1.0":      {"login.microsoftonline.us", "https://graph.microsoft.us/.default", "graph.microsoft.us/v1.0"},
		"https://dod-graph.microsoft.us/v1.0/": {"login.microsoftonline.us", "https://dod-graph.microsoft.us/.default", "dod-graph.microsoft.us/v1.0"},
		"https://microsoftgraph.chinacloudapi.cn": {"login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn/.default", "microsoftgraph.chinacloudapi.cn/v1.0"},
		"https://gateway.example/graph/v1.0":      {"login.microsoftonline.com", "https://graph.microsoft.com/.default", "gateway.example/graph/v1.0"},
	} {
		t.Run(graph, func(t *testing.T) {
			var got [3]string
			w := connectortest.NewWorkshop(t, database.SQLite, connectortest.Subject{Secrets: oneSecret(sharepointtest.Secret),
				HTTP: &http.Client{Transport: cloud(func(r *http.Request) string {
					if strings.HasSuffix(r.URL.Path, "/token") {
						got[0], got[1] = r.URL.Host, r.FormValue("scope")
						return `{"access_token": "token", "expires_in": 3599}`
					}
					at, _, _ := strings.Cut(r.URL.Host+r.URL.Path, "/sites/")
					got[2] = at
					return `{"id": "site", "value": []}`
				})},
				Connection: sharepoint.New(sharepoint.Settings{Tenant: sharepointtest.Tenant, ClientID: sharepointtest.ClientID, ClientSecret: "env:X", GraphURL: graph,
					Sites: []sharepoint.Site{{Host: host, Path: "sites/x"}}})})
			w.Must()
			if got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// A cloud answers requests to any host.
type cloud func(r *http.Request) string

func (c cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(c(r))), Request: r}, nil
}
