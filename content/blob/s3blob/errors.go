package s3blob

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
)

// explain makes errors of the client library those of package blob, and takes
// URLs out of them.
func (s *Store) explain(ctx context.Context, key string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, content.ErrInvalid) || errors.Is(err, content.ErrNotFound) || errors.Is(err, blob.ErrUnavailable) || errors.Is(err, blob.ErrCorrupt) {
		return err
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return unavailable(err)
	}
	switch {
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden, answer.Code == "InvalidAccessKeyId", answer.Code == "XAdminUserNotFound":
		return fmt.Errorf("the store refuses access to bucket %s; check access key, secret, the clock, and the rights of the key: %s: %w", s.bucket, answer.Code, err)
	case answer.Code == minio.NoSuchBucket:
		return fmt.Errorf("%w: there is no bucket %s", content.ErrNotFound, s.bucket)
	case answer.Code == minio.NoSuchKey, answer.StatusCode == http.StatusNotFound && key != "":
		return blob.NotFound(key)
	case answer.StatusCode == http.StatusPreconditionFailed:
		return fmt.Errorf("%w %s: it was replaced while it was read; read it again", blob.ErrCorrupt, key)
	case answer.StatusCode >= 500 && answer.StatusCode != http.StatusNotImplemented, answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode == http.StatusRequestTimeout, answer.Code == "SlowDown":
		return fmt.Errorf("%w: it answers %d %s: %w", blob.ErrUnavailable, answer.StatusCode, answer.Code, err)
	}
	return fmt.Errorf("the store answers %d %s: %w", answer.StatusCode, answer.Code, err)
}

// unavailable makes the error of a connection, without the URL.
func unavailable(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	if n := (net.Error)(nil); errors.As(err, &n) && n.Timeout() {
		return fmt.Errorf("%w: it does not answer: %w", blob.ErrUnavailable, err)
	}
	return fmt.Errorf("%w: %w", blob.ErrUnavailable, err)
}
