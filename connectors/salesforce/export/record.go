package export

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"
)

// Record is one row. The Record and its Fields are valid until the next step of
// the iteration; the strings in it may be kept.
type Record struct {
	File   string   // "WE_00D..._1.ZIP/Account.csv"
	Line   int      // the physical line where the row begins, from 1
	Fields []string // one for each column of [Export.Header], as written, not trimmed
	Next   Position // behind this row

	// Err is why the row cannot be used, or nil. Its reason is ErrFields,
	// ErrQuote, ErrInvalid, ErrNUL or ErrTooLong. Fields then holds what could
	// be read, from the left, and may have invalid bytes.
	Err *Error

	object *object
}

// Get returns the field of a column, "" when there is no such column. Case does
// not count. In loops use [Export.Column] once.
func (r *Record) Get(column string) string {
	for i, name := range r.object.header {
		if strings.EqualFold(name, column) {
			return r.Fields[i]
		}
	}
	return ""
}

// At returns an error for a value of a column of this row, for which err is the
// reason.
func (r *Record) At(column, value string, err error) *Error {
	return &Error{File: r.File, Line: r.Line, Column: column, Value: clip(value), Err: err}
}

// Records iterates over the rows of an object, the parts in the order of their
// numbers, from a position on. A row that cannot be used is yielded with its
// Err and does not disturb the rows behind it. A non-nil error ends the
// iteration: the file is damaged, the context has ended (its cause), or the
// position is of another export (ErrPosition). An object that is not there has
// no rows.
//
// Unpacking runs in a goroutine of its own, which has ended when the loop has.
func (e *Export) Records(ctx context.Context, object string, from Position) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		o := e.object(object)
		if from.source > max(0, len(o.sources)-1) {
			yield(nil, fmt.Errorf("read export: %w", ErrPosition))
			return
		}
		for i := from.source; i < len(o.sources); i++ {
			more, err := e.records(ctx, o, i, from, yield)
			if err != nil {
				yield(nil, fmt.Errorf("read export: %w", err))
				return
			}
			if !more {
				return
			}
			from = Position{}
		}
	}
}

// records yields the rows of one file and is false when the loop was left.
func (e *Export) records(ctx context.Context, o *object, i int, from Position, yield func(*Record, error) bool) (more bool, err error) {
	s := o.sources[i]
	if from != (Position{}) && from.check != s.fingerprint() {
		return false, fmt.Errorf("%s: %w", s.place, ErrPosition)
	}
	raw, err := s.open(ctx)
	if err != nil {
		return false, err
	}
	defer raw.Close()
	ahead := newReadAhead(raw)
	defer ahead.close()
	text, err := s.text(ahead)
	if err != nil {
		return false, err
	}
	c := newCSVReader(text, e.limits, len(s.header))
	if from == (Position{}) {
		if err := c.read(); err != nil { // the header
			return false, err
		}
	} else {
		if _, err := io.CopyN(io.Discard, text, from.offset); err == io.EOF {
			return false, fmt.Errorf("%s: %w", s.place, ErrPosition)
		} else if err != nil {
			return false, err
		}
		c.offset, c.line, c.nextLine = from.offset, from.line, from.line
	}
	r := &Record{File: s.place, Fields: make([]string, len(o.header)), object: o}
	r.Next.source, r.Next.check = i, s.fingerprint()
	for {
		if err := c.read(); err == io.EOF {
			return true, nil
		} else if err == ErrRunaway {
			return false, &Error{File: s.place, Line: c.line, Err: ErrRunaway}
		} else if err != nil {
			return false, err
		}
		r.set(s, c)
		if !yield(r, nil) {
			return false, nil
		}
	}
}

// fingerprint tells the file from others of that name.
func (s *source) fingerprint() uint32 { return s.check ^ uint32(s.size) ^ uint32(s.size>>32) }

// set fills the record from the current one of c.
func (r *Record) set(s *source, c *csvReader) {
	r.Line, r.Err = c.line, nil
	r.Next.offset, r.Next.line = c.position()
	text := string(c.bytes())
	sound := c.fault.err == nil && c.count == len(s.header)
	if !sound {
		clear(r.Fields)
	}
	for i, f := range c.spans() {
		v := text[f.from:f.to]
		if f.doubled || s.encoding == windows1252 {
			v = s.decode(v, f.doubled)
		}
		r.Fields[s.columns[i]] = v
	}
	switch {
	case c.fault.err != nil:
		r.fail(s, c.fault.field, s.decode(c.fault.value, false), c.fault.err)
	case !sound:
		text = strings.TrimRight(text[:min(len(text), 4*maxValue)], "\r\n")
		r.fail(s, -1, s.decode(text, false), fmt.Errorf("%w: %d, the header has %d", ErrFields, c.count, len(s.header)))
	case strings.IndexByte(text, 0) >= 0:
		r.failWhere(s, ErrNUL, func(v string) bool { return strings.IndexByte(v, 0) >= 0 })
	case s.encoding != windows1252 && !utf8.ValidString(text):
		r.failWhere(s, fmt.Errorf("%w in %s", ErrInvalid, s.encoding), func(v string) bool { return !utf8.ValidString(v) })
	}
}

// failWhere blames the first field for which bad is true.
func (r *Record) failWhere(s *source, err error, bad func(string) bool) {
	for i, j := range s.columns {
		if v := r.Fields[j]; bad(v) {
			r.fail(s, i, v, err)
			return
		}
	}
	r.fail(s, -1, "", err)
}

func (r *Record) fail(s *source, field int, value string, err error) {
	column := ""
	if field >= 0 && field < len(s.header) {
		column = s.header[field]
	}
	r.Err = r.At(column, value, err)
}
