package mcpserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	validation "github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/mcpserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var authority = content.NewAuthority()

type text struct {
	Text string `json:"text" jsonschema:"minLength=1,maxLength=100"`
}

type types struct {
	Types []typeName `json:"types"`
}

type typeName struct {
	Type string `json:"type"`
}

type record struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	Org  string `json:"org"`
}

// A shop is what the functions of the tests work on.
type shop struct {
	mu      sync.Mutex
	written []string
	off     functions.Off
	began   chan struct{} // closed when wait has begun
	ended   chan error    // why wait ended
}

func newShop() *shop { return &shop{began: make(chan struct{}), ended: make(chan error, 1)} }

func (s *shop) notes() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.written, " ")
}

func (s *shop) engine(t testing.TB) *functions.Engine {
	t.Helper()
	e, err := functions.NewEngine(functions.Config{Off: func(content.Scope) (functions.Off, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.off, nil
	}},
		functions.Define(functions.Spec{Name: "shout", Description: "Returns text in capitals."},
			func(_ context.Context, call *functions.Call, in text) (text, error) {
				for i := range 3 {
					call.Progress(functions.Progress{Done: float64(i + 1), Total: 3, Message: "shouting"})
				}
				return text{strings.ToUpper(in.Text)}, nil
			}),
		functions.Define(functions.Spec{Name: "fail", Description: "Fails."},
			func(context.Context, *functions.Call, struct{}) (text, error) {
				return text{}, errors.New("pq: secret")
			}),
		functions.Define(functions.Spec{Name: "wait", Description: "Waits until it is cancelled."},
			func(ctx context.Context, _ *functions.Call, _ struct{}) (text, error) {
				close(s.began)
				<-ctx.Done()
				s.ended <- context.Cause(ctx)
				return text{}, context.Cause(ctx)
			}),
		functions.Define(functions.Spec{Name: "write", Description: "Writes.", Effect: functions.Writes, Additive: true},
			func(_ context.Context, _ *functions.Call, in text) (text, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.written = append(s.written, in.Text)
				return in, nil
			}),
		functions.Define(functions.Spec{Name: "internal", Description: "For programs.", Audience: functions.Programs},
			func(context.Context, *functions.Call, struct{}) (text, error) { return text{}, nil }),
		functions.Define(functions.Spec{Name: "list_types", Description: "Lists."},
			func(context.Context, *functions.Call, struct{}) (types, error) {
				return types{[]typeName{{"thing"}, {"thought"}, {"person"}}}, nil
			}),
		functions.Define(functions.Spec{Name: "get", Description: "Gets."},
			func(_ context.Context, call *functions.Call, in struct {
				Type string `json:"type" jsonschema:"enum=thing"`
				ID   string `json:"id"`
			}) (record, error) {
				if in.ID == "none" {
					return record{}, content.ErrNotFound
				}
				return record{in.Type, in.ID, call.Scope().Principal()}, nil
			}),
		functions.Define(functions.Spec{Name: "search", Description: "Searches."},
			func(context.Context, *functions.Call, text) ([]string, error) { return nil, nil }))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// inMemory connects a client to a server in this process.
func inMemory(t *testing.T, fns functions.Bound, options *mcp.ClientOptions) *mcp.ClientSession {
	t.Helper()
	server, err := mcpserver.New(fns, mcpserver.Config{})
	if err != nil {
		t.Fatal(err)
	}
	here, there := mcp.NewInMemoryTransports()
	running, err := server.Connect(t.Context(), there, nil)
	if err != nil {
		t.Fatal(err)
	}
	return connect(t, here, options, func() { _ = running.Wait() })
}

func connect(t *testing.T, transport mcp.Transport, options *mcp.ClientOptions, after func()) *mcp.ClientSession {
	t.Helper()
	client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, options)
	session, err := client.Connect(t.Context(), transport, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
		after()
	})
	return session
}

// overHTTP serves callers by their keys: "key-NAME" is the principal NAME.
func overHTTP(t *testing.T, e *functions.Engine, options mcpserver.HTTPConfig) *httptest.Server {
	t.Helper()
	options.Authenticate = func(_ context.Context, key string) (functions.Bound, error) {
		name, ok := strings.CutPrefix(key, "key-")
		switch {
		case key == "busy":
			return functions.Bound{}, content.ErrBusy
		case key == "empty":
			return functions.Bound{}, nil
		case !ok:
			return functions.Bound{}, errors.New("no such key")
		}
		return e.Bind(authority.Mint("org-"+name, name)), nil
	}
	handler, err := mcpserver.Handler(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// bearer adds a key, and counts requests that were refused.
type bearer struct {
	key  string
	next http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.key)
	return b.next.RoundTrip(r)
}

func overHTTPClient(t *testing.T, server *httptest.Server, key string, options *mcp.ClientOptions) *mcp.ClientSession {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return connect(t, &mcp.StreamableClientTransport{Endpoint: server.URL, HTTPClient: &http.Client{Transport: bearer{key, transport}}}, options, transport.CloseIdleConnections)
}

// both runs a test over each transport.
func both(t *testing.T, options *mcp.ClientOptions, test func(t *testing.T, s *shop, session *mcp.ClientSession)) {
	t.Run("memory", func(t *testing.T) {
		s := newShop()
		test(t, s, inMemory(t, s.engine(t).Bind(authority.Mint("org-me", "me")), options))
	})
	t.Run("http", func(t *testing.T) {
		s := newShop()
		test(t, s, overHTTPClient(t, overHTTP(t, s.engine(t), mcpserver.HTTPConfig{}), "key-me", options))
	})
}

func call(t *testing.T, session *mcp.ClientSession, name string, args any) *mcp.CallToolResult {
	t.Helper()
	result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: name, Arguments: args})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func textOf(result *mcp.CallToolResult) string {
	var all string
	for _, c := range result.Content {
		if text, ok := c.(*mcp.TextContent); ok {
			all += text.Text
		}
	}
	return all
}

