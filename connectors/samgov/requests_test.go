//go:build !race

package samgov_test

import (
	"strings"
	"testing"

	"github.com/curatore/curatore-go/connectors/samgov"
	"github.com/curatore/curatore-go/connectors/samgov/samgovtest"
	"github.com/curatore/curatore-go/content/database"
)

// Fewer requests are not possible but for one a window and one that found too
// much: 50,000 notices of a year are at least 50 pages.
func TestFewRequests(t *testing.T) {
	if testing.Short() {
		t.Skip("50,000 notices take some seconds; -short was given")
	}
	const n = 50_000
	d := newDesk(t, database.SQLite, samgov.Settings{Descriptions: -1, Attachments: samgov.Attachments{Off: true}, From: "2025-03-08"}, samgovtest.Generate(n, march.AddDate(-1, 0, 8), 355)...)
	d.Options.DryRun = true // what is counted are requests
	result := d.Must()
	requests := d.server.Requests()["search"]
	t.Logf("%d notices with %d requests; no plan needs fewer than %d", n, requests, n/1000)
	if got := result.Streams["sam_notice"]; got.Created != n || got.Seen != n || result.Skipped != nil {
		t.Errorf("%+v", *got)
	}
	if bound := n/1000 + n/8000 + 1 + 1; requests > bound {
		t.Errorf("%d requests, at most %d are to be made", requests, bound)
	}
}

// Pages that do not fit together are read again in smaller windows; what cannot be
// reconciled is told, and the rest comes.
func TestTotalsThatChange(t *testing.T) {
	all := samgovtest.Generate(1500, march.AddDate(0, 0, -20), 10)
	d := newDesk(t, database.SQLite, samgov.Settings{Descriptions: -1, Attachments: samgov.Attachments{Off: true}}, all...)
	changes := 2
	d.server.WrongTotals(func(page int) int64 {
		if page > 0 && changes > 0 {
			changes--
			return 1
		}
		return 0
	})
	result := d.Must()
	if n := result.Streams["sam_notice"]; n.Created != 1500 || len(result.Skipped) != 0 {
		t.Errorf("%+v, %v", *n, result.Skipped)
	}
	d = newDesk(t, database.SQLite, samgov.Settings{Descriptions: -1, Attachments: samgov.Attachments{Off: true}}, all...)
	d.server.WrongTotals(func(int) int64 { return 1 })
	result = d.Must()
	if n := result.Streams["sam_notice"]; n.Created != 1500 || len(result.Skipped) == 0 || !strings.Contains(result.Skipped[0].Reason, "came") {
		t.Errorf("%+v, %v", *n, result.Skipped)
	}
}
