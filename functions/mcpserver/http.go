package mcpserver

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
)

// An HTTPConfig says whom a [Handler] serves.
type HTTPConfig struct {
	Config
	// Authenticate returns the functions of the caller with a bearer key, bound
	// to the organization and the principal that the key belongs to. Its error
	// refuses the caller and is for the log; wrap content.ErrBusy when the key
	// could not be looked up. Required. It is asked for each request.
	Authenticate func(ctx context.Context, key string) (functions.Bound, error)
	// Origins are the web pages that may call, as "https://example.com". A
	// browser names the page it shows; other clients name none and need no
	// entry. Pages of other servers on this machine are not let in without an
	// entry either.
	Origins []string
	// SessionTimeout ends a session that nobody uses; 0 means 30 minutes.
	SessionTimeout time.Duration
	// Sessions is how many a caller may have open; 0 means 64. Beginning another
	// one, like sending more requests at a time than Parallel and Waiting allow,
	// gets 429.
	Sessions int
	// RequestTimeout is how long a request may take to come, its body included; 0
	// means 30 seconds. Answers may take as long as they need.
	RequestTimeout time.Duration
}

// Handler serves the protocol over streamable HTTP to callers with a bearer key.
// A request without a good key gets 401, one from a web page that is not in
// Origins 403. A session belongs to the principal that began it: a key of
// another one cannot take it over, nor one that may only read a session of one
// that may write. Serve it on a loopback address, or behind TLS.
func Handler(c HTTPConfig) (http.Handler, error) {
	if c.Authenticate == nil {
		return nil, fmt.Errorf("mcp server: %w: Authenticate is missing", content.ErrInvalid)
	}
	for _, origin := range c.Origins {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Path != "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("mcp server: %w: the origin %q is not like https://example.com", content.ErrInvalid, origin)
		}
	}
	c.SessionTimeout, c.RequestTimeout = cmp.Or(c.SessionTimeout, 30*time.Minute), cmp.Or(c.RequestTimeout, 30*time.Second)
	if c.Sessions < 0 {
		return nil, fmt.Errorf("mcp server: %w: Sessions must not be negative", content.ErrInvalid)
	}
	c.Sessions = cmp.Or(c.Sessions, 64)
	var err error
	if c.Config, err = c.withDefaults(); err != nil {
		return nil, err
	}
	h := &handler{config: c, callers: newCallers(c.Config)}
	streamable := mcp.NewStreamableHTTPHandler(h.server, &mcp.StreamableHTTPOptions{Logger: c.Logger, SessionTimeout: c.SessionTimeout,
		MaxRequestBodyBytes: maxBody, PropagateRequestCancellation: true})
	authenticated := auth.RequireBearerToken(h.verify, &auth.RequireBearerTokenOptions{AllowMissingExpiration: true})(h.bounded(readBody(streamable)))
	return h.inTime(h.checkOrigin(authenticated)), nil
}

type handler struct {
	config  HTTPConfig
	callers *callers
}

// Where the functions of an authenticated caller, and what else it has, stand.
const (
	boundKey  = "functions"
	clientKey = "client"
)

// maxBody bounds a request, in bytes.
const maxBody = 4 << 20

// inTime bounds the time in which a request comes, so that one which comes byte
// by byte, with a key or without, holds nothing up for long.
func (h *handler) inTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.config.RequestTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			http.Error(w, "the connection is broken", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// readBody reads a request to its end, and lifts the bound of inTime from what is
// a stream from there on.
func readBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var long *http.MaxBytesError
		switch {
		case errors.As(err, &long):
			http.Error(w, fmt.Sprintf("a request may have at most %d bytes", maxBody), http.StatusRequestEntityTooLarge)
			return
		case err != nil:
			http.Error(w, "the request did not come to its end", http.StatusRequestTimeout)
			return
		}
		if err := http.NewResponseController(w).SetReadDeadline(time.Time{}); err != nil && !errors.Is(err, http.ErrNotSupported) {
			http.Error(w, "the connection is broken", http.StatusInternalServerError)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}

// verify tells the SDK whose key it is.
func (h *handler) verify(ctx context.Context, key string, _ *http.Request) (*auth.TokenInfo, error) {
	fns, err := h.config.Authenticate(ctx, key)
	switch {
	case errors.Is(err, content.ErrBusy) || ctx.Err() != nil:
		h.config.Logger.WarnContext(ctx, "a key could not be looked up", "error", err)
		return nil, errors.New("the key could not be looked up; try again")
	case err != nil:
		h.config.Logger.InfoContext(ctx, "a key was refused", "error", err)
		return nil, fmt.Errorf("the key is not accepted: %w", auth.ErrInvalidToken)
	case fns.Scope() == content.Scope{}:
		return nil, fmt.Errorf("the key is not accepted: %w", auth.ErrInvalidToken)
	}
	client, user := h.callers.of(fns.Scope()), h.callers.user(fns.Scope(), fns.OnlyReads())
	return &auth.TokenInfo{UserID: user, Extra: map[string]any{boundKey: fns, clientKey: client}}, nil
}

// server returns the server of a caller, for a new session.
func (h *handler) server(r *http.Request) *mcp.Server {
	client := clientOf(r)
	if client == nil {
		return nil
	}
	fns, _ := auth.TokenInfoFromContext(r.Context()).Extra[boundKey].(functions.Bound)
	server, err := client.server(fns, h.config.Config)
	if err != nil {
		h.config.Logger.ErrorContext(r.Context(), "a session could not begin", "principal", fns.Scope().Principal(), "error", err)
		return nil // the SDK answers 400
	}
	return server
}

// checkOrigin refuses web pages that nobody named, whatever key they have got
// hold of.
func (h *handler) checkOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if origin := r.Header.Get("Origin"); origin != "" && !ownOrigin(r, origin) && !slices.Contains(h.config.Origins, strings.TrimSuffix(origin, "/")) {
			http.Error(w, "this page may not call: its origin is not allowed", http.StatusForbidden)
			return
		}
		if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" && r.Header.Get("Origin") == "" {
			http.Error(w, "requests from other sites are refused", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ownOrigin reports whether a page is of this very server, on this machine. (The
// SDK refuses other names for it, which a page elsewhere could have bound to it.)
func ownOrigin(r *http.Request, origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" || u.Host != r.Host {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// Listen opens the address to serve on. A port without a host, such as ":8080",
// is opened on this machine alone; say "0.0.0.0:8080" to open it to others.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && host == "" {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}
