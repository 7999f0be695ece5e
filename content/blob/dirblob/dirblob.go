// Package dirblob keeps objects in a directory, for programs without an object
// store.
//
// Writing a file in place leaves half of it behind when the process dies, and a
// link in the directory leads out of it. Here content is written apart, brought to
// the disk, and only then named, by one rename; and no path leaves the directory
// (os.Root). The content of the object "a/b" stands in a plain file "a/b@ID", and
// what is known about it beside it in "a/b@info", which names that file: an object
// exists when its info does. "@" is in no key. What a crash leaves is never seen,
// and removed by [Store.Sweep].
//
// Several processes of one machine may use a directory at once.
package dirblob

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
)

// Options are optional; the zero value is ready to use.
type Options struct {
	Now func() time.Time // for the times of objects; nil is time.Now
}

// A Store keeps objects in a directory. It is safe for concurrent use.
type Store struct {
	root *os.Root
	now  func() time.Time
}

var (
	_ blob.Store   = (*Store)(nil)
	_ blob.Sweeper = (*Store)(nil)
)

const (
	uploads    = "@uploads" // the directory of what is being written
	infoSuffix = "@info"
)

// Open opens a directory, which is created when it is not there. Only the user of
// the process can read what is stored.
func Open(dir string, o Options) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open object directory: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open object directory: %w", err)
	}
	s := &Store{root: root, now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.mkdir(uploads); err != nil {
		return nil, errors.Join(fmt.Errorf("open object directory: %w", err), root.Close())
	}
	return s, nil
}

// Close closes the directory. Objects that are open stay readable.
func (s *Store) Close() error { return s.root.Close() }

// An info is what stands in the file beside the content.
type info struct {
	Content     string            `json:"content"` // the name of the file beside this one
	Size        int64             `json:"size"`
	SHA256      string            `json:"sha256"`
	ContentType string            `json:"content_type"`
	Filename    string            `json:"original_filename,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Modified    time.Time         `json:"modified"`
}

func (i info) of(key string) blob.Info {
	return blob.Info{Key: key, Size: i.Size, SHA256: i.SHA256, ContentType: i.ContentType, Filename: i.Filename, Metadata: i.Metadata, Modified: i.Modified}
}

// read returns the info of an object.
func (s *Store) read(key string) (i info, err error) {
	text, err := s.root.ReadFile(key + infoSuffix)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return i, blob.NotFound(key)
	}
	if err != nil {
		return i, fmt.Errorf("object %s: %w", key, err)
	}
	if err := json.Unmarshal(text, &i); err != nil || i.Content != path.Base(i.Content) || !strings.HasPrefix(i.Content, path.Base(key)+"@") {
		return i, fmt.Errorf("%w %s: the file %s%s in the object directory cannot be read", blob.ErrCorrupt, key, key, infoSuffix)
	}
	return i, nil
}

// Stat implements blob.Store.
func (s *Store) Stat(ctx context.Context, key string) (blob.Info, error) {
	if err := check(ctx, key); err != nil {
		return blob.Info{}, err
	}
	i, err := s.read(key)
	return i.of(key), err
}

// Delete implements blob.Store. Directories that become empty are removed.
func (s *Store) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		if err := check(ctx, key); err != nil {
			return err
		}
		i, err := s.read(key)
		if errors.Is(err, content.ErrNotFound) {
			continue
		}
		// The object is gone with its info, also one that cannot be read.
		if err := s.remove(key + infoSuffix); err != nil {
			return fmt.Errorf("delete object %s: %w", key, err)
		}
		if err == nil {
			if err := s.remove(path.Join(path.Dir(key), i.Content)); err != nil {
				return fmt.Errorf("delete object %s: %w", key, err)
			}
		}
		if err := s.sync(path.Dir(key)); err != nil && !errors.Is(err, fs.ErrNotExist) { // another Delete removed it
			return fmt.Errorf("delete object %s: %w", key, err)
		}
		s.prune(path.Dir(key))
	}
	return nil
}

// remove removes a file that may be gone.
func (s *Store) remove(name string) error {
	if err := s.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// prune removes a directory and those above it while they are empty.
func (s *Store) prune(dir string) {
	for ; dir != "."; dir = path.Dir(dir) {
		if s.root.Remove(dir) != nil {
			return
		}
	}
}

// mkdir makes a directory and brings its name to the disk.
func (s *Store) mkdir(dir string) error {
	var missing []string
	for d := dir; d != "."; d = path.Dir(d) {
		if _, err := s.root.Stat(d); err == nil {
			break
		}
		missing = append(missing, d)
	}
	if len(missing) == 0 {
		return nil
	}
	if err := s.root.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, d := range missing {
		if err := s.sync(path.Dir(d)); err != nil {
			return err
		}
	}
	return nil
}

// sync brings the names in a directory to the disk, on systems that can.
func (s *Store) sync(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := s.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func check(ctx context.Context, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// full makes errors of a full disk such that a caller may try again later.
func full(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: there is no space left for objects; make room: %w", blob.ErrUnavailable, err)
	}
	return err
}

func newID() string { return strings.ToLower(rand.Text()) }
