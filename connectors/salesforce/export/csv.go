package export

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
)

// csvReader splits a stream into the records of RFC 4180. encoding/csv is not
// used for three reasons: after a stray quote it has lost its place, or with
// LazyQuotes takes the rows behind it into one field; it holds a record of any
// size in memory; and it does not tell at which byte a record ends, which
// resuming needs.
//
// Fields are positions in the buffer, so that a record is not copied before it
// is known to be wanted. They stay valid until the next call of read.
type csvReader struct {
	src       io.Reader
	maxField  int // bytes
	maxRecord int // bytes that may be held; buffers of up to bufferSize are
	maxFields int // that are noted; the others are only counted

	buf      []byte
	start    int   // of the current record in buf
	next     int   // of the next record in buf
	end      int   // of the data in buf
	offset   int64 // of start in the stream
	line     int   // physical line of start
	nextLine int
	eof      bool

	fields []span // room for those of a record; see spans
	count  int    // of the fields of the current record, noted or not
	fault  fault  // why it cannot be used
}

// span is one field: positions relative to the start of the record.
type span struct {
	from, to int
	doubled  bool // holds doubled quotes
}

// fault says why a record cannot be used; the zero fault is none.
type fault struct {
	err   error
	field int    // from 0
	value string // beginning of the field, not decoded
}

const bufferSize = 128 << 10

func newCSVReader(src io.Reader, limits Limits, maxFields int) *csvReader {
	return &csvReader{
		src: src, maxField: limits.Field, maxRecord: limits.Record, maxFields: maxFields,
		buf: make([]byte, bufferSize), line: 1, nextLine: 1,
	}
}

// errMore is the end of what may be held.
var errMore = errors.New("record too long")

// read finds the next record. Its error is io.EOF at the end, or what the
// source said.
func (c *csvReader) read() error {
	for {
		c.offset += int64(c.next - c.start)
		c.start, c.line = c.next, c.nextLine
		for c.end-c.start < 2 {
			if _, err := c.fill(); err == io.EOF {
				break
			} else if err != nil {
				return err
			}
		}
		data := c.buf[c.start:c.end]
		switch {
		case len(data) == 0 || len(data) == 1 && data[0] == '\r':
			return io.EOF
		case data[0] == '\n': // empty lines are no records
			c.next++
			c.nextLine++
		case len(data) > 1 && data[0] == '\r' && data[1] == '\n':
			c.next += 2
			c.nextLine++
		default:
			return c.record(data)
		}
	}
}

// bytes is the text of the current record, its line end included.
func (c *csvReader) bytes() []byte { return c.buf[c.start:c.next] }

// onlyCommas reports whether the fields of the current record are empty from
// number i on.
func (c *csvReader) onlyCommas(i int) bool {
	for _, f := range c.spans()[i:] {
		if len(bytes.TrimSpace(c.bytes()[f.from:f.to])) > 0 {
			return false
		}
	}
	return true
}

// spans are the fields of the current record that were noted.
func (c *csvReader) spans() []span { return c.fields[:min(c.count, len(c.fields))] }

// position is the byte and the line behind the current record.
func (c *csvReader) position() (offset int64, line int) {
	return c.offset + int64(c.next-c.start), c.nextLine
}

// fill reads more and returns the data from the current record on. Its error is
// io.EOF, errMore or what the source said.
func (c *csvReader) fill() ([]byte, error) {
	if c.eof {
		return c.buf[c.start:c.end], io.EOF
	}
	if c.end == len(c.buf) {
		held := c.end - c.start
		if held >= c.maxRecord {
			return c.buf[c.start:c.end], errMore
		}
		buf := c.buf
		switch {
		case held > len(c.buf)/2:
			buf = make([]byte, 2*len(c.buf))
		case len(c.buf) > 4*bufferSize && held < bufferSize/2: // a giant has passed
			buf = make([]byte, bufferSize)
		}
		copy(buf, c.buf[c.start:c.end])
		c.buf = buf
		c.next -= c.start
		c.start, c.end = 0, held
	}
	n, err := c.src.Read(c.buf[c.end:])
	c.end += n
	if err == io.EOF {
		c.eof = true
		if n > 0 {
			err = nil
		}
	}
	return c.buf[c.start:c.end], err
}

