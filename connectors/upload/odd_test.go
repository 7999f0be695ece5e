//go:build !race

package upload_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/upload"
	"github.com/curatore/curatore-go/content/database"
)

// half gives the first half of a file, and then fails.
type half struct{ text string }

func (h half) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > int64(len(h.text)/2) {
		return 0, errors.New("the disk is gone")
	}
	return strings.NewReader(h.text).ReadAt(p, off)
}

// What a preview says is what the import then does, on both databases, whatever the files
// are: new ones, other ones, the same under two names and in two archives, broken ones.
func TestPreviewIsWhatHappens(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			org := openOn(t, kind, upload.New(upload.Settings{Sync: true}))
			first := []connectors.File{file("same.txt", "same"), file("Same.txt", "same"), file("changed.txt", "old"), file("gone.txt", "gone"), file("deep/er/x.md", "# X"), file("empty.txt", ""), file("broken.pdf", "%PDF-1.4")}
			second := []connectors.File{file("same.txt", "same"), file("Same.txt", "same"), file("changed.txt", "new"), file("copy of same.txt", "same"), file("deep/er/x.md", "# X"), file("empty.txt", ""), file("broken.pdf", "%PDF-1.4"),
				zipped(t, "a.zip", "zip/a.txt", "a", "zip/ä.txt", "ä")}
			for n, files := range [][]connectors.File{first, first, second, second} {
				changes, err := upload.Preview(t.Context(), org, upload.Settings{Sync: true}, files...)
				if err != nil {
					t.Fatal(err)
				}
				said := map[upload.State]int64{}
				for _, change := range changes {
					said[change.State]++
				}
				r := add(t, org, connectors.Options{}, files...)
				did := r.Streams["asset"]
				got := map[upload.State]int64{upload.Added: did.Created, upload.Changed: did.Updated, upload.Unchanged: did.Unchanged, upload.Missing: did.Deleted, upload.Refused: did.Failed}
				for state, count := range got {
					if count == 0 {
						delete(got, state)
					}
				}
				if diff := cmp.Diff(said, got); diff != "" {
					t.Errorf("import %d: %s", n, diff)
				}
			}
		})
	}
}

// Archives are taken as they are packed anywhere.
func TestOddArchives(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	put := func(h zip.FileHeader, text string) {
		h.Method = zip.Deflate
		w, err := z.CreateHeader(&h)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	put(zip.FileHeader{Name: "twice.txt"}, "first")
	put(zip.FileHeader{Name: "twice.txt"}, "second")
	put(zip.FileHeader{Name: "B\x81cher.txt", NonUTF8: true}, "books")
	put(zip.FileHeader{Name: `folder\file.txt`}, "of Windows")
	put(zip.FileHeader{Name: "u\u0308ber.txt"}, "composed")
	put(zip.FileHeader{Name: "./here/./x.txt"}, "here")
	put(zip.FileHeader{Name: "__MACOSX/._here"}, "junk")
	put(zip.FileHeader{Name: "sub/.DS_Store"}, "junk")
	link := zip.FileHeader{Name: "link.txt"}
	link.SetMode(os.ModeSymlink | 0o777)
	put(link, "/etc/passwd")
	put(zip.FileHeader{Name: "nul\x00.txt"}, "no path")
	put(zip.FileHeader{Name: "inner.zip"}, "PK\x05\x06"+strings.Repeat("\x00", 18))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	org := open(t, upload.New())
	packed := b.String()
	for n := range 2 {
		r := add(t, org, connectors.Options{}, file("a.zip", packed))
		want := []string{"B_cher.txt", "folder/file.txt", "here/x.txt", "inner.zip", "twice.txt", "über.txt"}
		if diff := cmp.Diff(want, paths(t, org)); diff != "" {
			t.Error(diff)
		}
		var failures []string
		for _, f := range r.Failures {
			failures = append(failures, fmt.Sprint(f))
		}
		if c := r.Streams["asset"]; c.Failed != int64(len(failures)) || len(failures) < 2 || n == 1 && c.Created+c.Updated > 0 {
			t.Errorf("import %d: %+v, %v", n, *c, failures)
		}
	}
}

// A file that cannot be read to its end, or that has become another since its folder was
// listed, ends the import with its name, before anything is changed.
func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.txt", "gone.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("some text"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "sub"), 0o700), os.Symlink("..", filepath.Join(dir, "sub", "loop")), os.Symlink("/etc", filepath.Join(dir, "etc"))); err != nil {
		t.Fatal(err)
	}
	files, err := upload.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	org := open(t, upload.New(upload.Settings{Sync: true}))
	add(t, org, connectors.Options{}, files...)
	if err := errors.Join(os.Remove(filepath.Join(dir, "gone.txt")), os.Symlink("/etc/passwd", filepath.Join(dir, "gone.txt"))); err != nil {
		t.Fatal(err)
	}
	for message, unreadable := range map[string]connectors.File{
		"the disk is gone":         {Name: "half.txt", Size: 100, ReaderAt: half{strings.Repeat("x", 100)}},
		"path escapes from parent": files[1],
		"5 bytes came, 100 were":   {Name: "short.txt", Size: 100, ReaderAt: strings.NewReader("short")},
	} {
		run, err := org.Import(t.Context(), "upload", files[0], unreadable)
		if err == nil {
			_, err = run.Wait(t.Context())
		}
		if err == nil || !strings.Contains(err.Error(), unreadable.Name) || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v", unreadable.Name, err)
		}
		if diff := cmp.Diff([]string{"a.txt", "gone.txt"}, paths(t, org)); diff != "" {
			t.Error(diff)
		}
	}
}
