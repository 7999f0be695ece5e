//go:build !race

package web_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/web"
)

// subject is the connection with a site of two editions. In the first there are pages
// that are gone in the second.
func subject(t *testing.T) connectortest.Subject {
	s := newSite(t)
	put := func(edition int) {
		var links []string
		for i := range 12 {
			path := fmt.Sprintf("/page/%d", i)
			links = append(links, path)
			s.set(path, fmt.Sprintf("Text of page %d, edition %d.", i, i%3*edition), fmt.Sprintf("/below/%d", i))
			if i%2 == 0 {
				s.set(fmt.Sprintf("/below/%d", i), fmt.Sprintf("Below page %d.", i))
			}
		}
		s.serve("/page/5", "text/html", []string{"<p>It was here", "<meta name=robots content=noindex>"}[edition])
		s.serve("/data.csv", "text/csv", fmt.Sprintf("a,b\n1,%d\n", 10*edition))
		s.set("/", "Welcome", append(links, "/data.csv", "http://elsewhere.example/")...)
	}
	clock := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	config := settings(s, web.Collection{})
	config.Now = func() time.Time { return clock }
	return connectortest.Subject{Connection: web.New(config), Batch: 6,
		Before: func() []connectors.File { put(0); return nil },
		Files:  func() []connectors.File { put(1); return nil },
	}
}

// What every connection keeps: no write without a change, dry runs, crashes at each
// commit, cancellation, organizations beside each other.
func TestConformance(t *testing.T) {
	connectortest.Import(t, subject(t))
}