// add notes a field.
func (c *csvReader) add(from, to int, doubled bool) {
	if n := c.count; n < len(c.fields) && to-from <= c.maxField {
		c.fields[n] = span{from, to, doubled}
		c.count = n + 1
		return
	}
	c.addSlow(from, to, doubled)
}

func (c *csvReader) addSlow(from, to int, doubled bool) {
	if to-from > c.maxField && c.fault.err == nil {
		c.fail(ErrTooLong, from)
	}
	if c.count == len(c.fields) && c.count < c.maxFields {
		c.fields = append(c.fields, span{})
		c.fields = c.fields[:min(cap(c.fields), c.maxFields)]
	}
	if c.count < len(c.fields) {
		c.fields[c.count] = span{from, to, doubled}
	}
	c.count++
}

// fail notes what is wrong with the field that begins at from.
func (c *csvReader) fail(err error, from int) {
	value := c.buf[c.start+from : c.end]
	c.fault = fault{err, c.count, string(value[:min(len(value), 4*maxValue)])}
}

// finish ends the record before p.
func (c *csvReader) finish(p int) error {
	c.next = c.start + p
	c.nextLine = c.line + bytes.Count(c.bytes(), newline)
	return nil
}

var newline = []byte{'\n'}

// ordinary returns how many bytes there are before a comma, line end or quote,
// eight at a time: for each of the three a byte is zero where it stands, and
// the lowest high bit that is left marks the first.
func ordinary(data []byte) int {
	const ones = 0x0101010101010101
	n := 0
	for ; len(data)-n >= 8; n += 8 {
		w := binary.LittleEndian.Uint64(data[n:])
		comma, line, quote := w^ones*',', w^ones*'\n', w^ones*'"'
		if m := ((comma-ones)&^comma | (line-ones)&^line | (quote-ones)&^quote) & highBits; m != 0 {
			return n + bits.TrailingZeros64(m)/8
		}
	}
	for ; n < len(data); n++ {
		if c := data[n]; c == ',' || c == '\n' || c == '"' {
			break
		}
	}
	return n
}

// record parses one record. data, never empty, begins with it.
func (c *csvReader) record(data []byte) (err error) {
	c.count = 0
	if c.fault.err != nil {
		c.fault = fault{}
	}
	p := 0
nextField:
	for {
		if p == len(data) {
			if data, err = c.fill(); err == nil {
				continue
			} else if err == io.EOF { // behind a comma
				c.add(p, p, false)
				return c.finish(p)
			}
			return c.overflow(err, p, p, atField)
		}
		if data[p] != '"' {
			from := p
			for {
				p += ordinary(data[p:])
				if p < len(data) {
					switch data[p] {
					case ',':
						c.add(from, p, false)
						p++
						continue nextField
					case '\n':
						c.add(from, trimCR(data, from, p), false)
						return c.finish(p + 1)
					default:
						return c.stray(from)
					}
				}
				if data, err = c.fill(); err == io.EOF {
					c.add(from, trimCR(data, from, p), false)
					return c.finish(p)
				} else if err != nil {
					return c.overflow(err, from, p, inBare)
				}
			}
		}

		p++
		from, doubled := p, false
		for {
			i := bytes.IndexByte(data[p:], '"')
			if i < 0 {
				p = len(data)
				if data, err = c.fill(); err == io.EOF {
					return c.stray(from) // never closed
				} else if err != nil {
					return c.overflow(err, from, p, inQuotes)
				}
				continue
			}
			p += i
			for len(data)-p < 3 { // the quote, and \r\n behind it
				if data, err = c.fill(); err == io.EOF {
					break
				} else if err != nil {
					return c.overflow(err, from, p, inQuotes)
				}
			}
			switch rest := data[p+1:]; {
			case len(rest) == 0 || len(rest) == 1 && rest[0] == '\r':
				c.add(from, p, doubled)
				return c.finish(len(data))
			case rest[0] == ',':
				c.add(from, p, doubled)
				p += 2
				continue nextField
			case rest[0] == '\n':
				c.add(from, p, doubled)
				return c.finish(p + 2)
			case rest[0] == '"':
				doubled = true
				p += 2
			case rest[0] == '\r' && rest[1] == '\n':
				c.add(from, p, doubled)
				return c.finish(p + 3)
			default:
				return c.stray(from)
			}
		}
	}
}

// trimCR leaves out the \r of a line end.
func trimCR(data []byte, from, to int) int {
	if to > from && data[to-1] == '\r' {
		return to - 1
	}
	return to
}
