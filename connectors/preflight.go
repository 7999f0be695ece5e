package connectors

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/curatore/curatore-go/connectors/rest"
	"github.com/curatore/curatore-go/content"
)

// A Finding says how it stands with one thing that a connection needs, tried out before an import.
type Finding struct {
	Name   string `json:"name"` // "settings", "reachable", "credentials", "quota", "clock", or a permission by its name
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"` // what was found, or what to do
}

// A Preflighter is a Session that can try out what an import will need: whether
// the service is reachable, the credentials are accepted, each permission is
// there, the clocks agree. It changes nothing.
type Preflighter interface {
	Preflight(ctx context.Context) []Finding
}

// Passed is a Finding that went well.
func Passed(name, detail string) Finding { return Finding{Name: name, OK: true, Detail: detail} }

// Failed is a Finding that did not; the error tells why.
func Failed(name string, err error) Finding { return Finding{Name: name, Detail: err.Error()} }

// Unanswered are the findings of a first request to a service that has failed: it is not
// reachable, or takes no requests for now, or refuses the credentials.
func Unanswered(err error) []Finding {
	switch {
	case errors.As(err, new(*rest.LimitError)):
		return []Finding{Passed("reachable", ""), Failed("quota", err)}
	case errors.Is(err, rest.ErrUnauthorized):
		return []Finding{Passed("reachable", ""), Failed("credentials", err)}
	}
	return []Finding{Failed("reachable", err)}
}

// maxSkew is how far the clocks may be apart: tokens and signatures of most
// services bear five minutes.
const maxSkew = 2 * time.Minute

// ClockCheck compares the Date of an answer with the clock of this machine. A
// clock that is wrong makes tokens expire early and windows of time miss records.
func ClockCheck(h http.Header, now time.Time) Finding {
	at, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return Passed("clock", "the service does not tell its time")
	}
	if skew := now.Sub(at).Abs(); skew > maxSkew {
		return Finding{Name: "clock", Detail: fmt.Sprintf("this machine and the service are %s apart; set the clock", skew.Round(time.Second))}
	}
	return Passed("clock", "")
}

// Test tries out a connection without importing anything: its settings, and what
// its session knows how to try. The checks stand in their order; the first that
// fails may hide others. The error is one of the call, not of the connection.
func (e *Engine) Test(ctx context.Context, scope content.Scope, c *Connection, options Options) ([]Finding, error) {
	im, err := e.onBehalf(scope, c, options)
	if err != nil {
		return nil, err
	}
	session, err := c.spec.Open(ctx, im.testInput())
	if err != nil {
		return []Finding{Failed("settings", err)}, context.Cause(ctx)
	}
	if session == nil {
		return []Finding{Failed("settings", fmt.Errorf("its Open returned neither a session nor an error"))}, nil
	}
	checks := []Finding{Passed("settings", "")}
	if p, ok := session.(Preflighter); ok {
		checks = append(checks, p.Preflight(ctx)...)
	}
	if err := session.Close(); err != nil {
		checks = append(checks, Failed("close", err))
	}
	return checks, context.Cause(ctx)
}
