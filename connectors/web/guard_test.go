package web_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/web"
)

func optionsOf(t *testing.T, s web.Settings, change func(*web.Collection)) connectors.Options {
	t.Helper()
	c := s.Collections[0]
	change(&c)
	raw, err := json.Marshal(map[string]any{"collections": []web.Collection{c}})
	if err != nil {
		t.Fatal(err)
	}
	return connectors.Options{Settings: raw}
}

// Nothing private is reached, whatever way leads there.
func TestPrivateNetworksAreRefused(t *testing.T) {
	inner := newSite(t) // a service that only this machine should reach
	inner.set("/", "the secret of the service")
	port := inner.URL[strings.LastIndexByte(inner.URL, ':'):]
	seeds := []string{
		inner.URL + "/", "http://localhost" + port + "/", "http://127.1.2.3/", "http://0.0.0.0/", "http://[::1]/", "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/",
		"http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://100.64.0.1/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:169.254.169.254]/",
		"http://[64:ff9b::7f00:1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:7f00:1::]/", "http://198.18.0.1/", "http://224.0.0.1/", "http://255.255.255.255/",
		"http://93.184.215.14:22/", // another port than those of the web
		"http://192.0.0.8/", "http://192.0.2.1/", "http://240.0.0.1/", "http://[::]/", "http://[100::1]/", "http://[2001::7f00:1]/", "http://[fec0::1]/", "http://[ff02::1]/", "http://[64:ff9b:1::7f00:1]/", "http://[2001:db8::1]/", "http://[fe80::5efe:7f00:1]/", "http://[::ffff:0:127.0.0.1]/",
		// The same in other clothes.
		"http://2130706433/decimal", "http://017700000001/octal", "http://0x7f.1/hex", "http://0xA9FEA9FE/metadata", "http://①②⑦.0.0.1/script", "http://127.0.0.1./dot", "http:\\\\127.0.0.1\\backslash",
		"http://user@127.0.0.1/user", "http://93.184.215.14@127.0.0.1/at", "http://[::127.0.0.1]/compatible", "http://[::ffff:a9fe:a9fe]/mapped", "http://[0:0:0:0:0:0:0:1]/long",
	}
	config := settings(inner, web.Collection{Seeds: seeds, IgnoreRobots: true})
	config.AllowNetworks = nil
	org := open(t, config)
	crawl(t, org)
	got := decisions(t, org, inner)
	if len(got) != len(seeds) {
		t.Errorf("%d decisions on %d addresses", len(got), len(seeds))
	}
	for _, line := range got {
		if !strings.Contains(line, " skipped: ") || !strings.Contains(line, "is not public") {
			t.Error(line)
		}
	}
	if n := len(inner.requests()); n > 0 {
		t.Errorf("the service was asked %d times", n)
	}
}

// A site that may be read cannot lead to one that may not.
func TestRedirectToPrivate(t *testing.T) {
	inner := newSite(t)
	inner.set("/", "secret")
	outer := newSite(t)
	target := strings.Replace(inner.URL, "127.0.0.1", "localhost", 1)
	outer.do("/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://10.1.2.3/", http.StatusFound)
	})
	outer.do("/robots.txt", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://10.1.2.3/robots.txt", http.StatusFound)
	})
	config := settings(outer, web.Collection{Hosts: []string{strings.TrimPrefix(outer.URL, "http://"), "10.1.2.3", strings.TrimPrefix(target, "http://")}})
	org := open(t, config)
	crawl(t, org)
	if got := decisions(t, org, outer); len(got) != 1 || !strings.Contains(got[0], "robots.txt cannot be read") || !strings.Contains(got[0], "is not public") {
		t.Error(got)
	}
	outer.status("/robots.txt", 404)
	crawl(t, org)
	if got := decisions(t, org, outer); len(got) != 1 || !strings.Contains(got[0], "10.1.2.3:80 is not public") {
		t.Error(got)
	}
}

// nameServer answers each question with the next of its addresses.
func nameServer(t *testing.T, addresses ...[4]byte) *net.Resolver {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	t.Cleanup(func() { _ = c.Close(); done.Wait() })
	done.Go(func() {
		b := make([]byte, 1500)
		for n := 0; ; {
			size, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(b[:size]) != nil || len(m.Questions) == 0 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Additionals = true, nil
			if q.Type == dnsmessage.TypeA {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 0},
					Body: &dnsmessage.AResource{A: addresses[min(n, len(addresses)-1)]}})
				n++
			}
			if out, err := m.Pack(); err == nil {
				_, _ = c.WriteTo(out, from)
			}
		}
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", c.LocalAddr().String())
	}}
}

// A name that leads to a public address when it is judged and to a private one when
// it is dialled is judged where it is dialled.
func TestRebinding(t *testing.T) {
	s := newSite(t)
	s.set("/", "Welcome", "/a")
	s.set("/a", "secret")
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	for name, addresses := range map[string][][4]byte{
		"private at once": {{169, 254, 169, 254}}, "private later": {{127, 0, 0, 1}, {10, 0, 0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			config := settings(s, web.Collection{Seeds: []string{"http://rebind.example" + port + "/"}, IgnoreRobots: true})
			config.Resolver = nameServer(t, addresses...)
			config.AllowNetworks = []string{"127.0.0.1/32"} // it stands for the public address
			if name == "private later" {
				s.do("/", func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Connection", "close")
					w.Header().Set("Content-Type", "text/html")
					_, _ = w.Write([]byte(`<p>Welcome <a href="/a">a</a> <a href="/b">b</a>`))
				})
				s.do("/a", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
			}
			org := open(t, config)
			crawl(t, org)
			got := strings.Join(decisions(t, org, s), "\n")
			if !strings.Contains(got, "is not public") {
				t.Error(got)
			}
		})
	}
}
