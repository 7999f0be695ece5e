//go:build !race

package web_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/web"
)

// A site of two editions; in the first there are pages that are gone in the second.
func TestConformance(t *testing.T) {
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
		s.do("/robots.txt", func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "cookie-canary"})
			http.NotFound(w, r)
		})
		s.set("/", "Welcome", append(links, "/data.csv", "http://elsewhere.example/")...)
	}
	clock := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	config := settings(s, web.Collection{})
	config.Now = func() time.Time { return clock }
	config.MaxBytes = 1 << 20
	connectortest.Run(t, connectortest.Subject{Connection: web.New(config), Batch: 6, Front: s.front, PassesOver: true, Log: []string{"scrape_decision"}, Canaries: []string{"cookie-canary"},
		Edition: put,
		Empty: func() {
			for i := range 12 {
				s.status(fmt.Sprintf("/page/%d", i), http.StatusNotFound)
				s.status(fmt.Sprintf("/below/%d", i), http.StatusNotFound)
			}
			s.status("/data.csv", http.StatusNotFound)
			s.status("/", http.StatusNotFound)
		},
	})
}
