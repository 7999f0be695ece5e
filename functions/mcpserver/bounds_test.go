package mcpserver_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/mcpserver"
)

// A hall has a function that tells began and waits until it is let go.
type hall struct {
	began chan string
	free  chan struct{}
}

func newHall() *hall { return &hall{began: make(chan string, 100), free: make(chan struct{})} }

func (h *hall) engine(t *testing.T) *functions.Engine {
	t.Helper()
	catalogue := functions.Define(functions.Spec{Name: "list_types", Description: "Lists."},
		func(context.Context, *functions.Call, struct{}) (types, error) { return types{}, nil })
	e, err := functions.NewEngine(functions.Config{}, catalogue, functions.Define(functions.Spec{Name: "hold", Description: "Waits."},
		func(ctx context.Context, _ *functions.Call, in text) (text, error) {
			h.began <- in.Text
			select {
			case <-h.free:
				return in, nil
			case <-ctx.Done():
				return in, context.Cause(ctx)
			}
		}))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// next waits until a call has begun.
func (h *hall) next(t *testing.T) string {
	t.Helper()
	select {
	case name := <-h.began:
		return name
	case <-time.After(time.Minute):
		t.Fatal("no call began")
	}
	return ""
}

// One caller has so many calls at a time, in all its sessions together; the next
// ones wait, and what comes behind those is refused. Another caller notices
// nothing.
func TestCallsOfACallerAreBounded(t *testing.T) {
	h := newHall()
	server := overHTTP(t, h.engine(t), mcpserver.HTTPConfig{Config: mcpserver.Config{Parallel: 2, Waiting: 3}})
	mine := []*mcp.ClientSession{overHTTPClient(t, server, "key-me", nil), overHTTPClient(t, server, "key-me", nil)}
	yours := overHTTPClient(t, server, "key-you", nil)
	answers := make(chan string, 100)
	var all sync.WaitGroup
	hold := func(session *mcp.ClientSession, name string) {
		all.Go(func() {
			result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "hold", Arguments: map[string]any{"text": name}})
			if err != nil {
				t.Error(err)
				return
			}
			answers <- textOf(result)
		})
	}
	for i := range 20 {
		hold(mine[i%2], fmt.Sprint("mine ", i))
	}
	for range 15 {
		if got := <-answers; !strings.Contains(got, `"code":"busy"`) || !strings.Contains(got, "Wait for their answers") {
			t.Errorf("refused with %s", got)
		}
	}
	for range 2 {
		h.next(t)
	}
	hold(yours, "yours")
	if got := h.next(t); got != "yours" {
		t.Errorf("%s began beside two", got)
	}
	if _, err := mine[0].ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "curatore://catalogue"}); err == nil || !strings.Contains(err.Error(), "busy") {
		t.Errorf("a resource: %v", err)
	}
	close(h.free)
	all.Wait()
	for range 6 {
		if got := <-answers; !strings.Contains(got, `"data":{"text":"`) {
			t.Errorf("got %s", got)
		}
	}
	if result := call(t, mine[1], "hold", map[string]any{"text": "after all"}); result.IsError {
		t.Errorf("afterwards: %s", textOf(result))
	}
}

// A principal with keys that read and keys that write has the bounds once.
func TestKeysOfAPrincipalShareItsBounds(t *testing.T) {
	h := newHall()
	e := h.engine(t)
	handler, err := mcpserver.Handler(mcpserver.HTTPConfig{Config: mcpserver.Config{Parallel: 1, Waiting: 1}, Sessions: 3, Authenticate: func(_ context.Context, key string) (functions.Bound, error) {
		fns := e.Bind(authority.Mint("org", "me"))
		if key == "reads" {
			fns = fns.Reading()
		}
		return fns, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	reads, writes := overHTTPClient(t, server, "reads", nil), overHTTPClient(t, server, "writes", nil)
	results := make(chan string, 3)
	var all sync.WaitGroup
	for _, session := range []*mcp.ClientSession{reads, writes, reads} {
		all.Go(func() {
			result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "hold", Arguments: map[string]any{"text": "x"}})
			if err != nil {
				t.Error(err)
				return
			}
			results <- textOf(result)
		})
	}
	select {
	case got := <-results:
		if !strings.Contains(got, `"code":"busy"`) {
			t.Errorf("the third call: %s", got)
		}
	case <-time.After(time.Minute):
		t.Error("the third call waits, too")
	}
	close(h.free)
	all.Wait()
	third := begin(t, server.URL, "reads")
	if got := post(t, server.URL, initialize, "Authorization", "Bearer writes"); got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a fourth session: %s", got.Status)
	}
	endBy(t, server.URL, third, "reads")
}

