package web_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors/web"
)

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A site is followed where a browser would be led: by a refresh, frames, a base, and
// sitemaps in packed sitemaps.
func TestWaysOn(t *testing.T) {
	s := newSite(t)
	s.serve("/robots.txt", "text/plain", "\ufeffSITEMAP: "+s.URL+"/maps.xml.gz\r\n")
	s.serve("/maps.xml.gz", "application/gzip", zipped(t, "<sitemapindex><sitemap><loc>"+s.URL+"/more.xml.gz</loc></sitemap></sitemapindex>"))
	s.serve("/more.xml.gz", "application/gzip", zipped(t, "<sitemapindex><sitemap><loc>"+s.URL+"/last.txt</loc></sitemap></sitemapindex>"))
	s.serve("/last.txt", "text/plain", s.URL+"/listed\n")
	s.set("/listed", "In the last sitemap")
	s.serve("/", "text/html", `<meta http-equiv="Refresh" content="0; URL='/home'">`)
	s.serve("/home", "text/html", `<base href="/deep/er/"><p>Home <a href="page">p</a> <a href="../up#part">u</a><frameset><frame src="/framed"></frameset><iframe src="/inner"></iframe>`)
	for _, p := range []string{"/deep/er/page", "/deep/up", "/inner"} {
		s.set(p, "Text of "+p)
	}
	org := open(t, settings(s, web.Collection{Sitemaps: true}))
	crawl(t, org)
	if diff := cmp.Diff([]string{"/", "/deep/er/page", "/deep/up", "/home", "/inner", "/listed"}, stored(t, org, s)); diff != "" {
		t.Error(diff, decisions(t, org, s))
	}
}

// What a robots.txt says counts, however it says it.
func TestOddRobots(t *testing.T) {
	for name, text := range map[string]string{
		"a delay that is none": "User-agent: *\nCrawl-delay: soon\nDisallow: /private\n",
		"a broken sitemap":     "Sitemap: http://[bad\nUser-agent: *\nDisallow: /private\n",
		"odd lines":            "<html>\nwhat is this\nuser-agent : *\r\nDISALLOW: /private # all of it\r\nNoindex: /x\nHost: a\n",
		"a mark":               "\ufeffUser-agent: *\nDisallow: /private\n",
		"old line ends":        "User-agent: *\rDisallow: /private\r",
		"rules of its own":     "User-agent: other\nDisallow: /\n\nUser-agent: Curatore\nUser-agent: third\nDisallow: /*/x$\nAllow: /\n",
		"an empty line":        "User-agent: *\n\n\nDisallow: /private\n",
		"broken bytes":         "User-agent: *\nDisallow: /\xff\xfe\nDisallow: /private\n",
		"an odd escape":        "User-agent: *\nDisallow: /%zz\nDisallow: /priv%61te\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.serve("/robots.txt", "text/plain", text)
			s.set("/", "Welcome", "/private/x", "/open")
			s.set("/private/x", "Secret")
			s.set("/open", "Open")
			org := open(t, settings(s, web.Collection{}))
			crawl(t, org)
			want := []string{"/ stored", "/open stored", "/private/x skipped: robots.txt excludes it"}
			if diff := cmp.Diff(want, decisions(t, org, s)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What a server says of an answer is held against the answer.
func TestLyingServers(t *testing.T) {
	s := newSite(t)
	s.set("/", "Welcome", "/report", "/download", "/tagged", "/unasked", "/drip", "/plain")
	pdf := "%PDF-1.4\n1 0 obj\n<<>>\nendobj\n"
	s.serve("/report", "text/html", pdf)
	s.serve("/download", "application/octet-stream", pdf+"\x00")
	s.serve("/plain", "text/plain", "Only text")
	s.do("/tagged", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Robots-Tag", "otherbot: nofollow")
		w.Header().Add("X-Robots-Tag", "noindex, nofollow")
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<p>Not for you <a href=/found>x</a>")
	})
	s.status("/unasked", http.StatusNotModified)
	s.do("/drip", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for r.Context().Err() == nil {
			_, _ = fmt.Fprint(w, "x")
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	config := settings(s, web.Collection{})
	config.TimeoutMillis = 3000
	org := open(t, config)
	crawl(t, org)
	want := []string{"/ stored", "/download stored", "/drip failed: no answer within 3s", "/plain stored", "/report stored",
		"/tagged skipped: the page asks not to be indexed", "/unasked failed: it answers 304, and was not asked whether it has changed"}
	if diff := cmp.Diff(want, decisions(t, org, s)); diff != "" {
		t.Error(diff)
	}
}

// A site that gives each visitor addresses of his own is not read for ever.
func TestSessionsInAddresses(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/robots.txt" {
			http.NotFound(w, r)
			return
		}
		n := asked.Add(1)
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<p>The same text for all")
		for i, to := range []string{"/a", "/b"} {
			visit := fmt.Sprintf("%x", sha256.Sum256([]byte{byte(n), byte(i)}))
			visit = strings.Map(func(c rune) rune { return c%16 + 'a' }, visit)
			_, _ = fmt.Fprintf(w, `<a href="%s;jsessionid=%s">x</a><a href="%s?x=1&PHPSESSID=%s">x</a><a href="/v-%s/%s">x</a>`, to, visit, to, visit, visit, to[1:])
		}
	}))
	defer s.Close()
	config := web.Settings{Collections: []web.Collection{{Name: "site", Seeds: []string{s.URL + "/"}, MaxPages: 10, MaxDepth: 1000}}, DelayMillis: -1, AllowNetworks: []string{"127.0.0.0/8"}, Parallel: 1}
	org := open(t, config)
	crawl(t, org)
	if asked.Load() > 43 {
		t.Errorf("%d addresses were asked for 10 pages", asked.Load())
	}
	found := 0
	for _, line := range decisions(t, org, &site{Server: s}) {
		if strings.Contains(strings.ToLower(line), "sess") {
			t.Error(line)
		}
		if strings.HasPrefix(line, "/a ") || strings.HasPrefix(line, "/b?x=1 ") {
			found++
		}
	}
	if found != 2 {
		t.Errorf("%d of two pages were found", found)
	}
}
