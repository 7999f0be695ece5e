package rest_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/connectors/rest"
)

// What was recorded plays back without the service, in order, and has no
// credential in it.
func TestRecordAndReplay(t *testing.T) {
	key := rest.NewSecret(canary)
	recorder := &rest.Recorder{Hide: []string{"api_key"}, Secrets: []rest.Secret{key}}
	n := 0
	client, server := service(t, newClock(), func(w http.ResponseWriter, r *http.Request) {
		n++
		w.Header().Set("Set-Cookie", "session="+canary)
		w.Header().Set("Etag", fmt.Sprintf(`"%d"`, n))
		fmt.Fprintf(w, `{"n": %d, "key": %q}`, n, r.FormValue("api_key"))
	}, func(c *rest.Config) {
		c.HTTP = &http.Client{Transport: recorder}
		c.Auth = rest.Header("X-Api-Key", "", key)
	})
	ask := func(c *rest.Client, path string) (string, error) {
		a, err := c.Do(t.Context(), rest.Request{Path: path, Query: url.Values{"api_key": {canary}}})
		if err != nil {
			return "", err
		}
		return a.Header.Get("Etag") + string(a.Body), nil
	}
	for range 2 {
		if _, err := ask(client, "/a"); err != nil {
			t.Fatal(err)
		}
	}
	server.Close()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	var recording bytes.Buffer
	if _, err := recorder.WriteTo(&recording); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(recording.String(), "s3cret") {
		t.Errorf("the recording has the credential: %s", recording.String())
	}
	transport, err := rest.Replay(recording.Bytes(), "api_key")
	if err != nil {
		t.Fatal(err)
	}
	replay, err := new(rest.Pool).Client(rest.Config{Service: "S", BaseURL: server.URL + "/v1", HTTP: &http.Client{Transport: transport}, Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"1"{"n": 1, "key": "[redacted]"}`, `"2"{"n": 2, "key": "[redacted]"}`, `"2"{"n": 2, "key": "[redacted]"}`} {
		if got, err := ask(replay, "/a"); got != want || err != nil {
			t.Errorf("got %s, %v", got, err)
		}
	}
	if _, err := ask(replay, "/b"); err == nil || !strings.Contains(err.Error(), "no answer to GET") {
		t.Errorf("got %v", err)
	}
	if _, err := rest.Replay([]byte("[")); err == nil {
		t.Error("a broken recording was read")
	}
}
