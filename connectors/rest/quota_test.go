package rest_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata" // the zone of the test, wherever it runs

	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
)

// The quota is counted in the database, for all who use the credential, until
// midnight where the service is.
func TestDailyQuota(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		eastern, err := time.LoadLocation("America/New_York")
		if err != nil {
			t.Fatal(err)
		}
		var requests atomic.Int64
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			if r.URL.Path == "/closed" {
				w.Header().Set("Retry-After", "36000")
				w.WriteHeader(http.StatusTooManyRequests)
			}
			if r.URL.Path == "/fails" {
				w.WriteHeader(http.StatusBadGateway)
			}
			_, _ = io.WriteString(w, "{}")
		}))
		defer server.Close()
		clock := newClock()
		clock.at = time.Date(2026, 3, 8, 1, 0, 0, 0, time.UTC) // eight in the evening before the clocks change
		client := func(key string) *rest.Client {
			// A pool of its own is a program of its own.
			pool := &rest.Pool{DB: db, Now: clock.now, Wait: clock.wait, HTTP: server.Client()}
			c, err := pool.Client(rest.Config{Service: "S", BaseURL: server.URL, Credential: rest.NewSecret(key), Daily: rest.Daily{Limit: 10, Zone: eastern}})
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		limited := func(err error, until time.Time) {
			t.Helper()
			var limit *rest.LimitError
			if !errors.As(err, &limit) || !limit.RetryAt().Equal(until) {
				t.Errorf("got %v, want a limit until %s", err, until)
			}
		}
		midnight := time.Date(2026, 3, 8, 5, 0, 0, 0, time.UTC)
		var passed atomic.Int64
		var all sync.WaitGroup
		for range 4 {
			c := client("key")
			all.Go(func() {
				for range 4 {
					if _, err := c.Do(t.Context(), rest.Request{}); err == nil {
						passed.Add(1)
					}
				}
			})
		}
		all.Wait()
		if passed.Load() != 10 || requests.Load() != 10 {
			t.Errorf("%d passed, %d requests", passed.Load(), requests.Load())
		}
		_, err = client("key").Do(t.Context(), rest.Request{})
		limited(err, midnight)
		if _, err := client("another key").Do(t.Context(), rest.Request{}); err != nil {
			t.Error("another credential:", err)
		}
		if left, until, err := client("key").Left(t.Context()); left != 0 || !until.Equal(midnight) || err != nil {
			t.Errorf("left %d until %s, %v", left, until, err)
		}

		clock.at = midnight.Add(time.Second) // the day after has 23 hours
		midnight = midnight.Add(23 * time.Hour)
		c := client("key")
		if left, _, err := c.Left(t.Context()); left != 10 || err != nil {
			t.Errorf("the day after: %d left, %v", left, err)
		}
		// A request that fails counts each time that it is sent.
		if _, err := c.Do(t.Context(), rest.Request{Path: "/fails"}); !errors.Is(err, rest.ErrUnavailable) {
			t.Error(err)
		}
		if left, _, err := c.Left(t.Context()); left != 5 || err != nil {
			t.Errorf("%d left, %v", left, err)
		}
		if _, err := c.Do(t.Context(), rest.Request{Keep: 4}); err != nil {
			t.Error(err)
		}
		_, err = c.Do(t.Context(), rest.Request{Keep: 4})
		limited(err, midnight)
		if _, err := c.Do(t.Context(), rest.Request{}); err != nil {
			t.Error(err)
		}
		// The service has the last word, and it is kept.
		_, err = c.Do(t.Context(), rest.Request{Path: "/closed"})
		limited(err, clock.now().Add(10*time.Hour))
		until := clock.now().Add(10 * time.Hour)
		before := requests.Load()
		_, err = client("key").Do(t.Context(), rest.Request{})
		limited(err, until)
		if requests.Load() != before {
			t.Error("a request was sent although the service is closed")
		}
		clock.at = until
		if _, err := client("key").Do(t.Context(), rest.Request{}); err != nil {
			t.Error("after the time that it named:", err)
		}
	})
}
