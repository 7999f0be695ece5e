package local

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/ledongthuc/pdf"

	"github.com/curatore/curatore-go/content/extract"
)

// readPDF reads the pages in order. A page that cannot be read is noted.
func readPDF(ctx context.Context, r *reading) error {
	source, size, err := r.pdfSource()
	if err != nil {
		return err
	}
	if err := r.inflatable(ctx, source, size); err != nil {
		return err
	}
	doc, err := pdf.NewReader(source, size)
	if err != nil {
		if errors.Is(err, pdf.ErrInvalidPassword) || strings.Contains(err.Error(), "encrypt") {
			return fmt.Errorf("%w: it needs a password, or is encrypted in a way that is not known: %w", extract.ErrEncrypted, err)
		}
		return fmt.Errorf("%w: %w", extract.ErrBroken, err)
	}
	if lock := doc.Trailer().Key("Encrypt"); lock.Kind() == pdf.Dict {
		bits := max(lock.Key("Length").Int64(), 40)
		if v := lock.Key("V").Int64(); v == 1 || v == 2 && bits < 88 { // the library takes too much of its short keys
			return fmt.Errorf("%w: it is encrypted with a key of %d bits, as was usual before 2001", extract.ErrEncrypted, bits)
		}
	}
	r.pdfProperties(doc.Trailer().Key("Info"))
	pages, err := r.pdfPages(ctx, doc)
	if err != nil {
		return err
	}
	r.metadata["pages"] = strconv.Itoa(len(pages))
	var pictures, silent, bytes int
	fonts := map[string]*pdfFont{}
	for i, p := range pages {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if i == r.limits.Pages {
			r.note("only the first %d of %d pages were read", i, len(pages))
			break
		}
		t := &pdfText{ctx: ctx, fonts: fonts, ctm: identity, operations: maxOperations}
		if err := t.read(p); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			r.note("page %d cannot be read in full: %v", i+1, err)
		}
		text := layout(t.spans)
		if strings.TrimSpace(text) == "" {
			silent++
			if t.images > 0 {
				pictures++
			}
		}
		r.add(extract.Page, i+1, "", text)
		if bytes += len(text); int64(bytes) > r.limits.TextBytes {
			break
		}
	}
	r.result.Scanned = pictures > 0 && silent*2 > len(pages)
	if pictures > 0 && !r.result.Scanned {
		r.note("%d of %d pages hold pictures without text", pictures, len(pages))
	}
	return nil
}

// pdfSource gives the file as the library wants it: with a header of its liking
// at the first byte, and nothing behind the end.
func (r *reading) pdfSource() (io.ReaderAt, int64, error) {
	head, tail := make([]byte, min(r.Size, 1100)), make([]byte, min(r.Size, 64<<10))
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, err
	}
	if _, err := r.ReadAt(tail, r.Size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, err
	}
	from := int64(max(bytes.Index(head, []byte("%PDF-")), 0))
	end := bytes.LastIndex(tail, []byte("%%EOF"))
	if end < 0 {
		return nil, 0, fmt.Errorf("%w: the PDF has no end; it was cut short", extract.ErrBroken)
	}
	size := r.Size - int64(len(tail)) + int64(end) + 5 - from
	if size < 100 {
		return nil, 0, fmt.Errorf("%w: a PDF of %d bytes", extract.ErrBroken, size)
	}
	return pdfFile{r.ReaderAt, from}, size, nil
}

type pdfFile struct {
	io.ReaderAt
	from int64
}

var pdfHeader = []byte("%PDF-1.7\n")

// ReadAt implements io.ReaderAt.
func (f pdfFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.ReaderAt.ReadAt(p, off+f.from)
	if off >= 0 && off < int64(len(pdfHeader)) {
		copy(p[:n], pdfHeader[off:])
	}
	return n, err
}

