package chromium

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// A proxy is what the browser asks in place of the network. It dials as the client of
// package guard does, so that it judges each address behind the resolution of its
// name.
type proxy struct {
	listener net.Listener
	server   *http.Server
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	forward  *http.Transport
	tunnels  sync.WaitGroup
	served   sync.WaitGroup
	closing  context.Context //nolint:containedctx // ended by close, and never passed on
	end      context.CancelFunc
}

func newProxy(guarded *http.Client) (*proxy, error) {
	transport, ok := guarded.Transport.(*http.Transport)
	if !ok || transport.DialContext == nil {
		return nil, errors.New("the guarded client has no transport that dials")
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the browser: %w", err)
	}
	p := &proxy{listener: listener, dial: transport.DialContext, forward: transport}
	p.closing, p.end = context.WithCancel(context.Background())
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 30 * time.Second}
	p.served.Go(func() { _ = p.server.Serve(listener) }) // it ends when it is closed
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) close() error {
	p.end()
	err := p.server.Close()
	p.tunnels.Wait()
	p.served.Wait()
	p.forward.CloseIdleConnections()
	return err
}

// ServeHTTP implements http.Handler: CONNECT for https, whole addresses for http.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect {
		p.tunnel(w, r)
		return
	}
	if r.URL.Host == "" || r.URL.Scheme != "http" {
		http.Error(w, "this is a proxy", http.StatusBadRequest)
		return
	}
	out := r.Clone(r.Context())
	out.RequestURI = ""
	for _, name := range []string{"Connection", "Proxy-Connection", "Proxy-Authorization", "Keep-Alive", "Te", "Trailer", "Upgrade"} {
		out.Header.Del(name)
	}
	resp, err := p.forward.RoundTrip(out)
	if err != nil {
		http.Error(w, "not reached", http.StatusBadGateway)
		return
	}
	defer resp.Body.Close() //nolint:errcheck // it was passed on
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // the browser sees what is missing
}

func (p *proxy) tunnel(w http.ResponseWriter, r *http.Request) {
	there, err := p.dial(r.Context(), "tcp", r.Host)
	if err != nil {
		http.Error(w, "not reached", http.StatusBadGateway)
		return
	}
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = there.Close()
		return
	}
	p.tunnels.Go(func() {
		stop := context.AfterFunc(p.closing, func() {
			_ = here.Close()
			_ = there.Close()
		})
		defer stop()
		var other sync.WaitGroup
		other.Go(func() {
			_, _ = io.Copy(there, buffered)
			_ = there.Close()
		})
		if _, err := io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n"); err == nil {
			_, _ = io.Copy(here, there)
		}
		_ = here.Close()
		_ = there.Close()
		other.Wait()
	})
}
