package rest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
)

// Config says what a [Client] talks to. Service and BaseURL are required.
type Config struct {
	Service    string        // "SAM.gov": for errors, and with the credential what limits are counted by
	BaseURL    string        // "https://api.sam.gov/opportunities"; a path in it stands before those of requests
	Hosts      []string      // further hosts that the credential may go to
	Auth       Authenticator // nil sends no credential
	Credential Secret        // what limits are counted by: the key, or the client's secret; by default the first of Auth
	Secrets    []Secret      // others that must not be shown

	PerSecond float64 // requests a second of the credential; 0 is no limit
	Burst     int
	Daily     Daily

	Timeout  time.Duration // of one attempt, with its body; 0 is a minute
	MaxBody  int64         // bytes of an answer; 0 is 32 MB
	Attempts int           // 0 is 5
	MaxWait  time.Duration // the longest that a service may make a request wait, before a LimitError; 0 is 5 minutes

	// Inspect says what an answer is where its status does not; see Verdict. Nil
	// goes by the status.
	Inspect func(a *Answer) (Verdict, time.Time)

	UserAgent string
	HTTP      *http.Client // nil is that of the Pool
}

// A Verdict is what an answer means.
type Verdict int

// The verdicts.
const (
	ByStatus Verdict = iota // 2xx is right, 401 expired, 429 limited, 5xx worth another attempt
	Right                   // what was asked for, whatever the status
	Expired                 // the credential is to be refreshed, once
	Limited                 // too many requests; the time, unless it is zero, is when to come back
	Wrong                   // an error that another attempt does not mend
)

const (
	defaultTimeout  = time.Minute
	defaultMaxBody  = 32 << 20
	defaultAttempts = 5
	defaultMaxWait  = 5 * time.Minute

	// maxPause is the longest pause that a service is believed: its quotas are
	// those of a day.
	maxPause = 7 * 24 * time.Hour
)

// A Client sends requests to one service with one credential. It is safe for
// concurrent use.
type Client struct {
	config  Config
	base    *url.URL
	http    *http.Client
	limiter *Limiter
	ledger  *Ledger // nil: no quota
	now     func() time.Time
	wait    func(context.Context, time.Duration) error
	random  func() float64
	log     *slog.Logger
}

func newClient(c Config, now func() time.Time, wait func(context.Context, time.Duration) error, random func() float64, log *slog.Logger) (*Client, error) {
	base, err := url.Parse(c.BaseURL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil || base.RawQuery != "" {
		return nil, fmt.Errorf("%w: the address of %s must be like https://host/path, without user and query", content.ErrInvalid, cmp.Or(c.Service, "the service"))
	}
	if c.Service == "" {
		return nil, fmt.Errorf("%w: Config.Service is empty", content.ErrInvalid)
	}
	base.Path = strings.TrimRight(base.Path, "/")
	c.Timeout, c.MaxBody = cmp.Or(c.Timeout, defaultTimeout), cmp.Or(c.MaxBody, defaultMaxBody)
	c.Attempts, c.MaxWait = cmp.Or(c.Attempts, defaultAttempts), cmp.Or(c.MaxWait, defaultMaxWait)
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	own := *cmp.Or(c.HTTP, http.DefaultClient)
	// Redirects are followed here: net/http takes only the header Authorization
	// off when they lead to another host.
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{config: c, base: base, http: &own, now: now, wait: wait, random: random, log: log}, nil
}

// A Request is one call.
type Request struct {
	Method string     // "" is GET
	Path   string     // behind the base address; or a whole URL that the service gave, of its own host
	Query  url.Values // added to those in Path
	Header http.Header
	Body   []byte
	Type   string // of the Body; "" is JSON

	// Open sends no credential, and may lead to any host: for links that carry
	// their own permission. They are not shown in errors.
	Open bool
	// Follow follows redirects, up to five; behind one to another host goes no
	// credential. Without it a redirect is an error.
	Follow bool
	// Repeat says that a request that is no GET may be sent again when it is not
	// known whether it arrived.
	Repeat bool
	// Accept, unless nil, sees the header of a right answer of Download before its
	// body is read. Its error ends the request.
	Accept  func(h http.Header) error
	Keep    int64         // of the daily requests that must be left for others
	Timeout time.Duration // 0 is the client's
	MaxBody int64         // 0 is the client's
}

// An Answer is what a service sent back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Left returns how many requests of the day are left; without a quota, -1.
func (c *Client) Left(ctx context.Context) (int64, time.Time, error) {
	if c.ledger == nil {
		return -1, time.Time{}, nil
	}
	return c.ledger.Left(ctx)
}

// Do sends a request and returns the answer, which is 2xx unless Inspect says
// otherwise. What is worth another attempt is tried again: lost connections,
// answers that break off, 5xx, 429. The error tells how to behave; see
// [StatusError] and [LimitError]. A context that ends gives its cause.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	var answer *Answer
	err := c.each(ctx, r, func(resp *http.Response) (bool, error) {
		body, err := readAll(resp, cmp.Or(r.MaxBody, c.config.MaxBody))
		answer = &Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}
		return false, err
	}, func() *Answer { return answer })
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// Stream sends a request and calls read with the body of the answer, which is
// bounded like that of Do. The body is read once: when it breaks off, read gets
// the error, and so does the caller, who may begin again.
func (c *Client) Stream(ctx context.Context, r Request, read func(a *Answer, body io.Reader) error) error {
	var answer *Answer
	return c.each(ctx, r, func(resp *http.Response) (bool, error) {
		answer = &Answer{Status: resp.StatusCode, Header: resp.Header}
		if resp.StatusCode/100 != 2 {
			var err error
			answer.Body, err = readAll(resp, 1<<20)
			return false, err
		}
		most := cmp.Or(r.MaxBody, c.config.MaxBody)
		return true, read(answer, &capped{resp.Body, most, most})
	}, func() *Answer { return answer })
}

