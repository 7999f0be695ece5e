// Package asset keeps files: what they are called, what they hold, and their text.
//
// A connection that meets a file has the same work each time: tell whether it has
// changed, keep its bytes where they are found again, read its text without being
// brought down by it, and write down how that went, so that somebody who misses a
// document in the search can see why. And people who look for a file do not ask
// which connection brought it. Here a file is an [Asset], one Type that all
// connections share, and a [Keeper] fills in what it holds; how its text was read
// follows as an [ExtractionResult]. A connection declares both and gives assets:
//
//	Types: []*content.Type{tickets, asset.Type("helpdesk"), asset.ResultType("helpdesk")},
//
//	file, err := keeper.Keep(ctx, attachment, "", old)
//	row := &asset.Asset{Key: asset.Key("helpdesk", id), Source: "helpdesk", ParentKey: ticket, File: file}
//
// The source is the group of its assets, and their keys begin with it, so that no
// connection changes or deletes those of another. The bytes stand in an object store under their SHA-256, so that the same file is
// kept once and never changes; with content.Spec.History the record keeps its
// earlier versions, and each of them leads to the bytes and the text that it had.
package asset

//go:generate go test . -run TestMigrationFiles -update

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"path"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/extract"
)

// A File is what an [Asset] holds. Its text is Markdown. A record type of its own
// whose records are files may embed it, with the TextFormat content.FormatMarkdown
// and, for the places in long texts, a Document that calls [File.Document].
type File struct {
	Filename    string `db:"filename" content:"title" label:"File name"`
	ContentType string `db:"content_type" content:"category,facet" label:"Type of file"`
	Size        int64  `db:"size" content:"filter,sort,unindexed" label:"Bytes"`
	SHA256      string `db:"sha256" content:"filter,unindexed" label:"SHA-256"`
	ObjectKey   string `db:"object_key" content:"hidden,unindexed"` // of the bytes; "" when they are not kept
	Text        string `db:"text" content:"text"`
	Extraction
}

// An Extraction says how a file's text was read.
type Extraction struct {
	Extractor   string             `db:"extractor" content:"filter,unindexed" description:"What read the file's text, with its version."`
	Status      string             `db:"extraction_status" content:"facet" label:"Extraction" description:"ok, partial, empty, scanned, unsupported, encrypted, broken, too_large, timed_out or failed."`
	Quality     float64            `db:"quality" content:"unindexed" description:"How much the text looks like one, from 0 to 1."`
	Language    string             `db:"language" content:"facet"`
	Error       string             `db:"extraction_error" content:"unindexed" description:"Why there is no text, or what was left out."`
	StartedAt   *time.Time         `db:"extraction_started_at" content:"unindexed"`
	ExtractedAt *time.Time         `db:"extracted_at" content:"filter,unindexed" description:"When the text was read."`
	Locations   []content.Location `db:"locations" content:"hidden,unindexed"` // of pages, sheets and slides in the text
}

// Done reports whether the file need not be read again by an extractor: it has
// done so before, and not failed for a reason that may pass.
func (e Extraction) Done(by extract.Extractor) bool {
	if by == nil {
		return true
	}
	return e.Extractor == by.Name() && e.Status != "" && e.Status != string(extract.Failed) && e.Status != string(extract.TimedOut)
}

// Document is what is indexed of a record that is a file, for content.Spec.Document.
func (f File) Document() content.Document {
	d := content.Document{Text: f.Text, Locations: f.Locations, ContentType: f.ContentType, Filename: f.Filename}
	if f.Language != "" {
		d.Language = f.Language
	}
	return d
}

// maxError bounds what is written about a failure.
const maxError = 1000

// A Keeper keeps files and reads their texts. Its fields are set before the first
// call; it is safe for concurrent use.
type Keeper struct {
	Extractor extract.Extractor // nil: texts are not read
	Objects   blob.Store        // nil: bytes are not kept
	Prefix    string            // of the keys of objects, such as connectors.Input.ObjectPrefix
	MaxBytes  int64             // of a file whose bytes are kept; 0 is 1 GB
	Now       func() time.Time  // nil is time.Now
}

