package web_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors/web"
	"github.com/curatore/curatore-go/content/blob/dirblob"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore"
	"github.com/curatore/curatore-go/search"
)

// Each address that a crawl meets has a fate, and a reason.
func TestFates(t *testing.T) {
	s := newSite(t)
	other := newSite(t)
	s.serve("/robots.txt", "text/plain", "User-agent: *\nDisallow: /private\n")
	s.set("/", "Welcome", "a", "/private/x", "/gone", "/moved", "/twin", "/canonical", "/silent", "/style.css", "/ill", "/excluded/x", other.URL+"/", "mailto:x@y", "#top", "/a/a/a/a/a", "/report.csv", "/elsewhere", "/loop1")
	s.set("/a", "First page", "/deep", "/a?x=1#part")
	s.set("/a?x=1", "With a query")
	s.set("/deep", "Deep", "/deeper")
	s.set("/new", "New place")
	s.set("/twin", "First page", "/deep", "/a?x=1#part")
	s.do("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/new", http.StatusMovedPermanently) })
	s.do("/elsewhere", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL+"/x", http.StatusFound) })
	s.do("/loop1", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop1", http.StatusFound) })
	s.serve("/canonical", "text/html", `<link rel=canonical href="/new"><p>Copy`)
	s.serve("/silent", "text/html", `<meta name=robots content=noindex><p>Secret <a href="/found">x</a>`)
	s.set("/found", "Found behind a silent page")
	s.serve("/style.css", "text/css", "p{}")
	s.serve("/report.csv", "text/csv", "item,price\npaper,12\n")
	s.status("/ill", 500)
	org := open(t, settings(s, web.Collection{MaxDepth: 2, Exclude: []string{"/excluded/*"}}))
	crawl(t, org)
	want := []string{
		"/ stored", "/a stored", "/a/a/a/a/a skipped: its path repeats \"a\"", "/a?x=1 stored", "/canonical redirected: its canonical address is /new", "/deep stored",
		"/deeper skipped: it is more than 2 links away from a seed", "/elsewhere redirected: to " + other.URL + "/x: the host " + strings.TrimPrefix(other.URL, "http://") + " is not among those of the collection",
		"/excluded/x skipped: a pattern of exclude fits", "/found stored", "/gone gone: it answers 404", "/ill failed: it answers 500", "/loop1 failed: more than 10 redirects",
		"/moved redirected: to /new", "/new stored", "/private/x skipped: robots.txt excludes it", "/report.csv stored", "/silent skipped: the page asks not to be indexed",
		"/style.css skipped: text/css is neither a page nor a document", "/twin skipped: it has the same text as /a",
		other.URL + "/ skipped: the host " + strings.TrimPrefix(other.URL, "http://") + " is not among those of the collection",
	}
	got := decisions(t, org, s)
	if diff := cmp.Diff(sorted(want), got); diff != "" {
		t.Error(diff)
	}
	if n := len(other.requests()); n != 0 {
		t.Errorf("another host was asked %d times", n)
	}
}

func sorted(list []string) []string {
	for i := range list {
		for j := i + 1; j < len(list); j++ {
			if list[j] < list[i] {
				list[i], list[j] = list[j], list[i]
			}
		}
	}
	return list
}

