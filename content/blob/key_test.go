package blob_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/blobtest"
)

func TestKey(t *testing.T) {
	key, err := blob.Key("01990000-0000-7000-8000-000000000000", "salesforce", "imports", "0199", "0")
	if err != nil || key != "01990000-0000-7000-8000-000000000000/salesforce/imports/0199/0" {
		t.Errorf("%q, %v", key, err)
	}
	for _, parts := range [][]string{{}, {""}, {"a", ""}, {"a", "b/c"}, {"a", ".."}, {"A"}, {"a", "x.pdf/.."}} {
		if key, err := blob.Key(parts...); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%q: %q, %v", parts, key, err)
		}
	}
	for _, key := range []string{"a", "a/b", "0/1.2-3_4", "a..b", strings.Repeat("a", 128), strings.Repeat("ab/", 299) + "abc"} {
		if err := blob.CheckKey(key); err != nil {
			t.Error(err)
		}
	}
}

// What is a key stays below its directory, is one path on all systems, and has no
// other spelling.
func FuzzCheckKey(f *testing.F) {
	for _, key := range append(blobtest.BadKeys(), "a", "a/b", "a.b/c-d_e") {
		f.Add(key)
	}
	root, err := os.OpenRoot(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = root.Close() })
	f.Fuzz(func(t *testing.T, key string) {
		if blob.CheckKey(key) != nil {
			return
		}
		if !fs.ValidPath(key) || !filepath.IsLocal(key) || filepath.Clean(key) != filepath.FromSlash(key) || strings.ToLower(key) != key ||
			strings.ContainsAny(key, "@\\:%?#*\x00 ") || len(key) > blob.MaxKey {
			t.Errorf("the key %q is dangerous", key)
		}
		if err := blob.CheckPrefix(key + "/"); err != nil {
			t.Error(err)
		}
		if _, err := root.Stat(key); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", key, err)
		}
		if made, err := blob.Key(strings.Split(key, "/")...); err != nil || made != key {
			t.Errorf("%q: %q, %v", key, made, err)
		}
	})
}

func TestCleanFilename(t *testing.T) {
	for name, want := range map[string]string{
		"":                          "",
		"a.csv":                     "a.csv",
		`C:\My Files\Übersicht.csv`: "Übersicht.csv",
		"../../etc/passwd":          "passwd",
		"a/":                        "",
		"a\r\nSet-Cookie: x.csv":    "aSet-Cookie: x.csv",
		"in\u202Exslx.exe":          "inxslx.exe",
		"\xff\xfebad.csv":           "bad.csv",
		strings.Repeat("é", 200):    strings.Repeat("é", 127),
		" spaces .csv ":             "spaces .csv",
	} {
		if got := blob.CleanFilename(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// A file name never leads out of a header, and what is escaped comes back.
func FuzzFilename(f *testing.F) {
	f.Add("a\r\nb")
	f.Add("../é%2e\x00")
	f.Fuzz(func(t *testing.T, name string) {
		clean := blob.CleanFilename(name)
		if len(clean) > 255 || strings.ContainsAny(clean, "/\\\r\n\x00") || blob.CleanFilename(clean) != clean {
			t.Errorf("%q became %q", name, clean)
		}
		escaped := blob.EscapeMetadata(clean)
		for i := range len(escaped) {
			if escaped[i] <= ' ' || escaped[i] > '~' {
				t.Errorf("%q is escaped as %q", clean, escaped)
			}
		}
		if got := blob.UnescapeMetadata(escaped); got != clean {
			t.Errorf("%q came back as %q", clean, got)
		}
		if _, err := (blob.PutOptions{Filename: name}).Check(); err != nil {
			t.Errorf("%q is refused: %v", name, err)
		}
	})
}