// Hash returns the SHA-256 of a file in lower-case hex. A file that has not as
// many bytes as it says is content.ErrInvalid.
func Hash(ctx context.Context, f extract.File) (string, error) {
	h := sha256.New()
	n, err := io.Copy(h, &patient{ctx, io.NewSectionReader(f.ReaderAt, 0, f.Size)})
	if err != nil {
		return "", fmt.Errorf("read %q: %w", f.Name, err)
	}
	if n != f.Size {
		return "", fmt.Errorf("%w: %q has %d bytes, %d were announced", content.ErrInvalid, f.Name, n, f.Size)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// patient ends reading with its context.
type patient struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	if p.ctx.Err() != nil {
		return 0, context.Cause(p.ctx)
	}
	return p.r.Read(b)
}

// Keep returns a file as it is to be stored. Old is the file as it is stored, or
// nil: what is unchanged is neither kept nor read again, and then the result is
// equal to it. Sum is its hash, or "" to compute it.
//
// A file whose text cannot be read is no error: the File says why. An error is one
// of reading the file, of the object store or of the context.
func (k Keeper) Keep(ctx context.Context, f extract.File, sum string, old *File) (File, error) {
	var err error
	if sum == "" {
		if sum, err = Hash(ctx, f); err != nil {
			return File{}, err
		}
	}
	name := path.Base(strings.ReplaceAll(f.Name, `\`, "/"))
	file := File{Filename: name, Size: f.Size, SHA256: sum}
	same := old != nil && old.SHA256 == sum && old.Size == f.Size
	if same {
		file.ContentType, file.ObjectKey = old.ContentType, old.ObjectKey
	}
	if k.Objects != nil && file.ObjectKey == "" {
		if file.ObjectKey, err = k.store(ctx, f, sum); err != nil {
			return File{}, err
		}
	}
	if same && old.Done(k.Extractor) {
		file.Text, file.Extraction = old.Text, old.Extraction
		return file, nil
	}
	file.ContentType = f.ContentType
	if k.Extractor == nil {
		file.ContentType = cmp.Or(file.ContentType, typeByName(name))
		return file, nil
	}
	return k.extract(ctx, f, file)
}

// extract reads the text.
func (k Keeper) extract(ctx context.Context, f extract.File, file File) (File, error) {
	now := k.Now
	if now == nil {
		now = time.Now
	}
	started := now().UTC().Truncate(time.Microsecond)
	r, err := k.Extractor.Extract(ctx, f)
	if ctx.Err() != nil {
		return File{}, context.Cause(ctx)
	}
	ended := now().UTC().Truncate(time.Microsecond)
	file.Extraction = Extraction{Extractor: k.Extractor.Name(), Status: string(extract.StatusOf(r, err)), StartedAt: &started, ExtractedAt: &ended}
	if err != nil {
		file.Error = cut(err.Error())
		file.ContentType = cmp.Or(f.ContentType, typeByName(file.Filename))
		return file, nil
	}
	file.Text, file.Locations = r.Text(), r.Locations()
	file.Quality, file.Language, file.Error = r.Quality, r.Language, cut(strings.Join(r.Notes, "; "))
	file.ContentType = cmp.Or(r.ContentType, f.ContentType, typeByName(file.Filename))
	return file, nil
}

func cut(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) > maxError {
		s = strings.ToValidUTF8(s[:maxError], "") + "…"
	}
	return s
}

func typeByName(name string) string {
	t, _, _ := strings.Cut(mime.TypeByExtension(strings.ToLower(path.Ext(name))), ";")
	return cmp.Or(t, "application/octet-stream")
}

// ObjectKey returns the key of an object below the prefix of an organization's
// connection. Its id is its SHA-256, so that the same bytes are kept once.
func ObjectKey(prefix, sum string) (string, error) {
	if len(sum) != 2*sha256.Size {
		return "", fmt.Errorf("%w: %.80q is no SHA-256 in hex", content.ErrInvalid, sum)
	}
	key := prefix + "/asset/" + sum
	return key, blob.CheckKey(key)
}

// store keeps the bytes, unless they are kept already.
func (k Keeper) store(ctx context.Context, f extract.File, sum string) (string, error) {
	if f.Size > cmp.Or(k.MaxBytes, 1<<30) {
		return "", nil
	}
	key, err := ObjectKey(k.Prefix, sum)
	if err != nil {
		return "", err
	}
	info, err := k.Objects.Stat(ctx, key)
	if err == nil && info.Size == f.Size {
		return key, nil
	}
	if err != nil && !errors.Is(err, content.ErrNotFound) {
		return "", fmt.Errorf("keep %q: %w", f.Name, err)
	}
	contentType := f.ContentType
	if _, _, err := mime.ParseMediaType(contentType); err != nil {
		contentType = ""
	}
	if _, err := k.Objects.Put(ctx, key, io.NewSectionReader(f.ReaderAt, 0, f.Size), blob.PutOptions{ContentType: contentType, Filename: f.Name, Size: f.Size, SHA256: sum}); err != nil {
		return "", fmt.Errorf("keep %q: %w", f.Name, err)
	}
	return key, nil
}
