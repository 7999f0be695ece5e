// Package s3test tests s3blob against a real S3 server, versitygw, which brings
// more modules than all of curatore and therefore has a module of its own.
package s3test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"

	"github.com/curatore/curatore-go/content/blob/s3blob"
)

const (
	accessKey = "tester"
	secretKey = "canary-secret-of-the-store"
)

// socket is where the server of this process listens. It has no port, so that no
// other program can take it; tests reach it through a faulty proxy of their own.
var socket string

func TestMain(m *testing.M) {
	code, err := withGateway(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withGateway(run func() int) (code int, err error) {
	dir, err := os.MkdirTemp("", "s3test-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return 1, err
	}
	socket = filepath.Join(dir, "s3.sock")
	backend, err := posix.New(data, meta.XattrMeta{}, posix.PosixOpts{CopyObjectThreshold: 5 << 30})
	if err != nil {
		return 1, err
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- embedgw.RunVersityGW(ctx, backend, &embedgw.Config{RootUserAccess: accessKey, RootUserSecret: secretKey, Region: "us-east-1",
			Ports: []string{socket}, MaxConnections: 1000, MaxRequests: 1000, MultipartMaxParts: 10_000, Quiet: true, KeepAlive: true})
	}()
	for {
		if c, err := net.Dial("unix", socket); err == nil {
			_ = c.Close()
			break
		}
		select {
		case err := <-ended:
			stop()
			return 1, fmt.Errorf("the S3 server did not start: %w", err)
		case <-time.After(5 * time.Millisecond):
		}
	}
	code = run()
	stop()
	select {
	case err = <-ended:
	case <-time.After(20 * time.Second):
		err = errors.New("the S3 server did not stop")
	}
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return code, err
}

// A proxy stands before the server and does what networks and servers do.
type proxy struct {
	*httptest.Server
	mu     sync.Mutex
	fault  func(w http.ResponseWriter, r *http.Request) bool // reports whether it has answered
	change changer
	calls  []string // methods and paths
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	p := &proxy{}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}, DisableKeepAlives: true} // a request that the server refuses without reading it would spoil the next one
	target := &url.URL{Scheme: "http", Host: "gateway"}
	forward := &httputil.ReverseProxy{Transport: transport, FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // which is signed
			r.Out.URL.RawPath, r.Out.URL.RawQuery = r.In.URL.RawPath, r.In.URL.RawQuery
		},
		ModifyResponse: func(r *http.Response) error {
			if change := p.changing(); change != nil {
				return change.change(r)
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		fault := p.fault
		p.calls = append(p.calls, r.Method+" "+r.URL.Path+"?"+r.URL.RawQuery)
		p.mu.Unlock()
		if fault == nil || !fault(w, r) {
			forward.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		p.Close()
		transport.CloseIdleConnections()
	})
	return p
}

func (p *proxy) changing() changer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.change
}

// set sets what goes wrong from now on; nil is nothing.
func (p *proxy) set(fault func(http.ResponseWriter, *http.Request) bool, change changer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.change = fault, change
}

// count counts the requests so far that contain a text.
func (p *proxy) count(text string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.calls {
		if strings.Contains(c, text) {
			n++
		}
	}
	return n
}

// answer makes a fault that is an error of S3.
func answer(status int, code string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>as the test wants it</Message></Error>`, code)
		return true
	}
}

// hangUp is the fault of a server that is not there.
func hangUp(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }

// A changer changes an answer on its way.
type changer interface {
	change(r *http.Response) error
}

type changeFunc func(r *http.Response) error

func (f changeFunc) change(r *http.Response) error { return f(r) }

// cut lets only so many bytes of each body through, then ends the connection.
type cut int64

func (c cut) change(r *http.Response) error {
	if r.Request.Method == http.MethodGet && r.StatusCode < 300 {
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(r.Body, int64(c)), failing{}), r.Body}
	}
	return nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cut") }

// newBucket returns the settings of a bucket that is not there yet.
func newBucket(p *proxy) s3blob.Config {
	return s3blob.Config{Endpoint: p.Listener.Addr().String(), Insecure: true, AccessKey: accessKey, SecretKey: secretKey, PartSize: 5 << 20,
		Bucket: "b-" + strings.ToLower(rand.Text()), CreateBucket: true, Region: "us-east-1"}
}

func open(t *testing.T, c s3blob.Config) *s3blob.Store {
	t.Helper()
	s, err := s3blob.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// stream hides that a reader can seek.
func stream(b []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(b)} }
