package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/blobtest"
	"github.com/curatore/curatore-go/content/blob/dirblob"
)

// A liar is a store that gives what it likes in place of an object.
type liar struct {
	blob.Store
	gives func(data []byte) []byte
}

func (l liar) Get(ctx context.Context, key string, r blob.Range) (io.ReadCloser, blob.Info, error) {
	body, info, err := l.Store.Get(ctx, key, r)
	if err != nil {
		return nil, info, err
	}
	data, err := io.ReadAll(body)
	return io.NopCloser(bytes.NewReader(l.gives(data))), info, errors.Join(err, body.Close())
}

func newLiar(t *testing.T, data []byte, gives func([]byte) []byte) liar {
	t.Helper()
	s, err := dirblob.Open(t.TempDir(), dirblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.Put(t.Context(), "o/k", bytes.NewReader(data), blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	return liar{s, gives}
}

// A store that checks nothing cannot give other bytes than were stored, and
// nothing is left of them.
func TestOpenLocalChecks(t *testing.T) {
	data := blobtest.Random(1, 100_000)
	for name, gives := range map[string]func([]byte) []byte{
		"one bit":  func(b []byte) []byte { b[50_000] ^= 1; return b },
		"too few":  func(b []byte) []byte { return b[:99_999] },
		"nothing":  func([]byte) []byte { return nil },
		"too many": func(b []byte) []byte { return append(b, 0) },
	} {
		for _, known := range []string{"", blobtest.Sum(data)} {
			dir := t.TempDir()
			if _, err := blob.OpenLocal(t.Context(), newLiar(t, data, gives), "o/k", known, blob.Spill{Dir: dir}); !errors.Is(err, blob.ErrCorrupt) {
				t.Errorf("%s: %v, want blob.ErrCorrupt", name, err)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
				t.Errorf("%s: left are %v, %v", name, entries, err)
			}
		}
	}
}

// A local disk that is full is no fault of the object: it can be opened later.
func TestOpenLocalOnAFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a small disk cannot be made here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	small, large := blobtest.Random(2, 100_000), blobtest.Random(3, 2<<20)
	same := func(b []byte) []byte { return b }
	if _, err := blob.OpenLocal(t.Context(), newLiar(t, large, same), "o/k", "", blob.Spill{Dir: dir}); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("%v, want blob.ErrUnavailable", err)
	}
	f, err := blob.OpenLocal(t.Context(), newLiar(t, small, same), "o/k", "", blob.Spill{Dir: dir}) // there is room again
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
