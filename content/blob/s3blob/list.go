package s3blob

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/curatore/curatore-go/content/blob"
)

// List implements blob.Store. Infos have key, size and time. Objects in the
// bucket whose names are no keys are left out.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		if err := blob.CheckPrefix(prefix); err != nil {
			yield(blob.Info{}, err)
			return
		}
		o := minio.ListObjectsOptions{Prefix: s.name(prefix), Recursive: true}
		if after != "" {
			o.StartAfter = s.name(after)
		}
		for i := range s.core.ListObjectsIter(ctx, s.bucket, o) {
			if i.Err != nil {
				yield(blob.Info{}, fmt.Errorf("list objects: %w", s.explain(ctx, "", i.Err)))
				return
			}
			key := strings.TrimPrefix(i.Key, s.prefix)
			if key <= after || blob.CheckKey(key) != nil {
				continue
			}
			if !yield(blob.Info{Key: key, Size: i.Size, Modified: i.LastModified.UTC()}, nil) {
				return
			}
		}
		if ctx.Err() != nil { // the iterator ends without a word
			yield(blob.Info{}, context.Cause(ctx))
		}
	}
}

// Delete implements blob.Store.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := check(ctx, key); err != nil {
			return err
		}
	}
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = s.name(key)
	}
	if err := s.remove(ctx, names); err != nil {
		return fmt.Errorf("delete objects: %w", err)
	}
	return nil
}

func (s *Store) remove(ctx context.Context, names []string) error {
	if len(names) == 1 {
		return s.explain(ctx, "", s.core.RemoveObject(ctx, s.bucket, names[0], minio.RemoveObjectOptions{}))
	}
	if len(names) == 0 {
		return nil
	}
	objects := func(yield func(minio.ObjectInfo) bool) {
		for _, name := range names {
			if !yield(minio.ObjectInfo{Key: name}) {
				return
			}
		}
	}
	results, err := s.core.RemoveObjectsWithIter(ctx, s.bucket, objects, minio.RemoveObjectsOptions{})
	if err != nil {
		return s.explain(ctx, "", err)
	}
	var errs []error
	for r := range results {
		if r.Err != nil && len(errs) < 5 {
			errs = append(errs, s.explain(ctx, "", r.Err))
		}
	}
	if ctx.Err() != nil {
		errs = append(errs, context.Cause(ctx))
	}
	return errors.Join(errs...)
}

// Sweep implements blob.Sweeper: it removes what is left of uploads that began
// before a time and are not complete.
func (s *Store) Sweep(ctx context.Context, before time.Time) (n int, err error) {
	var left []string
	for i := range s.core.ListObjectsIter(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.name(uploads), Recursive: true}) {
		if i.Err != nil {
			return 0, fmt.Errorf("sweep object store: %w", s.explain(ctx, "", i.Err))
		}
		if i.LastModified.Before(before) {
			left = append(left, i.Key)
		}
	}
	if err := s.remove(ctx, left); err != nil {
		return 0, fmt.Errorf("sweep object store: %w", err)
	}
	n = len(left)
	for key, id := "", ""; ; {
		page, err := s.core.ListMultipartUploads(ctx, s.bucket, s.prefix, key, id, "", 1000)
		if err != nil {
			return n, fmt.Errorf("sweep object store: %w", s.explain(ctx, "", err))
		}
		for _, u := range page.Uploads {
			if !u.Initiated.Before(before) {
				continue
			}
			if err := s.core.AbortMultipartUpload(ctx, s.bucket, u.Key, u.UploadID); err != nil && minio.ToErrorResponse(err).Code != minio.NoSuchUpload {
				return n, fmt.Errorf("sweep object store: %w", s.explain(ctx, "", err))
			}
			n++
		}
		if !page.IsTruncated {
			return n, nil
		}
		if key == page.NextKeyMarker && id == page.NextUploadIDMarker {
			return n, fmt.Errorf("sweep object store: its list of uploads does not end")
		}
		key, id = page.NextKeyMarker, page.NextUploadIDMarker
	}
}
