package export

import (
	"bytes"
	"io"
	"strings"
)

// stray ends a record that has a stray or unclosed quote in the field that
// begins at from.
//
// Nothing is known about the text behind such a quote. So the record ends with
// its first physical line, and reading goes on at the next one: if the broken
// record had further lines, each of these is a broken record too. That may
// count one fault several times, but never takes a sound row for a part of a
// broken one, which a later deletion of rows not seen would punish.
func (c *csvReader) stray(from int) error {
	c.fail(ErrQuote, from)
	c.fault.value, _, _ = strings.Cut(c.fault.value, "\n")
	seen := 0
	for {
		data := c.buf[c.start:c.end]
		if i := bytes.IndexByte(data[seen:], '\n'); i >= 0 {
			c.next = c.start + seen + i + 1
			break
		}
		seen = len(data)
		if _, err := c.fill(); err == io.EOF {
			c.next = c.end
			break
		} else if err != nil {
			return c.overflow(err, from, len(data), inBare)
		}
	}
	c.nextLine = c.line + 1
	// Whatever lies behind that line is no part of the record any more.
	c.count = len(c.spans())
	for c.count > 0 && c.fields[c.count-1].to > c.next-c.start {
		c.count--
	}
	return nil
}

// state is where in a record the parser stands.
type state int

const (
	atField state = iota
	inBare
	inQuotes
)

// overflow handles err of fill, p being how far the record is parsed, in a
// field that begins at from. Any error but errMore is the source's. A record
// that is longer than may be held becomes its beginning, and the rest of it is
// skipped. A quoted field that does not end well is then fatal: nobody can tell
// any more how many rows it has swallowed.
func (c *csvReader) overflow(err error, from, p int, s state) error {
	if err != errMore {
		return err
	}
	if c.fault.err == nil {
		c.fail(ErrTooLong, from)
	}
	head := bytes.Clone(c.buf[c.start : c.start+min(from+4*maxValue, c.end-c.start)])
	c.count = len(c.spans())

	sk := skipper{c: c, data: c.buf[c.start:c.end], scratch: make([]byte, bufferSize)}
	sk.take(p)
	if s = sk.skip(s); sk.err != nil && sk.err != io.EOF {
		return sk.err
	}
	if s == inQuotes {
		return ErrRunaway
	}
	// The current record is now head; behind it lies what was not skipped.
	c.nextLine = c.line + sk.lines
	c.offset += sk.bytes - int64(len(head))
	c.buf = make([]byte, bufferSize+len(head)+len(sk.data))
	c.start, c.next = 0, len(head)
	c.end = copy(c.buf[copy(c.buf, head):], sk.data) + len(head)
	return nil
}

// skipper passes over the rest of a record.
type skipper struct {
	c       *csvReader
	data    []byte // not yet passed
	scratch []byte
	bytes   int64 // passed
	lines   int   // line ends among them
	err     error // of the source, or io.EOF
}

// take passes n bytes and gets more when none are left.
func (s *skipper) take(n int) {
	s.lines += bytes.Count(s.data[:n], newline)
	s.bytes += int64(n)
	for s.data = s.data[n:]; len(s.data) == 0 && s.err == nil; {
		if s.c.eof {
			s.err = io.EOF
			return
		}
		n, err := s.c.src.Read(s.scratch)
		s.data = s.scratch[:n]
		if err == io.EOF {
			s.c.eof = true
		} else {
			s.err = err
		}
	}
}

// skip passes the record up to and with its line end. The state it returns is
// inQuotes when a quoted field did not end well.
func (s *skipper) skip(at state) state {
	for s.err == nil {
		switch at {
		case atField:
			at = inBare
			if s.data[0] == '"' {
				at = inQuotes
				s.take(1)
			}
		case inBare:
			i := bytes.IndexByte(s.data, '\n')
			if j := bytes.IndexByte(s.data[:max(i, 0)], ','); j >= 0 {
				i = j
			} else if i < 0 {
				i = bytes.IndexByte(s.data, ',')
			}
			switch {
			case i < 0:
				s.take(len(s.data))
			case s.data[i] == ',':
				s.take(i + 1)
				at = atField
			default:
				s.take(i + 1)
				return at
			}
		case inQuotes:
			i := bytes.IndexByte(s.data, '"')
			if i < 0 {
				s.take(len(s.data))
				continue
			}
			if s.take(i + 1); s.err != nil { // a quote at the very end closes
				return inBare
			}
			switch s.data[0] {
			case '"':
				s.take(1)
			case ',', '\n', '\r':
				at = inBare
			default:
				return inQuotes
			}
		}
	}
	return at
}
