package connectortest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors/rest"
)

// A spoil answers a request in the place of the server.
type spoil func(req *http.Request) (*http.Response, error)

// sample calls a function with the number of one request after the other, of about
// as many as most, until it says that the import makes no such request.
func (x *suite) sample(most int, do func(n int) (made bool)) {
	x.t.Helper()
	if x.requests == 0 {
		x.t.Fatal("an import makes no request")
	}
	step := max(1, (x.requests+most-1)/most)
	for n := 1; n <= x.requests && do(n); n += step {
	}
}

// only spoils one request. It returns what tells whether that has come.
func (x *suite) only(n int, spoil spoil) *bool {
	spoilt := new(bool)
	x.spoiler.set(func(i int, req *http.Request) (*http.Response, error) {
		if i != n || *spoilt {
			return nil, nil
		}
		*spoilt = true
		return spoil(req)
	})
	return spoilt
}

// each spoils one request after the other, and checks that the end is the same.
func (x *suite) each(what string, spoil spoil) {
	x.t.Helper()
	x.sample(8, func(n int) bool {
		var spoilt *bool
		got := x.round(func(task *Task) *result {
			spoilt = x.only(n, spoil)
			defer x.spoiler.set(nil)
			return x.must(task, x.files(), x.Options)
		})
		if *spoilt { // the import before needed the other requests
			x.same(got, "%s at request %d", what, n)
		}
		return *spoilt
	})
}

// afterwards spoils one request after the other, and checks that nothing goes but
// what the source has deleted, and that the next import, which is not disturbed, ends
// well: as if nothing had been, if the same is wanted.
func (x *suite) afterwards(what string, most int, same bool, spoil spoil) {
	x.t.Helper()
	x.sample(most, func(n int) bool {
		var spoilt *bool
		got := x.round(func(task *Task) *result {
			before := x.live()
			spoilt = x.only(n, spoil)
			r, err := x.run(task, x.files(), x.Options)
			x.spoiler.set(nil)
			if !*spoilt {
				return r
			}
			if err != nil {
				for name, c := range x.undisturbed.result.Streams {
					before[name] -= c.Deleted // its tombstones may have come before it broke off
				}
				x.noFewer(fmt.Sprintf("%s at request %d: %v", what, n, err), before)
			}
			return x.must(x.Task(), x.files(), x.Options)
		})
		want, have := withoutFailures(x.undisturbed.state), withoutFailures(got.state)
		if x.PassesOver { // what it was answered may stand for something that is not there
			have = slices.DeleteFunc(have, func(l string) bool { return !slices.Contains(want, l) })
		}
		if diff := cmp.Diff(want, have); diff != "" && *spoilt && same {
			x.t.Errorf("%s at request %d, then imported: %s", what, n, diff)
		}
		return *spoilt
	})
}

func (x *suite) gone() {
	x.afterwards("410", 4, true, func(req *http.Request) (*http.Response, error) {
		return answer(req, http.StatusGone, nil, text(`{"error": {"code": "resyncRequired"}}`)), nil
	})
}

func (x *suite) page() {
	x.afterwards("a sign-in page", 8, true, func(req *http.Request) (*http.Response, error) {
		return answer(req, http.StatusOK, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, text("<!DOCTYPE html>\n<html><body>Sign in</body></html>\n")), nil
	})
}

// endless answers are refused; that a single file is too large is no mistake.
func (x *suite) endless() {
	var read atomic.Int64
	defer func() {
		if read.Load() > enough {
			x.t.Errorf("more than %d MB of an answer are read; bound what is read, as a rest.Client does", enough>>20)
		}
	}()
	x.afterwards("an answer without an end", 3, false, func(req *http.Request) (*http.Response, error) {
		body := endless{&read}
		if read.Load() <= enough {
			read.Store(0)
		}
		return answer(req, http.StatusOK, http.Header{"Content-Type": {"application/json"}}, body), nil
	})
}

func (x *suite) throttled() {
	x.each("429", func(req *http.Request) (*http.Response, error) {
		return answer(req, http.StatusTooManyRequests, http.Header{"Retry-After": {"3"}}, text("slow down")), nil
	})
}

func (x *suite) unavailable() {
	x.each("503", func(req *http.Request) (*http.Response, error) {
		return answer(req, http.StatusServiceUnavailable, nil, text("try later")), nil
	})
}

func (x *suite) brokenOff() {
	x.each("broken off", func(req *http.Request) (*http.Response, error) {
		if req.Method != http.MethodGet {
			return answer(req, http.StatusServiceUnavailable, nil, text("")), nil
		}
		resp, err := x.spoiler.inner.RoundTrip(req)
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

func (x *suite) refused() {
	x.sample(6, func(n int) bool {
		var spoilt *bool
		passed := false
		got := x.round(func(task *Task) *result {
			spoilt = x.only(n, func(req *http.Request) (*http.Response, error) {
				if passed = x.TokenPath != "" && strings.Contains(req.URL.Path, x.TokenPath); passed {
					return nil, nil
				}
				return answer(req, http.StatusUnauthorized, nil, text(`{"error": {"code": "InvalidAuthenticationToken"}}`)), nil
			})
			defer x.spoiler.set(nil)
			r, err := x.Engine.Import(context.Background(), task, x.Connection, x.files(), x.Options)
			switch {
			case x.Refreshes && err != nil:
				x.t.Fatalf("401 at request %d: %v", n, err)
			case err == nil && !x.PassesOver:
				task.End("completed")
				return r
			case err != nil && !errors.Is(err, rest.ErrUnauthorized):
				x.t.Errorf("401 at request %d: %v; it has to tell that the credential is refused", n, err)
			}
			task.End("failed")
			x.spoiler.set(nil)
			return x.must(x.Task(), x.files(), x.Options)
		})
		if *spoilt && !passed {
			x.same(got, "401 at request %d", n)
		}
		return *spoilt
	})
}

// hasFailures reports whether some records or values of the source cannot be read.
func (x *suite) hasFailures() bool {
	for _, c := range x.undisturbed.result.Streams {
		if c.Failed+c.BadValues > 0 {
			return true
		}
	}
	return slices.ContainsFunc(x.undisturbed.state, isFailure)
}

// failedRecords: what could not be read is kept with its reason, once.
func (x *suite) failedRecords() {
	x.round(nil)
	lines := x.texts("", "SELECT type, scope, key, reason, CASE WHEN raw IS NULL THEN 'no payload' ELSE 'payload' END FROM import_failures WHERE organization_id = ? AND replayed_at IS NULL ORDER BY 1, 2, 3, 4", x.organization)
	for _, l := range lines {
		x.t.Log(l)
		if strings.Contains(l, " | - | ") && !strings.Contains(l, "payload") {
			x.t.Errorf("a failure without a reason: %s", l)
		}
	}
	x.must(x.Task(), x.files(), x.Options)
	// A failure without a key is told by each import that meets it.
	if diff := cmp.Diff(slices.Compact(slices.Clone(x.undisturbed.state)), slices.Compact(x.State())); diff != "" {
		x.t.Error("the same import again:", diff)
	}
}