// What has not changed is asked for and not sent, not written and not indexed; the
// pages below it are found all the same.
func TestUnchanged(t *testing.T) {
	s := newSite(t)
	s.set("/", "Welcome", "/a")
	s.set("/a", "First", "/b")
	s.set("/b", "Second")
	org := open(t, settings(s, web.Collection{}))
	crawl(t, org)
	s.requests()
	r := crawl(t, org)
	for name, n := range r.Streams {
		if n.Created+n.Updated+n.Deleted+n.Indexed > 0 || n.Seen == 0 {
			t.Errorf("%s: %+v", name, *n)
		}
	}
	if diff := cmp.Diff([]string{"/", "/a", "/b", "/robots.txt"}, s.requests()); diff != "" {
		t.Error(diff)
	}
	// Other bytes with the same text are no change either.
	s.serve("/b", "text/html", "<html><head><title>Page /b</title><script>now=1</script></head><body><p>Second</p></body></html>")
	r = crawl(t, org)
	if n := r.Streams["scraped_asset"]; n.Updated > 0 {
		t.Errorf("%+v", *n)
	}
	s.set("/b", "Second, revised")
	r = crawl(t, org)
	if n := r.Streams["scraped_asset"]; n.Updated != 1 || n.Indexed != 1 {
		t.Errorf("%+v", *n)
	}
	page, err := org.List(t.Context(), "scraped_asset", curatore.ListQuery{Keyword: "/b"})
	if err != nil || len(page.Items) != 1 {
		t.Fatal(page, err)
	}
	versions, err := org.History(t.Context(), "scraped_asset", page.Items[0].ID, 0, 0)
	if err != nil || len(versions) != 1 || !strings.Contains(versions[0].Item.TextPreview, "Second") {
		t.Error(versions, err)
	}
}

// A page is deleted when it is gone twice, or when the rules exclude it; never for
// an ill server, or one that cannot be asked.
func TestDeletion(t *testing.T) {
	s := newSite(t)
	home := func() { s.set("/", "Welcome", "/a", "/b", "/c/d") }
	home()
	s.set("/a", "First")
	s.set("/b", "Second")
	s.set("/c/d", "Third")
	config := settings(s, web.Collection{})
	org := open(t, config)
	crawl(t, org)
	all := []string{"/", "/a", "/b", "/c/d"}
	expect := func(when string, want []string) {
		t.Helper()
		if diff := cmp.Diff(want, stored(t, org, s)); diff != "" {
			t.Error(when, diff)
		}
	}
	s.status("/a", 503)
	s.status("/", 500)
	crawl(t, org)
	crawl(t, org)
	expect("ill", all)
	s.status("/robots.txt", 500)
	crawl(t, org)
	expect("robots.txt ill", all)
	s.status("/robots.txt", 404)
	home()
	s.status("/a", 404)
	crawl(t, org)
	expect("gone once", all)
	s.set("/a", "First")
	crawl(t, org)
	s.status("/a", 410)
	crawl(t, org)
	expect("gone once again", all)
	crawl(t, org)
	expect("gone twice", []string{"/", "/b", "/c/d"})
	s.set("/", "Welcome") // nothing leads to the others any more
	crawl(t, org)
	expect("not linked", []string{"/", "/b", "/c/d"})
	s.status("/b", 404)
	crawl(t, org)
	crawl(t, org)
	expect("not linked and gone", []string{"/", "/c/d"})
}

