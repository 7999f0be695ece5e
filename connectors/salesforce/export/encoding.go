package export

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// encoding is how the text of a file is written. The names are those of the
// WHATWG standard, https://encoding.spec.whatwg.org.
type encoding string

const (
	utf8Encoding encoding = "utf-8"
	windows1252  encoding = "windows-1252"
	utf16le      encoding = "utf-16le"
	utf16be      encoding = "utf-16be"
)

// parseEncoding reads the name in Options. Latin-1 is windows-1252, as browsers
// read it: text that calls itself so holds the bytes that Latin-1 leaves out.
func parseEncoding(name string) (encoding, error) {
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "":
		return "", nil
	case "utf-8", "utf8", "utf-8-bom":
		return utf8Encoding, nil
	case "windows-1252", "cp1252", "iso-8859-1", "latin1", "latin-1":
		return windows1252, nil
	case "utf-16le", "utf-16", "utf16":
		return utf16le, nil
	case "utf-16be":
		return utf16be, nil
	}
	return "", fmt.Errorf("%w %q: want utf-8, windows-1252, utf-16le or utf-16be", ErrEncoding, name)
}

// sniff looks at the beginning of a file. It returns the encoding of a
// byte-order mark and the mark's length, or UTF-16 for its pattern in ASCII
// text, or "".
func sniff(head []byte) (e encoding, mark int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return utf8Encoding, 3
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return utf16le, 2
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return utf16be, 2
	case len(head) < 4:
		return "", 0
	case head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return utf16le, 0
	case head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		return utf16be, 0
	}
	return "", 0
}

// highBits is the bit of each of eight bytes that ASCII leaves free.
const highBits = 0x8080808080808080

// utf8Share counts the sequences of non-ASCII bytes.
type utf8Share struct{ valid, invalid int64 }

// count looks at data and returns how many bytes at its end are the beginning
// of a sequence that goes on behind it; these are not counted, unless last.
func (u *utf8Share) count(data []byte, last bool) (open int) {
	for len(data) > 0 {
		if len(data) >= 8 && binary.LittleEndian.Uint64(data)&highBits == 0 {
			data = data[8:]
			continue
		}
		if data[0] < utf8.RuneSelf {
			data = data[1:]
			continue
		}
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n == 1 {
			if !last && !utf8.FullRune(data) {
				return len(data)
			}
			u.invalid++
		} else {
			u.valid++
		}
		data = data[n:]
	}
	return 0
}

// encoding is UTF-8 when under 1 % of the sequences are invalid: one bad byte
// must not turn an export into mojibake, and text in windows-1252 is invalid
// almost everywhere.
func (u *utf8Share) encoding() encoding {
	if u.invalid*100 < u.valid+u.invalid || u.invalid == 0 {
		return utf8Encoding
	}
	return windows1252
}

// win1252 is what each byte means. The five bytes that the code page leaves
// out are control characters, as in the WHATWG standard; they do occur.
var win1252 = func() (table [256]string) {
	for i := range table {
		r := charmap.Windows1252.DecodeByte(byte(i))
		if r == utf8.RuneError {
			r = rune(i)
		}
		table[i] = string(r)
	}
	return table
}()

// decode1252 returns s as UTF-8, s itself when it is in ASCII.
func decode1252(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + len(s)/4 + 4)
	for i := range len(s) {
		b.WriteString(win1252[s[i]])
	}
	return b.String()
}

func isASCII(s string) bool {
	for len(s) >= 8 {
		if eight(s)&highBits != 0 {
			return false
		}
		s = s[8:]
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// utf16Reader turns UTF-16 into UTF-8. golang.org/x/text would replace a lone
// surrogate or a half unit by U+FFFD, which may also be in the text; here it
// becomes a byte that is invalid in UTF-8, so that its record fails.
type utf16Reader struct {
	src   io.Reader
	order binary.ByteOrder
	in    []byte // read, not converted
	out   []byte // converted, not returned
	space [8 << 10]byte
	err   error
}

const invalidByte = 0xff

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		held := copy(u.space[:], u.in)
		n, err := u.src.Read(u.space[held:])
		u.in, u.err = u.space[:held+n], err
		u.convert(err == io.EOF)
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

func (u *utf16Reader) convert(last bool) {
	u.out = u.out[:0:0]
	for len(u.in) >= 2 {
		r, n := rune(u.order.Uint16(u.in)), 2
		if utf16.IsSurrogate(r) {
			if len(u.in) < 4 && !last {
				return
			}
			low := rune(0)
			if len(u.in) >= 4 {
				low = rune(u.order.Uint16(u.in[2:]))
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				u.out = append(u.out, invalidByte)
				u.in = u.in[2:]
				continue
			}
			n = 4
		}
		u.out = utf8.AppendRune(u.out, r)
		u.in = u.in[n:]
	}
	if last && len(u.in) > 0 {
		u.out = append(u.out, invalidByte)
		u.in = nil
	}
}
