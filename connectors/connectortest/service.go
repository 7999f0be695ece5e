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
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content/blob"
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
//   - A 410, the page of a proxy with status 200, or an answer without an end, at
//     any request: whatever the import makes of it, nothing of it stays behind the
//     next one.
//   - Nothing but answers that are no JSON, and an empty source, delete nothing.
//   - The same in another order, and twice, ends the same.
//   - Cancelled in the middle of a request: it ends with the cause and leaves no
//     goroutine behind.
//   - A test of the connection finds nothing wrong on a good day and something on a
//     bad one, and changes nothing.
//   - No secret stands in anything that is logged, told, returned or stored, in
//     whichever table or object.
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
			w := NewWorkshop(t, kind, subject)
			spoiler.now = w.Now
			before := goleak.IgnoreCurrent()
			b := &badDays{Workshop: w, Faulty: s, spoiler: spoiler}
			b.undisturbed = b.round(nil)
			b.requests = spoiler.count()
			for name, test := range map[string]func(){
				"429": b.throttled, "503": b.unavailable, "broken off": b.brokenOff, "a long pause": b.longPause,
				"401": b.refused, "410": b.gone, "a page in its place": b.page, "without an end": b.endless, "no JSON": b.garbage, "preflight": b.preflight, "empty": b.empty, "shuffled": b.shuffled, "cancelled in a request": b.cancelled,
			} {
				t.Run(name, func(t *testing.T) {
					b.t = t
					test()
				})
			}
			t.Run("secrets", func(t *testing.T) { b.t = t; b.secrets() })
			s.HTTP.CloseIdleConnections()
			goleak.VerifyNone(t, before)
		})
	}
}

type badDays struct {
	*Workshop
	Faulty
	spoiler     *spoiler
	undisturbed outcome
	requests    int // of an import that is not disturbed, with the one before it
}

// sample calls a function with the number of one request after the other, of about
// as many as most, until it says that the import makes no such request. The second
// database is for what differs there, and gets half of them.
func (b *badDays) sample(most int, do func(n int) (made bool)) {
	if b.DB.Dialect().Name() == database.Postgres {
		most = (most + 1) / 2
	}
	for n, step := 1, max(1, (b.requests+most-1)/most); n <= b.requests && do(n); n += step {
	}
}

// each spoils one request after the other, and checks that the end is the same.
func (b *badDays) each(what string, spoil func(req *http.Request) (*http.Response, error)) {
	b.sample(8, func(n int) (spoilt bool) {
		got := b.round(func(task *Task) *connectors.Result {
			b.spoiler.set(func(i int, req *http.Request) (*http.Response, error) {
				if i != n || spoilt {
					return nil, nil
				}
				spoilt = true
				return spoil(req)
			})
			defer b.spoiler.set(nil)
			return b.must(task, b.files(), b.Workshop.Options)
		})
		if spoilt { // the import before needed the other requests
			b.same(fmt.Sprintf("%s at request %d", what, n), got)
		}
		return spoilt
	})
}

// afterwards spoils one request after the other, and checks that nothing goes and
// that the next import, which is not disturbed, ends well: as if nothing had been, if
// the same is wanted.
func (b *badDays) afterwards(what string, most int, same bool, spoil func(req *http.Request) (*http.Response, error)) {
	b.sample(most, func(n int) (spoilt bool) {
		got := b.round(func(task *Task) *connectors.Result {
			before := b.live()
			b.spoiler.set(func(i int, req *http.Request) (*http.Response, error) {
				if i != n {
					return nil, nil
				}
				spoilt = true
				return spoil(req)
			})
			result, err := b.run(task, b.files(), b.Workshop.Options)
			b.spoiler.set(nil)
			if spoilt && err != nil {
				b.noFewer(fmt.Sprintf("%s at request %d: %v", what, n, err), before)
			}
			if !spoilt {
				return result
			}
			return b.must(b.Task(), b.files(), b.Workshop.Options)
		})
		if diff := cmp.Diff(withoutFailures(b.undisturbed.state), withoutFailures(got.state)); diff != "" && spoilt && same {
			b.t.Errorf("%s at request %d, then imported: %s", what, n, diff)
		}
		return spoilt
	})
}

