//go:build !race

package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors/web"
	"github.com/curatore/curatore-go/curatore"
)

// endless is a site of n pages with ten links each, and a paragraph of text.
func endless(t testing.TB, n int) *httptest.Server {
	paragraph := strings.Repeat("The agency plans to award a contract for the maintenance of its data centers in the coming year. ", 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var i int
		if _, err := fmt.Sscanf(r.URL.Path, "/page-%d", &i); err != nil && r.URL.Path != "/" || i >= n {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<html><head><title>Page %d</title></head><body><nav><a href=/>Home</a></nav><article><h1>Page %d</h1><p>%s</p><p>Number %d.</p>", i, i, paragraph, i)
		for k := 1; k <= 10; k++ {
			fmt.Fprintf(w, "<a href=/page-%d>%d</a> ", i*10+k, k)
		}
		fmt.Fprint(w, "</article></body></html>")
	}))
	t.Cleanup(s.Close)
	return s
}

// wordOf writes a number in letters: addresses that differ in numbers alone are read
// up to a bound.
func wordOf(n int) string {
	var b []byte
	for ; n >= 0; n = n/26 - 1 {
		b = append(b, byte('a'+n%26))
	}
	return string(b)
}

// BenchmarkLargeCrawl stores and indexes 100,000 pages, and reports what the process
// had in memory at most. Run it once: -benchtime 1x.
func BenchmarkLargeCrawl(b *testing.B) {
	const pages = 100_000
	number := make(map[string]int, pages)
	for i := range pages {
		number["/"+wordOf(i)+"/"] = i
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i, ok := number[r.URL.Path]
		if r.URL.Path != "/" && !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<title>Page %d</title><p>Text number %d of a site of many pages. %s", i, i, strings.Repeat(wordOf(i*7)+" and words ", 20))
		for k := 1; k <= 20; k++ {
			if next := i*20 + k; next < pages {
				fmt.Fprintf(w, "<a href=/%s/>x</a>", wordOf(next))
			}
		}
	}))
	b.Cleanup(s.Close)
	for b.Loop() {
		c, err := curatore.Open(b.Context(), curatore.Config{Database: "sqlite:" + filepath.Join(b.TempDir(), "web.db")}, web.New(web.Settings{
			Collections: []web.Collection{{Name: "large", Seeds: []string{s.URL + "/"}, MaxDepth: 50, MaxPages: 2 * pages}}, DelayMillis: -1, AllowNetworks: []string{"127.0.0.0/8"}}))
		if err != nil {
			b.Fatal(err)
		}
		org, err := c.Organization(b.Context(), "acme", "bench")
		if err != nil {
			b.Fatal(err)
		}
		most := uint64(0)
		stop := make(chan struct{})
		var watching sync.WaitGroup
		watching.Go(func() {
			for tick := time.NewTicker(100 * time.Millisecond); ; {
				select {
				case <-stop:
					tick.Stop()
					return
				case <-tick.C:
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					most = max(most, m.HeapInuse)
				}
			}
		})
		began := time.Now()
		run, err := org.Import(b.Context(), "web")
		if err != nil {
			b.Fatal(err)
		}
		r, err := run.Wait(b.Context())
		took := time.Since(began)
		close(stop)
		watching.Wait()
		if err != nil || r.Streams["scraped_asset"].Created < pages {
			b.Fatal(r, err)
		}
		b.ReportMetric(pages/took.Seconds(), "pages/s")
		b.ReportMetric(float64(most>>20), "MB-heap")
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func crawlEndless(t testing.TB, n int) time.Duration {
	s := endless(t, n)
	c, err := curatore.Open(t.Context(), curatore.Config{Database: "sqlite:" + filepath.Join(t.TempDir(), "web.db")}, web.New(web.Settings{
		Collections: []web.Collection{{Name: "endless", Seeds: []string{s.URL + "/"}, MaxDepth: 50, MaxPages: n * 2}}, DelayMillis: -1, AllowNetworks: []string{"127.0.0.0/8"}}))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	org, err := c.Organization(t.Context(), "acme", "bench")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	run, err := org.Import(t.Context(), "web")
	if err != nil {
		t.Fatal(err)
	}
	r, err := run.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Streams["scraped_asset"].Created; got < int64(min(n, 2000)) {
		t.Errorf("%d pages of %d", got, n)
	}
	return time.Since(began)
}

// Pages a second against a site on this machine, with politeness off, from the
// request to the search index.
func BenchmarkCrawl(b *testing.B) {
	const pages = 2000
	for b.Loop() {
		took := crawlEndless(b, pages)
		b.ReportMetric(pages/took.Seconds(), "pages/s")
	}
}

// The memory of a crawl hardly grows with the addresses that it meets.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("meets 100,000 addresses; not with -short")
	}
	var mu sync.Mutex
	var most uint64
	page := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			http.NotFound(w, r)
			return
		}
		mu.Lock()
		page++
		n := page
		mu.Unlock()
		if n%50 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			mu.Lock()
			most = max(most, m.HeapAlloc)
			mu.Unlock()
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<title>Page %d</title><p>Text number %d. %s", n, n, strings.Repeat("word ", 200))
		for k := range 400 {
			fmt.Fprintf(w, "<a href=/%x/some/rather/long/path/of/a/page/%x>x</a>", n, k)
		}
	}))
	t.Cleanup(s.Close)
	org := open(t, web.Settings{Collections: []web.Collection{{Name: "wide", Seeds: []string{s.URL + "/"}, MaxPages: 250, IgnoreRobots: true}}, DelayMillis: -1, AllowNetworks: []string{"127.0.0.0/8"}})
	r := crawl(t, org)
	met := r.Streams["scrape_decision"].Seen
	t.Logf("%d addresses, the heap was %d MB at most", met, most>>20)
	if met < 80_000 || most > 250<<20 {
		t.Errorf("%d addresses, the heap was %d MB at most", met, most>>20)
	}
}
