package upload_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/upload"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/curatore"
)

func file(name, text string) connectors.File {
	return connectors.File{Name: name, Size: int64(len(text)), ReaderAt: strings.NewReader(text)}
}

// zipped makes an archive of names and texts in turn.
func zipped(t testing.TB, name string, entries ...string) connectors.File {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		w, err := z.Create(entries[i])
		if err == nil {
			_, err = io.WriteString(w, entries[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return file(name, b.String())
}

func open(t *testing.T, connection *connectors.Connection) *curatore.Organization {
	t.Helper()
	return openOn(t, database.SQLite, connection)
}

func openOn(t *testing.T, kind string, connection *connectors.Connection) *curatore.Organization {
	t.Helper()
	c, err := curatore.Open(t.Context(), curatore.Config{Database: databasetest.DSN(t, kind)}, connection)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	org, err := c.Organization(t.Context(), "acme", "test")
	if err != nil {
		t.Fatal(err)
	}
	return org
}

func add(t *testing.T, org *curatore.Organization, options connectors.Options, files ...connectors.File) *connectors.Result {
	t.Helper()
	run, err := org.ImportWith(t.Context(), "upload", options, files...)
	if err != nil {
		t.Fatal(err)
	}
	result, err := run.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func paths(t *testing.T, org *curatore.Organization) (paths []string) {
	t.Helper()
	page, err := org.List(t.Context(), "asset", curatore.ListQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range page.Items {
		paths = append(paths, i.Fields["path"].(string))
	}
	slices.Sort(paths)
	return paths
}

func TestSync(t *testing.T) {
	org := open(t, upload.New(upload.Settings{Sync: true}))
	add(t, org, connectors.Options{}, file("a.txt", "a"), file("b.txt", "b"), file("c.txt", "c"))
	r := add(t, org, connectors.Options{DryRun: true}, file("a.txt", "other"), file("b.txt", "b"), file("d.txt", "d"))
	if n := *r.Streams["asset"]; n.Created != 1 || n.Updated != 1 || n.Unchanged != 1 || n.Deleted != 1 {
		t.Errorf("the dry run counts %+v", n)
	}
	if diff := cmp.Diff([]string{"a.txt", "b.txt", "c.txt"}, paths(t, org)); diff != "" {
		t.Error("a dry run has changed something:", diff)
	}
	// Losing most of the files is more likely a mistake than a wish.
	r = add(t, org, connectors.Options{}, file("a.txt", "a"))
	if n := *r.Streams["asset"]; n.Deleted != 0 || n.Note == "" {
		t.Errorf("a sync of one file in three: %+v", n)
	}
	add(t, org, connectors.Options{}, file("a.txt", "a"), file("c.txt", "c"))
	if diff := cmp.Diff([]string{"a.txt", "c.txt"}, paths(t, org)); diff != "" {
		t.Error(diff)
	}
	// An entry whose name is not known may be any of those that are missing.
	add(t, org, connectors.Options{}, zipped(t, "x.zip", "a.txt", "a", "../../c.txt", "c"))
	if diff := cmp.Diff([]string{"a.txt", "c.txt"}, paths(t, org)); diff != "" {
		t.Error(diff)
	}
}

func TestPreview(t *testing.T) {
	org := open(t, upload.New())
	add(t, org, connectors.Options{}, file("a.txt", "a"), file("b.txt", "b"), file("c.txt", "c"))
	changes, err := upload.Preview(t.Context(), org, upload.Settings{MaxFileBytes: 10}, file("a.txt", "a"), file("b.txt", "other"), file("d.txt", "d"), file("e.txt", "much too long"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range changes {
		got = append(got, string(c.State)+" "+c.Path)
	}
	if diff := cmp.Diff([]string{"unchanged a.txt", "changed b.txt", "new d.txt", "refused e.txt", "missing c.txt"}, got); diff != "" {
		t.Error(diff)
	}
}

// An archive and the folder that it was made of give the same assets.
func TestArchives(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "in", ".git"), 0o700), os.WriteFile(filepath.Join(dir, "in", "a.txt"), []byte("a"), 0o600),
		os.WriteFile(filepath.Join(dir, "b.md"), []byte("b"), 0o600), os.WriteFile(filepath.Join(dir, "in", ".git", "x"), nil, 0o600), os.Symlink("/etc/passwd", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	files, err := upload.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	org := open(t, upload.New())
	add(t, org, connectors.Options{}, files...)
	if diff := cmp.Diff([]string{"b.md", "in/a.txt"}, paths(t, org)); diff != "" {
		t.Error(diff)
	}
	r := add(t, org, connectors.Options{}, zipped(t, "x.zip", "in/", "", "in/a.txt", "a", "b.md", "b", "__MACOSX/b.md", "junk"))
	if n := *r.Streams["asset"]; n.Seen != 2 || n.Unchanged != 2 {
		t.Errorf("%+v", n)
	}
}

// A reader counts what it is given.
type counting struct {
	extract.Extractor
	calls []string
}

func (c *counting) Name() string { return "counting/1" }

func (c *counting) Extract(_ context.Context, f extract.File) (*extract.Result, error) {
	c.calls = append(c.calls, f.Name)
	if strings.Contains(f.Name, "busy") && len(c.calls) < 3 {
		return nil, errors.New("the sidecar does not answer")
	}
	return &extract.Result{Parts: []extract.Part{{Kind: extract.Page, Number: 1, Text: "text"}, {Kind: extract.Page, Number: 2, Text: "more"}}}, nil
}

// A file is read once, unless its bytes change or the reader failed for a reason
// that may pass.
func TestFilesAreReadOnce(t *testing.T) {
	reader := &counting{}
	org := open(t, upload.New(upload.Settings{Extractor: reader}))
	for range 3 {
		add(t, org, connectors.Options{}, file("a.txt", "a"), file("busy.txt", "b"))
	}
	if diff := cmp.Diff([]string{"a.txt", "busy.txt", "busy.txt"}, reader.calls); diff != "" {
		t.Error(diff)
	}
	page, err := org.List(t.Context(), "asset", curatore.ListQuery{Keyword: "busy"})
	if err != nil {
		t.Fatal(err)
	}
	item, err := org.Get(t.Context(), "asset", page.Items[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if item.Fields["extraction_status"] != "ok" || len(item.Children["extractions"]) != 1 {
		t.Errorf("%+v", item)
	}
	result, err := org.Text(t.Context(), "extraction_result", item.Children["extractions"][0].ID)
	if err != nil || result != "text\n\nmore" {
		t.Errorf("%q, %v", result, err)
	}
}

func TestSettings(t *testing.T) {
	for _, s := range []upload.Settings{{Folder: "../x"}, {Folder: "/x"}, {Folder: "a", Sync: true}, {MaxFileBytes: -1}} {
		if err := s.Validate(); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}
