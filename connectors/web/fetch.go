package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/curatore/curatore-go/connectors/rest"
)

// The limits of requests.
const (
	maxRedirects   = 10
	maxRobots      = 512 << 10
	robotsRedirect = 5
	attempts       = 3
	maxWait        = 2 * time.Minute
)

// A fetcher asks hosts, each at its pace. It is safe for concurrent use.
type fetcher struct {
	client   client
	agent    string
	maxBytes int64
	timeout  time.Duration
	delay    time.Duration
	now      func() time.Time
	wait     func(context.Context, time.Duration) error

	mu    sync.Mutex
	hosts map[string]*host // by origin
}

// A host is what is known about an origin.
type host struct {
	turn   chan struct{} // who holds it asks
	next   time.Time     // the earliest time of the next request
	delay  time.Duration
	once   sync.Once
	robots *robots
	why    string // why all is disallowed
}

func (f *fetcher) host(u *url.URL) *host {
	origin := u.Scheme + "://" + u.Host
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.hosts[origin]
	if h == nil {
		h = &host{turn: make(chan struct{}, 1), delay: f.delay}
		f.hosts[origin] = h
	}
	return h
}

// An answer is what came for an address. Body is nil for one without interest.
type answer struct {
	url    *url.URL // where it came from, behind redirects
	status int
	header http.Header
	body   []byte
}

// A stop is an error of a redirect that the rules exclude.
type stop struct{ reason string }

func (s *stop) Error() string { return s.reason }

// get fetches an address. Each redirect is put before follow, which may refuse it.
// Answers that ask for patience get it, a few times.
func (f *fetcher) get(ctx context.Context, u *url.URL, header http.Header, most bound, redirects int, follow func(*url.URL) error) (*answer, error) {
	for n := 0; ; n++ {
		a, err := f.patiently(ctx, u, header, most)
		if err != nil {
			return nil, err
		}
		location := a.header.Get("Location")
		if a.status < 301 || a.status > 308 || a.status == 304 || a.status == 305 || a.status == 306 || location == "" {
			return a, nil
		}
		if n == redirects {
			return nil, fmt.Errorf("more than %d redirects", redirects)
		}
		to, err := normalise(u, location)
		if err != nil {
			return nil, fmt.Errorf("a redirect: %w", err)
		}
		if follow != nil {
			if err := follow(to); err != nil {
				return nil, err
			}
		}
		if to.String() != u.String() {
			header = nil // the validators were those of the other address
		}
		u = to
	}
}

// patiently asks again after a pause: the one that the host wants, or a short one when
// the connection was lost.
func (f *fetcher) patiently(ctx context.Context, u *url.URL, header http.Header, most bound) (*answer, error) {
	for n := 1; ; n++ {
		a, err := f.once(ctx, u, header, most)
		if err != nil && (n == attempts || !lost(err)) {
			return nil, err
		}
		if err == nil && (a.status != http.StatusTooManyRequests && a.status != http.StatusServiceUnavailable || n == attempts) {
			return a, nil
		}
		wait, now := time.Duration(0), f.now()
		if err == nil {
			if at, ok := rest.RetryAfter(a.header, now); ok {
				wait = at.Sub(now)
			}
		}
		if wait > maxWait {
			return a, nil
		}
		if wait == 0 {
			wait = min(max(f.delay, 10*time.Millisecond)<<n, maxWait)
		}
		h := f.host(u)
		f.mu.Lock()
		h.next = later(h.next, f.now().Add(wait))
		f.mu.Unlock()
	}
}

// lost reports whether a connection that stood has broken off, which is soon over if
// anything is.
func lost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// A bound is how many bytes of an answer are read. A longer one is an error, or cut
// off there.
type bound struct {
	bytes int64
	cut   bool
}

// once asks when it is the host's turn.
func (f *fetcher) once(ctx context.Context, u *url.URL, header http.Header, most bound) (*answer, error) {
	h := f.host(u)
	f.mu.Lock()
	delay := h.delay
	f.mu.Unlock()
	if delay > 0 {
		select {
		case h.turn <- struct{}{}:
			defer func() { <-h.turn }()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	f.mu.Lock()
	wait := h.next.Sub(f.now())
	f.mu.Unlock()
	if wait > 0 {
		if err := f.wait(ctx, wait); err != nil {
			return nil, err
		}
	}
	outer := ctx
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	a, err := f.ask(ctx, u, header, most)
	if delay > 0 { // counted from the end, so that a slow host gets more time
		f.mu.Lock()
		h.next = later(h.next, f.now().Add(delay))
		f.mu.Unlock()
	}
	switch {
	case outer.Err() != nil:
		return nil, context.Cause(outer)
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("no answer within %s", f.timeout)
	}
	return a, err
}

func (f *fetcher) ask(ctx context.Context, u *url.URL, header http.Header, most bound) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("User-Agent", f.agent)
	req.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	resp, err := f.client.Do(req)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) { // its text repeats the address
			err = inner.Err
		}
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	a := &answer{url: u, status: resp.StatusCode, header: resp.Header}
	if resp.StatusCode != http.StatusOK {
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
		return a, nil
	}
	if resp.ContentLength > most.bytes && !most.cut {
		return nil, fmt.Errorf("it has %d bytes; the limit is %d", resp.ContentLength, most.bytes)
	}
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(resp.Body, most.bytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("it ends too early: %w", err)
	case n > most.bytes && most.cut:
		b.Truncate(int(most.bytes))
	case n > most.bytes:
		return nil, fmt.Errorf("it has more than %d bytes", most.bytes)
	}
	a.body = b.Bytes()
	return a, nil
}

// allowed reports whether robots.txt of an origin allows an address, by RFC 9309: a
// file that is not there allows all, a server that is ill nothing. The file is read
// once in a crawl.
func (f *fetcher) allowed(ctx context.Context, u *url.URL) (ok bool, why string) {
	h := f.host(u)
	h.once.Do(func() { f.readRobots(ctx, u, h) })
	switch {
	case h.why != "":
		return false, h.why
	case h.robots == nil:
		return true, ""
	}
	address := u.EscapedPath()
	if u.RawQuery != "" {
		address += "?" + u.RawQuery
	}
	if !h.robots.allows(address) {
		return false, "robots.txt excludes it"
	}
	return true, ""
}

func (f *fetcher) readRobots(ctx context.Context, u *url.URL, h *host) {
	at := &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/robots.txt"}
	a, err := f.get(ctx, at, nil, bound{bytes: maxRobots, cut: true}, robotsRedirect, nil)
	if err != nil {
		h.why = fmt.Sprintf("robots.txt cannot be read: %v", err)
		return
	}
	if a.status >= 500 || a.status == http.StatusTooManyRequests {
		h.why = fmt.Sprintf("robots.txt answers %d, so all is excluded until it does not", a.status)
		return
	}
	if a.status != http.StatusOK {
		return
	}
	h.robots = readRobots(string(a.body), f.agent)
	if f.delay > 0 {
		f.mu.Lock()
		defer f.mu.Unlock()
		h.delay = max(h.delay, h.robots.delay)
	}
}
