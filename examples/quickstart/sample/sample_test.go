package sample_test

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
	"github.com/curatore/curatore-go/examples/quickstart/sample"
)

// file is an entry of a zip, unpacked.
type file struct {
	Name     string
	Modified string
	Content  string
}

// The embedded parts are what go generate writes. Entries are compared
// unpacked: another release of Go may pack the same content otherwise.
func TestFilesAreGenerated(t *testing.T) {
	parts, _, err := salesforcetest.Parts(salesforcetest.Sample())
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(sample.Files, "*")
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	var want []string
	for _, p := range parts {
		want = append(want, p.Name)
		data, err := sample.Files.ReadFile(p.Name)
		if err != nil {
			t.Fatalf("%v: run go generate", err)
		}
		size += len(data)
		if d := cmp.Diff(unpack(t, p.Data), unpack(t, data)); d != "" {
			t.Errorf("%s differs, run go generate: %s", p.Name, d)
		}
		f, err := sample.Files.Open(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := f.(io.ReaderAt); !ok {
			t.Errorf("%s is no io.ReaderAt", p.Name)
		}
	}
	if d := cmp.Diff(want, names); d != "" {
		t.Error(d)
	}
	if size > 150_000 {
		t.Errorf("the sample has %d bytes", size)
	}
}

func unpack(t *testing.T, data []byte) (files []file) {
	t.Helper()
	zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range zr.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file{f.Name, f.Modified.UTC().String(), string(content)})
	}
	return files
}
