package rest

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/curatore/curatore-go/content/database"
)

// A Pool makes the clients of a program. Those with the same service and
// credential share a limiter and a ledger. Its fields are set before the first
// client is made; it is safe for concurrent use.
type Pool struct {
	DB     *database.DB                               // for ledgers; nil: there are no daily quotas
	HTTP   *http.Client                               // nil is http.DefaultClient
	Now    func() time.Time                           // nil is time.Now
	Wait   func(context.Context, time.Duration) error // nil is [Wait]; for tests
	Random func() float64                             // nil is rand.Float64
	Logger *slog.Logger                               // nil is silent

	mu       sync.Mutex
	limiters map[[2]string]*Limiter
}

// Client makes a client. The limits of a credential are those of the first client
// that was made with it.
func (p *Pool) Client(c Config) (*Client, error) {
	if c.HTTP == nil {
		c.HTTP = p.HTTP
	}
	if c.Credential.Empty() && c.Auth != nil { // what it sends is what it is known by
		if s := c.Auth.Secrets(); len(s) > 0 {
			c.Credential = s[0]
		}
	}
	client, err := newClient(c, p.now, p.wait(), p.random(), p.Logger)
	if err != nil {
		return nil, err
	}
	client.limiter = p.limiter(c)
	if c.Daily.Limit > 0 && p.DB != nil {
		client.ledger = &Ledger{DB: p.DB, Service: c.Service, Credential: c.Credential.Fingerprint(), Daily: c.Daily, Now: p.now}
	}
	return client, nil
}

func (p *Pool) limiter(c Config) *Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := [2]string{c.Service, c.Credential.Fingerprint()}
	if p.limiters == nil {
		p.limiters = map[[2]string]*Limiter{}
	}
	if p.limiters[key] == nil {
		p.limiters[key] = &Limiter{PerSecond: c.PerSecond, Burst: c.Burst}
	}
	return p.limiters[key]
}

func (p *Pool) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

func (p *Pool) wait() func(context.Context, time.Duration) error {
	if p.Wait != nil {
		return p.Wait
	}
	return Wait
}

func (p *Pool) random() func() float64 {
	if p.Random != nil {
		return p.Random
	}
	return rand.Float64
}
