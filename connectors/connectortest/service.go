package connectortest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content/database"
)

// A Faulty source is a service whose answers the suite spoils. Its Subject has HTTP
// set, the client of a fake server that itself does no wrong.
type Faulty struct {
	Subject
	// Canaries are the secrets that the connection uses. They must stand in no log,
	// event, error, run, failure, position, or record.
	Canaries []string
	// Refreshes says that a credential which is refused is fetched anew, so that a
	// single 401 changes nothing.
	Refreshes bool
	// Empty, unless nil, makes the source have nothing. Edition undoes it.
	Empty func()
	// Shuffle, unless nil, makes the source give the same in another order, and
	// some of it twice. Edition undoes it.
	Shuffle func()
	// TokenPath is a part of the path of a token service, whose 401 is final; ""
	// has none.
	TokenPath string
}

// Service checks what happens to imports from a service that has bad days:
//
//   - Any request answered with 429, 503, or an answer that breaks off: it is tried
//     again, and the end is the same.
//   - A pause that is longer than anybody waits: the import ends with the time at
//     which to go on, and when it goes on the end is the same.
//   - A 401 in the middle: the credential is refreshed once, or the import ends and
//     says so, and another one does the rest.
//   - Answers that are no JSON, and an empty source, delete nothing.
//   - The same in another order, and twice, ends the same.
//   - Cancelled in the middle of a request: it ends with the cause and leaves no
//     goroutine behind.
//   - No secret stands in anything that is logged, told, returned or stored.
func Service(t *testing.T, s Faulty) {
	t.Helper()
	kinds := s.Databases
	if kinds == nil {
		kinds = []string{database.SQLite, database.Postgres}
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			spoiler := &spoiler{inner: s.HTTP.Transport}
			if spoiler.inner == nil {
				spoiler.inner = http.DefaultTransport
			}
			subject := s.Subject
			subject.HTTP = &http.Client{Transport: spoiler}
			w := newWorkshop(t, kind, subject)
			before := goleak.IgnoreCurrent()
			b := &badDays{workshop: w, Faulty: s, spoiler: spoiler}
			b.undisturbed = b.round(nil)
			b.requests = spoiler.count()
			for name, test := range map[string]func(){
				"429": b.throttled, "503": b.unavailable, "broken off": b.brokenOff, "a long pause": b.longPause,
				"401": b.refused, "no JSON": b.garbage, "empty": b.empty, "shuffled": b.shuffled, "cancelled in a request": b.cancelled,
			} {
				t.Run(name, func(t *testing.T) {
					w.on(t)
					test()
				})
			}
			t.Run("secrets", func(t *testing.T) { b.on(t); b.secrets() })
			s.HTTP.CloseIdleConnections()
			goleak.VerifyNone(t, before)
		})
	}
}

// A spoiler is a transport that answers some requests in the place of the server.
type spoiler struct {
	inner http.RoundTripper

	mu    sync.Mutex
	n     int
	spoil func(n int, req *http.Request) (*http.Response, error) // nil: all is well
}

// set begins to count anew.
func (s *spoiler) set(f func(n int, req *http.Request) (*http.Response, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n, s.spoil = 0, f
}

func (s *spoiler) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func (s *spoiler) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.n++
	n, spoil := s.n, s.spoil
	s.mu.Unlock()
	if spoil != nil {
		if resp, err := spoil(n, req); resp != nil || err != nil {
			return resp, err
		}
	}
	return s.inner.RoundTrip(req)
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the inner one.
func (s *spoiler) CloseIdleConnections() {
	if c, ok := s.inner.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func answer(req *http.Request, status int, header http.Header, body io.ReadCloser) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Body: body, ContentLength: -1, Request: req}
}

