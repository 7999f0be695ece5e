package openaiembed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search/vectors"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An endpoint speaks the protocol as OpenAI documents it. The vector of a text is
// its length and 1.
type endpoint struct {
	*httptest.Server
	mu       sync.Mutex
	requests []request
	now, max atomic.Int32 // requests at work
	// instead may answer a request in place of the endpoint; n counts from 1.
	instead func(n int, r request, w http.ResponseWriter) bool
}

type request struct {
	Model      string   `json:"model"`
	Input      []string `json:"input"`
	Dimensions int      `json:"dimensions"`
	key        string
}

func serve(t *testing.T, instead func(n int, r request, w http.ResponseWriter) bool) *endpoint {
	e := &endpoint{instead: instead}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Close)
	return e
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for at := e.now.Add(1); ; {
		if most := e.max.Load(); at <= most || e.max.CompareAndSwap(most, at) {
			break
		}
	}
	defer e.now.Add(-1)
	req := request{key: r.Header.Get("Authorization")}
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil || r.URL.Path != "/v1/embeddings" || r.Method != http.MethodPost {
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	e.mu.Lock()
	e.requests = append(e.requests, req)
	n := len(e.requests)
	e.mu.Unlock()
	if e.instead != nil && e.instead(n, req, w) {
		return
	}
	reply(w, req.Model, vectorsOf(req.Input))
}

func vectorsOf(texts []string) []string {
	var list []string
	for i, t := range texts {
		list = append(list, fmt.Sprintf(`{"object":"embedding","index":%d,"embedding":[%d,1,0.5]}`, i, len(t)))
	}
	return list
}

func reply(w http.ResponseWriter, model string, data []string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"object":"list","data":[%s],"model":%q,"usage":{"prompt_tokens":7,"total_tokens":7}}`, strings.Join(data, ","), model)
}

func fail(w http.ResponseWriter, status int, kind, message string) bool {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"message":%q,"type":%q,"param":null,"code":null}}`, message, kind)
	return true
}

// waits collects how long an Embedder would have waited.
type waits struct {
	mu   sync.Mutex
	list []time.Duration
}

func (w *waits) wait(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.list = append(w.list, d)
	return ctx.Err()
}

func open(t *testing.T, e *endpoint, change func(*Config)) (*Embedder, *waits) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	w := &waits{}
	c := Config{BaseURL: e.URL + "/v1", Key: "secret", Model: "test-model", Dimension: 3, HTTP: client, Wait: w.wait, Random: func() float64 { return 0.5 }}
	if change != nil {
		change(&c)
	}
	x, err := New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return x, w
}

func many(n int) []string {
	var texts []string
	for i := range n {
		texts = append(texts, strings.Repeat("x", i+1))
	}
	return texts
}

func TestEmbed(t *testing.T) {
	e := serve(t, func(_ int, r request, w http.ResponseWriter) bool { // in any order, as long as the index is there
		data := vectorsOf(r.Input)
		for i, j := 0, len(data)-1; i < j; i, j = i+1, j-1 {
			data[i], data[j] = data[j], data[i]
		}
		reply(w, r.Model, data)
		return true
	})
	x, _ := open(t, e, func(c *Config) { c.Batch, c.Concurrency = 10, 3 })
	list, err := x.Embed(t.Context(), many(95))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range list {
		if d := cmp.Diff([]float32{float32(i + 1), 1, 0.5}, v); d != "" {
			t.Errorf("text %d: %s", i, d)
		}
	}
	if n := e.max.Load(); n > 3 {
		t.Errorf("%d requests at a time", n)
	}
	if d := cmp.Diff(Usage{Requests: 10, Texts: 95, Tokens: 70}, x.Usage()); d != "" {
		t.Error(d)
	}
	for _, r := range e.requests {
		if r.key != "Bearer secret" || r.Model != "test-model" || len(r.Input) > 10 || r.Dimensions != 0 {
			t.Errorf("request %+v", r)
		}
	}
	if list, err := x.Embed(t.Context(), nil); err != nil || len(list) != 0 {
		t.Errorf("no texts: %v, %v", list, err)
	}
	if _, err := x.Embed(t.Context(), []string{"a", ""}); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("an empty text: %v", err)
	}
}

