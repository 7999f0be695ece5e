package rest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/connectors/rest"
)

const canary = "c4n4ry/+s3cret"

// However a secret, or a struct that holds one, is printed, logged or encoded, its
// value does not show.
func TestSecretShowsNothing(t *testing.T) {
	s := rest.NewSecret(canary)
	type holder struct {
		Key    rest.Secret
		Ptr    *rest.Secret
		hidden rest.Secret
		list   []rest.Secret
		byName map[string]rest.Secret
	}
	h := holder{s, &s, s, []rest.Secret{s}, map[string]rest.Secret{"a": s}}
	var out bytes.Buffer
	for _, v := range []any{s, &s, h, &h, []holder{h}, rest.Header("X-Api-Key", "", s), &rest.ClientCredentials{Secret: s}, rest.Config{Credential: s, Secrets: []rest.Secret{s}}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb, v)
		}
		if b, err := json.Marshal(v); err == nil {
			out.Write(b)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	}
	hex := fmt.Sprintf("%x", canary)
	for _, form := range []string{canary, url.QueryEscape(canary), hex, strings.ToUpper(hex), "s3cret"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%s shows", form)
		}
	}
	if !strings.Contains(out.String(), "[redacted]") || s.Reveal() != canary || s.Fingerprint() == rest.NewSecret("other").Fingerprint() {
		t.Error("a secret cannot be used")
	}
}

// A service that answers with the credential, and a transport that prints the
// query, show it to nobody.
func TestErrorsShowNoSecret(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/die" {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(503)
		fmt.Fprintf(w, "the key %s or %s is bad", r.Header.Get("X-Api-Key"), r.URL.RawQuery)
	}))
	defer server.Close()
	clock := newClock()
	pool := &rest.Pool{Now: clock.now, Wait: clock.wait, Logger: logger, HTTP: server.Client()}
	key := rest.NewSecret(canary)
	client, err := pool.Client(rest.Config{Service: "S", BaseURL: server.URL, Credential: key, Auth: rest.Header("X-Api-Key", "", key)})
	if err != nil {
		t.Fatal(err)
	}
	gone, err := pool.Client(rest.Config{Service: "S", BaseURL: "http://127.0.0.1:1", Credential: key})
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"status":  second(client.Do(t.Context(), rest.Request{Path: "/x", Query: url.Values{"api_key": {canary}}})),
		"aborted": second(client.Do(t.Context(), rest.Request{Path: "/die", Query: url.Values{"api_key": {canary}}})),
		"no one":  second(gone.Do(t.Context(), rest.Request{Path: "/" + url.PathEscape(canary), Query: url.Values{"api_key": {canary}}})),
		"foreign": second(client.Do(t.Context(), rest.Request{Path: "http://elsewhere.example/?api_key=" + canary})),
		"open":    second(client.Do(t.Context(), rest.Request{Path: server.URL + "/signed-" + "token-9?sig=" + canary, Open: true})),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		text := fmt.Sprintf("%v %+v %#v", err, err, err)
		for e := err; e != nil; e = errors.Unwrap(e) {
			text += e.Error()
		}
		if u := (*url.Error)(nil); errors.As(err, &u) {
			t.Errorf("%s: it gives out a url.Error, which prints the query", name)
		}
		for _, form := range []string{canary, url.QueryEscape(canary), "s3cret", "token-9"} {
			if strings.Contains(text, form) {
				t.Errorf("%s shows %s: %s", name, form, text)
			}
		}
	}
	if log.Len() == 0 || strings.Contains(log.String(), "s3cret") {
		t.Errorf("the log: %s", log.String())
	}
}

func second[T any](_ T, err error) error { return err }
