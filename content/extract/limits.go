package extract

import (
	"cmp"
	"fmt"
	"io"
	"time"
)

// Limits bound what one file may cost. A zero field is its default.
type Limits struct {
	FileBytes    int64         // of the file; 512 MB
	DecodedBytes int64         // of all that is unpacked from it; 256 MB
	Ratio        int64         // unpacked bytes for each packed one, judged from 1 MB on; 200
	Entries      int           // of an archive; 10,000
	Depth        int           // of elements, values, messages inside each other; 250
	TextBytes    int64         // of the text; what is longer is cut, with a note; 8 MB
	Pages        int           // pages, slides or sheets that are read; 5,000
	Time         time.Duration // 2 minutes
}

// WithDefaults returns the limits with their defaults filled in.
func (l Limits) WithDefaults() Limits {
	return Limits{
		FileBytes:    cmp.Or(l.FileBytes, 512<<20),
		DecodedBytes: cmp.Or(l.DecodedBytes, 256<<20),
		Ratio:        cmp.Or(l.Ratio, 200),
		Entries:      cmp.Or(l.Entries, 10_000),
		Depth:        cmp.Or(l.Depth, 250),
		TextBytes:    cmp.Or(l.TextBytes, 8<<20),
		Pages:        cmp.Or(l.Pages, 5_000),
		Time:         cmp.Or(l.Time, 2*time.Minute),
	}
}

// ratioFrom is how much must have been unpacked before a ratio says anything:
// short and empty things pack very well.
const ratioFrom = 1 << 20

// A Budget counts what is unpacked from one file. It is not safe for concurrent
// use.
type Budget struct {
	limits Limits
	used   int64
}

// NewBudget returns a Budget within limits whose defaults are filled in.
func (l Limits) NewBudget() *Budget { return &Budget{limits: l.WithDefaults()} }

// Reader returns a reader that counts what it gives, and ends with [ErrTooLarge]
// when all that was unpacked is more than the limits allow, or what came out of
// the packed bytes of this reader is. With packed 0 no ratio is judged. Name is
// for the error.
func (b *Budget) Reader(r io.Reader, name string, packed int64) io.Reader {
	return &budgetReader{b: b, r: r, name: name, packed: packed}
}

type budgetReader struct {
	b      *Budget
	r      io.Reader
	name   string
	packed int64
	given  int64
}

// Read implements io.Reader.
func (r *budgetReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.given += int64(n)
	r.b.used += int64(n)
	l := r.b.limits
	switch {
	case r.b.used > l.DecodedBytes:
		return n, fmt.Errorf("%w: it unpacks to more than %d bytes (at %q)", ErrTooLarge, l.DecodedBytes, r.name)
	case r.packed > 0 && r.given > ratioFrom && r.given/l.Ratio > r.packed:
		return n, fmt.Errorf("%w: %d bytes of %q unpack to more than %d times as many", ErrTooLarge, r.packed, r.name, l.Ratio)
	}
	return n, err
}
