package s3blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
)

// Stat implements blob.Store.
func (s *Store) Stat(ctx context.Context, key string) (blob.Info, error) {
	if err := check(ctx, key); err != nil {
		return blob.Info{}, err
	}
	i, err := s.core.StatObject(ctx, s.bucket, s.name(key), minio.StatObjectOptions{})
	if err != nil {
		return blob.Info{}, fmt.Errorf("stat object %s: %w", key, s.explain(ctx, key, err))
	}
	return info(key, i), nil
}

// Get implements blob.Store. A download that breaks off goes on where it was, as
// long as the object is the same.
func (s *Store) Get(ctx context.Context, key string, r blob.Range) (io.ReadCloser, blob.Info, error) {
	if err := check(ctx, key); err != nil {
		return nil, blob.Info{}, err
	}
	if r.Offset < 0 || r.Length < 0 {
		return nil, blob.Info{}, fmt.Errorf("%w: the range of %d bytes from %d on", content.ErrInvalid, r.Length, r.Offset)
	}
	if r != (blob.Range{}) { // the answer to a range does not tell the size in all stores
		i, err := s.core.StatObject(ctx, s.bucket, s.name(key), minio.StatObjectOptions{})
		if err != nil {
			return nil, blob.Info{}, fmt.Errorf("get object %s: %w", key, s.explain(ctx, key, err))
		}
		offset, length, err := r.Resolve(key, i.Size)
		if err != nil {
			return nil, blob.Info{}, err
		}
		d := &download{s: s, ctx: ctx, key: key, etag: i.ETag, offset: offset, end: offset + length}
		if err := d.open(); err != nil {
			return nil, blob.Info{}, fmt.Errorf("get object %s: %w", key, s.explain(ctx, key, err))
		}
		return d, info(key, i), nil
	}
	body, i, _, err := s.core.GetObject(ctx, s.bucket, s.name(key), minio.GetObjectOptions{})
	if err != nil {
		return nil, blob.Info{}, fmt.Errorf("get object %s: %w", key, s.explain(ctx, key, err))
	}
	d := &download{s: s, ctx: ctx, key: key, etag: i.ETag, end: i.Size, body: body}
	out := info(key, i)
	return &whole{blob.Verify(d, out), d}, out, nil
}

type whole struct {
	io.Reader
	io.Closer
}

// A download is the body of an object that is asked for again when it breaks off.
type download struct {
	s           *Store
	ctx         context.Context // of Get, whose reader ends with it
	key, etag   string
	offset, end int64
	body        io.ReadCloser
	failures    int // in a row
}

// patience is how often a download breaks off without having brought anything.
const patience = 4

func (d *download) Read(p []byte) (int, error) {
	for {
		if d.ctx.Err() != nil {
			return 0, context.Cause(d.ctx)
		}
		if d.offset >= d.end {
			return 0, io.EOF
		}
		n, err := d.body.Read(p[:min(int64(len(p)), d.end-d.offset)])
		d.offset += int64(n)
		if n > 0 {
			d.failures = 0
			return n, nil // an error comes again
		}
		if err == nil {
			continue
		}
		if d.failures++; d.failures > patience || d.ctx.Err() != nil {
			return 0, fmt.Errorf("get object %s: %w", d.key, d.s.explain(d.ctx, d.key, err))
		}
		select {
		case <-time.After(time.Duration(d.failures) * 50 * time.Millisecond):
		case <-d.ctx.Done():
		}
		_ = d.body.Close()
		if err := d.open(); err != nil {
			return 0, fmt.Errorf("get object %s: %w", d.key, d.s.explain(d.ctx, d.key, err))
		}
	}
}

// open asks for what is left.
func (d *download) open() error {
	var o minio.GetObjectOptions
	if err := errors.Join(o.SetRange(d.offset, d.end-1), o.SetMatchETag(d.etag)); err != nil {
		return err
	}
	body, _, header, err := d.s.core.GetObject(d.ctx, d.s.bucket, d.s.name(d.key), o)
	if err != nil {
		d.body = http.NoBody
		return err
	}
	if got := header.Get("Content-Range"); !strings.HasPrefix(got, fmt.Sprintf("bytes %d-", d.offset)) { // a store that knows no ranges sends the beginning again
		d.body = http.NoBody
		return errors.Join(fmt.Errorf("%w: it was asked for the bytes from %d on, and gives %q", blob.ErrUnavailable, d.offset, got), body.Close())
	}
	d.body = body
	return nil
}

func (d *download) Close() error { return d.body.Close() }
