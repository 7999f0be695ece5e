package s3blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"

	"github.com/minio/minio-go/v7"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
)

// uploads begins the names of files whose SHA-256 is not known yet. It is part of
// no key.
const uploads = "@uploads/"

// Put implements blob.Store. A file that fits into one part is one request. A
// larger one goes in parts straight to its key if its SHA-256 is known beforehand,
// since r can seek or the options have it; else apart, to be copied to its key
// within the store when it is complete.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, o blob.PutOptions) (blob.Info, error) {
	if err := check(ctx, key); err != nil {
		return blob.Info{}, err
	}
	o, err := o.Check()
	if err != nil {
		return blob.Info{}, fmt.Errorf("object %s: %w", key, err)
	}
	p := &putting{Store: s, key: key, o: o}
	if err := p.put(ctx, blob.Until(ctx, r), r); err != nil {
		return blob.Info{}, fmt.Errorf("put object %s: %w", key, p.explain(ctx, key, err))
	}
	return blob.Info{Key: key, Size: p.meter.Size(), SHA256: p.o.SHA256, ContentType: o.ContentType, Filename: o.Filename, Metadata: o.Metadata, Modified: time.Now().UTC()}, nil
}

// A putting is one Put.
type putting struct {
	*Store
	key    string
	o      blob.PutOptions
	meter  *blob.Meter
	failed error // of the caller's reader
}

func (p *putting) explain(ctx context.Context, key string, err error) error {
	if p.failed != nil && ctx.Err() == nil {
		return p.failed
	}
	return p.Store.explain(ctx, key, err)
}

