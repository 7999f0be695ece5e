package connectortest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A spoiler is a transport that answers some requests in the place of the server.
type spoiler struct {
	inner http.RoundTripper
	now   func() time.Time // that the service tells

	mu    sync.Mutex
	n     int
	spoil func(n int, req *http.Request) (*http.Response, error) // nil: all is well
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
	n, spoil := s.n, s.spoil
	s.mu.Unlock()
	if spoil != nil {
		if resp, err := spoil(n, req); resp != nil || err != nil {
			return resp, err
		}
	}
	resp, err := s.inner.RoundTrip(req)
	if err == nil {
		resp.Header.Set("Date", s.now().UTC().Format(http.TimeFormat))
	}
	return resp, err
}

// CloseIdleConnections lets http.Client.CloseIdleConnections reach the inner one.
func (s *spoiler) CloseIdleConnections() {
	if c, ok := s.inner.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
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

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' ' // which JSON takes for nothing
	}
	return len(p), nil
}

func (endless) Close() error { return nil }
