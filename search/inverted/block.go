package inverted

import (
	"encoding/binary"
)

// blockSize is the number of bytes of postings and positions that a block holds at
// most, but for the block of a single frequent word. A smaller one means more
// rows, a larger one more bytes read for a rare term. A row of this size fits on a
// page of SQLite, and two of them on one of Postgres.
const blockSize = 3900

// entryBytes is about what an entry takes besides its term and postings.
const entryBytes = 10

// A block holds the postings of consecutive terms and becomes one row. Sorted
// terms in few rows cost a fiftieth of the rows that one per term would, and let
// a prefix or a merge read them in order.
//
// Encoded, each term is: bytes shared with the term before, length of the rest,
// the rest; number of chunks, doubled, and 1 more for the dense form; the bound;
// the spelling that is met most, as a term is, with 0 for "the term itself";
// length of the postings, length of the positions; the postings. The positions
// stand apart, in the same order.
type block struct {
	first           string
	data, positions []byte
}

// An entry is a term in a block. The slices belong to the block.
type entry struct {
	term            string
	surface         string // the word that most often has this term; "" for the term itself
	count           int    // chunks that hold the term, deleted ones included
	bound           byte   // see [boundOf]
	dense           bool   // the form of the postings
	data, positions []byte
}

// A blockWriter packs entries, given in ascending order, into blocks.
type blockWriter struct {
	current block
	last    string
	full    func(block) error
}

func (w *blockWriter) add(e entry) error {
	if size := len(w.current.data) + len(w.current.positions); size > 0 && size+len(e.data)+len(e.positions)+entryBytes+len(e.term) > blockSize {
		if err := w.flush(); err != nil {
			return err
		}
	}
	b := &w.current
	shared := 0
	if len(b.data) == 0 {
		b.first = e.term
	} else {
		shared = common(w.last, e.term)
	}
	b.data = appendString(b.data, shared, e.term)
	count := uint64(e.count) << 1
	if e.dense {
		count |= 1
	}
	b.data = append(binary.AppendUvarint(b.data, count), e.bound)
	b.data = appendSurface(b.data, e)
	b.data = binary.AppendUvarint(b.data, uint64(len(e.data)))
	b.data = binary.AppendUvarint(b.data, uint64(len(e.positions)))
	b.data = append(b.data, e.data...)
	b.positions = append(b.positions, e.positions...)
	w.last = e.term
	return nil
}

// flush hands on the last block.
func (w *blockWriter) flush() error {
	if len(w.current.data) == 0 {
		return nil
	}
	full := w.current
	w.current = block{}
	return w.full(full)
}