// each makes the attempts. Take reads an answer, and reports whether it is used
// up, so that no other attempt can follow.
func (c *Client) each(ctx context.Context, r Request, take func(*http.Response) (bool, error), answer func() *Answer) error {
	r.Method = cmp.Or(r.Method, http.MethodGet)
	target, err := c.target(r)
	if err != nil {
		return err
	}
	refreshed := false
	for attempt := 1; ; attempt++ {
		if err := c.admit(ctx, r); err != nil {
			return err
		}
		req, used, err := c.send(ctx, r, target, take)
		if used {
			return err // of who read it
		}
		last := attempt >= c.config.Attempts
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			// The token service has its limits and bad days too.
			var status *StatusError
			if errors.As(err, &status) && (status.Status == http.StatusTooManyRequests || status.Status >= 500) {
				a := &Answer{Status: status.Status, Header: status.Header, Body: []byte(status.Body)}
				until, _ := RetryAfter(a.Header, c.now())
				if status.Status >= 500 && until.IsZero() && last {
					return err
				}
				if err := c.limited(ctx, r, a, attempt, until, last); err != nil {
					return err
				}
				continue
			}
			if last || !lost(err) || r.Method != http.MethodGet && !r.Repeat {
				return err
			}
			if err := c.rest(ctx, r, attempt, target, err.Error()); err != nil {
				return err
			}
			continue
		}
		a := answer()
		verdict, until := c.judge(a)
		switch verdict {
		case Right:
			return nil
		case Expired:
			if !refreshed && c.config.Auth != nil && !r.Open {
				refreshed = true
				again, err := c.config.Auth.Refresh(ctx, req)
				if err != nil {
					return err
				}
				if again {
					attempt--
					continue
				}
			}
			return c.statusError(r, target, a)
		case Limited:
			if err := c.limited(ctx, r, a, attempt, until, last); err != nil {
				return err
			}
			continue
		}
		if verdict == Wrong || a.Status < 500 || last || r.Method != http.MethodGet && !r.Repeat && a.Status != http.StatusServiceUnavailable {
			return c.statusError(r, target, a)
		}
		if at, ok := RetryAfter(a.Header, c.now()); ok {
			if err := c.limited(ctx, r, a, attempt, at, last); err != nil {
				return err
			}
			continue
		}
		if err := c.rest(ctx, r, attempt, target, http.StatusText(a.Status)); err != nil {
			return err
		}
	}
}

// judge says what an answer means.
func (c *Client) judge(a *Answer) (Verdict, time.Time) {
	if c.config.Inspect != nil {
		if v, until := c.config.Inspect(a); v != ByStatus {
			return v, until
		}
	}
	switch {
	case a.Status/100 == 2:
		return Right, time.Time{}
	case a.Status == http.StatusUnauthorized:
		return Expired, time.Time{}
	case a.Status == http.StatusTooManyRequests:
		return Limited, time.Time{}
	}
	return ByStatus, time.Time{}
}

