package web_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/connectortest"
	"github.com/curatore/curatore-go/connectors/web"
	"github.com/curatore/curatore-go/curatore"
)

// A site is a website whose pages can be changed. It counts what it is asked.
type site struct {
	*httptest.Server
	front *connectortest.Front
	mu    sync.Mutex
	pages map[string]http.HandlerFunc
	asked []string
	times []time.Time
}

func newSite(t testing.TB) *site {
	s := &site{pages: map[string]http.HandlerFunc{}}
	s.front = connectortest.NewFront(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		do := s.pages[r.URL.RequestURI()]
		s.asked, s.times = append(s.asked, r.URL.RequestURI()), append(s.times, time.Now())
		s.mu.Unlock()
		if do == nil {
			http.NotFound(w, r)
			return
		}
		do(w, r)
	}))
	s.Server = httptest.NewServer(s.front)
	t.Cleanup(s.Close)
	return s
}

// set puts a page with a text and links, which tells whether it has changed.
func (s *site) set(path, text string, links ...string) {
	body := "<html><head><title>Page " + path + "</title></head><body><p>" + text + "</p>"
	for _, l := range links {
		body += fmt.Sprintf("<a href=%q>link</a> ", l)
	}
	s.serve(path, "text/html", body+"</body></html>")
}

func (s *site) serve(path, contentType, body string) {
	tag := fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(body)))
	s.do(path, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", tag)
		w.Header().Set("Content-Type", contentType)
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = w.Write([]byte(body))
	})
}

func (s *site) do(path string, do http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = do
}

func (s *site) status(path string, status int) {
	s.do(path, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

// requests returns what was asked since the last call, in order of the paths.
func (s *site) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked, s.times = nil, nil
	slices.Sort(asked)
	return asked
}

func settings(s *site, c web.Collection) web.Settings {
	if c.Name == "" {
		c.Name = "site"
	}
	if c.Seeds == nil {
		c.Seeds = []string{s.URL + "/"}
	}
	return web.Settings{Collections: []web.Collection{c}, DelayMillis: -1, AllowNetworks: []string{"127.0.0.0/8"}}
}

func open(t *testing.T, s web.Settings) *curatore.Organization {
	t.Helper()
	c, err := curatore.Open(t.Context(), curatore.Config{Database: "sqlite:" + filepath.Join(t.TempDir(), "web.db")}, web.New(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	org, err := c.Organization(t.Context(), "acme", "test")
	if err != nil {
		t.Fatal(err)
	}
	return org
}

func crawl(t *testing.T, org *curatore.Organization) *connectors.Result {
	t.Helper()
	run, err := org.Import(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	result, err := run.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Failures) > 0 {
		t.Fatal(result.Failures)
	}
	return result
}

// stored returns the paths of the pages that are stored.
func stored(t *testing.T, org *curatore.Organization, s *site) (paths []string) {
	t.Helper()
	page, err := org.List(t.Context(), "scraped_asset", curatore.ListQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range page.Items {
		paths = append(paths, strings.TrimPrefix(i.Fields["url"].(string), s.URL))
	}
	slices.Sort(paths)
	return paths
}

// decisions returns what became of each address: "path decision: reason".
func decisions(t *testing.T, org *curatore.Organization, s *site) (lines []string) {
	t.Helper()
	page, err := org.List(t.Context(), "scrape_decision", curatore.ListQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range page.Items {
		line := fmt.Sprintf("%s %s", i.Fields["url"], i.Fields["decision"])
		if reason, _ := i.Fields["reason"].(string); reason != "" {
			line += ": " + reason
		}
		lines = append(lines, strings.ReplaceAll(line, s.URL, ""))
	}
	slices.Sort(lines)
	return lines
}
