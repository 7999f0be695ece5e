package rest_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curatore/curatore-go/connectors/rest"
)

// tokens is a token service: the n-th token is "token-n".
func tokens(t *testing.T) (*httptest.Server, *atomic.Int64) {
	var issued atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_secret") != "client-secret" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "all" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error": "invalid_client", "error_description": "`+r.FormValue("client_secret")+` is wrong"}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"access_token": "token-%d", "expires_in": 3600, "token_type": "Bearer"}`, issued.Add(1))
	}))
	t.Cleanup(s.Close)
	return s, &issued
}

// A token is fetched once for all, again before it runs out, and again, once, when
// it is refused.
func TestClientCredentials(t *testing.T) {
	clock := newClock()
	login, issued := tokens(t)
	auth := &rest.ClientCredentials{TokenURL: login.URL, ID: "me", Secret: rest.NewSecret("client-secret"), Scope: "all", HTTP: login.Client(), Now: clock.now}
	var accepted, requests atomic.Int64 // the token that counts
	accepted.Store(1)
	client, _ := service(t, clock, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("Authorization") != fmt.Sprintf("Bearer token-%d", accepted.Load()) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}, func(c *rest.Config) { c.Auth = auth })
	do := func() error {
		_, err := client.Do(t.Context(), rest.Request{Path: "/x"})
		return err
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := do(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := issued.Load(); n != 1 {
		t.Errorf("%d tokens for the first requests", n)
	}
	clock.at = clock.at.Add(59*time.Minute + time.Second)
	accepted.Store(2)
	if err := do(); err != nil || issued.Load() != 2 || requests.Load() != 9 {
		t.Errorf("before it runs out: %v, %d tokens, %d requests", err, issued.Load(), requests.Load())
	}
	accepted.Store(3) // revoked in the middle of a listing
	if err := do(); err != nil || issued.Load() != 3 {
		t.Errorf("after a 401: %v, %d tokens", err, issued.Load())
	}
	accepted.Store(-1)
	before := requests.Load()
	if err := do(); !errors.Is(err, rest.ErrUnauthorized) || requests.Load() != before+2 {
		t.Errorf("refused for good: %v after %d requests", err, requests.Load()-before)
	}
}

// What the token service says reaches the error, and the secret does not.
func TestTokenServiceRefuses(t *testing.T) {
	login, _ := tokens(t)
	for name, c := range map[string]struct {
		url, secret string
		want        string
	}{
		"wrong secret": {login.URL + "/token?x=wrong-secret", "wrong-secret", "invalid_client [redacted] is wrong"},
		"no server":    {"http://127.0.0.1:1/wrong-secret", "wrong-secret", "POST http://127.0.0.1:1/"},
		"no address":   {"::", "wrong-secret", "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			auth := &rest.ClientCredentials{TokenURL: c.url, ID: "me", Secret: rest.NewSecret(c.secret), Scope: "all"}
			client, _ := service(t, newClock(), func(http.ResponseWriter, *http.Request) {}, func(c *rest.Config) { c.Auth = auth })
			_, err := client.Do(t.Context(), rest.Request{Path: "/x"})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), c.secret) {
				t.Errorf("got %v", err)
			}
		})
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestEmptyHeader(t *testing.T) {
	client, _ := service(t, newClock(), func(http.ResponseWriter, *http.Request) { t.Error("it was sent") },
		func(c *rest.Config) { c.Auth = rest.Header("X-Api-Key", "", rest.Secret{}) })
	if _, err := client.Do(t.Context(), rest.Request{}); !errors.Is(err, rest.ErrUnauthorized) {
		t.Errorf("got %v", err)
	}
}
