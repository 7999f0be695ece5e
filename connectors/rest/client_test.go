package rest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
)

// An answer is what a server gives to one attempt.
type answer struct {
	status int
	header map[string]string
	body   string
}

// What each answer leads to: how often it is tried, how long is waited, and what
// error comes out.
func TestBehaviour(t *testing.T) {
	ok := answer{200, nil, `{"fine": true}`}
	start := newClock().now()
	for name, c := range map[string]struct {
		answers  []answer
		method   string
		repeat   bool
		waits    []time.Duration
		attempts int
		is       error
		until    time.Time // of a LimitError
	}{
		"right at once":                     {answers: []answer{ok}, attempts: 1},
		"503 without a time backs off":      {answers: []answer{{503, nil, ""}, {502, nil, ""}, ok}, attempts: 3, waits: []time.Duration{500 * time.Millisecond, time.Second}},
		"503 for ever":                      {answers: []answer{{503, nil, ""}}, attempts: 5, is: rest.ErrUnavailable, waits: []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}},
		"429 with seconds":                  {answers: []answer{{429, map[string]string{"Retry-After": "17"}, ""}, ok}, attempts: 2, waits: []time.Duration{17 * time.Second}},
		"429 with a date":                   {answers: []answer{{429, map[string]string{"Retry-After": start.Add(90 * time.Second).Format(http.TimeFormat)}, ""}, ok}, attempts: 2, waits: []time.Duration{90 * time.Second}},
		"429 with nothing":                  {answers: []answer{{429, nil, ""}, ok}, attempts: 2, waits: []time.Duration{500 * time.Millisecond}},
		"429 with nonsense":                 {answers: []answer{{429, map[string]string{"Retry-After": "soon"}, ""}, ok}, attempts: 2, waits: []time.Duration{500 * time.Millisecond}},
		"429 with a time that has passed":   {answers: []answer{{429, map[string]string{"Retry-After": start.Add(-time.Hour).Format(http.TimeFormat)}, ""}, ok}, attempts: 2, waits: []time.Duration{500 * time.Millisecond}},
		"429 until the next century":        {answers: []answer{{429, map[string]string{"Retry-After": "99999999"}, ""}}, attempts: 1, until: start.AddDate(0, 0, 7)},
		"429 with a passed time for ever":   {answers: []answer{{429, map[string]string{"Retry-After": "0"}, ""}}, attempts: 5, until: start.Add(7500*time.Millisecond + time.Minute), waits: []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}},
		"429 for longer than anybody waits": {answers: []answer{{429, map[string]string{"Retry-After": "7200"}, ""}}, attempts: 1, until: start.Add(2 * time.Hour)},
		"429 for ever":                      {answers: []answer{{429, map[string]string{"Retry-After": "60"}, ""}}, attempts: 5, until: start.Add(5 * time.Minute), waits: []time.Duration{time.Minute, time.Minute, time.Minute, time.Minute}},
		"503 with a time":                   {answers: []answer{{503, map[string]string{"Retry-After": "2"}, ""}, ok}, attempts: 2, waits: []time.Duration{2 * time.Second}},
		"404":                               {answers: []answer{{404, nil, "no such thing"}}, attempts: 1, is: content.ErrNotFound},
		"410":                               {answers: []answer{{410, nil, ""}}, attempts: 1, is: rest.ErrGone},
		"403":                               {answers: []answer{{403, nil, ""}}, attempts: 1, is: rest.ErrForbidden},
		"401":                               {answers: []answer{{401, nil, ""}}, attempts: 1, is: rest.ErrUnauthorized},
		"a POST is not sent twice":          {answers: []answer{{500, nil, ""}, ok}, method: http.MethodPost, attempts: 1, is: rest.ErrUnavailable},
		"a POST that may be repeated":       {answers: []answer{{500, nil, ""}, ok}, method: http.MethodPost, repeat: true, attempts: 2, waits: []time.Duration{500 * time.Millisecond}},
		"a redirect that is not followed":   {answers: []answer{{302, map[string]string{"Location": "/elsewhere"}, ""}}, attempts: 1, is: errAny},
	} {
		t.Run(name, func(t *testing.T) {
			clock, attempts := newClock(), 0
			client, _ := service(t, clock, func(w http.ResponseWriter, r *http.Request) {
				a := c.answers[min(attempts, len(c.answers)-1)]
				attempts++
				for k, v := range a.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(a.status)
				_, _ = io.WriteString(w, a.body)
			})
			_, err := client.Do(t.Context(), rest.Request{Method: c.method, Path: "/things", Repeat: c.repeat})
			var limit *rest.LimitError
			switch {
			case !c.until.IsZero():
				if !errors.As(err, &limit) || !limit.RetryAt().Equal(c.until) {
					t.Errorf("got %v, want one until %s", err, c.until)
				}
			case c.is == errAny && err == nil, c.is != errAny && !errors.Is(err, c.is):
				t.Errorf("got %v, want %v", err, c.is)
			}
			if attempts != c.attempts {
				t.Errorf("%d attempts, want %d", attempts, c.attempts)
			}
			if d := cmp.Diff(c.waits, clock.waits); d != "" {
				t.Error("waits:", d)
			}
		})
	}
}

