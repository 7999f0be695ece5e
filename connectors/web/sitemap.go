package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
)

// The limits of sitemaps, those of sitemaps.org.
const (
	maxSitemapBytes = 50 << 20
	maxSitemapURLs  = 50_000
	maxSitemaps     = 200
)

// sitemap returns the addresses that the sitemaps of an origin list: those that
// robots.txt names, and /sitemap.xml. Other hosts' are left out.
func (f *fetcher) sitemap(ctx context.Context, origin *url.URL) (found []*url.URL) {
	todo := []string{"/sitemap.xml"}
	if h := f.host(origin); h.robots != nil {
		todo = append(slices.Clone(h.robots.sitemaps), todo...)
	}
	seen := map[string]bool{}
	for n := 0; len(todo) > 0 && n < maxSitemaps && ctx.Err() == nil; n++ {
		u, err := normalise(origin, todo[0])
		todo = todo[1:]
		if err != nil || u.Host != origin.Host || seen[u.String()] {
			continue
		}
		seen[u.String()] = true
		if ok, _ := f.allowed(ctx, u); !ok {
			continue
		}
		a, err := f.get(ctx, u, nil, bound{bytes: maxSitemapBytes}, robotsRedirect, func(to *url.URL) error {
			if to.Host != origin.Host {
				return &stop{"another host"}
			}
			return nil
		})
		if err != nil || a.status != 200 {
			continue
		}
		pages, more := readSitemap(a.body)
		for _, p := range pages {
			if u, err := normalise(origin, p); err == nil && u.Host == origin.Host {
				found = append(found, u)
			}
		}
		todo = append(todo, more...)
	}
	return found
}

// readSitemap reads the addresses of pages and of further sitemaps, also when it
// is packed, and as far as it goes when it is broken.
func readSitemap(b []byte) (pages, more []string) {
	var r io.Reader = bytes.NewReader(b)
	if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, nil
		}
		r = z
	}
	r = io.LimitReader(r, maxSitemapBytes)
	if !bytes.HasPrefix(b, []byte{0x1f, 0x8b}) && !bytes.Contains(b[:min(len(b), 1024)], []byte("<")) { // a list of lines
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "http") && len(pages) < maxSitemapURLs {
				pages = append(pages, line)
			}
		}
		return pages, nil
	}
	d := xml.NewDecoder(r)
	inside, text := "", ""
	for len(pages)+len(more) < maxSitemapURLs {
		t, err := d.Token()
		if errors.Is(err, io.EOF) || err != nil {
			break
		}
		switch t := t.(type) {
		case xml.StartElement:
			text = ""
			if t.Name.Local == "url" || t.Name.Local == "sitemap" {
				inside = t.Name.Local
			}
		case xml.CharData:
			if len(text) < maxURL {
				text += string(t)
			}
		case xml.EndElement:
			if t.Name.Local != "loc" {
				continue
			}
			if inside == "sitemap" {
				more = append(more, strings.TrimSpace(text))
			} else {
				pages = append(pages, strings.TrimSpace(text))
			}
		}
	}
	return pages, more
}