func TestRulesExclude(t *testing.T) {
	s := newSite(t)
	s.set("/", "Welcome", "/a", "/b")
	s.set("/a", "First")
	s.set("/b", "Second")
	config := settings(s, web.Collection{})
	org := open(t, config)
	crawl(t, org)
	run, err := org.ImportWith(t.Context(), "web", optionsOf(t, config, func(c *web.Collection) { c.Exclude = []string{"/b", "/"} }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/", "/a"}, stored(t, org, s)); diff != "" { // seeds are always read
		t.Error(diff)
	}
}

func TestSitemapsAndLimits(t *testing.T) {
	s := newSite(t)
	s.serve("/robots.txt", "text/plain", "Sitemap: "+s.URL+"/index.xml\n")
	s.serve("/index.xml", "application/xml", "<sitemapindex><sitemap><loc>"+s.URL+"/pages.xml</loc></sitemap><sitemap><loc>http://elsewhere.example/x.xml</loc></sitemap></sitemapindex>")
	s.serve("/pages.xml", "application/xml", "<urlset><url><loc>"+s.URL+"/hidden</loc></url><url><loc>http://elsewhere.example/</loc></url></urlset>")
	s.set("/", "Welcome", "/a", "/b", "/c")
	for _, p := range []string{"/hidden", "/a", "/b", "/c"} {
		s.set(p, "Text of "+p)
	}
	org := open(t, settings(s, web.Collection{Sitemaps: true, MaxPages: 3}))
	crawl(t, org)
	if diff := cmp.Diff([]string{"/", "/a", "/hidden"}, stored(t, org, s)); diff != "" {
		t.Error(diff, decisions(t, org, s))
	}
}

// The bound of a collection holds however deep its pages are.
func TestMaxPages(t *testing.T) {
	s := newSite(t)
	for i := range 9 {
		s.set("/"+strings.Repeat("x", i), fmt.Sprintf("Page %d", i), "/"+strings.Repeat("x", i+1))
	}
	org := open(t, settings(s, web.Collection{MaxPages: 3, MaxDepth: 20}))
	crawl(t, org)
	want := []string{"/ stored", "/x stored", "/xx stored", "/xxx skipped: the collection has its 3 pages"}
	if diff := cmp.Diff(want, decisions(t, org, s)); diff != "" {
		t.Error(diff)
	}
}

// A host is asked once in a while, and left alone when it says so.
func TestPoliteness(t *testing.T) {
	s := newSite(t)
	s.set("/", "Welcome", "/a", "/b", "/busy")
	s.set("/a", "First")
	s.set("/b", "Second")
	tries := 0
	s.do("/busy", func(w http.ResponseWriter, _ *http.Request) {
		if tries++; tries == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<p>Here")
	})
	config := settings(s, web.Collection{})
	config.DelayMillis = 50
	org := open(t, config)
	crawl(t, org)
	if diff := cmp.Diff([]string{"/", "/a", "/b", "/busy"}, stored(t, org, s)); diff != "" {
		t.Error(diff)
	}
	for i := 1; i < len(s.times); i++ {
		gap := s.times[i].Sub(s.times[i-1])
		if gap < 45*time.Millisecond { // a timer may be early by the clock's grain
			t.Errorf("%s came %s after %s", s.asked[i], gap, s.asked[i-1])
		}
		if s.asked[i-1] == "/busy" && s.asked[i] == "/busy" && gap < 990*time.Millisecond {
			t.Errorf("Retry-After was 1 s, the next request came after %s", gap)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, s := range []web.Settings{
		{Collections: []web.Collection{{Seeds: []string{"http://a/"}}}}, {Collections: []web.Collection{{Name: "a"}}},
		{Collections: []web.Collection{{Name: "a", Seeds: []string{"ftp://a"}}}}, {AllowNetworks: []string{"x"}},
		{Collections: []web.Collection{{Name: "a", Seeds: []string{"http://a/"}, Render: true}}},
		{Collections: []web.Collection{{Name: "a", Seeds: []string{"http://ann:canary@a/"}}}},
	} {
		if err := s.Validate(); err == nil {
			t.Errorf("%+v is accepted", s)
		}
	}
}

// A long address has a key that is short enough, and its own.
func TestLongAddresses(t *testing.T) {
	s := newSite(t)
	one, two := "/"+strings.Repeat("x", 300)+"/1", "/"+strings.Repeat("x", 300)+"/2"
	s.set("/", "Welcome", one, two, "/"+strings.Repeat("y", 3000))
	s.set(one, "First")
	s.set(two, "Second")
	org := open(t, settings(s, web.Collection{}))
	crawl(t, org)
	if diff := cmp.Diff([]string{"/", one, two}, stored(t, org, s)); diff != "" || len(one) < store.MaxKey {
		t.Error(diff)
	}
}

// A document that a page links to is found once, as the file that it is, whatever it is
// looked for by; the page is found for itself, and the way leads from one to the other.
func TestDocumentsAreFoundOnce(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			s := newSite(t)
			s.set("/", "Tariffs of the harbour, as a table", "/files/mooring-fees.csv")
			s.serve("/files/mooring-fees.csv", "text/csv", "vessel,fee\nschooner,120\n")
			objects, err := dirblob.Open(t.TempDir(), dirblob.Options{})
			if err != nil {
				t.Fatal(err)
			}
			c, err := curatore.Open(t.Context(), curatore.Config{Database: databasetest.DSN(t, kind), Objects: objects}, web.New(settings(s, web.Collection{})))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			}()
			org, err := c.Organization(t.Context(), "acme", "test")
			if err != nil {
				t.Fatal(err)
			}
			crawl(t, org)
			for text, want := range map[string][]string{
				"schooner": {"asset mooring-fees.csv"}, "tariffs harbour": {"scraped_asset Page /"},
				// The page has its name too, in the link.
				"mooring fees": {"asset mooring-fees.csv", "scraped_asset Page /"}, "mooring-fees.csv": {"asset mooring-fees.csv", "scraped_asset Page /"},
			} {
				found, err := org.Search(t.Context(), search.Query{Text: text})
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, h := range found.Hits {
					got = append(got, h.Type+" "+h.Title)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%q: %s", text, diff)
				}
			}
			report, err := org.VerifyIndex(t.Context())
			if err != nil || !report.Sound() {
				t.Errorf("%+v, %v", report, err)
			}
			run, err := org.Reindex(t.Context(), "")
			if err == nil {
				_, err = run.Wait(t.Context())
			}
			if err != nil {
				t.Fatal(err)
			}
			if report, err = org.VerifyIndex(t.Context()); err != nil || !report.Sound() {
				t.Errorf("indexed anew: %+v, %v", report, err)
			}
			page, err := org.List(t.Context(), "asset", curatore.ListQuery{})
			if err != nil || len(page.Items) != 1 {
				t.Fatal(page, err)
			}
			at, err := org.Get(t.Context(), "scraped_asset", page.Items[0].Fields["page_id"].(string))
			if err != nil || !strings.HasSuffix(at.Fields["url"].(string), "/files/mooring-fees.csv") {
				t.Error(at, err)
			}
			// It becomes a page, which is found at the second crawl; the file is not any more.
			s.set("/files/mooring-fees.csv", "Fees of schooners have moved")
			for range 3 {
				crawl(t, org)
			}
			found, err := org.Search(t.Context(), search.Query{Text: "schooners"})
			if err != nil || len(found.Hits) != 1 || found.Hits[0].Type != "scraped_asset" {
				t.Errorf("%+v, %v", found, err)
			}
		})
	}
}

