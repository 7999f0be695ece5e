package upload

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/asset"
	"github.com/curatore/curatore-go/content/blob"
	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/extract/local"
	"github.com/curatore/curatore-go/content/store"
)

// maxEntries bounds the files of one upload.
const maxEntries = 200_000

// inMemory is the size up to which a file is held in memory while it is read.
const inMemory = 16 << 20

// An entry is one file to be uploaded.
type entry struct {
	path   string
	source string // where it comes from, for people: the file, or the archive it is in
	file   connectors.File
	zipped *zip.File
	budget *extract.Budget // of all archives
	limit  int64
	err    error // why it cannot be taken
}

// entries are the files of an upload in the order of their paths.
type entries struct {
	all     []*entry
	skipped int // of archives: folders, and what file managers leave
	unsafe  int
}

// key returns the key of the entry's asset; "" when its path is not known.
func (e *entry) key() string {
	if e.path == "" {
		return ""
	}
	return asset.Key(asset.Upload, e.path)
}

// incomplete says why what is missing need not be gone.
func (e *entries) incomplete() string {
	if e.unsafe > 0 {
		return fmt.Sprintf("%d entries could not be taken, so that it is not known which files they are", e.unsafe)
	}
	return ""
}

func list(ctx context.Context, s Settings, files []connectors.File) (*entries, error) {
	list := &entries{}
	budget := extract.Limits{DecodedBytes: cmp.Or(s.MaxArchiveBytes, 4<<30)}.NewBudget()
	limit := cmp.Or(s.MaxFileBytes, 512<<20)
	for _, f := range files {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if !s.KeepArchives && isArchive(f) {
			if err := list.unpack(s, f, budget, limit); err != nil {
				return nil, err
			}
			continue
		}
		e := &entry{source: f.Name, file: f, limit: limit}
		e.path, e.err = cleanPath(path.Join(s.Folder, strings.ReplaceAll(f.Name, `\`, "/")))
		if e.err == nil && f.Name == "" {
			e.err = fmt.Errorf("%w: a file without a name", content.ErrInvalid)
		}
		list.add(e)
	}
	if len(list.all) > maxEntries {
		return nil, fmt.Errorf("%w: %d files; upload at most %d at once", content.ErrInvalid, len(list.all), maxEntries)
	}
	slices.SortStableFunc(list.all, func(a, b *entry) int { return cmp.Compare(a.path, b.path) })
	return list, nil
}

func (l *entries) add(e *entry) {
	if e.err != nil {
		e.path = ""
		l.unsafe++
	}
	l.all = append(l.all, e)
}

// smallestZip is the size of a zip archive without any file.
const smallestZip = 22

// isArchive reports whether a file is a zip that is no document.
func isArchive(f connectors.File) bool {
	if !strings.EqualFold(path.Ext(f.Name), ".zip") || f.ReaderAt == nil {
		return false
	}
	if f.Size < smallestZip { // cut short: as a file it would stand for all that was in it
		return true
	}
	t, err := local.ContentType(extract.File{Name: f.Name, Size: f.Size, ReaderAt: f.ReaderAt})
	return err != nil || t == "application/zip"
}

// unpack lists the files of an archive. Nothing is unpacked yet.
func (l *entries) unpack(s Settings, f connectors.File, budget *extract.Budget, limit int64) error {
	z, err := zip.NewReader(f.ReaderAt, f.Size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // paths are judged below, one by one
		return fmt.Errorf("%w: the archive %q cannot be read: %w", content.ErrInvalid, f.Name, err)
	}
	if len(z.File) > maxEntries {
		return fmt.Errorf("%w: the archive %q has %d entries; at most %d are taken", content.ErrInvalid, f.Name, len(z.File), maxEntries)
	}
	for _, zf := range z.File {
		name := strings.ReplaceAll(zf.Name, `\`, "/")
		if base := path.Base(name); strings.HasSuffix(name, "/") || strings.HasPrefix(name, "__MACOSX/") || base == ".DS_Store" || base == "Thumbs.db" {
			l.skipped++
			continue
		}
		e := &entry{source: f.Name, zipped: zf, budget: budget, limit: limit}
		if zf.NonUTF8 || !utf8.ValidString(name) {
			name = fromCP437(zf.Name)
		}
		switch {
		case !zf.Mode().IsRegular():
			e.err = fmt.Errorf("%w: the entry %.200q of the archive is a link or a device, and not taken", content.ErrInvalid, zf.Name)
		case zf.Flags&1 != 0:
			e.path, e.err = cleanPath(path.Join(s.Folder, name))
			if e.err == nil {
				e.err = fmt.Errorf("%w: the entry %.200q of the archive needs a password", content.ErrInvalid, zf.Name)
			}
		default:
			if _, e.err = cleanPath(name); e.err == nil {
				e.path, e.err = cleanPath(path.Join(s.Folder, name))
			}
		}
		l.add(e)
	}
	return nil
}

// fromCP437 keeps ASCII and replaces other bytes: what they meant depended on the
// machine.
func fromCP437(name string) string {
	b := []byte(strings.ReplaceAll(name, `\`, "/"))
	for i, c := range b {
		if c >= utf8.RuneSelf {
			b[i] = '_'
		}
	}
	return string(b)
}

// cleanPath returns a path as a key: relative, with slashes, composed, and inside
// of where it is put. Any other is content.ErrInvalid.
func cleanPath(name string) (string, error) {
	refuse := func(why string) (string, error) {
		return "", fmt.Errorf("%w path %.200q: %s", content.ErrInvalid, name, why)
	}
	switch {
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return refuse("it has characters that no path has")
	case strings.HasPrefix(name, "/") || len(name) > 1 && name[1] == ':':
		return refuse("it is not relative")
	case slices.Contains(strings.Split(name, "/"), ".."):
		return refuse("it leads out of its folder")
	}
	cleaned := norm.NFC.String(path.Clean(name))
	switch {
	case cleaned == "." || cleaned == "":
		return refuse("it names no file")
	case len(cleaned) > store.MaxValue:
		return refuse(fmt.Sprintf("it is longer than %d bytes", store.MaxValue))
	}
	return cleaned, nil
}

// open gives the bytes of an entry; done must be called behind them.
func (e *entry) open(ctx context.Context) (f extract.File, done func(), err error) {
	done = func() {}
	f = extract.File{Name: e.path}
	size := e.file.Size
	if e.zipped != nil {
		size = int64(min(e.zipped.UncompressedSize64, 1<<62)) //nolint:gosec // it is less than 1<<62
	}
	if size > e.limit {
		return f, done, fmt.Errorf("%w: it has %d bytes; max_file_bytes is %d", content.ErrInvalid, size, e.limit)
	}
	f.Size = size
	if e.zipped == nil {
		f.ContentType = e.file.ContentType
		f.ReaderAt = e.file.ReaderAt
		if size > inMemory {
			return f, done, nil
		}
		b := make([]byte, size)
		if n, err := f.ReadAt(b, 0); n < len(b) {
			return f, done, fmt.Errorf("read it: %w", cmp.Or(err, io.ErrUnexpectedEOF))
		}
		f.ReaderAt = bytes.NewReader(b)
		return f, done, nil
	}
	r, err := e.zipped.Open()
	if err != nil {
		return f, done, fmt.Errorf("unpack it: %w", err)
	}
	defer r.Close()                                                                                                    //nolint:errcheck // it was read, or has failed
	counted := e.budget.Reader(io.LimitReader(r, e.limit+1), e.zipped.Name, int64(e.zipped.CompressedSize64&^(1<<63))) //nolint:gosec // the sign is masked
	if size <= inMemory {
		b, err := io.ReadAll(counted)
		if err == nil && int64(len(b)) != size {
			err = fmt.Errorf("%w: it has %d bytes, and should have %d", content.ErrInvalid, len(b), size)
		}
		f.ReaderAt = bytes.NewReader(b)
		return f, done, err
	}
	temp, remove, err := (blob.Spill{}).Create()
	if err != nil {
		return f, done, err
	}
	done = func() { _ = remove() } // of what was only read
	n, err := io.Copy(temp, counted)
	if err == nil && n != size {
		err = fmt.Errorf("%w: it has %d bytes, and should have %d", content.ErrInvalid, n, size)
	}
	if err != nil || ctx.Err() != nil {
		done()
		return f, func() {}, cmp.Or(err, context.Cause(ctx))
	}
	f.ReaderAt = temp
	return f, done, nil
}