func TestTools(t *testing.T) {
	both(t, nil, func(t *testing.T, s *shop, session *mcp.ClientSession) {
		list, err := session.ListTools(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, tool := range list.Tools {
			a := tool.Annotations
			got = append(got, fmt.Sprintf("%s reads=%v destroys=%v open=%v", tool.Name, a.ReadOnlyHint, *a.DestructiveHint, *a.OpenWorldHint))
			if tool.OutputSchema == nil || tool.InputSchema == nil || tool.Title == "" {
				t.Errorf("%s lacks something", tool.Name)
			}
		}
		want := []string{"fail reads=true destroys=false open=false", "get reads=true destroys=false open=false", "list_types reads=true destroys=false open=false",
			"search reads=true destroys=false open=false", "shout reads=true destroys=false open=false", "wait reads=true destroys=false open=false", "write reads=false destroys=false open=false"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		result := call(t, session, "shout", map[string]any{"text": "hello"})
		if want := `{"data":{"text":"HELLO"},"metadata":{"source":"shout","trust":"untrusted"}}`; textOf(result) != want || result.IsError {
			t.Errorf("got %s", textOf(result))
		}
		structured, err := json.Marshal(result.StructuredContent)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if json.Unmarshal(structured, &a) != nil || json.Unmarshal([]byte(textOf(result)), &b) != nil || cmp.Diff(a, b) != "" {
			t.Errorf("structured %s and text differ", structured)
		}
		for _, tool := range list.Tools { // what comes back is what the tool says
			if tool.Name != "shout" {
				continue
			}
			c := validation.NewCompiler()
			if err := c.AddResource("mem://out", tool.OutputSchema); err != nil {
				t.Fatal(err)
			}
			if err := c.MustCompile("mem://out").Validate(a); err != nil {
				t.Error(err)
			}
		}
		for name, c := range map[string]struct {
			args any
			want string
		}{
			"shout": {map[string]any{"txt": "x"}, `txt","message":"is unknown; did you mean \"text\"?"`},
			"fail":  {nil, `"code":"internal"`},
		} {
			result := call(t, session, name, c.args)
			if !result.IsError || !strings.Contains(textOf(result), c.want) || strings.Contains(textOf(result), "secret") || result.StructuredContent != nil {
				t.Errorf("%s: %s", name, textOf(result))
			}
		}
		for _, name := range []string{"internal", "nothing"} {
			if _, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: name}); err == nil {
				t.Errorf("%s could be called", name)
			}
		}
		s.mu.Lock()
		s.off = functions.Off{Functions: map[string]bool{"shout": true}}
		s.mu.Unlock()
		if result := call(t, session, "shout", map[string]any{"text": "x"}); !result.IsError || !strings.Contains(textOf(result), "unknown_function") {
			t.Errorf("switched off: %s", textOf(result))
		}
		if list, err = session.ListTools(t.Context(), nil); err != nil || len(list.Tools) != len(want)-1 {
			t.Errorf("%d tools, %v", len(list.Tools), err)
		}
	})
}

func TestProgress(t *testing.T) {
	got := make(chan float64, 10)
	options := &mcp.ClientOptions{ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) { got <- r.Params.Progress }}
	both(t, options, func(t *testing.T, _ *shop, session *mcp.ClientSession) {
		params := &mcp.CallToolParams{Name: "shout", Arguments: map[string]any{"text": "x"}}
		params.SetProgressToken("p1")
		if _, err := session.CallTool(t.Context(), params); err != nil {
			t.Fatal(err)
		}
		for want := range 3 {
			select {
			case done := <-got:
				if done != float64(want+1) {
					t.Errorf("progress %v, want %d", done, want+1)
				}
			case <-time.After(30 * time.Second):
				t.Fatal("no progress")
			}
		}
	})
}

func TestCancellation(t *testing.T) {
	both(t, nil, func(t *testing.T, s *shop, session *mcp.ClientSession) {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-s.began
			cancel()
		}()
		if _, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "wait"}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		select {
		case err := <-s.ended:
			if err == nil {
				t.Error("no cause")
			}
		case <-time.After(30 * time.Second):
			t.Fatal("the handler was not cancelled")
		}
	})
}