func (p *putting) put(ctx context.Context, r io.Reader, original io.Reader) error {
	if err := p.ahead(original, r); err != nil {
		return err
	}
	p.meter = blob.NewMeter(p.o.Bound(r))
	first, err := p.read(nil)
	if err == nil {
		return p.multipart(ctx, first)
	}
	if err != io.EOF {
		return err
	}
	if err := errors.Join(context.Cause(ctx), p.meter.Check(p.o)); err != nil {
		return err
	}
	p.o.SHA256 = p.meter.SHA256()
	for try := range conflictTries {
		_, err = p.core.PutObject(ctx, p.bucket, p.name(p.key), bytes.NewReader(first), int64(len(first)), "", p.o.SHA256, p.options())
		if minio.ToErrorResponse(err).StatusCode != http.StatusConflict {
			return err
		}
		select {
		case <-time.After(10 * time.Millisecond << try):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return err
}

// conflictTries is how often an object is put while the store answers that
// somebody else is putting it at the moment, which S3 asks to be tried again.
const conflictTries = 6

// ahead reads a file that can be read twice, for its SHA-256.
func (p *putting) ahead(original, r io.Reader) error {
	seeker, ok := original.(io.Seeker)
	if !ok || p.o.SHA256 != "" {
		return nil
	}
	begin, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil // such as of a pipe, which is an os.File too
	}
	meter := blob.NewMeter(p.o.Bound(r))
	if _, err := io.Copy(io.Discard, meter); err != nil {
		p.failed = err
		return err
	}
	if err := meter.Check(p.o); err != nil {
		return err
	}
	p.o.SHA256, p.o.Size = meter.SHA256(), meter.Size()
	if _, err = seeker.Seek(begin, io.SeekStart); err != nil {
		p.failed = err
	}
	return err
}

// read fills a buffer with the next part, and grows a nil one as it needs. The
// error is io.EOF when the part is the last one.
func (p *putting) read(buf []byte) ([]byte, error) {
	buf = buf[:0]
	for len(buf) < p.part {
		if len(buf) == cap(buf) {
			grown := make([]byte, len(buf), min(p.part, max(64<<10, 2*cap(buf))))
			copy(grown, buf)
			buf = grown
		}
		n, err := p.meter.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err != nil {
			if err != io.EOF {
				p.failed = err
			}
			return buf, err
		}
	}
	return buf, nil
}

// options are the metadata of the object.
func (p *putting) options() minio.PutObjectOptions {
	return minio.PutObjectOptions{ContentType: p.o.ContentType, UserMetadata: toMetadata(p.o)}
}

// multipart stores a file of more than one part, of which the first is given.
func (p *putting) multipart(ctx context.Context, buf []byte) (err error) {
	known := p.o.SHA256 != ""
	name := p.name(p.key)
	if !known {
		name = p.name(uploads + rand.Text())
	}
	id, err := p.core.NewMultipartUpload(ctx, p.bucket, name, p.options())
	if err != nil {
		return err
	}
	parts, err := p.parts(ctx, name, id, buf)
	if err == nil {
		err = errors.Join(context.Cause(ctx), p.meter.Check(p.o))
	}
	if err == nil {
		_, err = p.core.CompleteMultipartUpload(ctx, p.bucket, name, id, parts, p.options())
	}
	if err != nil {
		cleanUp, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		if err := p.core.AbortMultipartUpload(cleanUp, p.bucket, name, id); err != nil {
			p.log.WarnContext(ctx, "a broken upload stays until the next sweep", "bucket", p.bucket, "error", unavailable(err))
		}
		return err
	}
	if known {
		return nil
	}
	p.o.SHA256 = p.meter.SHA256()
	defer func() {
		cleanUp, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		if err := p.core.RemoveObject(cleanUp, p.bucket, name, minio.RemoveObjectOptions{}); err != nil {
			p.log.WarnContext(ctx, "an upload stays until the next sweep", "bucket", p.bucket, "error", unavailable(err))
		}
	}()
	return p.copyObject(ctx, name, p.name(p.key), p.meter.Size(), p.o)
}

// parts sends the first part and all others.
func (p *putting) parts(ctx context.Context, name, id string, buf []byte) (parts []minio.CompletePart, err error) {
	for last := false; ; {
		n := len(parts) + 1
		if n > maxParts {
			return nil, fmt.Errorf("%w: the file has more than %d parts of %d bytes; raise PartSize", content.ErrInvalid, maxParts, p.part)
		}
		sum := sha256.Sum256(buf)
		part, err := p.core.PutObjectPart(ctx, p.bucket, name, id, n, bytes.NewReader(buf), int64(len(buf)), minio.PutObjectPartOptions{Sha256Hex: hex.EncodeToString(sum[:])})
		if err != nil {
			return nil, err
		}
		parts = append(parts, minio.CompletePart{PartNumber: n, ETag: part.ETag})
		if last {
			return parts, nil
		}
		if buf, err = p.read(buf); err != nil && err != io.EOF {
			return nil, err
		}
		if last = err == io.EOF; last && len(buf) == 0 {
			return parts, nil
		}
	}
}

// maxCopy is how much S3 copies in one request.
const maxCopy = 5 << 30

// copyObject copies within the store, with the metadata given.
func (s *Store) copyObject(ctx context.Context, from, to string, size int64, o blob.PutOptions) error {
	dst := minio.CopyDestOptions{Bucket: s.bucket, Object: to, UserMetadata: toMetadata(o), ReplaceMetadata: true, ContentType: o.ContentType}
	src := minio.CopySrcOptions{Bucket: s.bucket, Object: from}
	if size <= maxCopy {
		_, err := s.core.Client.CopyObject(ctx, dst, src)
		return err
	}
	dst.UserMetadata["Content-Type"] = o.ContentType // the other is not looked at when it copies parts
	_, err := s.core.ComposeObject(ctx, dst, src)
	return err
}

// Copy implements blob.Store.
func (s *Store) Copy(ctx context.Context, from, to string) (blob.Info, error) {
	if err := errors.Join(check(ctx, from), check(ctx, to)); err != nil {
		return blob.Info{}, err
	}
	info, err := s.Stat(ctx, from)
	if err != nil || from == to { // which S3 refuses
		return info, err
	}
	o := blob.PutOptions{ContentType: info.ContentType, Filename: info.Filename, Metadata: info.Metadata, SHA256: info.SHA256}
	if err := s.copyObject(ctx, s.name(from), s.name(to), info.Size, o); err != nil {
		return blob.Info{}, fmt.Errorf("copy object %s to %s: %w", from, to, s.explain(ctx, from, err))
	}
	info.Key, info.Modified = to, time.Now().UTC()
	return info, nil
}
