package connectortest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A spoiler is a transport that answers some requests in the place of the server.
type spoiler struct {
	inner http.RoundTripper

	mu    sync.Mutex
	now   func() time.Time // that the service tells
	n     int
	spoil func(n int, req *http.Request) (*http.Response, error) // nil: all is well
}

func (s *spoiler) setClock(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

// set begins to count anew.
func (s *spoiler) set(f func(n int, req *http.Request) (*http.Response, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n, s.spoil = 0, f
}

func (s *spoiler) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

func (s *spoiler) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.n++
	n, spoil, now := s.n, s.spoil, s.now
	s.mu.Unlock()
	if spoil != nil {
		if resp, err := spoil(n, req); resp != nil || err != nil {
			return resp, err
		}
	}
	resp, err := s.inner.RoundTrip(req)
	if err == nil && now != nil {
		resp.Header.Set("Date", now().UTC().Format(http.TimeFormat))
	}
	return resp, err
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the inner one.
func (s *spoiler) CloseIdleConnections() {
	if c, ok := s.inner.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// A Front stands before the handler of a fake server, and spoils its answers in the
// place of a transport: for a connection that dials by itself.
type Front struct{ spoiler spoiler }

// NewFront makes one.
func NewFront(h http.Handler) *Front { return &Front{spoiler{inner: direct{h}}} }

// ServeHTTP implements http.Handler.
func (f *Front) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	resp, err := f.spoiler.RoundTrip(req)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(w, resp.Body); err != nil { // it breaks off here as it does there
		panic(http.ErrAbortHandler)
	}
}

// direct asks a handler without a network.
type direct struct{ http.Handler }

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.ServeHTTP(w, req)
	return w.Result(), nil
}

func answer(req *http.Request, status int, header http.Header, body io.ReadCloser) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Status: fmt.Sprint(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: header, Body: body, ContentLength: -1, Request: req}
}

func text(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

// broken is a body that ends in the middle.
type broken struct{ io.Reader }

func (broken) Close() error { return nil }

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// An endless body has no end, but gives up on whoever reads on and on: he would take
// all memory.
type endless struct{ read *atomic.Int64 }

// enough is more than any answer that is worth reading.
const enough = 256 << 20

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' ' // which JSON takes for nothing
	}
	if e.read.Add(int64(len(p))) > enough {
		return 0, io.ErrUnexpectedEOF
	}
	return len(p), nil
}

func (endless) Close() error { return nil }
