package mcpserver_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/mcpserver"
)

// begin begins a session of a caller, by hand.
func begin(t *testing.T, server string, key string) (session string) {
	t.Helper()
	session = post(t, server, initialize, "Authorization", "Bearer "+key).Header.Get("Mcp-Session-Id")
	if session == "" {
		t.Fatal("no session")
	}
	post(t, server, `{"jsonrpc":"2.0","method":"notifications/initialized"}`, "Authorization", "Bearer "+key, "Mcp-Session-Id", session)
	return session
}

// What is no request is refused with a status that says so, and the session goes
// on.
func TestHostileRequests(t *testing.T) {
	server := overHTTP(t, newShop().engine(t), mcpserver.HTTPConfig{})
	id := begin(t, server.URL, "key-me")
	own := []string{"Authorization", "Bearer key-me", "Mcp-Session-Id", id}
	list := `{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}`
	for _, c := range []struct {
		name, body string
		headers    []string
		want       int
	}{
		{"no JSON", `hello`, own, 400},
		{"nothing", ``, own, 400},
		{"truncated", `{"jsonrpc":"2.0","id":2,"meth`, own, 400},
		{"another protocol", `{"jsonrpc":"1.0","id":2,"method":"ping"}`, own, 400},
		{"a deep nest", strings.Repeat("[", 100_000), own, 400},
		{"a batch", `[` + list + `]`, append([]string{"Mcp-Protocol-Version", "2025-06-18"}, own...), 400},
		{"an empty batch", `[]`, own, 400},
		{"an unknown version of the protocol", list, append([]string{"Mcp-Protocol-Version", "1999-01-01"}, own...), 400},
		{"a body that is too large", `{"jsonrpc":"2.0","id":2,"method":"ping","params":{"x":"` + strings.Repeat("x", 5<<20) + `"}}`, own, 413},
		{"another media type", list, append([]string{"Content-Type", "text/plain"}, own...), 415},
		{"another session", list, []string{"Authorization", "Bearer key-me", "Mcp-Session-Id", "made-up"}, 404},
		{"the session of somebody else", list, []string{"Authorization", "Bearer key-you", "Mcp-Session-Id", id}, 403},
		{"the session without a key", list, []string{"Mcp-Session-Id", id}, 401},
		{"a method that there is not", `{"jsonrpc":"2.0","id":2,"method":"no/such"}`, own, 400},
		{"a call without a session", `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"write","arguments":{"text":"x"}}}`, []string{"Authorization", "Bearer key-me"}, 200},
		{"as it should be", list, own, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := post(t, server.URL, c.body, c.headers...); got.StatusCode != c.want {
				t.Errorf("got %s, want %d", got.Status, c.want)
			}
		})
	}
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodHead, http.MethodOptions} {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer key-me")
		response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode/100 != 4 {
			t.Errorf("%s: %s", method, response.Status)
		}
	}
	end(t, server.URL, id)
}

