package export

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

// AppendRaw appends the row as a JSON object to dst: the fields that are not
// empty, as they are written in the file, under the names of their columns, in
// the order of the header. Of a row that failed it is what could be read;
// invalid bytes and NUL are then U+FFFD, so that every database takes it.
func (r *Record) AppendRaw(dst []byte) []byte {
	dst = append(dst, '{')
	first := true
	for i, v := range r.Fields {
		if v == "" {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, r.object.keys[i]...)
		if r.Err != nil {
			v = strings.ReplaceAll(strings.ToValidUTF8(v, "\ufffd"), "\x00", "\ufffd")
		}
		dst = appendString(dst, v)
	}
	return append(dst, '}')
}

// Raw returns the row as [Record.AppendRaw] writes it, in memory of its own.
func (r *Record) Raw() []byte {
	n := 2
	for i, v := range r.Fields {
		if v != "" {
			n += len(v) + len(r.object.keys[i]) + 4
		}
	}
	return r.AppendRaw(make([]byte, 0, n))
}

// appendString appends s, which is valid UTF-8, as a JSON string.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		n := plain(s)
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, '"')
		}
		switch c := s[n]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hex[c>>4], hex[c&15])
		}
		s = s[n+1:]
	}
}

// eight returns the first eight bytes of s; the compiler makes it one load.
func eight(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

const hex = "0123456789abcdef"

// plain returns how many bytes of s need no escape, looking at eight at a time:
// the high bit of a byte of the masks is set for a byte that needs one. Borrows
// may set it for bytes behind such a one, never before.
func plain(s string) int {
	const ones = 0x0101010101010101
	n := 0
	for ; len(s)-n >= 8; n += 8 {
		w := eight(s[n:])
		control := (w - ones*0x20) & ^w
		quote := w ^ ones*'"'
		slash := w ^ ones*'\\'
		if m := (control | (quote-ones) & ^quote | (slash-ones) & ^slash) & highBits; m != 0 {
			return n + bits.TrailingZeros64(m)/8
		}
	}
	for ; n < len(s); n++ {
		if c := s[n]; c < utf8.RuneSelf && (c < 0x20 || c == '"' || c == '\\') {
			return n
		}
	}
	return n
}
