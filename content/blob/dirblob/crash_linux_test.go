package dirblob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/blobtest"
	"github.com/curatore/curatore-go/content/blob/dirblob"
)

// files are all in a directory.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			all = append(all, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func read(s blob.Store, key string) ([]byte, error) {
	body, _, err := s.Get(context.Background(), key, blob.Range{})
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(body)
	return data, errors.Join(err, body.Close())
}

// Deleted objects leave no directories, and an object leaves two files.
func TestLayout(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.Put(t.Context(), "a/b/c", strings.NewReader("plain"), blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, path := range files(t, dir) {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
		if data, err := os.ReadFile(path); err != nil || !strings.HasSuffix(path, "@info") && string(data) != "plain" {
			t.Errorf("%s: %q, %v", path, data, err)
		}
	}
	if n := len(files(t, dir)); n != 2 {
		t.Errorf("%d files", n)
	}
	if err := s.Delete(t.Context(), "a/b/c"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left are %v, %v", entries, err)
	}
}

// What changed on the disk is seen, and never taken for an object's content.
func TestCorruption(t *testing.T) {
	for name, damage := range map[string]func(content, info string) error{
		"a bit":       func(c, _ string) error { return os.WriteFile(c, []byte("0123x56789"), 0o600) },
		"shorter":     func(c, _ string) error { return os.Truncate(c, 5) },
		"longer":      func(c, _ string) error { return os.Truncate(c, 50) },
		"gone":        func(c, _ string) error { return os.Remove(c) },
		"empty info":  func(_, i string) error { return os.Truncate(i, 0) },
		"elsewhere":   func(_, i string) error { return os.WriteFile(i, []byte(`{"content":"../../secret","size":6}`), 0o600) },
		"another key": func(_, i string) error { return os.WriteFile(i, []byte(`{"content":"d@x","size":6}`), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, filepath.Join(dir, "objects"))
			if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Put(t.Context(), "a/c", strings.NewReader("0123456789"), blob.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			var content, info string
			for _, path := range files(t, filepath.Join(dir, "objects")) {
				if strings.HasSuffix(path, "@info") {
					info = path
				} else {
					content = path
				}
			}
			if err := damage(content, info); err != nil {
				t.Fatal(err)
			}
			if _, err := read(s, "a/c"); !errors.Is(err, blob.ErrCorrupt) {
				t.Errorf("%v, want blob.ErrCorrupt", err)
			}
			if _, err := s.Copy(t.Context(), "a/c", "a/d"); err == nil {
				if _, err := read(s, "a/d"); !errors.Is(err, blob.ErrCorrupt) {
					t.Errorf("its copy: %v, want blob.ErrCorrupt", err)
				}
				if err := s.Delete(t.Context(), "a/d"); err != nil {
					t.Error(err)
				}
			}
			// It does not hide those behind it, nor stay when all below is deleted.
			if _, err := s.Put(t.Context(), "a/x", strings.NewReader("x"), blob.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			if n, err := blob.DeletePrefix(t.Context(), s, "a/"); n != 2 || err != nil {
				t.Errorf("%d were deleted, %v", n, err)
			}
			// Storing it again mends it.
			if _, err := s.Put(t.Context(), "a/c", strings.NewReader("again"), blob.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			if data, err := read(s, "a/c"); err != nil || string(data) != "again" {
				t.Errorf("%q, %v", data, err)
			}
			if err := s.Delete(t.Context(), "a/c"); err != nil {
				t.Error(err)
			}
		})
	}
}

// A link in the directory does not lead out of it, whatever is asked for.
func TestLinks(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	other, s := open(t, outside), open(t, dir)
	if _, err := other.Put(t.Context(), "a", strings.NewReader("secret"), blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	before := files(t, outside)
	for _, to := range []string{outside, filepath.Join("..", filepath.Base(filepath.Dir(outside)), filepath.Base(outside))} {
		link := filepath.Join(dir, "org")
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
		_, errPut := s.Put(t.Context(), "org/b", strings.NewReader("x"), blob.PutOptions{})
		_, errGet := read(s, "org/a")
		_, errStat := s.Stat(t.Context(), "org/a")
		_, errCopy := s.Copy(t.Context(), "org/a", "copy")
		for name, err := range map[string]error{"put": errPut, "get": errGet, "stat": errStat, "copy": errCopy, "delete": s.Delete(t.Context(), "org/a")} {
			if err == nil {
				t.Errorf("%s went through a link to %s", name, to)
			}
		}
		for info, err := range s.List(t.Context(), "", "") {
			t.Errorf("list went through a link: %+v, %v", info, err)
		}
		for info, err := range s.List(t.Context(), "org/", "") {
			if err == nil {
				t.Errorf("list below it went through a link: %+v", info)
			}
		}
		if n, err := s.Sweep(t.Context(), time.Now().Add(time.Hour)); n > 0 {
			t.Errorf("sweep went through a link: %d, %v", n, err)
		}
		if after := files(t, outside); !slices.Equal(before, after) {
			t.Errorf("outside were %v, and are %v", before, after)
		}
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
}

// Nor does a link in place of an object's content.
func TestLinkedContent(t *testing.T) {
	secret, dir := filepath.Join(t.TempDir(), "secret"), t.TempDir()
	s := open(t, dir)
	if err := os.WriteFile(secret, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "a", strings.NewReader("abcdefghij"), blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, path := range files(t, dir) {
		if strings.HasSuffix(path, "@info") {
			continue
		}
		if err := errors.Join(os.Remove(path), os.Symlink(secret, path)); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []blob.Range{{}, {Length: 5}} {
		if body, _, err := s.Get(t.Context(), "a", r); err == nil {
			t.Errorf("it is read through a link: %v", body.Close())
		}
	}
}

// A reader that panics leaves no file open, and what was there.
func TestPanic(t *testing.T) {
	s := open(t, t.TempDir())
	if _, err := s.Put(t.Context(), "a", strings.NewReader("before"), blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	opened := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	before := opened()
	for range 20 {
		func() {
			defer func() { _ = recover() }()
			_, _ = s.Put(t.Context(), "a", panics{}, blob.PutOptions{})
			t.Error("it returned")
		}()
	}
	if n := opened(); n > before+10 {
		t.Errorf("%d files are open, %d were before", n, before)
	}
	if data, err := read(s, "a"); err != nil || string(data) != "before" {
		t.Errorf("%q, %v", data, err)
	}
}

type panics struct{}

func (panics) Read([]byte) (int, error) { panic("as the test wants it") }

// TestMain lets the test's program be one that stores objects until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("DIRBLOB_TEST_WRITER"); dir != "" {
		write(dir)
	}
	os.Exit(m.Run())
}

func write(dir string) {
	s, err := dirblob.Open(dir, dirblob.Options{})
	if err != nil {
		panic(err)
	}
	for i := 0; ; i++ {
		data := blobtest.Random(uint64(i%5), 300_000)
		if _, err := s.Put(context.Background(), "o/shared", bytes.NewReader(data), blob.PutOptions{}); err != nil {
			panic(err)
		}
		if err := s.Delete(context.Background(), "o/other"); err != nil {
			panic(err)
		}
		if _, err := s.Copy(context.Background(), "o/shared", "o/other"); err != nil {
			panic(err)
		}
		if _, err := os.Stdout.WriteString("."); err != nil {
			panic(err)
		}
	}
}

// A process that is killed at any moment leaves each object whole or not there,
// and Sweep removes all that belongs to none.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	versions := map[string]bool{}
	for i := range 5 {
		versions[blobtest.Sum(blobtest.Random(uint64(i), 300_000))] = true
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for round := range 12 {
		cmd := exec.CommandContext(t.Context(), program)
		cmd.Env = append(os.Environ(), "DIRBLOB_TEST_WRITER="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, 1+round%4)); err != nil { // it works
			t.Fatal(err)
		}
		time.Sleep(time.Duration(round) * 700 * time.Microsecond) // anywhere in the next Put
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		s := open(t, dir)
		for _, key := range []string{"o/shared", "o/other"} {
			data, err := read(s, key)
			if errors.Is(err, content.ErrNotFound) && key == "o/other" {
				continue
			}
			if err != nil || !versions[blobtest.Sum(data)] {
				t.Fatalf("round %d: %s has %d bytes, %v", round, key, len(data), err)
			}
		}
	}
	s := open(t, dir)
	before := len(files(t, dir))
	if n, err := s.Sweep(t.Context(), time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("it removed %d files that may be in use, %v", n, err)
	}
	n, err := s.Sweep(t.Context(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files of no object", n)
	objects := 0
	for _, err := range s.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		objects++
	}
	if left := len(files(t, dir)); left != 2*objects || left != before-n {
		t.Errorf("%d files for %d objects; there were %d and %d were removed", left, objects, before, n)
	}
	if _, err := read(s, "o/shared"); err != nil {
		t.Error(err)
	}
}

// A disk that is full is an error that says so, and leaves what was there.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a small disk cannot be made here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s := open(t, dir)
	small, large := blobtest.Random(1, 100_000), blobtest.Random(2, 2<<20)
	if _, err := s.Put(t.Context(), "o/a", bytes.NewReader(small), blob.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	for range 3 { // nothing is left of the one before
		if _, err := s.Put(t.Context(), "o/a", bytes.NewReader(large), blob.PutOptions{}); !errors.Is(err, blob.ErrUnavailable) || !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("%v, want blob.ErrUnavailable", err)
		}
	}
	if data, err := read(s, "o/a"); err != nil || !bytes.Equal(data, small) {
		t.Errorf("%d bytes, %v", len(data), err)
	}
	if n := len(files(t, dir)); n != 2 {
		t.Errorf("%d files are left", n)
	}
	if _, err := s.Put(t.Context(), "o/b", bytes.NewReader(small), blob.PutOptions{}); err != nil {
		t.Error(err)
	}
}
