package web

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"code.dny.dev/ssrf"
)

// errGuard is why an address is not dialled.
type guardError struct {
	address string
	err     error
}

// Error implements error.
func (e *guardError) Error() string {
	return fmt.Sprintf("the address %s is not public (%v); Settings.AllowNetworks allows networks of one's own", e.address, e.err)
}

// Unwrap returns the reason.
func (e *guardError) Unwrap() error { return e.err }

// guardOf judges an address that is about to be dialled: on the allowed networks
// any port, elsewhere public addresses and the ports of the web.
func guardOf(public, private *ssrf.Guardian, allowed []netip.Prefix) func(network, address string, c syscall.RawConn) error {
	return func(network, address string, c syscall.RawConn) error {
		guardian := public
		if ap, err := netip.ParseAddrPort(address); err == nil {
			addr := ap.Addr().Unmap()
			if slices.ContainsFunc(allowed, func(p netip.Prefix) bool { return p.Contains(addr) }) {
				guardian = private
			}
		}
		if err := guardian.Safe(network, address, c); err != nil {
			return &guardError{address, err}
		}
		return nil
	}
}
