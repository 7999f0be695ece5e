package guard_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/curatore/curatore-go/connectors/guard"
)

// A service of this machine is reached only where its network is allowed, also
// behind a redirect and under the notations of IPv6.
func TestClient(t *testing.T) {
	asked := 0
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }))
	defer inner.Close()
	for name, c := range map[string]struct {
		networks []string
		address  string
		reached  bool
	}{
		"not allowed":          {nil, inner.URL, false},
		"allowed":              {[]string{"127.0.0.0/8"}, inner.URL, true},
		"another network":      {[]string{"10.0.0.0/8"}, inner.URL, false},
		"metadata":             {[]string{"127.0.0.0/8"}, "http://169.254.169.254/latest/", false},
		"IPv4 inside of IPv6":  {nil, "http://[::ffff:169.254.169.254]/", false},
		"translated addresses": {nil, "http://[64:ff9b::a9fe:a9fe]/", false},
		"another port":         {nil, "http://93.184.215.14:22/", false},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := guard.Client(guard.Options{AllowNetworks: c.networks})
			if err != nil {
				t.Fatal(err)
			}
			defer client.CloseIdleConnections()
			before := asked
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.address, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := client.Do(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			refused := (*guard.Refused)(nil)
			if c.reached != (err == nil) || c.reached != (asked > before) || !c.reached && !errors.As(err, &refused) {
				t.Errorf("reached %v: %v", asked > before, err)
			}
		})
	}
	if _, err := guard.Client(guard.Options{AllowNetworks: []string{"everything"}}); err == nil {
		t.Error("a network that is none was taken")
	}
}