// A page that answers with something else for once, or with the text of another one, as
// a server does that is being mended, is kept as it was.
func TestMaintenancePage(t *testing.T) {
	s := newSite(t)
	s.set("/", "Welcome", "/a", "/b", "/c.csv")
	put := func() {
		s.set("/", "Welcome", "/a", "/b", "/c.csv")
		s.set("/a", "First")
		s.set("/b", "Second")
		s.serve("/c.csv", "text/csv", "a,b\n1,2\n")
	}
	put()
	org := open(t, settings(s, web.Collection{}))
	crawl(t, org)
	all := []string{"/", "/a", "/b", "/c.csv"}
	for _, path := range all {
		s.serve(path, "text/html", "<title>Sorry</title><link rel=canonical href='/'><p>We are back soon.")
	}
	crawl(t, org)
	if diff := cmp.Diff(all, stored(t, org, s)); diff != "" {
		t.Error("while it is mended:", diff)
	}
	put()
	crawl(t, org)
	if diff := cmp.Diff(all, stored(t, org, s)); diff != "" {
		t.Error("afterwards:", diff)
	}
	for path, want := range map[string]int{"First": 1, "Second": 1, "soon": 0} {
		found, err := org.Search(t.Context(), search.Query{Text: path})
		if err != nil || len(found.Hits) != want {
			t.Errorf("%s: %+v, %v", path, found, err)
		}
	}
	s.serve("/a", "image/png", "\x89PNG\r\n\x1a\n")
	crawl(t, org)
	if diff := cmp.Diff(all, stored(t, org, s)); diff != "" {
		t.Error("an image for once:", diff)
	}
	crawl(t, org)
	if diff := cmp.Diff([]string{"/", "/b", "/c.csv"}, stored(t, org, s)); diff != "" {
		t.Error("an image:", diff)
	}
}

