package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// An Authenticator puts the credential on requests. It is safe for concurrent
// use.
type Authenticator interface {
	// Authorize sets the headers of a request.
	Authorize(ctx context.Context, req *http.Request) error
	// Refresh is called after a 401, with the request that was refused. It
	// reports whether another one, authorized anew, has a chance. It is called
	// once for each request.
	Refresh(ctx context.Context, refused *http.Request) (bool, error)
	// Secrets are what must not be shown.
	Secrets() []Secret
}

// Header is an Authenticator that sets a header to a prefix and a secret:
// Header("X-Api-Key", "", key), Header("Authorization", "Bearer ", token).
func Header(name, prefix string, secret Secret) Authenticator {
	return staticHeader{name, prefix, secret}
}

type staticHeader struct {
	name, prefix string
	secret       Secret
}

func (h staticHeader) Authorize(_ context.Context, req *http.Request) error {
	if h.secret.Empty() {
		return fmt.Errorf("%w: it is empty", ErrUnauthorized)
	}
	req.Header.Set(h.name, h.prefix+h.secret.Reveal())
	return nil
}

func (h staticHeader) Refresh(context.Context, *http.Request) (bool, error) { return false, nil }
func (h staticHeader) Secrets() []Secret                                    { return []Secret{h.secret} }

// ClientCredentials is an Authenticator of OAuth 2.0's grant of that name. The
// token is fetched when it is needed, shared, and fetched again before it runs
// out and after a 401.
type ClientCredentials struct {
	TokenURL string
	ID       string
	Secret   Secret
	Scope    string           // "" sends none
	HTTP     *http.Client     // nil is http.DefaultClient
	Now      func() time.Time // nil is time.Now

	mu      sync.Mutex
	token   Secret
	expires time.Time
}

// early is how long before its end a token counts as expired.
const early = time.Minute

// Authorize implements [Authenticator].
func (c *ClientCredentials) Authorize(ctx context.Context, req *http.Request) error {
	token, err := c.current(ctx)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	return nil
}

// Refresh implements [Authenticator]: it drops the token that was refused, unless
// another request has done so already.
func (c *ClientCredentials) Refresh(_ context.Context, refused *http.Request) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if refused.Header.Get("Authorization") == "Bearer "+c.token.Reveal() {
		c.token = Secret{}
	}
	return true, nil
}

// Secrets implements [Authenticator].
func (c *ClientCredentials) Secrets() []Secret {
	c.mu.Lock()
	defer c.mu.Unlock()
	return []Secret{c.Secret, c.token}
}

func (c *ClientCredentials) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// current returns the token, a new one when there is none that lasts. Whoever
// comes while it is fetched waits for it.
func (c *ClientCredentials) current(ctx context.Context) (Secret, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.token.Empty() && c.now().Before(c.expires) {
		return c.token, nil
	}
	token, lasts, err := c.fetch(ctx)
	if err != nil {
		return Secret{}, err
	}
	c.token, c.expires = token, c.now().Add(lasts-min(early, lasts/2))
	return token, nil
}

// fetch asks for a token. Its errors have no part of the request but its address.
func (c *ClientCredentials) fetch(ctx context.Context) (Secret, time.Duration, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {c.ID}, "client_secret": {c.Secret.Reveal()}}
	if c.Scope != "" {
		form.Set("scope", c.Scope)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return Secret{}, 0, fmt.Errorf("the address of the token service cannot be read: %.80q", c.TokenURL)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := *http.DefaultClient
	if c.HTTP != nil {
		client = *c.HTTP
	}
	// A redirect would take the secret in the body with it, to any host.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	var secrets redactor
	secrets.add(c.Secret)
	at := Address(req.URL)
	resp, err := client.Do(req)
	if err != nil {
		return Secret{}, 0, conceal(err, "POST "+at, secrets)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return Secret{}, 0, conceal(err, "POST "+at, secrets)
	}
	var answer struct {
		Token       string      `json:"access_token"`
		Expires     json.Number `json:"expires_in"`
		Code        string      `json:"error"`
		Description string      `json:"error_description"`
	}
	if err := json.Unmarshal(body, &answer); err != nil && resp.StatusCode == http.StatusOK {
		return Secret{}, 0, fmt.Errorf("POST %s: the token cannot be read: it is no JSON", at)
	}
	switch {
	case resp.StatusCode == http.StatusBadRequest, resp.StatusCode == http.StatusUnauthorized, resp.StatusCode == http.StatusForbidden:
		return Secret{}, 0, fmt.Errorf("%w by the token service: POST %s: %d %s %s", ErrUnauthorized, at, resp.StatusCode, answer.Code, secrets.clean(shorten(answer.Description)))
	case resp.StatusCode != http.StatusOK:
		return Secret{}, 0, &StatusError{Method: http.MethodPost, Address: at, Status: resp.StatusCode, Header: resp.Header, Body: secrets.clean(shorten(string(body)))}
	case answer.Token == "":
		return Secret{}, 0, fmt.Errorf("POST %s: the answer has no access_token", at)
	}
	lasts := 5 * time.Minute
	if n, err := answer.Expires.Float64(); err == nil && n > 0 && n < 1e8 {
		lasts = time.Duration(n * float64(time.Second))
	}
	return NewSecret(answer.Token), lasts, nil
}

// conceal returns an error of the transport without the address that url.Error
// prints, and without secrets.
func conceal(err error, what string, secrets redactor) error {
	var u *url.Error
	inner := err
	if errors.As(err, &u) {
		inner = u.Err
	}
	return &hidden{text: secrets.clean(what + ": " + inner.Error()), err: err}
}

// shorten cuts a text for an error.
func shorten(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}
