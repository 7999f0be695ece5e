package web

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// Addresses mean what browsers take them for, and each page has one form of them.
func TestNormalise(t *testing.T) {
	base, err := url.Parse("http://example.com/a/b/c?q")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"HTTP://EXAMPLE.com:80/a/../b/./c#top": "http://example.com/b/c",
		"/%2e%2e/%2E/x":                        "http://example.com/x",
		"?q=a b\"<>":                           "http://example.com/a/b/c?q=a%20b%22%3C%3E",
		"#x":                                   "http://example.com/a/b/c?q",
		" \t/x\ny ":                            "http://example.com/xy",
		"//other/x":                            "http://other/x",
		`\\evil.com\x`:                         "http://evil.com/x",
		`http:\\evil.com\x`:                    "http://evil.com/x",
		"http:x":                               "http://example.com/a/b/x",
		"https://h:443/?":                      "https://h/",
		"http://user:secret@h/":                "http://h/",
		"http://h./":                           "http://h/",
		"http://ex%61mple.com/":                "http://example.com/",
		"http://exämple.com/ü?ü":               "http://xn--exmple-cua.com/%C3%BC?%C3%BC",
		"http://ｅｘａｍｐｌｅ.com/":                  "http://example.com/",
		"http://faß.de/":                       "http://xn--fa-hia.de/",
		"http://a_b.com/":                      "http://a_b.com/",
		"http://h/%zz%4":                       "http://h/%25zz%254",
		"http://h//a///b":                      "http://h//a///b",
		"http://[2001:DB8::0:1]:80/":           "http://[2001:db8::1]/",
		"/a;jsessionid=0A1B.x?q=1":             "http://example.com/a?q=1", "/a?PHPSESSID=12&q=1": "http://example.com/a?q=1", "/a?q=1&phpsessid=12": "http://example.com/a?q=1", "/a?phpsessid=1": "http://example.com/a", "/a?mysessid=1&jsessionid": "http://example.com/a?mysessid=1&jsessionid",
		// The same number in other clothes.
		"http://0x7f.1/": "http://127.0.0.1/", "http://017700000001/": "http://127.0.0.1/", "http://2130706433/": "http://127.0.0.1/",
		"http://127.1/": "http://127.0.0.1/", "http://①②⑦.0.0.1/": "http://127.0.0.1/", "http://127.0.0.1。/": "http://127.0.0.1/",
		"http://[::ffff:127.0.0.1]/": "http://[::ffff:7f00:1]/", "http://0xA9FEA9FE/latest/": "http://169.254.169.254/latest/", "http://127.0.0.1./": "http://127.0.0.1/",
		// What is none, or none that is read.
		"javascript:alert(1)": "", "mailto:a@b": "", "data:text/html,x": "", "ftp://h/": "", "file:///etc/passwd": "", "http://": "", "http://./": "",
		"http://a b/": "", "http://h:99999/": "", "http://h:x/": "", "http://1.2.3.4.5/": "", "http://256.1.1.1/": "", "http://[fe80::1%25eth0]/": "", "http://xn--0/": "",
		"http://h/" + strings.Repeat("x", maxURL): "",
	} {
		u, err := normalise(base, address)
		got := ""
		if err == nil {
			got = u.String()
		}
		if got != want {
			t.Errorf("%.60q is %q, want %q (%v)", address, got, want, err)
		}
	}
}

func TestHostsOfSettings(t *testing.T) {
	for name, want := range map[string]string{"Example.COM": "example.com", "*.Exämple.com": "*.xn--exmple-cua.com", "h:80": "h", "h:8080": "h:8080", "0x7f.1": "127.0.0.1", " a ": "a"} {
		if got := hostOf(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// Whatever an address says, its form is one that does not change any more, of the web,
// without a name or password, and its host is not read in another way by whoever dials.
func FuzzNormalise(f *testing.F) {
	for _, s := range []string{"http://a/b?c#d", "//x", "../..", "http://0x7f.1", "http://[::1]:80/", `\\h\x`, "http://u:p@h/%zz", "http://exämple.com"} {
		f.Add(s)
	}
	base, err := url.Parse("https://example.com/a/b")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, address string) {
		u, err := normalise(base, address)
		if err != nil {
			return
		}
		s := u.String()
		again, err := normalise(nil, s)
		if err != nil || again.String() != s {
			t.Fatalf("%q is %q, and that is %v, %v", address, s, again, err)
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Fragment != "" || u.Hostname() == "" || strings.ContainsAny(u.Host, "/\\?#@ \t\r\n") || strings.ToLower(u.Host) != u.Host {
			t.Fatalf("%q is %#v", address, u)
		}
		name := u.Hostname()
		if last := name[strings.LastIndexByte(name, '.')+1:]; strings.Trim(last, "0123456789") == "" { // it is an address, in its usual form
			if _, err := netip.ParseAddr(name); err != nil {
				t.Fatalf("%q has the host %q: %v", address, name, err)
			}
		}
	})
}
