package mcpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
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
}

// Handler serves the protocol over streamable HTTP to callers with a bearer key.
// A request without a good key gets 401, one from a web page that is not in
// Origins 403. A session belongs to the principal that began it: a key of
// another one cannot take it over. Serve it on a loopback address, or behind
// TLS.
func Handler(c HTTPConfig) (http.Handler, error) {
	if c.Authenticate == nil {
		return nil, fmt.Errorf("mcp server: %w: Authenticate is missing", content.ErrInvalid)
	}
	for _, origin := range c.Origins {
		if u, err := url.Parse(origin); err != nil || u.Host == "" || u.Path != "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("mcp server: %w: the origin %q is not like https://example.com", content.ErrInvalid, origin)
		}
	}
	if c.SessionTimeout == 0 {
		c.SessionTimeout = 30 * time.Minute
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	h := &handler{config: c, users: map[content.Scope]string{}}
	streamable := mcp.NewStreamableHTTPHandler(h.server, &mcp.StreamableHTTPOptions{Logger: c.Logger, SessionTimeout: c.SessionTimeout,
		MaxRequestBodyBytes: 4 << 20, PropagateRequestCancellation: true})
	authenticated := auth.RequireBearerToken(h.verify, &auth.RequireBearerTokenOptions{AllowMissingExpiration: true})(streamable)
	return h.checkOrigin(authenticated), nil
}

type handler struct {
	config HTTPConfig

	mu    sync.Mutex
	users map[content.Scope]string // a name for each caller, by which sessions know theirs
}

// boundKey is where the functions of an authenticated caller stand.
const boundKey = "functions"

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
	return &auth.TokenInfo{UserID: h.user(fns.Scope()), Extra: map[string]any{boundKey: fns}}, nil
}

// user returns a name for the organization and principal of a Scope, which hides
// what it is made of.
func (h *handler) user(scope content.Scope) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users[scope] == "" {
		h.users[scope] = fmt.Sprintf("caller-%d", len(h.users)+1)
	}
	return h.users[scope]
}

// server makes the server of a new session.
func (h *handler) server(r *http.Request) *mcp.Server {
	info := auth.TokenInfoFromContext(r.Context())
	if info == nil {
		return nil
	}
	fns, _ := info.Extra[boundKey].(functions.Bound)
	server, err := New(fns, h.config.Config)
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
