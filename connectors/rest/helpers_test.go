package rest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/connectors/rest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A clock moves only when somebody waits.
type clock struct {
	mu    sync.Mutex
	at    time.Time
	waits []time.Duration
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) wait(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	c.waits = append(c.waits, d)
	return context.Cause(ctx)
}

// service starts a server and makes a client of it.
func service(t *testing.T, c *clock, handle http.HandlerFunc, change ...func(*rest.Config)) (*rest.Client, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	config := rest.Config{Service: "Test", BaseURL: server.URL + "/v1", HTTP: server.Client()}
	for _, f := range change {
		f(&config)
	}
	pool := &rest.Pool{Now: c.now, Wait: c.wait, Random: func() float64 { return 0 }}
	client, err := pool.Client(config)
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}