func text(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

type badDays struct {
	*workshop
	Faulty
	spoiler     *spoiler
	undisturbed outcome
	requests    int // of an import that is not disturbed, with the one before it
}

func (b *badDays) on(t *testing.T) { b.workshop.on(t) }

// each spoils one request after the other, and checks that the end is the same.
// Longer imports are sampled.
func (b *badDays) each(what string, spoil func(req *http.Request) (*http.Response, error)) {
	step := max(1, b.requests/12)
	for n := 1; n <= b.requests; n += step {
		var spoilt bool
		got := b.round(func(task *task) *connectors.Result {
			b.spoiler.set(func(i int, req *http.Request) (*http.Response, error) {
				if i != n || spoilt {
					return nil, nil
				}
				spoilt = true
				return spoil(req)
			})
			defer b.spoiler.set(nil)
			return b.must(task, b.files(), b.workshop.Options)
		})
		if !spoilt {
			return // the import before needed the other requests
		}
		b.same(fmt.Sprintf("%s at request %d", what, n), got)
	}
}

func (b *badDays) same(what string, got outcome) {
	b.t.Helper()
	if diff := cmp.Diff(b.undisturbed.state, got.state); diff != "" {
		b.t.Errorf("%s: %s", what, diff)
	}
}

func (b *badDays) throttled() {
	b.each("429", func(req *http.Request) (*http.Response, error) {
		return answer(req, http.StatusTooManyRequests, http.Header{"Retry-After": {"3"}}, text("slow down")), nil
	})
}

func (b *badDays) unavailable() {
	b.each("503", func(req *http.Request) (*http.Response, error) {
		return answer(req, http.StatusServiceUnavailable, nil, text("try later")), nil
	})
}

// broken is a body that ends in the middle.
type broken struct{ io.Reader }

func (broken) Close() error { return nil }

func (b *badDays) brokenOff() {
	b.each("broken off", func(req *http.Request) (*http.Response, error) {
		if req.Method != http.MethodGet {
			return answer(req, http.StatusServiceUnavailable, nil, text("")), nil
		}
		resp, err := b.spoiler.inner.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return nil, err
		}
		resp.Body = broken{io.MultiReader(strings.NewReader(string(body[:len(body)/2])), failing{})}
		return resp, nil
	})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (b *badDays) longPause() {
	step := max(1, b.requests/6)
	for n := 1; n <= b.requests; n += step {
		spoilt := false
		got := b.round(func(task *task) *connectors.Result {
			b.spoiler.set(func(i int, req *http.Request) (*http.Response, error) {
				if i != n {
					return nil, nil
				}
				spoilt = true
				return answer(req, http.StatusTooManyRequests, http.Header{"Retry-After": {"86400"}}, text("come back tomorrow")), nil
			})
			defer b.spoiler.set(nil)
			result, err := b.engine.Import(context.Background(), task, b.workshop.Connection, b.files(), b.workshop.Options)
			b.spoiler.set(nil)
			if !spoilt {
				return result
			}
			if err == nil { // what is not urgent may be left for the next import
				b.waited.Add(int64(25 * time.Hour))
				task.end("completed")
				return b.must(b.newTask(), b.files(), b.workshop.Options)
			}
			var limit interface{ RetryAt() time.Time }
			if !errors.As(err, &limit) {
				b.t.Fatalf("a pause of a day at request %d: %v; it has to tell when to go on", n, err)
			}
			if until := limit.RetryAt(); until.Before(b.now().Add(23*time.Hour)) || until.After(b.now().Add(25*time.Hour)) {
				b.t.Errorf("a pause of a day ends at %s, it is %s", until, b.now())
			}
			b.waited.Add(int64(25 * time.Hour))
			return b.must(task.again(), b.files(), b.workshop.Options)
		})
		if !spoilt {
			return
		}
		b.same(fmt.Sprintf("a pause of a day at request %d", n), got)
	}
}

func (b *badDays) refused() {
	step := max(1, b.requests/8)
	for n := 1; n <= b.requests; n += step {
		spoilt, passed := false, false
		got := b.round(func(task *task) *connectors.Result {
			b.spoiler.set(func(i int, req *http.Request) (*http.Response, error) {
				if i != n {
					return nil, nil
				}
				if passed = b.TokenPath != "" && strings.Contains(req.URL.Path, b.TokenPath); passed {
					return nil, nil
				}
				spoilt = true
				return answer(req, http.StatusUnauthorized, nil, text(`{"error": {"code": "InvalidAuthenticationToken"}}`)), nil
			})
			defer b.spoiler.set(nil)
			result, err := b.engine.Import(context.Background(), task, b.workshop.Connection, b.files(), b.workshop.Options)
			switch {
			case b.Refreshes && err != nil:
				b.t.Fatalf("401 at request %d: %v", n, err)
			case err == nil:
				task.end("completed")
				return result
			case !errors.Is(err, rest.ErrUnauthorized):
				b.t.Errorf("401 at request %d: %v; it has to tell that the credential is refused", n, err)
			}
			task.end("failed")
			b.spoiler.set(nil)
			return b.must(b.newTask(), b.files(), b.workshop.Options)
		})
		if passed {
			continue
		}
		if !spoilt {
			return
		}
		b.same(fmt.Sprintf("401 at request %d", n), got)
	}
}

// live counts records by type.
func (b *badDays) live() map[string]int64 {
	n := map[string]int64{}
	for _, typ := range b.store.Registry().Types() {
		c, err := b.store.Count(context.Background(), b.scope, typ)
		if err != nil {
			b.t.Fatal(err)
		}
		n[typ.Name()] = c
	}
	return n
}

func (b *badDays) keepsAll(what string) {
	b.t.Helper()
	before := b.live()
	task := b.newTask()
	result, err := b.engine.Import(context.Background(), task, b.workshop.Connection, b.files(), b.workshop.Options)
	task.end("completed")
	for name, n := range b.live() {
		if n < before[name] {
			b.t.Errorf("%s: %d of %d %s are left (%v, %v)", what, n, before[name], name, result, err)
		}
	}
}

func (b *badDays) garbage() {
	for what, body := range map[string]string{"a sign-in page": "<html><body>Sign in</body></html>", "no JSON": `{"value": [`, "an empty object": "{}", "a list": "[]", "null": "null"} {
		b.round(nil)
		b.spoiler.set(func(_ int, req *http.Request) (*http.Response, error) {
			return answer(req, http.StatusOK, http.Header{"Content-Type": {"application/json"}}, text(body)), nil
		})
		b.keepsAll(what)
		b.spoiler.set(nil)
	}
}

func (b *badDays) empty() {
	if b.Empty == nil {
		b.t.Skip("the subject has no Empty")
	}
	b.round(nil)
	b.Empty()
	b.keepsAll("an empty source")
}

func (b *badDays) shuffled() {
	if b.Shuffle == nil {
		b.t.Skip("the subject has no Shuffle")
	}
	got := b.round(func(task *task) *connectors.Result {
		b.Shuffle()
		return b.must(task, b.files(), b.workshop.Options)
	})
	b.same("shuffled", got)
}

func (b *badDays) cancelled() {
	enough := errors.New("enough")
	step := max(1, b.requests/6)
	for n := 1; n <= b.requests; n += step {
		spoilt := false
		got := b.round(func(task *task) *connectors.Result {
			ctx, cancel := context.WithCancelCause(context.Background())
			defer cancel(nil)
			b.spoiler.set(func(i int, req *http.Request) (*http.Response, error) {
				if i != n {
					return nil, nil
				}
				spoilt = true
				cancel(enough)
				<-req.Context().Done() // the service hangs
				return nil, req.Context().Err()
			})
			_, err := b.engine.Import(ctx, task, b.workshop.Connection, b.files(), b.workshop.Options)
			b.spoiler.set(nil)
			if spoilt && !errors.Is(err, enough) {
				b.t.Errorf("cancelled in request %d: %v", n, err)
			}
			task.end("cancelled")
			return b.must(b.newTask(), b.files(), b.workshop.Options)
		})
		if !spoilt {
			return
		}
		b.same(fmt.Sprintf("cancelled in request %d", n), got)
	}
}

// secrets looks through all that the tests before it left, after one more import
// in which the service answers with what it was sent.
func (b *badDays) secrets() {
	b.round(nil)
	for _, status := range []int{http.StatusBadRequest, http.StatusForbidden, http.StatusInternalServerError} {
		b.spoiler.set(func(_ int, req *http.Request) (*http.Response, error) {
			var sent strings.Builder
			fmt.Fprint(&sent, req.URL, req.Header)
			if req.Body != nil {
				_, _ = io.Copy(&sent, req.Body)
			}
			return answer(req, status, nil, text(sent.String())), nil
		})
		task := b.newTask()
		_, err := b.engine.Import(context.Background(), task, b.workshop.Connection, b.files(), b.workshop.Options)
		task.end("failed")
		b.log.note(fmt.Sprintf("%v %+v %#v", err, err, err))
		checks, err := b.engine.Test(context.Background(), b.scope, b.workshop.Connection, b.workshop.Options)
		b.log.note(fmt.Sprintf("%+v %v", checks, err))
	}
	b.spoiler.set(nil)
	all := b.log.String() + strings.Join(b.state(), "\n")
	for _, query := range []string{"SELECT config, result, error FROM runs", "SELECT * FROM import_failures", "SELECT * FROM connection_state", "SELECT * FROM quota_ledger"} {
		all += strings.Join(b.texts("", query), "\n")
	}
	if len(b.Canaries) == 0 {
		b.t.Error("the subject names no Canaries, so nothing is looked for")
	}
	for _, canary := range b.Canaries {
		for _, form := range []string{canary, url.QueryEscape(canary), url.PathEscape(canary), base64.StdEncoding.EncodeToString([]byte(canary))} {
			if at := strings.Index(all, form); at >= 0 {
				b.t.Errorf("a secret shows: …%q…", all[max(0, at-100):min(len(all), at+len(form)+40)])
			}
		}
	}
}
