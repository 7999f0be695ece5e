package blob_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/blobtest"
)

func TestVerify(t *testing.T) {
	data := blobtest.Random(1, 10_000)
	info := blob.Info{Key: "o/k", Size: int64(len(data)), SHA256: blobtest.Sum(data)}
	changed := bytes.Clone(data)
	changed[5000] ^= 1
	for name, c := range map[string]struct {
		data []byte
		info blob.Info
		want error
	}{
		"whole":        {data, info, nil},
		"without hash": {data, blob.Info{Key: "o/k", Size: info.Size}, nil},
		"short":        {data[:9999], info, blob.ErrCorrupt},
		"empty":        {nil, info, blob.ErrCorrupt},
		"long":         {append(bytes.Clone(data), 0), info, blob.ErrCorrupt},
		"one bit":      {changed, info, blob.ErrCorrupt},
	} {
		for kind, r := range map[string]io.Reader{"plain": bytes.NewReader(c.data), "bytes": iotest.OneByteReader(bytes.NewReader(c.data)), "with EOF": iotest.DataErrReader(bytes.NewReader(c.data))} {
			if _, err := io.ReadAll(blob.Verify(r, c.info)); !errors.Is(err, c.want) {
				t.Errorf("%s, %s: %v, want %v", name, kind, err, c.want)
			}
		}
	}
}

func TestRange(t *testing.T) {
	for _, c := range []struct {
		r              blob.Range
		size           int64
		offset, length int64
		want           error
	}{
		{blob.Range{}, 0, 0, 0, nil},
		{blob.Range{}, 5, 0, 5, nil},
		{blob.Range{Offset: 2}, 5, 2, 3, nil},
		{blob.Range{Offset: 4, Length: 1 << 62}, 5, 4, 1, nil},
		{blob.Range{Offset: 5}, 5, 0, 0, content.ErrInvalid},
		{blob.Range{Length: 1}, 0, 0, 0, content.ErrInvalid},
		{blob.Range{Offset: -1}, 5, 0, 0, content.ErrInvalid},
	} {
		offset, length, err := c.r.Resolve("k", c.size)
		if offset != c.offset || length != c.length || !errors.Is(err, c.want) {
			t.Errorf("%+v of %d: %d, %d, %v", c.r, c.size, offset, length, err)
		}
	}
}

// The sweep removes copies that are a day old, and nothing else.
func TestSpillSweep(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"curatore-spill-1", "curatore-spill-2", "other"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	if err := os.Chtimes(filepath.Join(dir, "curatore-spill-1"), now, now.Add(-25*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if n, err := (blob.Spill{Dir: dir}).Sweep(now); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := (blob.Spill{Dir: dir}).Sweep(now.Add(48 * time.Hour)); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "other")); err != nil {
		t.Error(err)
	}
	if n, err := (blob.Spill{Dir: filepath.Join(dir, "none")}).Sweep(now); n != 0 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