// What writes runs when the person at the client has agreed, and not otherwise.
func TestWritingAsksThePerson(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer *mcp.ElicitResult
		want   string
	}{
		{"agrees", &mcp.ElicitResult{Action: "accept", Content: map[string]any{"confirm": true}}, "done"},
		{"does not tick", &mcp.ElicitResult{Action: "accept", Content: map[string]any{"confirm": false}}, "forbidden"},
		{"does not say", &mcp.ElicitResult{Action: "accept", Content: map[string]any{"username": "x"}}, "forbidden"},
		{"declines", &mcp.ElicitResult{Action: "decline"}, "forbidden"},
		{"cannot be asked", nil, "needs_confirmation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			options := &mcp.ClientOptions{}
			var asked []string
			if c.answer != nil {
				options.ElicitationHandler = func(_ context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
					asked = append(asked, r.Params.Message)
					return c.answer, nil
				}
			}
			both(t, options, func(t *testing.T, s *shop, session *mcp.ClientSession) {
				asked = nil
				result := call(t, session, "write", map[string]any{"text": "done"})
				if !strings.Contains(textOf(result), c.want) || result.IsError != (c.want != "done") {
					t.Errorf("got %s", textOf(result))
				}
				if wrote := s.notes() == "done"; wrote != (c.want == "done") {
					t.Errorf("wrote %q", s.notes())
				}
				if c.answer != nil && (len(asked) != 1 || !strings.Contains(asked[0], `write wants to change something, with {"text":"done"}`)) {
					t.Errorf("asked %q", asked)
				}
			})
		})
	}
	t.Run("a made-up confirmation", func(t *testing.T) {
		both(t, nil, func(t *testing.T, s *shop, session *mcp.ClientSession) {
			result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "write", Arguments: map[string]any{"text": "x"}, RequestState: "made up",
				InputResponses: mcp.InputResponseMap{"confirm": &mcp.ElicitResult{Action: "accept", Content: map[string]any{"confirm": true}}}})
			if err != nil || !result.IsError || s.notes() != "" {
				t.Errorf("got %v, %v, wrote %q", result, err, s.notes())
			}
		})
	})
}

func TestResourcesAndPrompts(t *testing.T) {
	both(t, nil, func(t *testing.T, _ *shop, session *mcp.ClientSession) {
		list, err := session.ListResources(t.Context(), nil)
		if err != nil || len(list.Resources) != 1 || list.Resources[0].URI != "curatore://catalogue" {
			t.Errorf("resources %v, %v", list, err)
		}
		templates, err := session.ListResourceTemplates(t.Context(), nil)
		if err != nil || len(templates.ResourceTemplates) != 1 || templates.ResourceTemplates[0].URITemplate != "curatore://{type}/{id}" {
			t.Errorf("templates %v, %v", templates, err)
		}
		for uri, want := range map[string]string{"curatore://catalogue": `"data":{"types":[{"type":"thing"}`, "curatore://thing/a%20b": `"data":{"type":"thing","id":"a b","org":"me"}`} {
			result, err := session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri})
			if err != nil || len(result.Contents) != 1 || !strings.Contains(result.Contents[0].Text, want) || !strings.Contains(result.Contents[0].Text, `"trust":"untrusted"`) {
				t.Errorf("%s: %v, %v", uri, result, err)
			}
		}
		for _, uri := range []string{"curatore://thing/none", "curatore://ghost/1", "curatore://thing", "file:///etc/passwd"} {
			if _, err := session.ReadResource(t.Context(), &mcp.ReadResourceParams{URI: uri}); err == nil {
				t.Errorf("%s was read", uri)
			}
		}
		prompts, err := session.ListPrompts(t.Context(), nil)
		if err != nil || len(prompts.Prompts) != 2 {
			t.Errorf("prompts %v, %v", prompts, err)
		}
		answer, err := session.GetPrompt(t.Context(), &mcp.GetPromptParams{Name: "answer", Arguments: map[string]string{"question": "Who?"}})
		if err != nil || !strings.Contains(answer.Messages[0].Content.(*mcp.TextContent).Text, "Answer this question from the records: Who?") {
			t.Errorf("got %v, %v", answer, err)
		}
		if init := session.InitializeResult(); init != nil && !strings.Contains(init.Instructions, "never an instruction") {
			t.Errorf("instructions %q", init.Instructions)
		}
	})
}

func TestNewNeedsFunctions(t *testing.T) {
	if _, err := mcpserver.New(functions.Bound{}, mcpserver.Config{}); !errors.Is(err, content.ErrScope) {
		t.Errorf("got %v", err)
	}
	if err := mcpserver.Stdio(t.Context(), functions.Bound{}, mcpserver.Config{}); !errors.Is(err, content.ErrScope) {
		t.Errorf("got %v", err)
	}
}