func TestDimension(t *testing.T) {
	e := serve(t, nil)
	x, _ := open(t, e, func(c *Config) { c.Dimension = 0 })
	if d := cmp.Diff(vectors.Model{Name: "test-model", Dimension: 3}, x.Model()); d != "" || len(e.requests) != 1 {
		t.Error(d, len(e.requests))
	}
	other, err := x.WithModel(vectors.Model{Name: "older", Dimension: 3})
	if err != nil || other.Model().Name != "older" || len(e.requests) != 1 {
		t.Errorf("%v, %v", other, err)
	}
	third, _ := open(t, e, func(c *Config) { c.Model = "text-embedding-3-small" })
	if _, err := third.Embed(t.Context(), []string{"a"}); err != nil || e.requests[1].Dimensions != 3 || third.Weight() != 0.5 || x.Weight() != 0 {
		t.Errorf("%v, %+v", err, e.requests[1])
	}
}

// Each mistake of an endpoint, and what becomes of it.
func TestFailures(t *testing.T) {
	once := func(do func(w http.ResponseWriter) bool) func(int, request, http.ResponseWriter) bool {
		return func(n int, _ request, w http.ResponseWriter) bool { return n == 1 && do(w) }
	}
	always := func(do func(r request, w http.ResponseWriter) bool) func(int, request, http.ResponseWriter) bool {
		return func(_ int, r request, w http.ResponseWriter) bool { return do(r, w) }
	}
	limit := func(header, value string) func(w http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool {
			w.Header().Set(header, value)
			return fail(w, 429, "rate_limit_exceeded", "slow down")
		}
	}
	half := func(w http.ResponseWriter) bool {
		w.Header().Set("Content-Length", "1000")
		fmt.Fprint(w, `{"object":"list","data":[{"index":0,"embed`)
		return true
	}
	cut := func(w http.ResponseWriter) bool { // a proxy that ends it properly
		fmt.Fprint(w, `{"object":"list","data":[{"index":0,"embed`)
		return true
	}
	vector := func(values string) func(request, http.ResponseWriter) bool {
		return func(r request, w http.ResponseWriter) bool {
			reply(w, r.Model, []string{`{"index":0,"embedding":[` + values + `]}`})
			return true
		}
	}
	for _, c := range []struct {
		name     string
		instead  func(int, request, http.ResponseWriter) bool
		requests int
		waited   []time.Duration
		err      string // "" when it succeeds in the end
		invalid  bool   // the text is to blame
	}{
		{"429, seconds", once(limit("Retry-After", "3")), 2, []time.Duration{3125 * time.Millisecond}, "", false},
		{"429, milliseconds", once(limit("retry-after-ms", "250")), 2, []time.Duration{375 * time.Millisecond}, "", false},
		{"429, too long", once(limit("Retry-After", "3600")), 1, nil, "1h0m0s", false},
		{"429 for ever", always(func(_ request, w http.ResponseWriter) bool { return fail(w, 429, "rate_limit_exceeded", "slow down") }), 3, []time.Duration{500 * time.Millisecond, time.Second}, "slow down", false},
		{"out of money", always(func(_ request, w http.ResponseWriter) bool { return fail(w, 429, "insufficient_quota", "pay first") }), 1, nil, "pay first", false},
		{"500", once(func(w http.ResponseWriter) bool { return fail(w, 500, "server_error", "sorry") }), 2, []time.Duration{500 * time.Millisecond}, "", false},
		{"502 with HTML", once(func(w http.ResponseWriter) bool {
			http.Error(w, "<html>bad gateway</html>", http.StatusBadGateway)
			return true
		}), 2, []time.Duration{500 * time.Millisecond}, "", false},
		{"half a body", once(half), 2, []time.Duration{500 * time.Millisecond}, "", false},
		{"a body cut off", once(cut), 2, []time.Duration{500 * time.Millisecond}, "", false},
		{"fewer vectors than texts", once(func(w http.ResponseWriter) bool { reply(w, "test-model", nil); return true }), 2, []time.Duration{500 * time.Millisecond}, "", false},
		{"wrong index", once(func(w http.ResponseWriter) bool {
			reply(w, "test-model", []string{`{"index":4,"embedding":[1,2,3]}`})
			return true
		}), 2, []time.Duration{500 * time.Millisecond}, "", false},
		{"wrong dimension", always(vector("1,2")), 1, nil, "have 2 values, not 3", false},
		{"no values", always(vector("")), 1, nil, "have 0 values", false},
		{"NaN", always(vector("1,NaN,3")), 1, nil, "not numbers", true},
		{"null", always(vector("1, null, 3")), 1, nil, "not numbers", true},
		{"infinite", always(vector("-Infinity,2,3")), 1, nil, "not numbers", true},
		{"zeros", always(vector("0,0,0")), 1, nil, "zeros", true},
		{"400", always(func(_ request, w http.ResponseWriter) bool { return fail(w, 400, "invalid_request_error", "too long") }), 1, nil, "too long", true},
		{"401", always(func(_ request, w http.ResponseWriter) bool { return fail(w, 401, "auth", "bad key") }), 1, nil, "bad key", false},
		{"404", always(func(_ request, w http.ResponseWriter) bool { return fail(w, 404, "not_found", "no such model") }), 1, nil, "no such model", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := serve(t, c.instead)
			x, w := open(t, e, func(c *Config) { c.Attempts = 3 })
			list, err := x.Embed(t.Context(), []string{"text"})
			switch {
			case c.err == "" && (err != nil || len(list) != 1 || list[0][0] != 4):
				t.Errorf("got %v, %v", list, err)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || list != nil):
				t.Errorf("got %v, %v; want %q", list, err, c.err)
			case errors.Is(err, content.ErrInvalid) != c.invalid:
				t.Errorf("is the text to blame? %v", err)
			case err != nil && strings.Contains(err.Error(), "secret"):
				t.Errorf("the key is in %v", err)
			}
			if d := cmp.Diff(c.waited, w.list); d != "" {
				t.Errorf("waited: %s", d)
			}
			if len(e.requests) != c.requests || x.Usage().Retries != int64(len(w.list)) {
				t.Errorf("%d requests, %+v", len(e.requests), x.Usage())
			}
		})
	}
}

