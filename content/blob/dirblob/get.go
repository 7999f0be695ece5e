package dirblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"github.com/curatore/curatore-go/content/blob"
)

// Get implements blob.Store. The reader is an io.ReaderAt too.
func (s *Store) Get(ctx context.Context, key string, r blob.Range) (io.ReadCloser, blob.Info, error) {
	if err := check(ctx, key); err != nil {
		return nil, blob.Info{}, err
	}
	f, i, err := s.open(key)
	if err != nil {
		return nil, blob.Info{}, err
	}
	info := i.of(key)
	offset, length, err := r.Resolve(key, info.Size)
	if err != nil {
		return nil, blob.Info{}, errors.Join(err, f.Close())
	}
	section := io.NewSectionReader(f, offset, length)
	o := &object{Reader: blob.Until(ctx, section), ReaderAt: section, Closer: f}
	if r == (blob.Range{}) {
		// Of the whole file, so that a byte too many is seen.
		o.Reader = blob.Verify(blob.Until(ctx, f), info)
	}
	return o, info, nil
}

type object struct {
	io.Reader
	io.ReaderAt
	io.Closer
}

// open opens the content of an object. It may be replaced between the reading of
// its info and the opening of its content, again and again.
func (s *Store) open(key string) (f *os.File, i info, err error) {
	for last := ""; ; last = i.Content {
		if i, err = s.read(key); err != nil {
			return nil, i, err
		}
		f, err = s.root.Open(path.Join(path.Dir(key), i.Content))
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
		if i.Content == last {
			return nil, i, fmt.Errorf("%w %s: its content is gone from the object directory", blob.ErrCorrupt, key)
		}
	}
	if err != nil {
		return nil, i, fmt.Errorf("object %s: %w", key, err)
	}
	stat, err := f.Stat()
	switch {
	case err != nil:
		err = fmt.Errorf("object %s: %w", key, err)
	case stat.Size() != i.Size:
		err = fmt.Errorf("%w %s: its file has %d bytes, %d were stored", blob.ErrCorrupt, key, stat.Size(), i.Size)
	}
	if err != nil {
		return nil, i, errors.Join(err, f.Close())
	}
	return f, i, nil
}