var errAny = errors.New("any error")

// What the status does not tell, a connection may read out of the answer.
func TestInspect(t *testing.T) {
	clock, n := newClock(), 0
	until := clock.now().Add(20 * time.Hour)
	client, _ := service(t, clock, func(w http.ResponseWriter, _ *http.Request) {
		n++
		if n > 1 {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "REQUEST_LIMIT_EXCEEDED")
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "No Data found")
	}, func(c *rest.Config) {
		c.Inspect = func(a *rest.Answer) (rest.Verdict, time.Time) {
			switch {
			case a.Status == 404 && strings.Contains(string(a.Body), "No Data"):
				return rest.Right, time.Time{}
			case strings.Contains(string(a.Body), "LIMIT"):
				return rest.Limited, until
			}
			return rest.ByStatus, time.Time{}
		}
	})
	a, err := client.Do(t.Context(), rest.Request{Path: "/things"})
	if err != nil || a.Status != 404 {
		t.Errorf("got %v, %v", a, err)
	}
	var limit *rest.LimitError
	if _, err = client.Do(t.Context(), rest.Request{Path: "/things"}); !errors.As(err, &limit) || !limit.Until.Equal(until) {
		t.Errorf("got %v", err)
	}
	// The pause holds for all requests of the credential.
	if _, err = client.Do(t.Context(), rest.Request{Path: "/other"}); !errors.As(err, &limit) || n != 2 {
		t.Errorf("got %v after %d requests", err, n)
	}
}

// An answer that breaks off is fetched again; one that is too long is not, and
// costs no more memory than allowed.
func TestBodies(t *testing.T) {
	clock, n := newClock(), 0
	client, _ := service(t, clock, func(w http.ResponseWriter, r *http.Request) {
		n++
		switch r.URL.Path {
		case "/v1/broken":
			w.Header().Set("Content-Length", "100")
			if n > 1 {
				w.Header().Set("Content-Length", "5")
			}
			_, _ = io.WriteString(w, "whole")
		case "/v1/long":
			_, _ = io.WriteString(w, strings.Repeat("x", 5000))
		case "/v1/text":
			_, _ = io.WriteString(w, "<html>sign in</html>")
		}
	}, func(c *rest.Config) { c.MaxBody = 1000 })
	a, err := client.Do(t.Context(), rest.Request{Path: "broken"})
	if err != nil || string(a.Body) != "whole" || n != 2 {
		t.Errorf("got %v, %v after %d requests", a, err, n)
	}
	n = 0
	if _, err := client.Do(t.Context(), rest.Request{Path: "/long"}); !errors.Is(err, rest.ErrTooLarge) || n != 1 {
		t.Errorf("got %v after %d requests", err, n)
	}
	if a, err := client.Do(t.Context(), rest.Request{Path: "/long", MaxBody: 5000}); err != nil || len(a.Body) != 5000 {
		t.Errorf("got %v", err)
	}
	var length int
	if err := client.Stream(t.Context(), rest.Request{Path: "/long", MaxBody: 5000}, func(_ *rest.Answer, body io.Reader) error {
		b, err := io.ReadAll(body)
		length = len(b)
		return err
	}); err != nil || length != 5000 {
		t.Errorf("read %d bytes, %v", length, err)
	}
	if err := client.Stream(t.Context(), rest.Request{Path: "/long"}, func(_ *rest.Answer, body io.Reader) error {
		_, err := io.Copy(io.Discard, body)
		return err
	}); !errors.Is(err, rest.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	var into struct{}
	if err := client.JSON(t.Context(), rest.Request{Path: "/text"}, &into); err == nil || !strings.Contains(err.Error(), "sign in") {
		t.Errorf("got %v", err)
	}
}

// The credential goes to the service and to nobody else, whatever links say.
func TestCredentialStaysHome(t *testing.T) {
	const key = "canary-4711"
	var strangers []string
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		strangers = append(strangers, r.Header.Get("X-Api-Key")+r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, "file")
	}))
	defer stranger.Close()
	client, server := service(t, newClock(), func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != key {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		switch r.URL.Path {
		case "/v1/away":
			http.Redirect(w, r, stranger.URL+"/signed?token=1", http.StatusSeeOther)
		case "/v1/round":
			http.Redirect(w, r, "/v1/round", http.StatusFound)
		}
	}, func(c *rest.Config) { c.Auth = rest.Header("X-Api-Key", "", rest.NewSecret(key)) })
	if _, err := client.Do(t.Context(), rest.Request{Path: "/home"}); err != nil {
		t.Error(err)
	}
	if _, err := client.Do(t.Context(), rest.Request{Path: server.URL + "/v1/home?page=2"}); err != nil {
		t.Error(err)
	}
	a, err := client.Do(t.Context(), rest.Request{Path: "/away", Follow: true})
	if err != nil || string(a.Body) != "file" {
		t.Errorf("got %v, %v", a, err)
	}
	if _, err := client.Do(t.Context(), rest.Request{Path: stranger.URL + "/x"}); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if _, err := client.Do(t.Context(), rest.Request{Path: stranger.URL + "/x", Open: true}); err != nil {
		t.Error(err)
	}
	if _, err := client.Do(t.Context(), rest.Request{Path: "/round", Follow: true}); err == nil {
		t.Error("a circle of redirects ended well")
	}
	if d := cmp.Diff([]string{"", ""}, strangers); d != "" {
		t.Error("a stranger got a credential:", d)
	}
	for _, path := range []string{"ftp://example.com/x", "http://user:pw@" + strings.TrimPrefix(server.URL, "http://") + "/x", "file:///etc/passwd", "%zz"} {
		if _, err := client.Do(t.Context(), rest.Request{Path: path}); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

// Queries and paths arrive as they were given.
func TestAddresses(t *testing.T) {
	var got []string
	client, _ := service(t, newClock(), func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.RequestURI) })
	for _, r := range []rest.Request{
		{Path: "a/b"}, {Path: "/a?x=1", Query: url.Values{"y": {"ä &"}}}, {Path: "/drives/b!x/root:/A%2FB%20c:/delta"}, {}, {Query: url.Values{"q": {"1"}}},
	} {
		if _, err := client.Do(t.Context(), r); err != nil {
			t.Error(err)
		}
	}
	if d := cmp.Diff([]string{"/v1/a/b", "/v1/a?x=1&y=%C3%A4+%26", "/v1/drives/b!x/root:/A%2FB%20c:/delta", "/v1", "/v1?q=1"}, got); d != "" {
		t.Error(d)
	}
}