func (b *badDays) gone() {
	b.afterwards("410", 4, true, func(req *http.Request) (*http.Response, error) {
		return answer(req, http.StatusGone, nil, text(`{"error": {"code": "resyncRequired"}}`)), nil
	})
}

func (b *badDays) page() {
	b.afterwards("a sign-in page", 8, true, func(req *http.Request) (*http.Response, error) {
		return answer(req, http.StatusOK, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, text("<!DOCTYPE html>\n<html><body>Sign in</body></html>\n")), nil
	})
}

// endless answers are refused; that a single file is too large is no mistake.
func (b *badDays) endless() {
	b.afterwards("an answer without an end", 3, false, func(req *http.Request) (*http.Response, error) {
		return answer(req, http.StatusOK, http.Header{"Content-Type": {"application/json"}}, endless{}), nil
	})
}

// preflight tries the connection out on a good day and on bad ones.
func (b *badDays) preflight() {
	b.round(nil)
	before := b.rows()
	try := func() (wrong []string, checks int) {
		found, err := b.Engine.Test(context.Background(), b.Scope, b.Workshop.Connection, b.Workshop.Options)
		if err != nil {
			b.t.Fatal(err)
		}
		b.log.note(fmt.Sprintf("%+v", found))
		for _, f := range found {
			if !f.OK {
				wrong = append(wrong, f.Name+": "+f.Detail)
			}
		}
		return wrong, len(found)
	}
	wrong, checks := try()
	if len(wrong) > 0 {
		b.t.Fatalf("on a good day: %q", wrong)
	}
	if checks == 1 { // the settings alone
		b.t.Skip("the sessions of the connection are no connectors.Preflighter")
	}
	for name, spoil := range map[string]func(req *http.Request) (*http.Response, error){
		"nobody is there": func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
		"401":             func(req *http.Request) (*http.Response, error) { return answer(req, 401, nil, text("{}")), nil },
		"403":             func(req *http.Request) (*http.Response, error) { return answer(req, 403, nil, text("{}")), nil },
		"a page of a proxy": func(req *http.Request) (*http.Response, error) {
			return answer(req, 200, nil, text("<html>Sign in")), nil
		},
	} {
		b.spoiler.set(func(_ int, req *http.Request) (*http.Response, error) { return spoil(req) })
		if wrong, _ := try(); len(wrong) == 0 {
			b.t.Errorf("%s: a test of the connection finds nothing wrong", name)
		}
	}
	b.spoiler.set(nil)
	if diff := cmp.Diff(before, b.rows()); diff != "" {
		b.t.Error("a test of the connection has written:", diff)
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

func (b *badDays) longPause() {
	b.sample(4, func(n int) (spoilt bool) {
		got := b.round(func(task *Task) *connectors.Result {
			b.spoiler.set(func(i int, req *http.Request) (*http.Response, error) {
				if i != n {
					return nil, nil
				}
				spoilt = true
				return answer(req, http.StatusTooManyRequests, http.Header{"Retry-After": {"86400"}}, text("come back tomorrow")), nil
			})
			defer b.spoiler.set(nil)
			result, err := b.Engine.Import(context.Background(), task, b.Workshop.Connection, b.files(), b.Workshop.Options)
			b.spoiler.set(nil)
			if !spoilt {
				return result
			}
			if err == nil { // what is not urgent may be left for the next import
				b.clock.add(25 * time.Hour)
				task.End("completed")
				return b.must(b.Task(), b.files(), b.Workshop.Options)
			}
			var limit interface{ RetryAt() time.Time }
			if !errors.As(err, &limit) {
				b.t.Fatalf("a pause of a day at request %d: %v; it has to tell when to go on", n, err)
			}
			if until := limit.RetryAt(); until.Before(b.Now().Add(23*time.Hour)) || until.After(b.Now().Add(25*time.Hour)) {
				b.t.Errorf("a pause of a day ends at %s, it is %s", until, b.Now())
			}
			b.clock.add(25 * time.Hour)
			return b.must(task.Again(), b.files(), b.Workshop.Options)
		})
		if spoilt {
			b.same(fmt.Sprintf("a pause of a day at request %d", n), got)
		}
		return spoilt
	})
}

func (b *badDays) refused() {
	b.sample(6, func(n int) bool {
		spoilt, passed := false, false
		got := b.round(func(task *Task) *connectors.Result {
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
			result, err := b.Engine.Import(context.Background(), task, b.Workshop.Connection, b.files(), b.Workshop.Options)
			switch {
			case b.Refreshes && err != nil:
				b.t.Fatalf("401 at request %d: %v", n, err)
			case err == nil:
				task.End("completed")
				return result
			case !errors.Is(err, rest.ErrUnauthorized):
				b.t.Errorf("401 at request %d: %v; it has to tell that the credential is refused", n, err)
			}
			task.End("failed")
			b.spoiler.set(nil)
			return b.must(b.Task(), b.files(), b.Workshop.Options)
		})
		if spoilt {
			b.same(fmt.Sprintf("401 at request %d", n), got)
		}
		return spoilt || passed
	})
}

// live counts records by type.
func (b *badDays) live() map[string]int64 {
	n := map[string]int64{}
	for _, typ := range b.Store.Registry().Types() {
		c, err := b.Store.Count(context.Background(), b.Scope, typ)
		if err != nil {
			b.t.Fatal(err)
		}
		n[typ.Name()] = c
	}
	return n
}

// noFewer checks that no record is gone.
func (b *badDays) noFewer(what string, before map[string]int64) {
	b.t.Helper()
	for name, n := range b.live() {
		if n < before[name] {
			b.t.Errorf("%s: %d of %d %s are left", what, n, before[name], name)
		}
	}
}

func (b *badDays) keepsAll(what string) {
	b.t.Helper()
	before := b.live()
	result, err := b.run(b.Task(), b.files(), b.Workshop.Options)
	b.noFewer(fmt.Sprintf("%s (%v, %v)", what, result, err), before)
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
	got := b.round(func(task *Task) *connectors.Result {
		b.Shuffle()
		return b.must(task, b.files(), b.Workshop.Options)
	})
	b.same("shuffled", got)
}

func (b *badDays) cancelled() {
	enough := errors.New("enough")
	b.sample(4, func(n int) (spoilt bool) {
		got := b.round(func(task *Task) *connectors.Result {
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
			_, err := b.Engine.Import(ctx, task, b.Workshop.Connection, b.files(), b.Workshop.Options)
			b.spoiler.set(nil)
			if spoilt && !errors.Is(err, enough) {
				b.t.Errorf("cancelled in request %d: %v", n, err)
			}
			task.End("cancelled")
			return b.must(b.Task(), b.files(), b.Workshop.Options)
		})
		if spoilt {
			b.same(fmt.Sprintf("cancelled in request %d", n), got)
		}
		return spoilt
	})
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
		task := b.Task()
		_, err := b.Engine.Import(context.Background(), task, b.Workshop.Connection, b.files(), b.Workshop.Options)
		task.End("failed")
		b.log.note(fmt.Sprintf("%v %+v %#v", err, err, err))
		checks, err := b.Engine.Test(context.Background(), b.Scope, b.Workshop.Connection, b.Workshop.Options)
		b.log.note(fmt.Sprintf("%+v %v", checks, err))
	}
	b.spoiler.set(nil)
	all := b.log.String() + strings.Join(b.State(), "\n") + b.everything()
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

// everything is what stands in all tables and objects.
func (b *badDays) everything() string {
	b.t.Helper()
	list := "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE ?"
	if b.DB.Dialect().Name() == database.Postgres {
		list = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_name NOT LIKE ?"
	}
	var all strings.Builder
	for _, table := range b.texts("", list, "sqlite_%") {
		all.WriteString(strings.Join(b.texts("", `SELECT * FROM "`+table+`"`), "\n"))
	}
	for info, err := range b.objects.List(context.Background(), "", "") {
		if err != nil {
			b.t.Fatal(err)
		}
		fmt.Fprintf(&all, "%+v\n", info)
		r, _, err := b.objects.Get(context.Background(), info.Key, blob.Range{})
		if err != nil {
			b.t.Fatal(err)
		}
		_, err = io.Copy(&all, r)
		if err := errors.Join(err, r.Close()); err != nil {
			b.t.Fatal(err)
		}
	}
	return all.String()
}
