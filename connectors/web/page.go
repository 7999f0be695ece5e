package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"codeberg.org/readeck/go-readability/v2"
	"golang.org/x/net/html"

	"github.com/curatore/curatore-go/content/extract/local"
)

// maxLinks bounds the links of a page.
const maxLinks = 5000

// A page is what was read from HTML.
type page struct {
	title     string
	language  string
	markdown  string
	canonical *url.URL // nil when it says none
	links     []string // absolute, each once, in order
	noIndex   bool
}

// readPage reads the links and the text of a page. The text is what a person came
// for: navigation and advertisements are left out unless whole is set, or nothing
// would remain.
func readPage(b []byte, contentType string, at *url.URL, whole bool) (*page, error) {
	doc, err := local.ParseHTML(b, contentType)
	if err != nil {
		return nil, err
	}
	p := &page{}
	base, noFollow := at, false
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "html":
			if p.language = strings.TrimSpace(attribute(n, "lang")); len(p.language) > 35 {
				p.language = ""
			}
		case "title":
			if p.title == "" && n.FirstChild != nil {
				p.title = strings.Join(strings.Fields(n.FirstChild.Data), " ")
			}
		case "base":
			if u, err := normalise(at, attribute(n, "href")); err == nil && base == at {
				base = u
			}
		case "meta":
			if name := strings.ToLower(attribute(n, "name")); name == "robots" || name == "curatore" {
				noIndex, no := asks(attribute(n, "content"))
				p.noIndex, noFollow = p.noIndex || noIndex, noFollow || no
			}
			if strings.EqualFold(attribute(n, "http-equiv"), "refresh") {
				if _, to, ok := strings.Cut(attribute(n, "content"), "="); ok {
					p.link(base, strings.Trim(strings.TrimSpace(to), `'"`))
				}
			}
		case "link":
			if u, err := normalise(base, attribute(n, "href")); err == nil && strings.EqualFold(attribute(n, "rel"), "canonical") && u.Host == at.Host {
				p.canonical = u
			}
		case "a", "area":
			if !slices.Contains(strings.Fields(strings.ToLower(attribute(n, "rel"))), "nofollow") {
				p.link(base, attribute(n, "href"))
			}
		case "frame", "iframe":
			p.link(base, attribute(n, "src"))
		}
	}
	if noFollow {
		p.links = nil
	}
	p.links = unique(p.links)
	if !whole {
		p.markdown = p.readable(b, contentType, base)
	}
	if p.markdown == "" {
		p.markdown, err = local.Markdown(doc, base.String())
	}
	return p, err
}

// link keeps an address that the page leads to.
func (p *page) link(base *url.URL, address string) {
	if address == "" || strings.HasPrefix(address, "#") || len(p.links) >= maxLinks {
		return
	}
	if u, err := normalise(base, address); err == nil {
		p.links = append(p.links, u.String())
	}
}

// asked reads what the header of an answer asks of crawlers, or of the one with a name:
// "noindex", "curatore: nofollow".
func asked(h http.Header, agent string) (noIndex, noFollow bool) {
	for _, v := range h.Values("X-Robots-Tag") {
		if name, rest, named := strings.Cut(v, ":"); named {
			if !strings.EqualFold(strings.TrimSpace(name), product(agent)) {
				continue
			}
			v = rest
		}
		i, f := asks(v)
		noIndex, noFollow = noIndex || i, noFollow || f
	}
	return noIndex, noFollow
}

// asks reads what a page or its server asks of crawlers: "noindex, nofollow".
func asks(said string) (noIndex, noFollow bool) {
	for word := range strings.FieldsFuncSeq(strings.ToLower(said), func(r rune) bool { return r == ',' || r == ' ' }) {
		noIndex = noIndex || word == "noindex" || word == "none"
		noFollow = noFollow || word == "nofollow" || word == "none"
	}
	return noIndex, noFollow
}

// readable returns the main text of a page, or "" when there is no such part, or
// it is so short that something else must be what the page is about.
func (p *page) readable(b []byte, contentType string, at *url.URL) (markdown string) {
	defer func() {
		if recover() != nil {
			markdown = "" // the whole page is better than none
		}
	}()
	doc, err := local.ParseHTML(b, contentType) // it changes what it is given
	if err != nil {
		return ""
	}
	article, err := readability.FromDocument(doc, at)
	if err != nil || article.Node == nil {
		return ""
	}
	markdown, err = local.Markdown(article.Node, at.String())
	if err != nil || len(markdown) < 250 {
		return ""
	}
	if title := article.Title(); title != "" {
		p.title = strings.Join(strings.Fields(title), " ")
		if !strings.HasPrefix(markdown, "# ") {
			markdown = "# " + p.title + "\n\n" + markdown
		}
	}
	return markdown
}

func unique(list []string) []string {
	seen := make(map[string]bool, len(list))
	return slices.DeleteFunc(list, func(s string) bool {
		again := seen[s]
		seen[s] = true
		return again
	})
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