// A caller has so many sessions; another caller notices nothing, and one that ends
// makes room.
func TestSessionsOfACallerAreBounded(t *testing.T) {
	server := overHTTP(t, newShop().engine(t), mcpserver.HTTPConfig{Sessions: 2})
	first := begin(t, server.URL, "key-me")
	second := begin(t, server.URL, "key-me")
	for _, body := range []string{initialize, `{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{}}`} {
		if got := post(t, server.URL, body, "Authorization", "Bearer key-me"); got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" {
			t.Errorf("a third session: %s", got.Status)
		}
	}
	endBy(t, server.URL, begin(t, server.URL, "key-you"), "key-you")
	end(t, server.URL, first)
	end(t, server.URL, begin(t, server.URL, "key-me"))
	end(t, server.URL, second)
}

// Requests that do not come to their end are counted, too.
func TestRequestsOfACallerAreBounded(t *testing.T) {
	server := overHTTP(t, newShop().engine(t), mcpserver.HTTPConfig{Config: mcpserver.Config{Parallel: 1, Waiting: 1}})
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	var open []net.Conn
	hold := func() { // a request whose body does not come
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address.Host)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer key-me\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", address.Host); err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
	}
	status := func(key string) int {
		got := post(t, server.URL, initialize, "Authorization", "Bearer "+key)
		if id := got.Header.Get("Mcp-Session-Id"); id != "" {
			endBy(t, server.URL, id, key)
		}
		return got.StatusCode
	}
	// One of those that are held may be refused itself, while a request of status
	// has the last place.
	for status("key-me") != http.StatusTooManyRequests {
		if hold(); len(open) > 100 {
			t.Fatal("a hundred requests are open")
		}
	}
	if len(open) < 18 {
		t.Errorf("refused with %d open", len(open))
	}
	if got := status("key-you"); got != http.StatusOK {
		t.Errorf("another caller: %d", got)
	}
	for _, conn := range open {
		_ = conn.Close()
	}
	for deadline := time.Now().Add(time.Minute); status("key-me") != http.StatusOK; {
		if time.Now().After(deadline) {
			t.Fatal("still refused when they are gone")
		}
	}
}

