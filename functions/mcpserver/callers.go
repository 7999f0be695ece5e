package mcpserver

import (
	"fmt"
	"hash/maphash"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
)

// A caller is who may have a session.
type caller struct {
	scope content.Scope
	reads bool
}

// callers remember who calls, so that what each may have at a time is bounded.
type callers struct {
	seeds [2]maphash.Seed

	mu    sync.Mutex
	known map[caller]*client
}

// A client is what a caller has: one server for all its sessions, and the requests
// that are under way.
type client struct {
	user     string
	requests atomic.Int64

	mu     sync.Mutex
	served *served // nil before the first session
}

// manyCallers is from how many on those who have nothing under way are forgotten.
const manyCallers = 1000

func newCallers() *callers {
	return &callers{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, known: map[caller]*client{}}
}

// of returns what a caller has.
func (c *callers) of(who caller) *client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.known[who]; ok {
		return known
	}
	if len(c.known) >= manyCallers {
		for other, client := range c.known {
			if client.requests.Load() == 0 && client.sessions() == 0 {
				delete(c.known, other)
			}
		}
	}
	// By this name a session knows its own. It tells nobody who that is, and is the
	// same when the caller was forgotten in between.
	user := fmt.Sprintf("%016x%016x", maphash.Comparable(c.seeds[0], who), maphash.Comparable(c.seeds[1], who))
	c.known[who] = &client{user: user}
	return c.known[who]
}

// server returns the server of a caller's sessions.
func (c *client) server(fns functions.Bound, config Config) (*mcp.Server, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.served == nil {
		s, err := newServed(fns, config)
		if err != nil {
			return nil, err
		}
		c.served = s
	}
	return c.served.server, nil
}

// sessions counts those that are open.
func (c *client) sessions() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.served != nil {
		for range c.served.server.Sessions() {
			n++
		}
	}
	return n
}

// aside is how many requests a caller may have besides its calls: to cancel them,
// to answer a question.
const aside = 16

// bounded refuses requests of a caller who has too much under way.
func (h *handler) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := clientOf(r)
		if client == nil {
			http.Error(w, "there is no caller", http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodPost {
			defer client.requests.Add(-1)
			if client.requests.Add(1) > int64(h.config.Parallel+h.config.Waiting+aside) {
				tooMany(w, "too many requests of this caller are under way; wait for their answers")
				return
			}
		}
		if r.Header.Get("Mcp-Session-Id") == "" && client.sessions() >= h.config.Sessions {
			tooMany(w, fmt.Sprintf("this caller has %d sessions, the most there may be; end one, or wait until one ends that nobody uses", h.config.Sessions))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func tooMany(w http.ResponseWriter, why string) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, why, http.StatusTooManyRequests)
}

// clientOf returns whose request it is, once that is known.
func clientOf(r *http.Request) *client {
	info := auth.TokenInfoFromContext(r.Context())
	if info == nil {
		return nil
	}
	c, _ := info.Extra[clientKey].(*client)
	return c
}
