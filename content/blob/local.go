package blob

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// A File is an object that can be read anywhere at once. It is safe for concurrent
// use.
type File struct {
	io.ReaderAt
	Info  Info
	close func() error
}

// Close ends the reading and removes the local copy, if there is one.
func (f *File) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close()
}

// A Spill is a directory for local copies of objects. A copy has no name while it
// is used where the operating system allows that, so that it is gone when the
// process is, however that ends; elsewhere [Spill.Sweep] removes what a crash
// left. The zero Spill is the directory for temporary files.
type Spill struct {
	Dir string // is created when needed; "" is os.TempDir()
}

const spillPrefix = "curatore-spill-"

// spillAge is how old a copy must be to be taken for one that a crash left.
// Each lives as long as an import.
const spillAge = 24 * time.Hour

func (s Spill) dir() string {
	if s.Dir == "" {
		return os.TempDir()
	}
	return s.Dir
}

// Create makes a file that nobody else sees, for whatever has to be read anywhere
// at once. Remove closes it and gives its space back.
func (s Spill) Create() (f *os.File, remove func() error, err error) {
	if s.Dir != "" {
		if err := os.MkdirAll(s.Dir, 0o700); err != nil {
			return nil, nil, fmt.Errorf("local copy of an object: %w", err)
		}
	}
	if f, err = os.CreateTemp(s.dir(), spillPrefix+"*"); err != nil {
		return nil, nil, fmt.Errorf("local copy of an object: %w", err)
	}
	if os.Remove(f.Name()) == nil {
		return f, f.Close, nil
	}
	return f, func() error { return errors.Join(f.Close(), os.Remove(f.Name())) }, nil
}

// Sweep removes copies that a crash left more than a day ago and returns how many
// there were. No directory is no error.
func (s Spill) Sweep(now time.Time) (n int, err error) {
	entries, err := os.ReadDir(s.dir())
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("sweep local copies of objects: %w", err)
	}
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !strings.HasPrefix(e.Name(), spillPrefix) || !info.Mode().IsRegular() || now.Sub(info.ModTime()) < spillAge {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir(), e.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
			continue
		}
		n++
	}
	return n, errors.Join(errs...)
}

// OpenLocal opens an object for random access, such as reading a zip archive
// needs. All of it was checked against its SHA-256, and against the one given
// unless that is "", before it returns. An object that the store has on this
// machine is read where it is; of any other a copy is made in the spill, and
// [ErrUnavailable] says too that there is no room for it.
func OpenLocal(ctx context.Context, s Store, key, sha256 string, spill Spill) (_ *File, err error) {
	body, info, err := s.Get(ctx, key, Range{})
	if err != nil {
		return nil, err
	}
	f := &File{Info: info, close: body.Close}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	to := io.Discard
	if at, ok := body.(io.ReaderAt); ok {
		f.ReaderAt = at
	} else {
		local, remove, err := spill.Create()
		if err != nil {
			return nil, err
		}
		f.ReaderAt, to = local, local
		f.close = func() error { return errors.Join(body.Close(), remove()) }
	}
	info.SHA256 = cmp.Or(sha256, info.SHA256)
	if _, err := io.Copy(to, Verify(body, info)); err != nil { // whatever the store has checked
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			err = fmt.Errorf("%w: there is no space left for a local copy in %s; make room: %w", ErrUnavailable, spill.dir(), err)
		}
		return nil, fmt.Errorf("read object %s: %w", key, err)
	}
	return f, nil
}
