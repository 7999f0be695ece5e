package export

import (
	"fmt"
	"strconv"
	"strings"
)

// Position is a place between two rows of an object, from which
// [Export.Records] goes on in the same export. The zero Position is the
// beginning. It travels as text; its content is not for others.
type Position struct {
	source int    // among those of the object
	offset int64  // bytes of decoded text
	line   int    // physical line
	check  uint32 // of the source
}

// String returns the text of a position; "" for the zero Position.
func (p Position) String() string {
	if p == (Position{}) {
		return ""
	}
	return fmt.Sprintf("1:%d:%d:%d:%08x", p.source, p.offset, p.line, p.check)
}

// ParsePosition reads what String wrote.
func ParsePosition(s string) (p Position, err error) {
	if s == "" {
		return p, nil
	}
	f := strings.Split(s, ":")
	if len(f) == 5 && f[0] == "1" {
		var e1, e2, e3, e4 error
		var check uint64
		p.source, e1 = strconv.Atoi(f[1])
		p.offset, e2 = strconv.ParseInt(f[2], 10, 64)
		p.line, e3 = strconv.Atoi(f[3])
		check, e4 = strconv.ParseUint(f[4], 16, 32)
		p.check = uint32(check)
		if e1 == nil && e2 == nil && e3 == nil && e4 == nil && p.source >= 0 && p.offset >= 0 && p.line >= 1 {
			return p, nil
		}
	}
	return Position{}, fmt.Errorf("bad position %q: start from the beginning", clip(s))
}

// MarshalText is String.
func (p Position) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText is ParsePosition.
func (p *Position) UnmarshalText(text []byte) (err error) {
	*p, err = ParsePosition(string(text))
	return err
}

// Progress tells how far a position of an object is, in bytes of uncompressed
// CSV, and how many there are in all parts. With UTF-16 it is an estimate.
func (e *Export) Progress(object string, p Position) (done, total int64) {
	o := e.object(object)
	for i, s := range o.sources {
		if i < p.source {
			done += s.size
		}
	}
	return min(done+p.offset, o.size), o.size
}