// admit takes a request off the quota and waits for its turn.
func (c *Client) admit(ctx context.Context, r Request) error {
	if r.Open {
		return context.Cause(ctx)
	}
	if c.ledger != nil {
		if err := c.ledger.Spend(ctx, r.Keep); err != nil {
			return err
		}
	}
	d := c.limiter.reserve(c.now())
	if d > c.config.MaxWait {
		return &LimitError{Service: c.config.Service, Until: c.now().Add(d).UTC(), Reason: "it asked for a pause"}
	}
	if d <= 0 {
		return context.Cause(ctx)
	}
	return c.wait(ctx, d)
}

// limited waits as long as the service wants, or says until when it is too long.
func (c *Client) limited(ctx context.Context, r Request, a *Answer, attempt int, until time.Time, last bool) error {
	now := c.now()
	asked := !until.IsZero()
	if !asked {
		until, asked = RetryAfter(a.Header, now)
	}
	// A time that has passed, by a clock that is behind or in another zone, is no
	// leave to ask at once, again and again; one in the far future is a mistake.
	if earliest := now.Add(backoff(attempt, c.random())); !asked || until.Before(earliest) {
		until = earliest
	}
	if last && until.Sub(now) < time.Minute {
		until = now.Add(time.Minute) // as often as was tried already
	}
	if latest := now.Add(maxPause); until.After(latest) {
		until = latest
	}
	if !r.Open {
		c.limiter.Pause(until)
	}
	if last || until.Sub(now) > c.config.MaxWait {
		if c.ledger != nil && until.Sub(now) > c.config.MaxWait && !r.Open {
			if err := c.ledger.Close(ctx, until); err != nil {
				return err
			}
		}
		return &LimitError{Service: c.config.Service, Until: until.UTC(), Reason: c.text(fmt.Sprintf("%d %s", a.Status, shorten(string(a.Body))))}
	}
	c.log.DebugContext(ctx, "a service asks for a pause", "service", c.config.Service, "status", a.Status, "until", until)
	if !r.Open {
		return nil // the limiter waits
	}
	return c.wait(ctx, until.Sub(now))
}

// rest waits before another attempt.
func (c *Client) rest(ctx context.Context, r Request, attempt int, target *url.URL, why string) error {
	c.log.DebugContext(ctx, "a request is tried again", "service", c.config.Service, "address", c.shown(r, target), "attempt", attempt, "why", why)
	return c.wait(ctx, backoff(attempt, c.random()))
}

// send makes one attempt, redirects included.
func (c *Client) send(ctx context.Context, r Request, target *url.URL, take func(*http.Response) (bool, error)) (_ *http.Request, used bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(r.Timeout, c.config.Timeout))
	defer cancel()
	open := r.Open
	for hop := 0; ; hop++ {
		req, err := c.request(ctx, r, target, open)
		if err != nil {
			return nil, false, err
		}
		resp, err := c.http.Do(req)
		if err != nil {
			return req, false, conceal(err, r.Method+" "+c.shown(r, target), c.secrets())
		}
		next, err := redirect(resp, target)
		if err == nil && next != nil && (r.Follow || open) && hop < 5 && (r.Method == http.MethodGet) {
			_ = resp.Body.Close()
			if next.Scheme == "http" && target.Scheme == "https" {
				return req, false, fmt.Errorf("%s %s: it leads from https to http, which is not followed", r.Method, c.shown(r, target))
			}
			open = open || next.Host != target.Host || next.Scheme != target.Scheme
			target = next
			continue
		}
		used, err = take(resp)
		if e := resp.Body.Close(); err == nil && !used {
			err = e
		}
		if err != nil && !used {
			err = conceal(err, r.Method+" "+c.shown(r, target), c.secrets())
		}
		return req, used, err
	}
}

func redirect(resp *http.Response, from *url.URL) (*url.URL, error) {
	if resp.StatusCode/100 != 3 || resp.Header.Get("Location") == "" {
		return nil, nil
	}
	next, err := from.Parse(resp.Header.Get("Location"))
	if err != nil || next.Host == "" || next.Scheme != "http" && next.Scheme != "https" {
		return nil, errors.New("it leads to an address that cannot be read")
	}
	return next, nil
}

