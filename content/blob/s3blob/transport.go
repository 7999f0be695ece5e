package s3blob

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"
)

// newTransport is the client library's with connections that end when nothing
// goes through them. A limit for a whole request would have to allow for the
// largest file and the slowest network.
func newTransport(secure bool, silence time.Duration) (*http.Transport, error) {
	t, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, err
	}
	dial := (&net.Dialer{Timeout: min(silence, 30*time.Second), KeepAlive: 30 * time.Second}).DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &livelyConn{conn, silence}, nil
	}
	t.IdleConnTimeout = min(t.IdleConnTimeout, silence)
	t.ResponseHeaderTimeout = 0 // the connection knows better
	t.ForceAttemptHTTP2 = false
	return t, nil
}

// A livelyConn ends when nothing was sent or received for some time. A write
// moves the limit for reading too, since the answer comes only after it.
type livelyConn struct {
	net.Conn
	silence time.Duration
}

func (c *livelyConn) Read(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *livelyConn) Write(p []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.silence)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
