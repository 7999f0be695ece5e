package web

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	whatwg "github.com/nlnwa/whatwg-url/url"

	"github.com/curatore/curatore-go/content"
)

// maxURL is the length of addresses that are followed.
const maxURL = 2000

// normalise reads an address, relative to a page, and brings it to the one form
// under which a page is known. It is read as browsers do (the URL standard of the
// WHATWG), so that it means the same here as to whoever wrote the page, and the host
// that is judged is the one that is asked: backslashes, hosts in other scripts,
// numbers in place of addresses, dots as %2e. Names and passwords, fragments and the
// dot behind a host are left out.
func normalise(base *url.URL, address string) (*url.URL, error) {
	if len(address) > 2*maxURL { // white space may be left out
		return nil, fmt.Errorf("%w address of %d bytes", content.ErrInvalid, len(address))
	}
	var read *whatwg.Url
	var err error
	if base == nil {
		read, err = whatwg.Parse(address)
	} else {
		read, err = whatwg.ParseRef(base.String(), address)
	}
	if err != nil {
		return nil, fmt.Errorf("%w address %.200q", content.ErrInvalid, address)
	}
	if scheme := read.Scheme(); scheme != "http" && scheme != "https" {
		return nil, fmt.Errorf("%w address: the scheme %.20q is not http or https", content.ErrInvalid, scheme)
	}
	read.SetUsername("")
	read.SetPassword("")
	host := strings.TrimRight(read.Hostname(), ".")
	if host == "" {
		return nil, fmt.Errorf("%w address %.200q: it has no host", content.ErrInvalid, address)
	}
	if host != read.Hostname() {
		read.SetHostname(host)
	}
	text := wholeEscapes(withoutSession(read.Href(true)))
	if len(text) > maxURL {
		return nil, fmt.Errorf("%w address of %d bytes", content.ErrInvalid, len(text))
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("%w address %.200q", content.ErrInvalid, address)
	}
	u.ForceQuery = false
	return u, nil
}

// sessions are the numbers of visits that some servers write into addresses, under names
// that mean nothing else. With them each visit would find all pages anew.
var sessions = regexp.MustCompile(`(?i);jsessionid=[^?/;#]*|([?&])(?:jsessionid|phpsessid)=[^&#]*&?`)

func withoutSession(address string) string {
	for sessions.MatchString(address) {
		address = strings.TrimRight(sessions.ReplaceAllString(address, "$1"), "?&")
	}
	return address
}

// wholeEscapes writes %25 for a percent sign that escapes nothing, which browsers
// send as it is, and package net/url refuses.
func wholeEscapes(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	hex := func(i int) bool { return i < len(s) && strings.IndexByte("0123456789abcdefABCDEF", s[i]) >= 0 }
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(s[i])
		if s[i] == '%' && (!hex(i+1) || !hex(i+2)) {
			b.WriteString("25")
		}
	}
	return b.String()
}

// hostOf brings a host of the settings to the form in which addresses have it; a
// "*." before it stays.
func hostOf(name string) string {
	rest, wild := strings.CutPrefix(strings.TrimSpace(name), "*.")
	u, err := normalise(nil, "http://"+rest+"/")
	switch {
	case err != nil:
		return strings.ToLower(name) // no address has it
	case wild:
		return "*." + u.Host
	}
	return u.Host
}
