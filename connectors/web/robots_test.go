package web

import (
	"testing"
	"time"
)

// The examples of RFC 9309, 2.2.2 and 5, and what its text leaves to those who read it.
func TestRobots(t *testing.T) {
	const simple = "User-agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n\n" +
		"User-Agent: foobot\nDisallow: /\nAllow: /example/page.html\nAllow: /example/allowed.gif\n\n" +
		"User-agent: barbot\nUser-agent: bazbot\nDisallow: /example/page.html\n\nUser-agent: quxbot\n\nUser-agent: barbot\nDisallow: /more\n"
	for _, c := range []struct {
		text, agent, path string
		allowed           bool
	}{
		{simple, "any", "/example/x", false}, {simple, "any", "/a/b.gif", false}, {simple, "any", "/a/b.gifx", true}, {simple, "any", "/publications/", true}, {simple, "any", "/publications/a.gif", true},
		{simple, "foobot", "/x", false}, {simple, "FooBot/2.1 (a crawler)", "/example/page.html", true}, {simple, "foobot", "/example/other", false},
		{simple, "barbot", "/example/page.html", false}, {simple, "bazbot", "/example/page.html", false}, {simple, "bazbot", "/example/", true}, {simple, "barbot", "/more", false}, {simple, "bazbot", "/more", true},
		{simple, "quxbot", "/example/", true}, {simple, "foo", "/example/x", false},
		{"User-agent: *\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif", "a", "/example/page/disallowed.gif", false},
		{"User-agent: *\nDisallow: /a\nAllow: /a", "a", "/a", true},
		{"User-agent: *\nDisallow: /foo/bar?baz=http://foo.bar", "a", "/foo/bar?baz=http://foo.bar", false},
		{"User-agent: *\nDisallow: /foo/bar/ツ", "a", "/foo/bar/%E3%83%84", false}, {"User-agent: *\nDisallow: /foo/bar/%62%61%7A", "a", "/foo/bar/baz", false}, {"User-agent: *\nDisallow: /a%3cd.html", "a", "/a%3Cd.html", false},
		{"User-agent: *\nDisallow: /a%2Fb", "a", "/a/b", true},
		{"User-agent: *\nDisallow: /a*c*e$", "a", "/abcdee", false}, {"User-agent: *\nDisallow: /a*c*e$", "a", "/abcdef", true}, {"User-agent: *\nDisallow: /a*b", "a", "/x/aab", true}, {"User-agent: *\nDisallow: /a$", "a", "/ab", true},
		{"User-agent: *\nDisallow:", "a", "/x", true}, {"Disallow: /", "a", "/x", true}, {"User-agent: *\nFoo: bar\nDisallow: /x", "a", "/x", false}, {"", "a", "/x", true},
	} {
		if got := readRobots(c.text, c.agent).allows(c.path); got != c.allowed {
			t.Errorf("%q may read %s: %v by\n%s", c.agent, c.path, got, c.text)
		}
	}
	r := readRobots("Sitemap: /a.xml\nUser-agent: *\nCrawl-delay: 2.5\nSitemap: /b.xml # two\nUser-agent: x\nCrawl-delay: NaN\nCrawl-delay: 1e300", "x")
	if len(r.sitemaps) != 2 || r.sitemaps[1] != "/b.xml" || r.delay != maxWait {
		t.Errorf("%+v", r)
	}
	if r := readRobots("User-agent: *\nCrawl-delay: 2.5", "x"); r.delay != 2500*time.Millisecond {
		t.Errorf("%+v", r)
	}
}

// Whatever a file says, it is read, and a rule fits what it is.
func FuzzRobots(f *testing.F) {
	f.Add("User-agent: *\nDisallow: /*a$\nAllow: /%zz", "/%41?b")
	f.Fuzz(func(t *testing.T, text, path string) {
		readRobots(text, "curatore").allows(path)
		if p := canonicalPath(path); canonicalPath(p) != p {
			t.Errorf("%q is %q", path, p)
		}
	})
}