// inflatable unpacks each packed stream within the limits and throws away what
// comes out: the library reads streams in full, whatever their size. A stream
// that is packed twice is refused by what it gives the second time.
func (r *reading) inflatable(ctx context.Context, source io.ReaderAt, size int64) error {
	if size > r.limits.DecodedBytes*4 {
		return fmt.Errorf("%w: a PDF of %d bytes", extract.ErrTooLarge, size)
	}
	const window = 1 << 20
	mark := []byte("stream")
	buf := make([]byte, window+16)
	for at := int64(0); at < size; at += window {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := source.ReadAt(buf[:min(int64(len(buf)), size-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		for i := 0; ; {
			k := bytes.Index(buf[i:n], mark)
			if k < 0 || i+k >= window {
				break
			}
			i += k + len(mark)
			begin := i
			for begin < n && (buf[begin] == '\r' || buf[begin] == '\n') && begin < i+2 {
				begin++
			}
			if begin == i || begin+2 > n || buf[begin]&0x0f != 8 || (int(buf[begin])<<8|int(buf[begin+1]))%31 != 0 {
				continue // "endstream", or not packed by zlib
			}
			if err := r.inflate(source, at+int64(begin), size); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxLayers is how often a stream may be packed.
const maxLayers = 3

func (r *reading) inflate(source io.ReaderAt, at, size int64) error {
	var packed io.Reader = io.NewSectionReader(source, at, size-at)
	for layer := range maxLayers {
		z, err := zlib.NewReader(packed)
		if err != nil {
			return nil // the library will say so
		}
		counted := r.budget.Reader(z, "a stream", 0)
		two := make([]byte, 2)
		if _, err := io.ReadFull(counted, two); err == nil && two[0]&0x0f == 8 && (int(two[0])<<8|int(two[1]))%31 == 0 && layer < maxLayers-1 {
			packed = io.MultiReader(bytes.NewReader(two), counted)
			continue
		}
		if _, err = io.Copy(io.Discard, counted); errors.Is(err, extract.ErrTooLarge) {
			return err
		}
		return nil
	}
	return nil
}

// pdfProperties reads what the document says of itself.
func (r *reading) pdfProperties(info pdf.Value) {
	defer func() { _ = recover() }() // a broken value is none
	r.result.Created, r.result.Modified = pdfTime(info.Key("CreationDate").RawString()), pdfTime(info.Key("ModDate").RawString())
	r.result.Title, r.result.Author = info.Key("Title").Text(), info.Key("Author").Text()
	for _, k := range []string{"Subject", "Keywords", "Creator", "Producer"} {
		r.metadata[strings.ToLower(k)] = info.Key(k).Text()
	}
}

// pdfTime reads "D:20260131150405+01'00'".
func pdfTime(s string) time.Time {
	s = strings.ReplaceAll(strings.TrimPrefix(s, "D:"), "'", "")
	for _, layout := range []string{"20060102150405-0700", "20060102150405Z0700", "20060102150405", "20060102"} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 1900 && t.Year() <= 9999 {
			return t.UTC()
		}
	}
	return time.Time{}
}

// A pdfPage is a page with what it inherits.
type pdfPage struct {
	page      pdf.Value
	resources pdf.Value
}

// pdfPages walks through the tree of pages, which may be built in a circle.
func (r *reading) pdfPages(ctx context.Context, doc *pdf.Reader) (pages []pdfPage, err error) {
	nodes := 0
	var walk func(v, resources pdf.Value, depth int) error
	walk = func(v, resources pdf.Value, depth int) error {
		if nodes++; nodes > 10*r.limits.Pages || depth > 60 {
			return fmt.Errorf("%w: more than %d nodes in the tree of pages", extract.ErrTooLarge, 10*r.limits.Pages)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if own := v.Key("Resources"); own.Kind() == pdf.Dict {
			resources = own
		}
		kids := v.Key("Kids")
		if kids.Kind() != pdf.Array {
			if v.Kind() == pdf.Dict {
				pages = append(pages, pdfPage{v, resources})
			}
			return nil
		}
		for i := range kids.Len() {
			if err := walk(kids.Index(i), resources, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	root := doc.Trailer().Key("Root").Key("Pages")
	if root.Kind() != pdf.Dict {
		return nil, fmt.Errorf("%w: the PDF has no pages", extract.ErrBroken)
	}
	return pages, walk(root, pdf.Value{}, 0)
}