// Servers do what they like: bodies break off, unpack to anything, or come under headers
// without an end; robots.txt has any length, sitemaps lead in a circle, and cookies are
// not given back.
func TestOddServers(t *testing.T) {
	s := newSite(t)
	s.do("/robots.txt", func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		_, _ = fmt.Fprint(w, "User-agent: *\nDisallow: /private\nSitemap: /one.xml\n")
		for range 10 << 10 { // ten megabytes
			_, _ = fmt.Fprint(w, strings.Repeat("# nothing\n", 100))
		}
	})
	s.serve("/one.xml", "text/xml", "<sitemapindex><sitemap><loc>/two.xml</loc></sitemap><sitemap><loc>/bomb.xml</loc></sitemap></sitemapindex>")
	s.serve("/two.xml", "text/xml", "<sitemapindex><sitemap><loc>/one.xml</loc></sitemap></sitemapindex><urlset><url><loc>/listed</loc></url></urlset>")
	bomb := func(begin string) http.HandlerFunc {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(begin))
		for range 64 {
			_, _ = z.Write(make([]byte, 1<<20))
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(b.Bytes())
		}
	}
	s.do("/bomb.xml", bomb("<urlset>"))
	s.do("/bomb", bomb("<p>"))
	s.do("/headers", func(w http.ResponseWriter, _ *http.Request) {
		for i := range 100 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 8<<10))
		}
	})
	tries := 0
	s.do("/half", func(w http.ResponseWriter, r *http.Request) {
		if c := r.Header.Get("Cookie"); c != "" {
			t.Errorf("a cookie was given back: %s", c)
		}
		w.Header().Set("Content-Type", "text/html")
		if tries++; tries == 1 {
			w.Header().Set("Content-Length", "1000")
			_, _ = fmt.Fprint(w, "<p>Half of")
			panic(http.ErrAbortHandler)
		}
		_, _ = fmt.Fprint(w, "<p>The whole text")
	})
	s.set("/", "Welcome", "/private/x", "/half", "/bomb", "/headers")
	s.set("/listed", "In the sitemap")
	s.set("/private/x", "Secret")
	org := open(t, settings(s, web.Collection{Sitemaps: true}))
	crawl(t, org)
	want := []string{"/ stored", "/bomb failed: it has more than 20971520 bytes", "/half stored",
		"/headers failed: net/http: HTTP/1.x transport connection broken: net/http: server response headers exceeded 262144 bytes; aborted", "/listed stored", "/private/x skipped: robots.txt excludes it"}
	if diff := cmp.Diff(want, decisions(t, org, s)); diff != "" {
		t.Error(diff)
	}
}

// A page whose own address is said to be another one is left to that, unless there is
// none, or it leads back: then there would be neither.
func TestCanonicalAddressesThatLeadNowhere(t *testing.T) {
	s := newSite(t)
	page := func(path, canonical, text string, links ...string) {
		body := fmt.Sprintf("<title>Page %s</title><link rel=canonical href=%q><p>%s</p>", path, canonical, text)
		for _, l := range links {
			body += fmt.Sprintf("<a href=%q>link</a> ", l)
		}
		s.serve(path, "text/html", body)
	}
	page("/", "/home", "Welcome", "/home", "/copy", "/orphan", "/plain")
	page("/home", "/", "Welcome home")
	page("/copy", "/plain", "A copy of the plain page")
	page("/orphan", "/missing", "Its own address is nowhere")
	page("/plain", "/plain", "The plain page")
	org := open(t, settings(s, web.Collection{}))
	want := []string{"/ stored", "/copy redirected: its canonical address is /plain", "/home redirected: its canonical address is /", "/missing gone: it answers 404", "/orphan stored", "/plain stored"}
	for n := range 2 {
		r := crawl(t, org)
		if diff := cmp.Diff(want, decisions(t, org, s)); diff != "" {
			t.Error(diff)
		}
		if c := r.Streams["scraped_asset"]; n == 1 && c.Created+c.Updated+c.Deleted > 0 {
			t.Errorf("again: %+v", *c)
		}
	}
	if diff := cmp.Diff([]string{"/", "/orphan", "/plain"}, stored(t, org, s)); diff != "" {
		t.Error(diff)
	}
}
