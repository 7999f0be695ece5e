package export

import (
	"archive/zip"
	"compress/flate"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// source is one wanted CSV of the export.
type source struct {
	place  string    // for errors: "WE_00D..._1.ZIP/Account.csv"
	object int       // in Export.objects
	entry  *zip.File // nil for a CSV that was given directly
	file   File
	size   int64  // uncompressed
	check  uint32 // CRC-32 of an entry

	marked   encoding // by a byte-order mark or the pattern of UTF-16
	mark     int      // bytes of the mark
	encoding encoding // as decided
	macLines bool     // lines end with CR alone

	share utf8Share
	dates bool // something in it looks like a slash date

	header   []string
	columns  []int      // of the header, in the object's header
	evidence []evidence // of the header
}

// open returns the bytes of the file. Its errors and those of reading name the
// file; a context that ends makes reading fail with its cause.
func (s *source) open(ctx context.Context) (*sourceReader, error) {
	if s.entry == nil {
		return &sourceReader{ctx, s, io.NopCloser(io.NewSectionReader(s.file, 0, s.size))}, nil
	}
	r, err := s.entry.Open()
	if err != nil {
		return nil, s.explain(err)
	}
	return &sourceReader{ctx, s, r}, nil
}

type sourceReader struct {
	ctx context.Context // of this one reading
	s   *source
	io.ReadCloser
}

func (r *sourceReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = r.s.explain(err)
	}
	return n, err
}

// explain says what an error of reading means for the user.
func (s *source) explain(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, zip.ErrChecksum):
		return fmt.Errorf("%s is %w: it fails its checksum, download the export again", s.place, ErrTruncated)
	case errors.Is(err, zip.ErrFormat):
		return fmt.Errorf("%s is %w: it does not fit the directory of the zip", s.place, ErrTruncated)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.As(err, &corrupt):
		return fmt.Errorf("%s is %w: download the export again", s.place, ErrTruncated)
	}
	return fmt.Errorf("%s: %w", s.place, err)
}

// text turns the bytes of the file, read from their beginning, into UTF-8 or
// windows-1252 without a byte-order mark.
func (s *source) text(r io.Reader) (io.Reader, error) {
	if _, err := io.CopyN(io.Discard, r, int64(s.mark)); err != nil {
		return nil, err
	}
	switch s.encoding {
	case utf16le:
		r = &utf16Reader{src: r, order: binary.LittleEndian}
	case utf16be:
		r = &utf16Reader{src: r, order: binary.BigEndian}
	}
	if s.macLines {
		r = macReader{r}
	}
	return r, nil
}

// A macReader gives text in which lines end with CR alone, as old programs on the
// Mac write it, with LF in its place. Positions stay the same.
type macReader struct{ src io.Reader }

func (m macReader) Read(p []byte) (int, error) {
	n, err := m.src.Read(p)
	for i, c := range p[:n] {
		if c == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}

// endsWithCR reports whether the first line of a text ends with CR alone.
func endsWithCR(head []byte) bool {
	quoted := false
	for i, c := range head {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\n':
			return false
		case c == '\r':
			return i+1 < len(head) && head[i+1] != '\n'
		}
	}
	return false
}

// maxColumns bounds a header. Salesforce allows 900 fields for an object.
const maxColumns = 10_000

// readHeader reads the names of the columns, the first record of c.
func (s *source) readHeader(c *csvReader) error {
	bad := func(format string, args ...any) error {
		return &Error{File: s.place, Line: c.line, Err: fmt.Errorf("%w: "+format, append([]any{ErrHeader}, args...)...)}
	}
	switch err := c.read(); {
	case err == io.EOF:
		return &Error{File: s.place, Err: fmt.Errorf("%w: the file is empty, even an object without rows has a header", ErrHeader)}
	case err != nil:
		return err
	case c.fault.err != nil:
		return bad("%w, and commas stand between columns: %q", c.fault.err, clip(c.fault.value))
	case c.count > maxColumns:
		return bad("%d columns are more than %d", c.count, maxColumns)
	}
	text := string(c.bytes())
	seen := make(map[string]int, c.count)
	s.header = make([]string, 0, c.count)
	for i, f := range c.spans() {
		name := strings.TrimSpace(s.decode(text[f.from:f.to], f.doubled))
		switch {
		case name == "" && c.onlyCommas(i): // spreadsheets write such columns behind the others
			name = fmt.Sprintf("#%d", i+1)
		case name == "":
			return bad("column %d has no name", i+1)
		case !utf8.ValidString(name) || strings.ContainsRune(name, 0):
			return bad("column %d %q is not text in %s", i+1, clip(name), s.encoding)
		}
		if first, ok := seen[strings.ToLower(name)]; ok {
			return bad("columns %d and %d are both named %q", first, i+1, clip(name))
		}
		seen[strings.ToLower(name)] = i + 1
		s.header = append(s.header, name)
	}
	if c.count == 1 {
		for _, sep := range []string{";", "\t", "|"} {
			if strings.Contains(s.header[0], sep) {
				return bad("there is one column, %q; export with commas between columns", clip(s.header[0]))
			}
		}
	}
	return nil
}

// decode gives the value of a field, in UTF-8 unless its bytes are invalid.
func (s *source) decode(v string, doubled bool) string {
	if doubled {
		v = undouble(v)
	}
	if s.encoding == windows1252 {
		v = decode1252(v)
	}
	return v
}

// undouble makes one quote of two; quotes only occur in pairs.
func undouble(v string) string {
	var b strings.Builder
	b.Grow(len(v) - 1)
	for {
		i := strings.IndexByte(v, '"')
		if i < 0 {
			b.WriteString(v)
			return b.String()
		}
		b.WriteString(v[:i+1])
		v = v[i+2:]
	}
}
