package asset_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/blob/dirblob"
	"github.com/curatore/curatore-go/content/extract"
)

func file(name, text string) extract.File {
	return extract.File{Name: name, Size: int64(len(text)), ReaderAt: strings.NewReader(text)}
}

// A reader gives the name of the file as its text, or an error.
type reader struct {
	name string
	err  error
	n    int
}

func (r *reader) Name() string { return r.name }

func (r *reader) Extract(_ context.Context, f extract.File) (*extract.Result, error) {
	r.n++
	return &extract.Result{Parts: []extract.Part{{Text: "text of " + f.Name}}}, r.err
}

func TestKeeper(t *testing.T) {
	objects, err := dirblob.Open(t.TempDir(), dirblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer objects.Close()
	r := &reader{name: "reader/1"}
	k := asset.Keeper{Extractor: r, Objects: objects, Prefix: "org/upload", Now: func() time.Time { return time.Unix(1e9, 0) }}
	first, err := k.Keep(t.Context(), file("in/a.txt", "abc"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if first.Filename != "a.txt" || first.Text != "text of in/a.txt" || first.Status != "ok" || first.Size != 3 || !strings.HasPrefix(first.ObjectKey, "org/upload/asset/ba7816bf") {
		t.Errorf("%+v", first)
	}
	body, _, err := objects.Get(t.Context(), first.ObjectKey, blob.Range{})
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if b, err := io.ReadAll(body); string(b) != "abc" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	// The same bytes are the same file, and are not read again.
	again, err := k.Keep(t.Context(), file("in/a.txt", "abc"), "", &first)
	if diff := cmp.Diff(first, again); diff != "" || err != nil || r.n != 1 {
		t.Error(diff, err, r.n)
	}
	// Another extractor reads them again, one that failed does too.
	r.name, r.err = "reader/2", errors.New("the server does not answer")
	failed, err := k.Keep(t.Context(), file("in/a.txt", "abc"), "", &first)
	if err != nil || failed.Status != "failed" || failed.Error != "the server does not answer" || failed.Text != "" {
		t.Errorf("%+v, %v", failed, err)
	}
	r.err = fmt.Errorf("%w: half of it", extract.ErrBroken)
	broken, err := k.Keep(t.Context(), file("in/a.txt", "abc"), "", &failed)
	if err != nil || broken.Status != "broken" || r.n != 3 {
		t.Errorf("%+v, %v", broken, err)
	}
	if _, err := k.Keep(t.Context(), file("in/a.txt", "abc"), "", &broken); err != nil || r.n != 3 {
		t.Errorf("a broken file is read again: %v", err)
	}
}

func TestKeeperWithoutAnything(t *testing.T) {
	f, err := asset.Keeper{}.Keep(t.Context(), file("a.csv", "x"), "", nil)
	if err != nil || f.ContentType != "text/csv" || f.ObjectKey != "" || f.Text != "" || len(f.SHA256) != 64 {
		t.Errorf("%+v, %v", f, err)
	}
	short := file("a.csv", "x")
	short.Size = 5
	if _, err := (asset.Keeper{}).Keep(t.Context(), short, "", nil); !errors.Is(err, content.ErrInvalid) {
		t.Error(err)
	}
	if _, err := asset.ObjectKey("org", "../x"); !errors.Is(err, content.ErrInvalid) {
		t.Error(err)
	}
}

// Again reads the bytes that were kept with another extractor, under the type that their
// source had named, and leaves alone what it cannot have.
func TestAgain(t *testing.T) {
	dir, err := dirblob.Open(t.TempDir(), dirblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	k := asset.Keeper{Extractor: &typed{name: "one/1"}, Objects: dir, Prefix: "acme/test"}
	text := strings.NewReader("Gr\xfc\xdfe")
	old, err := k.Keep(t.Context(), extract.File{Name: "a.txt", ContentType: "text/plain; charset=iso-8859-1", Size: text.Size(), ReaderAt: text}, "", nil)
	if err != nil || old.Text != "one/1 read text/plain; charset=iso-8859-1" {
		t.Fatal(old.Text, err)
	}
	if same, err := k.Again(t.Context(), old); err != nil || same.Text != old.Text {
		t.Error(same, err)
	}
	k.Extractor = &typed{name: "two/1"}
	if again, err := k.Again(t.Context(), old); err != nil || again.Text != "two/1 read text/plain; charset=iso-8859-1" || again.Extractor != "two/1" || again.SHA256 != old.SHA256 {
		t.Errorf("%+v, %v", again, err)
	}
	row, err := k.AgainOf(t.Context(), &asset.Asset{Key: "test:a", File: old, Details: asset.Details(`{"b": 1, "a": "x"}`)})
	if a, ok := row.(*asset.Asset); err != nil || !ok || a.Extractor != "two/1" || string(a.Details) != `{"a":"x","b":1}` {
		t.Errorf("%+v, %v", row, err)
	}
	if err := dir.Delete(t.Context(), old.ObjectKey); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Again(t.Context(), old); !errors.Is(err, content.ErrNotFound) {
		t.Error(err)
	}
	if row, err := k.AgainOf(t.Context(), &asset.Asset{Key: "test:a", File: old}); row != nil || err != nil {
		t.Error(row, err)
	}
}

// typed says what it was given.
type typed struct{ name string }

func (r *typed) Name() string { return r.name }

func (r *typed) Extract(_ context.Context, f extract.File) (*extract.Result, error) {
	return &extract.Result{ContentType: "text/plain", Parts: []extract.Part{{Text: r.name + " read " + f.ContentType}}, Quality: 1}, nil
}
