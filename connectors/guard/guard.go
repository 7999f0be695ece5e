// Package guard makes HTTP clients for addresses that others have chosen.
//
// A link on a page, an attachment of a notice, a redirect: what a program fetches
// is often named by somebody who is not its user, and may lead to the services that
// only its own network reaches, to the metadata of its cloud, to itself. Looking at
// the address beforehand does not help, since names are resolved later, and to
// something else. Here each address is judged when it is dialled, behind the
// resolution of its name: another answer of the name server, or a redirect, changes
// nothing.
package guard

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// Options say what may be reached besides public addresses on the ports of the web.
type Options struct {
	// AllowNetworks are private networks, such as "192.168.1.0/24"; on them any port
	// may be reached.
	AllowNetworks []string
	Resolver      *net.Resolver // nil is that of the machine
}

// Client makes a client that follows no redirects: whoever does so asks again, and
// is judged again. No proxy is taken from the environment, since it would dial in
// its place. The error is one of a network that cannot be read.
func Client(o Options) (*http.Client, error) {
	allowed, err := Networks(o.AllowNetworks)
	if err != nil {
		return nil, err
	}
	var v4, v6 []netip.Prefix
	for _, p := range allowed {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	public := ssrf.New(ssrf.WithPorts(80, 443))
	private := ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	dialer := &net.Dialer{Timeout: 10 * time.Second, Resolver: o.Resolver}
	dialer.Control = func(network, address string, c syscall.RawConn) error {
		guardian := public
		if ap, err := netip.ParseAddrPort(address); err == nil {
			addr := ap.Addr().Unmap()
			if slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(addr) }) {
				guardian = private
			}
		}
		if err := guardian.Safe(network, address, c); err != nil {
			return &Refused{address, err}
		}
		return nil
	}
	transport := &http.Transport{
		Proxy: nil, DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConns: 100, MaxIdleConnsPerHost: 8,
		IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
		MaxResponseHeaderBytes: 256 << 10,
	}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// Networks reads networks as Options.AllowNetworks has them.
func Networks(list []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, n := range list {
		p, err := netip.ParsePrefix(n)
		if err != nil {
			return nil, fmt.Errorf("allow_networks: %w", err)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// ErrRefused is what each [Refused] is, for errors.Is.
var ErrRefused = errors.New("the address is not public")

// Refused is the error of an address that is not dialled.
type Refused struct {
	Address string
	Err     error
}

// Error implements error.
func (e *Refused) Error() string {
	return fmt.Sprintf("the address %s is not public (%v); Settings.AllowNetworks allows networks of one's own", e.Address, e.Err)
}

// Unwrap returns the reason.
func (e *Refused) Unwrap() error { return e.Err }

// Is tells ErrRefused.
func (e *Refused) Is(target error) bool { return target == ErrRefused }

// Final reports that another attempt is of no use.
func (e *Refused) Final() bool { return true }
