package mcpserver_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/mcpserver"
)

const initialize = `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`

// An answered request is what came back, but for the body.
type answered struct {
	Status     string
	StatusCode int
	Header     http.Header
}

// post sends a message with headers, as name and value in turn.
func post(t *testing.T, url, body string, headers ...string) answered {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return answered{response.Status, response.StatusCode, response.Header}
}

func TestKeysAndOrigins(t *testing.T) {
	server := overHTTP(t, newShop().engine(t), mcpserver.HTTPConfig{Origins: []string{"https://app.example"}})
	for _, c := range []struct {
		name    string
		headers []string
		want    int
	}{
		{"a good key", []string{"Authorization", "Bearer key-me"}, 200},
		{"no key", nil, 401},
		{"another scheme", []string{"Authorization", "Basic a2V5LW1l"}, 401},
		{"a wrong key", []string{"Authorization", "Bearer nobody"}, 401},
		{"a key without an organization", []string{"Authorization", "Bearer empty"}, 401},
		{"a database that is busy", []string{"Authorization", "Bearer busy"}, 500},
		{"an allowed page", []string{"Authorization", "Bearer key-me", "Origin", "https://app.example"}, 200},
		{"another page", []string{"Authorization", "Bearer key-me", "Origin", "https://evil.example"}, 403},
		{"a page of this machine", []string{"Authorization", "Bearer key-me", "Origin", "http://localhost:3000"}, 403},
		{"a page of its own", []string{"Authorization", "Bearer key-me", "Origin", server.URL}, 200},
		{"a page that has its name", []string{"Authorization", "Bearer key-me", "Origin", "http://evil.example", "Host", "evil.example"}, 403},
		{"a page without an origin", []string{"Authorization", "Bearer key-me", "Origin", "null"}, 403},
		{"another site", []string{"Authorization", "Bearer key-me", "Sec-Fetch-Site", "cross-site"}, 403},
		{"a name that was bound anew", []string{"Authorization", "Bearer key-me", "Host", "evil.example"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := post(t, server.URL, initialize, c.headers...)
			if got.StatusCode != c.want {
				t.Errorf("got %s, want %d", got.Status, c.want)
			}
			if id := got.Header.Get("Mcp-Session-Id"); id != "" {
				end(t, server.URL, id)
			}
		})
	}
}

// A session belongs to who began it: another key neither calls in it nor ends it.
func TestSessionsAreNotShared(t *testing.T) {
	server := overHTTP(t, newShop().engine(t), mcpserver.HTTPConfig{})
	began := post(t, server.URL, initialize, "Authorization", "Bearer key-me")
	id := began.Header.Get("Mcp-Session-Id")
	if id == "" {
		t.Fatal("no session")
	}
	list := `{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}`
	ready := `{"jsonrpc":"2.0","method":"notifications/initialized"}`
	if got := post(t, server.URL, ready, "Authorization", "Bearer key-me", "Mcp-Session-Id", id); got.StatusCode != http.StatusAccepted {
		t.Errorf("its own: %s", got.Status)
	}
	if got := post(t, server.URL, list, "Authorization", "Bearer key-you", "Mcp-Session-Id", id); got.StatusCode == 200 {
		t.Errorf("another principal: %s", got.Status)
	}
	if got := post(t, server.URL, list, "Authorization", "Bearer key-me", "Mcp-Session-Id", id); got.StatusCode != 200 {
		t.Errorf("its own: %s", got.Status)
	}
	end(t, server.URL, id)
}

// A key that ends in the middle of a session ends what it may do there.
func TestKeyThatEndsInASession(t *testing.T) {
	var revoked atomic.Bool
	e := newShop().engine(t)
	handler, err := mcpserver.Handler(mcpserver.HTTPConfig{Authenticate: func(_ context.Context, key string) (functions.Bound, error) {
		if key == "first" && revoked.Load() {
			return functions.Bound{}, content.ErrScope
		}
		return e.Bind(authority.Mint("org", "me")), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := serveOn(t, handler)
	id := begin(t, server, "first")
	list := `{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}`
	if got := post(t, server, list, "Authorization", "Bearer first", "Mcp-Session-Id", id); got.StatusCode != http.StatusOK {
		t.Errorf("before: %s", got.Status)
	}
	revoked.Store(true)
	if got := post(t, server, list, "Authorization", "Bearer first", "Mcp-Session-Id", id); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("afterwards: %s", got.Status)
	}
	endBy(t, server, id, "second") // another key of the same principal
}

// end ends a session of "me".
func end(t *testing.T, url, id string) {
	t.Helper()
	endBy(t, url, id, "key-me")
}

// endBy ends a session by a key.
func endBy(t *testing.T, url, id, key string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Mcp-Session-Id", id)
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode >= 300 {
		t.Errorf("the session was not ended: %s, %v", response.Status, err)
	}
}

// Each key sees its own organization.
func TestEachKeyHasItsOrganization(t *testing.T) {
	server := overHTTP(t, newShop().engine(t), mcpserver.HTTPConfig{})
	for _, name := range []string{"me", "you"} {
		session := overHTTPClient(t, server, "key-"+name, nil)
		result := call(t, session, "get", map[string]any{"type": "thing", "id": "1"})
		if !strings.Contains(textOf(result), `"org":"`+name+`"`) {
			t.Errorf("%s got %s", name, textOf(result))
		}
	}
	_, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &mcp.StreamableClientTransport{Endpoint: server.URL, HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, MaxRetries: -1}, nil)
	if err == nil {
		t.Error("connected without a key")
	}
}

func TestHandlerConfig(t *testing.T) {
	if _, err := mcpserver.Handler(mcpserver.HTTPConfig{}); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("without Authenticate: %v", err)
	}
	for _, origin := range []string{"*", "app.example", "https://app.example/path", "ftp://x"} {
		server := mcpserver.HTTPConfig{Origins: []string{origin}}
		server.Authenticate = nil
		if _, err := mcpserver.Handler(server); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%s: %v", origin, err)
		}
	}
}

func TestListenStaysOnThisMachine(t *testing.T) {
	listener, err := mcpserver.Listen(t.Context(), ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if got := listener.Addr().String(); !strings.HasPrefix(got, "127.0.0.1:") {
		t.Errorf("listens on %s", got)
	}
	if _, err := mcpserver.Listen(t.Context(), "nonsense"); err == nil {
		t.Error("nonsense was opened")
	}
}

// Where it is open to other machines, where the SDK looks at no names, a page that
// has bound its own name to this server is another page all the same.
func TestPagesWithNamesOfTheirOwn(t *testing.T) {
	handler, err := mcpserver.Handler(mcpserver.HTTPConfig{Authenticate: func(context.Context, string) (functions.Bound, error) {
		return functions.Bound{}, errors.New("no such key")
	}})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]int{"evil.example": http.StatusForbidden, "10.0.0.7:8080": http.StatusForbidden, "127.0.0.1:8080": http.StatusUnauthorized, "localhost:8080": http.StatusUnauthorized} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+host+"/", strings.NewReader(initialize))
		r.Header.Set("Origin", "http://"+host)
		r.Header.Set("Authorization", "Bearer stolen")
		answer := httptest.NewRecorder()
		if handler.ServeHTTP(answer, r); answer.Code != want {
			t.Errorf("a page of %s: %d %s", host, answer.Code, answer.Body)
		}
	}
}