// common returns the number of leading bytes that two strings share.
func common(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func commonBytes(a []byte, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

func appendString(data []byte, shared int, s string) []byte {
	data = binary.AppendUvarint(data, uint64(shared))
	data = binary.AppendUvarint(data, uint64(len(s)-shared))
	return append(data, s[shared:]...)
}

// appendSurface writes an entry's spelling: 1 + the bytes that it shares with the
// term and the rest of it, or 0.
func appendSurface(data []byte, e entry) []byte {
	if e.surface == "" || e.surface == e.term {
		return append(data, 0)
	}
	n := common(e.term, e.surface)
	data = binary.AppendUvarint(data, uint64(n)+1)
	data = binary.AppendUvarint(data, uint64(len(e.surface)-n))
	return append(data, e.surface[n:]...)
}

// A blockReader walks the entries of a block.
type blockReader struct {
	decoder
	positions []byte // nil when they were not read
	term      []byte
	entry     entry // without its term and surface
	shared    int   // what the surface shares with the term, and its rest
	tail      []byte
}

func newBlockReader(data, positions []byte) *blockReader {
	return &blockReader{decoder: decoder{data: data}, positions: positions}
}

// next goes on to the next entry and reports whether there is one. At the end
// err tells whether the data were sound.
func (r *blockReader) next() bool {
	if len(r.data) == 0 {
		return false
	}
	r.term = r.frontCoded(r.term)
	count := r.length()
	r.entry.count, r.entry.dense = count>>1, count&1 != 0
	r.entry.bound = r.byte()
	if r.shared = r.length(); r.shared > 0 {
		r.tail = r.take(r.length())
	}
	postings, positions := r.length(), r.length()
	r.entry.data = r.take(postings)
	if r.positions != nil {
		if positions > len(r.positions) {
			r.fail()
			return false
		}
		r.entry.positions, r.positions = r.positions[:positions:positions], r.positions[positions:]
	}
	return r.err == nil
}

// surface returns the spelling of the entry at hand; "" for the term itself.
func (r *blockReader) surface() string {
	if r.shared == 0 || r.shared-1 > len(r.term) {
		return ""
	}
	return string(r.term[:r.shared-1]) + string(r.tail)
}

// findEntry returns the entry of a term. Its postings are nil when the block does
// not have the term. It does not put the terms together that it passes: how much
// of the wanted term the one before shares tells whether the next can be it.
func findEntry(data, positions []byte, term string) (entry, error) {
	same := 0 // bytes that the term before shares with the wanted one
	from := 0 // where its positions begin
	for at := 0; at < len(data); {
		var shared, rest, count, surface, size, places int
		shared, at = lengthAt(data, at)
		rest, at = lengthAt(data, at)
		tail := at
		count, at = lengthAt(data, at+rest)
		bound := at
		surface, at = lengthAt(data, at+1)
		if surface > 0 {
			surface, at = lengthAt(data, at)
			at += surface
		}
		size, at = lengthAt(data, at)
		places, at = lengthAt(data, at)
		postings := at
		if at += size; at > len(data) {
			return entry{}, errCorrupt
		}
		switch {
		case shared > same: // it differs where the one before did
		case shared < same:
			return entry{}, nil // it is behind the wanted one
		default:
			tail := data[tail : tail+rest]
			n := commonBytes(tail, term[same:])
			switch same += n; {
			case n == len(tail) && same == len(term):
				e := entry{term: term, count: count >> 1, dense: count&1 != 0, bound: data[bound], data: data[postings:at:at]}
				if positions != nil {
					if places > len(positions)-from {
						return entry{}, errCorrupt
					}
					e.positions = positions[from : from+places : from+places]
				}
				return e, nil
			case n < len(tail) && (same == len(term) || tail[n] > term[same]):
				return entry{}, nil
			}
		}
		if from += places; positions != nil && from > len(positions) {
			return entry{}, errCorrupt
		}
	}
	return entry{}, nil
}

// lengthAt reads a number at a place in encoded data, and returns the place behind
// it. Of broken data it returns a place behind the end.
func lengthAt(data []byte, at int) (n, next int) {
	if uint(at) < uint(len(data)) && data[at] < 0x80 {
		return int(data[at]), at + 1
	}
	return longLengthAt(data, at)
}

func longLengthAt(data []byte, at int) (n, next int) {
	if at < len(data) {
		if v, size := binary.Uvarint(data[at:]); size > 0 && v < 1<<28 {
			return int(v), at + size
		}
	}
	return 0, len(data) + 1
}

// A decoder reads what the encoders of this package wrote. After an error it
// returns zero values.
type decoder struct {
	data []byte
	err  error
}

func (d *decoder) fail() { d.err, d.data = errCorrupt, nil }

func (d *decoder) uvarint() uint64 {
	if len(d.data) > 0 && d.data[0] < 0x80 {
		v := uint64(d.data[0])
		d.data = d.data[1:]
		return v
	}
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.data = d.data[n:]
	return v
}

// length reads a number of things that are at least encoded in some bytes each
// or bounded by the size of a segment, so that broken data cannot ask for more
// memory than a segment.
func (d *decoder) length() int {
	v := d.uvarint()
	if v > 1<<31 {
		d.fail()
		return 0
	}
	return int(v)
}

func (d *decoder) take(n int) []byte {
	if n > len(d.data) {
		d.fail()
		return nil
	}
	b := d.data[:n:n]
	d.data = d.data[n:]
	return b
}

// frontCoded reads a string that shares its beginning with the last one, and
// reuses the last one's memory.
func (d *decoder) frontCoded(last []byte) []byte {
	shared, rest := d.length(), d.length()
	tail := d.take(rest)
	if shared > len(last) {
		d.fail()
		return last[:0]
	}
	return append(last[:shared], tail...)
}

// surface reads what appendSurface wrote into the memory of the last one.
func (d *decoder) surface(last, term []byte) []byte {
	shared := d.length()
	if shared == 0 {
		return last[:0]
	}
	tail := d.take(d.length())
	if shared-1 > len(term) {
		d.fail()
		return last[:0]
	}
	return append(append(last[:0], term[:shared-1]...), tail...)
}
