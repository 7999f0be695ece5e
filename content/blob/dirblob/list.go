package dirblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
)

// List implements blob.Store. Infos are complete, but for an object whose info
// cannot be read: it is listed all the same, so that it can be deleted.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Info, error] {
	return func(yield func(blob.Info, error) bool) {
		if err := blob.CheckPrefix(prefix); err != nil {
			yield(blob.Info{}, err)
			return
		}
		s.walk(ctx, prefix, after, yield)
	}
}

// walk lists a directory, "" or with a slash at the end, and those in it.
func (s *Store) walk(ctx context.Context, dir, after string, yield func(blob.Info, error) bool) bool {
	entries, err := s.entries(dir)
	if err != nil {
		return yield(blob.Info{}, fmt.Errorf("list objects: %w", err)) && false
	}
	// The order of keys: a directory stands where its slash belongs.
	var names []string
	for _, e := range entries {
		object, isInfo := strings.CutSuffix(e.Name(), infoSuffix)
		switch {
		case e.IsDir() && !strings.Contains(e.Name(), "@"):
			names = append(names, e.Name()+"/")
		case isInfo && !e.IsDir():
			names = append(names, object)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if ctx.Err() != nil {
			return yield(blob.Info{}, context.Cause(ctx)) && false
		}
		key := dir + name
		if strings.HasSuffix(key, "/") {
			if after != "" && key < after && !strings.HasPrefix(after, key) { // all below is before it
				continue
			}
			if !s.walk(ctx, key, after, yield) {
				return false
			}
			continue
		}
		if key <= after || blob.CheckKey(key) != nil {
			continue
		}
		i, err := s.read(key)
		if errors.Is(err, content.ErrNotFound) {
			continue // it was deleted meanwhile
		}
		if errors.Is(err, blob.ErrCorrupt) {
			i, err = s.changed(key + infoSuffix)
		}
		if err != nil {
			err = fmt.Errorf("list objects: %w", err)
		}
		if !yield(i.of(key), err) || err != nil {
			return false
		}
	}
	return true
}

// changed is what is known of an object whose info cannot be read.
func (s *Store) changed(name string) (info, error) {
	stat, err := s.root.Stat(name)
	if err != nil {
		return info{}, err
	}
	return info{Modified: stat.ModTime().UTC()}, nil
}

// entries reads a directory that may not be there.
func (s *Store) entries(dir string) ([]fs.DirEntry, error) {
	d, err := s.root.Open(path.Clean("./" + dir))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	if errors.Is(err, fs.ErrNotExist) { // it was removed while it was open
		return nil, nil
	}
	return entries, err
}

// Sweep implements blob.Sweeper: it removes files that belong to no object and
// have not changed since a time. Choose one before which no Put can have begun
// that goes on.
func (s *Store) Sweep(ctx context.Context, before time.Time) (int, error) {
	n, err := s.sweep(ctx, "", before)
	if err != nil {
		return n, fmt.Errorf("sweep object directory: %w", err)
	}
	return n, nil
}

func (s *Store) sweep(ctx context.Context, dir string, before time.Time) (n int, err error) {
	entries, err := s.entries(dir)
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		if ctx.Err() != nil {
			return n, context.Cause(ctx)
		}
		if e.IsDir() {
			below, err := s.sweep(ctx, dir+e.Name()+"/", before)
			n += below
			if err != nil {
				return n, err
			}
			continue
		}
		stat, err := e.Info()
		if err != nil || !stat.Mode().IsRegular() || !stat.ModTime().Before(before) {
			continue
		}
		object, file, ok := strings.Cut(e.Name(), "@")
		switch {
		case dir == uploads+"/":
		case !ok || file == "info":
			continue
		default:
			i, err := s.read(dir + object)
			if err == nil && i.Content == e.Name() || err != nil && !errors.Is(err, content.ErrNotFound) {
				continue
			}
		}
		if err := s.remove(dir + e.Name()); err != nil {
			return n, err
		}
		n++
		if dir != uploads+"/" {
			s.prune(path.Clean(dir))
		}
	}
	return n, nil
}