func (c *Client) request(ctx context.Context, r Request, target *url.URL, open bool) (*http.Request, error) {
	var body io.Reader
	if r.Body != nil {
		body = strings.NewReader(string(r.Body))
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("%w: a request of %s cannot be made: %s", content.ErrInvalid, c.config.Service, r.Method)
	}
	for name, values := range r.Header {
		req.Header[http.CanonicalHeaderKey(name)] = slices.Clone(values)
	}
	if r.Body != nil {
		req.Header.Set("Content-Type", cmp.Or(r.Type, "application/json"))
	}
	if req.Header.Get("Accept") == "" && !r.Follow && !open {
		req.Header.Set("Accept", "application/json")
	}
	req.Header.Set("User-Agent", cmp.Or(c.config.UserAgent, "curatore-go"))
	if c.config.Auth != nil && !open {
		if err := c.config.Auth.Authorize(ctx, req); err != nil {
			return nil, fmt.Errorf("%s: %w", c.config.Service, err)
		}
	}
	return req, nil
}

// Own reports why an address that the service gave is none of its own, to which a
// request with its credential may go; nil when it is. An address is to be checked
// before it is kept as the place to go on from.
func (c *Client) Own(address string) error {
	_, err := c.target(Request{Path: address})
	return err
}

// target makes the URL of a request. A whole URL has to be of the service: the
// credential goes nowhere else.
func (c *Client) target(r Request) (*url.URL, error) {
	ref, err := url.Parse(r.Path)
	if err != nil {
		return nil, fmt.Errorf("%w: an address of %s cannot be read", content.ErrInvalid, c.config.Service)
	}
	if ref.IsAbs() {
		if (ref.Scheme != "http" && ref.Scheme != "https") || ref.Host == "" || ref.User != nil {
			return nil, fmt.Errorf("%w: %s gave an address that is no web address", content.ErrInvalid, c.config.Service)
		}
		if !r.Open && (ref.Scheme != c.base.Scheme || ref.Host != c.base.Host && !slices.Contains(c.config.Hosts, ref.Host)) {
			return nil, fmt.Errorf("%w: %s gave an address of another host, %s, where its credential does not go", content.ErrInvalid, c.config.Service, ref.Host)
		}
	} else {
		whole := *c.base
		path := ref.EscapedPath()
		if path != "" && !strings.HasPrefix(path, "/") {
			path = "/" + path
		}
		joined, err := url.Parse(whole.EscapedPath() + path)
		if err != nil {
			return nil, fmt.Errorf("%w: an address of %s cannot be read", content.ErrInvalid, c.config.Service)
		}
		whole.Path, whole.RawPath, whole.RawQuery = joined.Path, joined.RawPath, ref.RawQuery
		ref = &whole
	}
	if len(r.Query) > 0 {
		query := ref.Query()
		for name, values := range r.Query {
			query[name] = values
		}
		ref.RawQuery = query.Encode()
	}
	return ref, nil
}

// shown is an address in an error.
func (c *Client) shown(r Request, u *url.URL) string {
	if r.Open {
		return u.Scheme + "://" + u.Host + "/…"
	}
	return c.text(Address(u))
}

func (c *Client) statusError(r Request, target *url.URL, a *Answer) error {
	return &StatusError{Method: r.Method, Address: c.shown(r, target), Status: a.Status, Header: a.Header, Body: c.text(shorten(string(a.Body)))}
}

func (c *Client) secrets() (s redactor) {
	s.add(c.config.Credential)
	for _, x := range c.config.Secrets {
		s.add(x)
	}
	if c.config.Auth != nil {
		for _, x := range c.config.Auth.Secrets() {
			s.add(x)
		}
	}
	return s
}

func (c *Client) text(s string) string { return c.secrets().clean(s) }

// lost reports whether an error is one of the connection, which another attempt
// may mend.
func lost(err error) bool {
	var h *hidden
	if !errors.As(err, &h) || errors.Is(err, ErrTooLarge) {
		return false
	}
	var final interface{ Final() bool } // such as an address that is not dialled
	return !errors.As(h.err, &final) || !final.Final()
}

// Pause waits for a time, for a service that has to be asked again and again whether
// something is ready. A context that ends gives its cause.
func (c *Client) Pause(ctx context.Context, d time.Duration) error { return c.wait(ctx, d) }