// A key that may only read gets no session of one of the same principal that may
// write.
func TestReadingKeysGetNoWritingSession(t *testing.T) {
	e := newShop().engine(t)
	handler, err := mcpserver.Handler(mcpserver.HTTPConfig{Authenticate: func(_ context.Context, key string) (functions.Bound, error) {
		fns := e.Bind(authority.Mint("org", "me"))
		if key == "reads" {
			fns = fns.Reading()
		}
		return fns, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := serveOn(t, handler)
	id := begin(t, server, "writes")
	list := `{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}`
	if got := post(t, server, list, "Authorization", "Bearer reads", "Mcp-Session-Id", id); got.StatusCode != http.StatusForbidden {
		t.Errorf("got %s", got.Status)
	}
	if got := post(t, server, list, "Authorization", "Bearer writes", "Mcp-Session-Id", id); got.StatusCode != http.StatusOK {
		t.Errorf("its own: %s", got.Status)
	}
	endBy(t, server, id, "writes")
}

// serveOn serves a handler until the test ends.
func serveOn(t *testing.T, handler http.Handler) (address string) {
	t.Helper()
	listener, err := mcpserver.Listen(t.Context(), ":0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return "http://" + listener.Addr().String()
}

// A body that comes byte by byte ends in time, with a key and without one, while
// others are served.
func TestSlowBodies(t *testing.T) {
	e := newShop().engine(t)
	handler, err := mcpserver.Handler(mcpserver.HTTPConfig{RequestTimeout: 300 * time.Millisecond, Authenticate: func(_ context.Context, key string) (functions.Bound, error) {
		if key != "good" {
			return functions.Bound{}, io.EOF
		}
		return e.Bind(authority.Mint("org", "me")), nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := serveOn(t, handler)
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"good": "408", "bad": "401"} {
		slow, err := new(net.Dialer).DialContext(t.Context(), "tcp", address.Host)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(slow, "POST / HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nContent-Length: 1000\r\n\r\n{", address.Host, key); err != nil {
			t.Fatal(err)
		}
		endBy(t, server, begin(t, server, "good"), "good") // beside it
		status, err := bufio.NewReader(slow).ReadString('\n')
		if err != nil || !strings.Contains(status, want) {
			t.Errorf("%s key: %q, %v", key, status, err)
		}
		if err := slow.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, slow); err != nil { // until the server hangs up
			t.Errorf("%s key: the connection stays open: %v", key, err)
		}
		_ = slow.Close()
	}
}

// A stream that stays open outlives the time for a body, and a call that is slow is
// answered.
func TestStreamsOutliveTheTimeForABody(t *testing.T) {
	e, err := functions.NewEngine(functions.Config{}, functions.Define(functions.Spec{Name: "slow", Description: "Takes its time."},
		func(ctx context.Context, call *functions.Call, _ struct{}) (text, error) {
			for i := range 5 {
				select {
				case <-time.After(100 * time.Millisecond):
					call.Progress(functions.Progress{Done: float64(i + 1)})
				case <-ctx.Done():
					return text{}, context.Cause(ctx)
				}
			}
			return text{"done"}, nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	session := overHTTPClient(t, overHTTP(t, e, mcpserver.HTTPConfig{RequestTimeout: 200 * time.Millisecond}), "key-me", nil)
	if result := call(t, session, "slow", nil); !strings.Contains(textOf(result), "done") {
		t.Errorf("got %s", textOf(result))
	}
}

// A hundred calls side by side, of two callers, get their own answers.
func TestManyCallers(t *testing.T) {
	both(t, nil, func(t *testing.T, _ *shop, session *mcp.ClientSession) {
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "shout", Arguments: map[string]any{"text": fmt.Sprint("word ", i)}})
				if err != nil || !strings.Contains(textOf(result), fmt.Sprintf(`"WORD %d"`, i)) {
					t.Errorf("call %d: %v, %v", i, result, err)
				}
			})
		}
		all.Wait()
	})
}

// Addresses of records that are odd lead to a record or to nothing.
func TestOddAddresses(t *testing.T) {
	both(t, nil, func(t *testing.T, _ *shop, session *mcp.ClientSession) {
		for uri, want := range map[string]string{
			"curatore://thing/1":                           `"id":"1"`,
			"curatore://thing/%E6%9D%B1":                   `"id":"東"`,
			"curatore://thing/a%2Fb":                       `"id":"a/b"`,
			"curatore://thing/%22%3B--":                    `"id":"\";--"`,
			"curatore://thing/" + strings.Repeat("x", 500): strings.Repeat("x", 500),
			"curatore://thing/":                            "",
			"curatore://thing/%":                           "",
			"curatore://thing/%00":                         "",
			"curatore://thing/%FF":                         "",
			"curatore://thing/1/2":                         "",
			"curatore://thing/../catalogue":                "",
			"curatore://THING/1":                           `"type":"thing"`,
			"curatore:///1":                                "",
			"curatore://":                                  "",
			"curatore://thing/1?x=y":                       "",
			"CURATORE://thing/1":                           "",
			"":                                             "",
			"curatore://thing/" + strings.Repeat("%41", 100_000):   "",
			"curatore://thing/1#fragment":                          "",
			"curatore://" + strings.Repeat("thing", 10_000) + "/1": "",
		} {
			result, err := session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri})
			switch {
			case want == "" && err == nil:
				t.Errorf("%.80q was read: %.200s", uri, result.Contents[0].Text)
			case want != "" && (err != nil || !strings.Contains(result.Contents[0].Text, want)):
				t.Errorf("%.80q: %v, %v", uri, result, err)
			}
		}
	})
}

// A client that cannot ask its person is told how they agree elsewhere, or gets the
// token where the program trusts it with that.
func TestConfirmationsWithoutAsking(t *testing.T) {
	write := func(t *testing.T, session *mcp.ClientSession, text string, token any) *mcp.CallToolResult {
		t.Helper()
		params := &mcp.CallToolParams{Name: "write", Arguments: map[string]any{"text": text}}
		if token != nil {
			params.Meta = mcp.Meta{"curatore/confirmation": token}
		}
		result, err := session.CallTool(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	connectWith := func(t *testing.T, config mcpserver.Config) (*shop, functions.Bound, *mcp.ClientSession) {
		t.Helper()
		s := newShop()
		fns := s.engine(t).Bind(authority.Mint("org-me", "me"))
		server, err := mcpserver.New(fns, config)
		if err != nil {
			t.Fatal(err)
		}
		here, there := mcp.NewInMemoryTransports()
		running, err := server.Connect(t.Context(), there, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s, fns, connect(t, here, nil, func() { _ = running.Wait() })
	}
	t.Run("elsewhere", func(t *testing.T) {
		s, fns, session := connectWith(t, mcpserver.Config{Approval: "press the green button."})
		result := write(t, session, "done", nil)
		waiting, err := fns.Waiting(t.Context())
		if err != nil || len(waiting) != 1 || !strings.Contains(textOf(result), waiting[0].ID) || !strings.Contains(textOf(result), "the person can press the green button.") || result.Meta["curatore/confirmation"] != nil {
			t.Fatalf("%s, %v, %+v, %v", textOf(result), result.Meta, waiting, err)
		}
		if err := fns.Decide(t.Context(), waiting[0].ID, true); err != nil {
			t.Fatal(err)
		}
		if result := write(t, session, "other", nil); !result.IsError {
			t.Error("something else was written")
		}
		if result := write(t, session, "done", nil); result.IsError || s.notes() != "done" {
			t.Errorf("%s, wrote %q", textOf(result), s.notes())
		}
	})
	t.Run("by the client", func(t *testing.T) {
		s, _, session := connectWith(t, mcpserver.Config{TokenInMeta: true})
		result := write(t, session, "done", nil)
		token, _ := result.Meta["curatore/confirmation"].(string)
		if token == "" || strings.Contains(textOf(result), token) {
			t.Fatalf("%s, %v", textOf(result), result.Meta)
		}
		for _, wrong := range []any{"made up", 7, "", []any{token}} {
			if result := write(t, session, "done", wrong); !result.IsError {
				t.Errorf("the token %v was accepted", wrong)
			}
		}
		if result := write(t, session, "other", token); !result.IsError {
			t.Error("the token was accepted for something else")
		}
		if result := write(t, session, "done", token); result.IsError {
			t.Errorf("refused: %s", textOf(result))
		}
		if result := write(t, session, "done", token); !result.IsError || s.notes() != "done" {
			t.Errorf("a second time: wrote %q", s.notes())
		}
	})
	t.Run("by a client that is not trusted", func(t *testing.T) {
		s, fns, session := connectWith(t, mcpserver.Config{})
		if result := write(t, session, "done", nil); result.Meta["curatore/confirmation"] != nil {
			t.Errorf("it got %v", result.Meta)
		}
		_, err := fns.Agent().Call(t.Context(), "write", json.RawMessage(`{"text":"done"}`))
		token := err.(*functions.Error).Confirmation.Token
		if result := write(t, session, "done", token); !result.IsError || s.notes() != "" {
			t.Errorf("a good token in _meta was accepted: wrote %q", s.notes())
		}
	})
}
