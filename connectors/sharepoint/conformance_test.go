//go:build !race

package sharepoint_test

import (
	"fmt"
	"testing"

	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/sharepoint"
	"github.com/curatore/curatore-go/connectors/sharepoint/sharepointtest"
)

// A tenant with two libraries, whose state before is one of fewer files.
func TestConformance(t *testing.T) {
	drive := func(id string, files int) *sharepointtest.Drive {
		d := sharepointtest.NewDrive(id, "Library "+id, sharepointtest.Item{ID: "f1", Name: "Folder", Folder: true}, sharepointtest.Item{ID: "f2", Name: "Below", Folder: true, Parent: "f1"})
		for i := range files {
			d.Put(sharepointtest.Item{ID: fmt.Sprintf("d%d", i), Name: fmt.Sprintf("file %d.txt", i), Parent: []string{"", "f1", "f2"}[i%3], Text: fmt.Sprintf("text of %d", i)})
		}
		return d
	}
	site := &sharepointtest.Site{Path: "sites/x"}
	server := sharepointtest.New(host, site)
	server.PageSize = 6
	t.Cleanup(server.Close)
	connectortest.Run(t, connectortest.Subject{
		Connection: sharepoint.New(sharepoint.Settings{Tenant: sharepointtest.Tenant, ClientID: sharepointtest.ClientID, ClientSecret: "env:X",
			LoginURL: server.URL, GraphURL: server.URL + "/v1.0", Sites: []sharepoint.Site{{Host: host, Path: "sites/x"}}, Extractor: &connectortest.Plain{}}),
		Secrets: oneSecret(sharepointtest.Secret), HTTP: server.Client(), Batch: 7, Moves: true,
		Ignore: []string{"extraction_started_at", "extracted_at"},
		Edition: func(n int) {
			server.Do(func() {
				if n == 0 {
					site.Status, site.Drives = 0, []*sharepointtest.Drive{drive("one", 7), drive("two", 4)}
					return
				}
				one := site.Drives[0]
				one.Put(sharepointtest.Item{ID: "d1", Name: "renamed.txt", Parent: "f2", Text: "text of 1"})
				one.Put(sharepointtest.Item{ID: "d2", Name: "file 2.txt", Parent: "f2", Text: "another text"})
				one.Delete("d4")
				for i := range 9 {
					one.Put(sharepointtest.Item{ID: fmt.Sprintf("n%d", i), Name: fmt.Sprintf("new %d.txt", i), Parent: "f1", Text: fmt.Sprintf("new text %d", i)})
				}
				site.Drives[1].Vanish("d3")
				site.Drives[1].Expire(true, false)
			})
		},
		Refreshes: true, TokenPath: "/oauth2/", Canaries: []string{sharepointtest.Secret, "graph-token-canary", "ticket-canary"},
		Empty: func() {
			server.Do(func() {
				for i, d := range site.Drives {
					site.Drives[i] = sharepointtest.NewDrive(d.ID, d.Name)
					for range 3 {
						site.Drives[i].Expire(false, false)
					}
				}
			})
		},
		Shuffle: func() {
			server.Do(func() { // the same items again, in another order
				for _, d := range site.Drives {
					d.Repeat()
				}
			})
		},
	})
}
