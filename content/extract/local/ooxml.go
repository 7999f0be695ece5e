package local

import (
	"archive/zip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"golang.org/x/net/html/charset"

	"github.com/curatore/curatore-go/content/extract"
)

// An archive is the zip that an Office document is.
type archive struct {
	*reading
	files map[string]*zip.File // by name in lower case
}

// open reads the directory of the zip.
func (r *reading) open() (*archive, error) {
	z, err := zip.NewReader(r.ReaderAt, r.Size)
	if err != nil {
		return nil, fmt.Errorf("%w: its zip directory cannot be read: %w", extract.ErrBroken, err)
	}
	if len(z.File) > r.limits.Entries {
		return nil, fmt.Errorf("%w: it has %d entries; the limit is %d", extract.ErrTooLarge, len(z.File), r.limits.Entries)
	}
	a := &archive{reading: r, files: make(map[string]*zip.File, len(z.File))}
	for _, f := range z.File {
		if f.Flags&1 != 0 {
			return nil, fmt.Errorf("%w: %q in it needs a password", extract.ErrEncrypted, f.Name)
		}
		a.files[strings.ToLower(strings.TrimPrefix(f.Name, "/"))] = f
	}
	return a, nil
}

// xml opens a file of the archive; nil when it is not there.
func (a *archive) xml(ctx context.Context, name string) (*xmlReader, error) {
	f := a.files[strings.ToLower(name)]
	if f == nil {
		return nil, nil
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %q: %w", extract.ErrBroken, name, err)
	}
	d := xml.NewDecoder(&plainXML{r: a.budget.Reader(r, name, int64(f.CompressedSize64))})
	d.CharsetReader = charset.NewReaderLabel
	return &xmlReader{ctx: ctx, d: d, name: name, max: a.limits.Depth, close: r.Close}, nil
}

// plainXML replaces control characters by blanks. No XML may have them, and
// programs write them all the same. UTF-16, where they are halves of characters, is
// left alone.
type plainXML struct {
	r     io.Reader
	begun bool
	wide  bool
}

// Read implements io.Reader.
func (p *plainXML) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if !p.begun && n > 0 {
		p.begun, p.wide = true, b[0] >= 0xfe || b[0] == 0 || n > 1 && b[1] == 0
	}
	if p.wide {
		return n, err
	}
	for i, c := range b[:n] {
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			b[i] = ' '
		}
	}
	return n, err
}

// each reads a file of the archive, and does something with each element below
// its root; it does nothing when there is no such file.
func (a *archive) each(ctx context.Context, name string, do func(x *xmlReader, e xml.StartElement) error) error {
	x, err := a.xml(ctx, name)
	if x == nil || err != nil {
		return err
	}
	defer x.close() //nolint:errcheck // reading is over
	return x.root(func(e xml.StartElement) error { return do(x, e) })
}

// A relation is what a document says about another one that it needs.
type relation struct{ kind, target string }

// relations reads those of a file of the archive, or with "" of the archive, by id.
// Targets in the archive are full names.
func (a *archive) relations(ctx context.Context, name string) (map[string]relation, error) {
	all := map[string]relation{}
	dir, base := path.Split(name)
	err := a.each(ctx, dir+"_rels/"+base+".rels", func(x *xmlReader, e xml.StartElement) error {
		target := attr(e, "Target")
		if attr(e, "TargetMode") != "External" {
			if strings.HasPrefix(target, "/") {
				target = strings.TrimPrefix(target, "/")
			} else {
				target = path.Join(dir, target)
			}
		}
		all[attr(e, "Id")] = relation{path.Base(attr(e, "Type")), target}
		return x.skip()
	})
	return all, err
}

// main returns the name of the document itself, which mostly is the usual one.
func (a *archive) main(ctx context.Context, usual string) (string, error) {
	if a.files[usual] != nil {
		return usual, nil
	}
	relations, err := a.relations(ctx, "")
	for _, r := range relations {
		if r.kind == "officeDocument" {
			return r.target, err
		}
	}
	return usual, err
}

// properties reads what the document says of itself.
func (a *archive) properties(ctx context.Context) error {
	return a.each(ctx, "docProps/core.xml", func(x *xmlReader, e xml.StartElement) error {
		text, err := x.text()
		text = strings.TrimSpace(text)
		switch e.Name.Local {
		case "title":
			a.result.Title = text
		case "creator":
			a.result.Author = text
		case "created":
			a.result.Created = timeOf(text)
		case "modified":
			a.result.Modified = timeOf(text)
		case "subject", "keywords", "description", "category", "lastModifiedBy":
			a.metadata[strings.ToLower(e.Name.Local)] = text
		}
		return err
	})
}

// timeOf reads a time of the document's properties; what is none, or no year of
// four digits, is no time.
func timeOf(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Year() < 1900 || t.Year() > 9999 {
		return time.Time{}
	}
	return t.UTC()
}

// An xmlReader reads XML element by element, in bounded memory. References to
// entities other than the five of XML are errors.
type xmlReader struct {
	ctx    context.Context
	d      *xml.Decoder
	name   string
	depth  int
	max    int
	tokens int
	close  func() error
}

func (x *xmlReader) token() (xml.Token, error) {
	if x.tokens++; x.tokens%1024 == 0 && x.ctx.Err() != nil {
		return nil, context.Cause(x.ctx)
	}
	t, err := x.d.Token()
	if err != nil {
		if errors.Is(err, extract.ErrTooLarge) {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %s: %w", extract.ErrBroken, x.name, err)
	}
	switch t.(type) {
	case xml.StartElement:
		if x.depth++; x.depth > x.max {
			return nil, fmt.Errorf("%w: the elements of %s are more than %d deep", extract.ErrTooLarge, x.name, x.max)
		}
	case xml.EndElement:
		x.depth--
	}
	return t, nil
}

// root finds the root element and does something with each below it.
func (x *xmlReader) root(do func(xml.StartElement) error) error {
	for {
		t, err := x.token()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: %s is empty", extract.ErrBroken, x.name)
		}
		if err != nil {
			return err
		}
		if _, ok := t.(xml.StartElement); ok {
			return x.each(do, nil)
		}
	}
}

// each does something with each element below the one that was just opened, and
// with the text in it, up to its end. Do reads the element to its end.
func (x *xmlReader) each(do func(xml.StartElement) error, text func(string)) error {
	for {
		t, err := x.token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := do(t); err != nil {
				return err
			}
		case xml.CharData:
			if text != nil {
				text(string(t))
			}
		case xml.EndElement:
			return nil
		}
	}
}

// skip reads an element to its end.
func (x *xmlReader) skip() error {
	for depth := 1; depth > 0; {
		t, err := x.token()
		if err != nil {
			return err
		}
		switch t.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
	return nil
}

// text reads an element to its end and returns all text in it.
func (x *xmlReader) text() (string, error) {
	var b strings.Builder
	for depth := 1; depth > 0; {
		t, err := x.token()
		if err != nil {
			return "", err
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			b.Write(t)
		}
	}
	return b.String(), nil
}

// attr returns an attribute by its name without the prefix.
func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
