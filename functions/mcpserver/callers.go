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

// callers remember who calls, so that what each may have at a time is bounded: a
// principal of an organization, whichever of its keys it sends.
type callers struct {
	config Config
	seeds  [2]maphash.Seed

	mu    sync.Mutex
	known map[content.Scope]*client
}

// A client is what a caller has: the requests and calls that are under way, and one
// server for all sessions with keys that may only read, one for the others.
type client struct {
	requests atomic.Int64
	gate     *gate

	mu     sync.Mutex
	served map[bool]*served // by whether they only read; none before the first session
}

// manyCallers is from how many on those who have nothing under way are forgotten.
const manyCallers = 1000

func newCallers(config Config) *callers {
	return &callers{config: config, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, known: map[content.Scope]*client{}}
}

// of returns what a caller has.
func (c *callers) of(scope content.Scope) *client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.known[scope]; ok {
		return known
	}
	if len(c.known) >= manyCallers {
		for other, client := range c.known {
			if client.requests.Load() == 0 && client.sessions() == 0 {
				delete(c.known, other)
			}
		}
	}
	c.known[scope] = &client{gate: newGate(c.config), served: map[bool]*served{}}
	return c.known[scope]
}

// user is the name by which a session knows its own: a caller, with keys of one
// kind. It tells nobody who that is, and is the same when the caller was forgotten
// in between.
func (c *callers) user(scope content.Scope, reads bool) string {
	who := struct {
		content.Scope
		reads bool
	}{scope, reads}
	return fmt.Sprintf("%016x%016x", maphash.Comparable(c.seeds[0], who), maphash.Comparable(c.seeds[1], who))
}

// server returns the server of a caller's sessions.
func (c *client) server(fns functions.Bound, config Config) (*mcp.Server, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.served[fns.OnlyReads()]; ok {
		return known.server, nil
	}
	s, err := newServed(fns, config, c.gate)
	if err != nil {
		return nil, err
	}
	c.served[fns.OnlyReads()] = s
	return s.server, nil
}

// sessions counts those that are open.
func (c *client) sessions() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.served {
		for range s.server.Sessions() {
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