// A context that ends gives its cause, in a request and in a pause.
func TestCancel(t *testing.T) {
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	release := make(chan struct{})
	client, _ := service(t, newClock(), func(w http.ResponseWriter, r *http.Request) {
		cancel(enough)
		<-release
	})
	_, err := client.Do(ctx, rest.Request{Path: "/slow"})
	close(release)
	if !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	if err := rest.Wait(ctx, time.Hour); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	if err := rest.Wait(t.Context(), time.Nanosecond); err != nil {
		t.Error(err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []rest.Config{{Service: "x"}, {BaseURL: "https://example.com"}, {Service: "x", BaseURL: "ftp://example.com"},
		{Service: "x", BaseURL: "https://user:pw@example.com"}, {Service: "x", BaseURL: "https://example.com?key=1"}, {Service: "x", BaseURL: "://"}} {
		if _, err := new(rest.Pool).Client(c); !errors.Is(err, content.ErrInvalid) || strings.Contains(fmt.Sprint(err), "pw") {
			t.Errorf("%+v: got %v", c, err)
		}
	}
}

// All clients of a credential keep one pace; another credential has its own.
func TestPace(t *testing.T) {
	clock := newClock()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	pool := &rest.Pool{Now: clock.now, Wait: clock.wait, HTTP: server.Client()}
	var clients []*rest.Client
	for _, key := range []string{"one key", "one key", "another"} {
		c, err := pool.Client(rest.Config{Service: "S", BaseURL: server.URL, Credential: rest.NewSecret(key), PerSecond: 2, Burst: 2})
		if err != nil {
			t.Fatal(err)
		}
		clients = append(clients, c)
	}
	for _, i := range []int{0, 1, 0, 1, 2, 2} {
		if _, err := clients[i].Do(t.Context(), rest.Request{}); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff([]time.Duration{500 * time.Millisecond, 500 * time.Millisecond}, clock.waits); d != "" {
		t.Error(d)
	}
}

// A listing ends with its last page, its first error, or when it leads in a
// circle.
func TestPages(t *testing.T) {
	chain := map[string]string{"a": "b", "b": "c", "c": "", "x": "y", "y": "x"}
	list := func(first string) (links []string, err error) {
		for p, e := range rest.Pages(t.Context(), first, func(_ context.Context, link string) (rest.Page[int], error) {
			next, ok := chain[link]
			if !ok {
				return rest.Page[int]{}, content.ErrNotFound
			}
			return rest.Page[int]{Items: []int{1}, Next: next}, nil
		}) {
			if err = e; err == nil {
				links = append(links, p.Link)
			}
		}
		return links, err
	}
	if links, err := list("a"); err != nil || !slices.Equal(links, []string{"a", "b", "c"}) {
		t.Errorf("%v, %v", links, err)
	}
	if links, err := list("x"); err == nil || len(links) != 2 {
		t.Errorf("%v, %v", links, err)
	}
	if _, err := list("z"); !errors.Is(err, content.ErrNotFound) {
		t.Error(err)
	}
}

// Items come one by one, until the caller has enough or a page fails.
func TestItems(t *testing.T) {
	pages := func(yield func(rest.Page[int], error) bool) {
		_ = yield(rest.Page[int]{Items: []int{1, 2}}, nil) && yield(rest.Page[int]{}, nil) &&
			yield(rest.Page[int]{Items: []int{3}}, nil) && yield(rest.Page[int]{Items: []int{4}}, content.ErrNotFound) && yield(rest.Page[int]{Items: []int{5}}, nil)
	}
	for most, want := range map[int][]int{9: {1, 2, 3}, 2: {1, 2}, 3: {1, 2, 3}} {
		var got []int
		var failed error
		for item, err := range rest.Items(pages) {
			if failed = err; err == nil {
				got = append(got, item)
			}
			if len(got) == most {
				break
			}
		}
		if !slices.Equal(got, want) || (most == 9) != errors.Is(failed, content.ErrNotFound) {
			t.Errorf("%d: %v, %v", most, got, failed)
		}
	}
}

func TestNextLink(t *testing.T) {
	for header, want := range map[string]string{
		``: "", `<https://x/2>; rel="next"`: "https://x/2", `<https://x/1>; rel=prev, <https://x/3>; title="a"; rel="last next"`: "https://x/3",
		`<https://x/1>; rel="nextish"`: "", `nonsense; rel=next`: "", `><; rel=next`: "",
	} {
		if got := rest.NextLink(http.Header{"Link": {header}}); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}

func FuzzNextLink(f *testing.F) {
	f.Add(`<https://x/1>; rel=prev, <https://x/3>; rel="last next"`)
	f.Fuzz(func(t *testing.T, header string) {
		if got := rest.NextLink(http.Header{"Link": {header}}); !strings.Contains(header, got) {
			t.Errorf("%q is not part of %q", got, header)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name, value string
		want        time.Duration // less than 0: it does not say
	}{
		{"Retry-After", "", -1}, {"Retry-After", "2", 2 * time.Second}, {"Retry-After", "0.5", time.Second / 2}, {"Retry-After", "-3", -1},
		{"Retry-After", "soon", -1}, {"Retry-After", "NaN", -1}, {"Retry-After", now.Add(time.Minute).Format(http.TimeFormat), time.Minute},
		{"Retry-After", now.Add(-time.Minute).Format(http.TimeFormat), 0}, {"Retry-After-Ms", "250", time.Second / 4}, {"Retry-After-Ms", "soon", -1},
	} {
		at, ok := rest.RetryAfter(http.Header{test.name: {test.value}}, now)
		if ok != (test.want >= 0) || ok && !at.Equal(now.Add(test.want)) {
			t.Errorf("%s %q: %v, %v; want %v", test.name, test.value, at, ok, test.want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"1", "-1", "1e300", "NaN", "Mon, 02 Jan 2006 15:04:05 GMT", ""} {
		f.Add(s)
	}
	now := newClock().now()
	f.Fuzz(func(t *testing.T, v string) {
		if at, ok := rest.RetryAfter(http.Header{"Retry-After": {v}}, now); ok && at.Before(now) {
			t.Errorf("%q is in the past: %s", v, at)
		}
	})
}

// A pause holds for all clients with the credential that was told to wait, and for no
// other, also where the configuration does not name the credential.
func TestPauseIsOfTheCredential(t *testing.T) {
	c := newClock()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer token-one" {
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer server.Close()
	pool := &rest.Pool{Now: c.now, Wait: c.wait, HTTP: server.Client()}
	ask := func(token string) error {
		client, err := pool.Client(rest.Config{Service: "Test", BaseURL: server.URL, Auth: rest.Header("Authorization", "Bearer ", rest.NewSecret(token))})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Do(t.Context(), rest.Request{Path: "/"})
		return err
	}
	var limit *rest.LimitError
	for range 2 {
		if err := ask("token-one"); !errors.As(err, &limit) {
			t.Errorf("the one that was told to wait: %v", err)
		}
	}
	if err := ask("token-two"); err != nil {
		t.Errorf("another one: %v", err)
	}
}
