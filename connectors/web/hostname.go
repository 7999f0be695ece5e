package web

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
)

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
