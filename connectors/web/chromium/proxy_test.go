package chromium

import (
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/curatore/curatore-go/connectors/guard"
)

// The proxy passes on what the guard lets through, in the clear and as a tunnel, and
// refuses the rest.
func TestProxy(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "inside") })
	plain, secure := httptest.NewServer(handler), httptest.NewTLSServer(handler)
	defer plain.Close()
	defer secure.Close()
	for name, c := range map[string]struct {
		networks []string
		address  string
		reached  bool
	}{
		"plain":            {[]string{"127.0.0.0/8"}, plain.URL, true},
		"tunnel":           {[]string{"127.0.0.0/8"}, secure.URL, true},
		"plain refused":    {nil, plain.URL, false},
		"tunnel refused":   {nil, secure.URL, false},
		"metadata refused": {[]string{"127.0.0.0/8"}, "http://169.254.169.254/", false},
	} {
		t.Run(name, func(t *testing.T) {
			guarded, err := guard.Client(guard.Options{AllowNetworks: c.networks})
			if err != nil {
				t.Fatal(err)
			}
			p, err := newProxy(guarded)
			if err != nil {
				t.Fatal(err)
			}
			transport := &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: p.address()}),
				TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the server of the test has a certificate of its own
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.address, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := transport.RoundTrip(req)
			body := ""
			if err == nil {
				b, readErr := io.ReadAll(resp.Body)
				if body, err = string(b), readErr; readErr == nil {
					err = resp.Body.Close()
				}
			}
			if (body == "inside") != c.reached {
				t.Errorf("%q, %v", body, err)
			}
			if err := p.close(); err != nil { // with a connection that is open
				t.Error(err)
			}
			transport.CloseIdleConnections()
		})
	}
}