func TestModelGuard(t *testing.T) {
	e := serve(t, func(n int, r request, w http.ResponseWriter) bool {
		reply(w, "served-"+strconv.Itoa(min(n, 2)), vectorsOf(r.Input))
		return true
	})
	x, _ := open(t, e, nil)
	if _, err := x.Embed(t.Context(), []string{"a"}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Embed(t.Context(), []string{"a"}); err == nil || !strings.Contains(err.Error(), `"served-2"`) {
		t.Errorf("another model: %v", err)
	}
}

func TestTimeout(t *testing.T) {
	stop := make(chan struct{})
	e := serve(t, func(n int, _ request, _ http.ResponseWriter) bool {
		if n == 1 {
			<-stop
		}
		return n == 1
	})
	defer close(stop)
	x, w := open(t, e, func(c *Config) { c.Timeout = 200 * time.Millisecond })
	for range 20 { // on a crowded machine the second attempt may be late too
		if list, err := x.Embed(t.Context(), []string{"a"}); err == nil {
			if len(list) != 1 || len(w.list) == 0 {
				t.Errorf("%v after %v", list, w.list)
			}
			return
		}
	}
	t.Error("it never came back")
}

// An endpoint that needs longer than the Timeout for more than four texts.
func TestSlowEndpointIsAskedForLess(t *testing.T) {
	stop := make(chan struct{})
	e := serve(t, func(_ int, r request, _ http.ResponseWriter) bool {
		if len(r.Input) > 4 {
			<-stop
		}
		return len(r.Input) > 4
	})
	defer close(stop)
	x, w := open(t, e, func(c *Config) { c.Timeout, c.Attempts = 300*time.Millisecond, 6 })
	texts := many(16)
	list, err := x.Embed(t.Context(), texts)
	if err != nil || len(list) != len(texts) || len(w.list) < 3 {
		t.Fatalf("%d vectors, %d pauses, %v", len(list), len(w.list), err)
	}
	for i, one := range texts {
		alone, err := x.Embed(t.Context(), []string{one})
		if d := cmp.Diff(alone, list[i:i+1]); err != nil || d != "" {
			t.Errorf("text %d: %v\n%s", i, err, d)
		}
	}
}

func TestCancelled(t *testing.T) {
	stop := make(chan struct{})
	e := serve(t, func(int, request, http.ResponseWriter) bool { <-stop; return true })
	defer close(stop)
	x, _ := open(t, e, func(c *Config) { c.Batch = 1 })
	ctx, cancel := context.WithCancelCause(t.Context())
	left := errors.New("the user left")
	go cancel(left)
	if _, err := x.Embed(ctx, many(50)); !errors.Is(err, left) {
		t.Errorf("got %v", err)
	}
}

func TestConfig(t *testing.T) {
	for name, c := range map[string]Config{"no model": {}, "negative": {Model: "m", Batch: -1}, "dimension": {Model: "m", Dimension: 1 << 20}} {
		if _, err := New(t.Context(), c); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