// What is switched off and on is followed by sessions that are open, and they are
// told.
func TestCatalogueFollowsSwitches(t *testing.T) {
	changes := make(chan string, 100)
	options := &mcp.ClientOptions{
		ToolListChangedHandler:     func(context.Context, *mcp.ToolListChangedRequest) { changes <- "tools" },
		ResourceListChangedHandler: func(context.Context, *mcp.ResourceListChangedRequest) { changes <- "resources" },
		PromptListChangedHandler:   func(context.Context, *mcp.PromptListChangedRequest) { changes <- "prompts" },
	}
	both(t, options, func(t *testing.T, s *shop, session *mcp.ClientSession) {
		turn := func(off ...string) {
			t.Helper()
			s.mu.Lock()
			s.off = functions.Off{Functions: map[string]bool{}}
			for _, name := range off {
				s.off.Functions[name] = true
			}
			s.mu.Unlock()
		}
		told := func(want ...string) {
			t.Helper()
			missing := map[string]bool{}
			for _, w := range want {
				missing[w] = true
			}
			for len(missing) > 0 {
				select {
				case got := <-changes:
					delete(missing, got)
				case <-time.After(time.Minute):
					t.Fatalf("not told of %v", missing)
				}
			}
		}
		count := func() string {
			t.Helper()
			tools, err := session.ListTools(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			resources, err := session.ListResources(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			templates, err := session.ListResourceTemplates(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			prompts, err := session.ListPrompts(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(len(tools.Tools), len(resources.Resources), len(templates.ResourceTemplates), len(prompts.Prompts))
		}
		if got := count(); got != "7 1 1 2" {
			t.Fatalf("at first %s", got)
		}
		turn("get", "list_types")
		if result := call(t, session, "get", map[string]any{"type": "thing", "id": "1"}); !result.IsError || !strings.Contains(textOf(result), "unknown_function") {
			t.Errorf("off: %s", textOf(result))
		}
		told("tools", "resources", "prompts")
		if got := count(); got != "5 0 0 1" {
			t.Errorf("off: %s", got)
		}
		if _, err := session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: "curatore://thing/1"}); err == nil {
			t.Error("a record was read")
		}
		turn()
		if got := count(); got != "7 1 1 2" {
			t.Errorf("on again: %s", got)
		}
		told("tools", "resources", "prompts")
		if result := call(t, session, "get", map[string]any{"type": "thing", "id": "1"}); result.IsError {
			t.Errorf("on again: %s", textOf(result))
		}
	})
}

// The types of records are offered for the address of one; what is free text has
// no offers, and what there is not is an error.
func TestCompletion(t *testing.T) {
	both(t, nil, func(t *testing.T, s *shop, session *mcp.ClientSession) {
		record := &mcp.CompleteReference{Type: "ref/resource", URI: "curatore://{type}/{id}"}
		for _, c := range []struct {
			ref            *mcp.CompleteReference
			argument, text string
			want           string
		}{
			{record, "type", "", "[thing thought person]"},
			{record, "type", "TH", "[thing thought]"},
			{record, "type", "thou", "[thought]"},
			{record, "type", "x", "[]"},
			{record, "id", "1", "[]"},
			{&mcp.CompleteReference{Type: "ref/prompt", Name: "answer"}, "question", "Wh", "[]"},
			{&mcp.CompleteReference{Type: "ref/prompt", Name: "nothing"}, "question", "Wh", "error"},
			{&mcp.CompleteReference{Type: "ref/resource", URI: "file:///{path}"}, "path", "/etc", "error"},
		} {
			got := "error"
			result, err := session.Complete(t.Context(), &mcp.CompleteParams{Ref: c.ref, Argument: mcp.CompleteParamsArgument{Name: c.argument, Value: c.text}})
			if err == nil {
				got = fmt.Sprint(result.Completion.Values)
			}
			if got != c.want {
				t.Errorf("%+v %s=%s: %s, %v", c.ref, c.argument, c.text, got, err)
			}
		}
		s.mu.Lock()
		s.off = functions.Off{Functions: map[string]bool{"list_types": true}}
		s.mu.Unlock()
		result, err := session.Complete(t.Context(), &mcp.CompleteParams{Ref: record, Argument: mcp.CompleteParamsArgument{Name: "type"}})
		if err != nil || len(result.Completion.Values) != 0 {
			t.Errorf("without list_types: %v, %v", result, err)
		}
	})
}

func TestNegativeBounds(t *testing.T) {
	authenticate := func(context.Context, string) (functions.Bound, error) { return functions.Bound{}, content.ErrScope }
	for _, c := range []mcpserver.HTTPConfig{{Config: mcpserver.Config{Parallel: -1}}, {Config: mcpserver.Config{Waiting: -1}}, {Sessions: -1}} {
		c.Authenticate = authenticate
		if _, err := mcpserver.Handler(c); err == nil || !strings.Contains(err.Error(), "must not be negative") {
			t.Errorf("%+v: %v", c.Config, err)
		}
	}
}
