package connectortest

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// tomorrow answers with a pause of a day.
func tomorrow(req *http.Request) (*http.Response, error) {
	return answer(req, http.StatusTooManyRequests, http.Header{"Retry-After": {"86400"}}, text("come back tomorrow")), nil
}

func (x *suite) longPause() {
	x.sample(4, func(n int) bool {
		var spoilt *bool
		got := x.round(func(task *Task) *result {
			spoilt = x.only(n, tomorrow)
			defer x.spoiler.set(nil)
			r, err := x.Engine.Import(context.Background(), task, x.Connection, x.files(), x.Options)
			x.spoiler.set(nil)
			if !*spoilt {
				return r
			}
			if err == nil { // what is not urgent may be left for the next import
				x.clock.add(25 * time.Hour)
				task.End("completed")
				return x.must(x.Task(), x.files(), x.Options)
			}
			until, ok := retryAt(err)
			if !ok {
				x.t.Fatalf("a pause of a day at request %d: %v; it has to tell when to go on", n, err)
			}
			if until.Before(x.Now().Add(23*time.Hour)) || until.After(x.Now().Add(25*time.Hour)) {
				x.t.Errorf("a pause of a day ends at %s, it is %s", until, x.Now())
			}
			x.clock.add(25 * time.Hour)
			return x.must(task.Again(), x.files(), x.Options)
		})
		if *spoilt {
			x.same(got, "a pause of a day at request %d", n)
		}
		return *spoilt
	})
}

func retryAt(err error) (time.Time, bool) {
	var limit interface{ RetryAt() time.Time }
	if !errors.As(err, &limit) {
		return time.Time{}, false
	}
	return limit.RetryAt(), true
}

// sharedPause: what a service has told to one instance holds for another one with the
// same credential, which does not ask it.
func (x *suite) sharedPause() {
	x.round(nil)
	task := x.Task()
	paused := false
	x.spoiler.set(func(_ int, req *http.Request) (*http.Response, error) {
		if paused {
			return nil, nil
		}
		paused = true
		return tomorrow(req)
	})
	_, err := x.Engine.Import(context.Background(), task, x.Connection, x.files(), x.Options)
	task.End("failed")
	x.spoiler.set(nil)
	if _, ok := retryAt(err); !ok {
		x.t.Fatalf("a pause of a day at the first request: %v", err)
	}
	options := x.Options
	options.Instance = "second"
	other := x.Task()
	_, err = x.Engine.Import(context.Background(), other, x.Connection, x.files(), options)
	other.End("failed")
	if _, ok := retryAt(err); !ok {
		x.t.Errorf("another instance with the same credential: %v; it has to wait as well", err)
	}
	if n := x.spoiler.count(); n > 0 {
		x.t.Errorf("another instance made %d requests during the pause", n)
	}
	x.clock.add(25 * time.Hour)
	x.must(x.Task(), x.files(), x.Options)
}
