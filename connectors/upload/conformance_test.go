//go:build !race

package upload_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/upload"
	"github.com/curatore/curatore-go/content/database"
)

// subject is the connection with files of two editions, some of which are broken.
func subject(t *testing.T, sync bool) connectortest.Subject {
	files := func(n, edition int) func() []connectors.File {
		return func() (files []connectors.File) {
			for i := range n {
				files = append(files, file(fmt.Sprintf("folder %d/file %02d.md", i%3, i), fmt.Sprintf("# File %d\n\nText %d.", i, i*edition%7)))
			}
			return append(files, file("broken.pdf", "%PDF-1.4 nothing"), zipped(t, "more.zip", "in/a.txt", "a", "../out.txt", "x", "in/b.json", `{"b": 1}`))
		}
	}
	clock := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	return connectortest.Subject{
		Connection: upload.New(upload.Settings{Sync: sync, Now: func() time.Time { return clock }}),
		Before:     files(9, 1), Files: files(13, 2), Batch: 5,
	}
}

// What every connection keeps: no write without a change, dry runs, crashes at
// each commit, cancellation, organizations beside each other.
func TestConformance(t *testing.T) {
	t.Run("add", func(t *testing.T) { connectortest.Run(t, subject(t, false)) })
	t.Run("sync", func(t *testing.T) {
		s := subject(t, true)
		s.Databases = []string{database.SQLite} // what differs is in what the connection gives
		connectortest.Run(t, s)
	})
}
