package web

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"code.dny.dev/ssrf"
	"golang.org/x/net/idna"
)

// guarded makes the client of a crawl. What a page leads to is chosen by others, so
// each address is judged when it is dialled, behind the resolution of its name:
// another answer of the name server, or a redirect, changes nothing. No proxy is
// taken from the environment, since it would dial in place of the client.
func guarded(s Settings) (*http.Client, error) {
	options := []ssrf.Option{ssrf.WithPorts(80, 443)}
	var v4, v6 []netip.Prefix
	for _, n := range s.AllowNetworks {
		p, err := netip.ParsePrefix(n)
		if err != nil {
			return nil, err
		}
		if p.Addr().Is4() {
			v4 = append(v4, p.Masked())
		} else {
			v6 = append(v6, p.Masked())
		}
	}
	public := ssrf.New(options...)
	private := ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	allowed := append(v4, v6...)
	dialer := &net.Dialer{Timeout: 10 * time.Second, Resolver: s.Resolver}
	dialer.Control = guardOf(public, private, allowed)
	transport := &http.Transport{
		Proxy: nil, DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConns: 100, MaxIdleConnsPerHost: 8,
		IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// asciiHost brings a host to its ASCII form.
func asciiHost(name string) (string, error) {
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if _, err := netip.ParseAddr(name); err == nil {
		return name, nil
	}
	if name == "" || len(name) > 253 {
		return "", errors.New("no host name")
	}
	ascii, err := idna.Lookup.ToASCII(name)
	if err != nil {
		if strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f || r <= ' ' || strings.ContainsRune(`/\?#@[]`, r) }) {
			return "", fmt.Errorf("host name: %w", err)
		}
		return name, nil // such as one with an underscore
	}
	return ascii, nil
}
