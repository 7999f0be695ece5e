package inverted

import (
	"encoding/binary"
	"errors"
	"math/bits"
)

// errCorrupt is wrapped by whoever knows which row cannot be read.
var errCorrupt = errors.New("stored data cannot be decoded")

// Postings are encoded as one number per chunk, the distance from the chunk
// before shifted left by two, with a form in the low bits. The forms keep the
// common cases to that one number:
//
//	0  once in the body
//	1  several times in the body: the number of times follows
//	2  once in the title
//	3  anything else: the number of times in the body and in the title follow
//
// Positions are encoded apart, because only phrases need them: for each chunk
// the distances between those in the body, then between those in the title.
const (
	onceInBody = iota
	inBody
	onceInTitle
	inBoth
)

// A postingsWriter encodes the postings of one term.
type postingsWriter struct {
	data, positions []byte
	count           int
	last            int // ordinal
	at              uint32
	norms           []float32 // of the chunks, for the bound; nil when it is known otherwise
	most            float32   // the largest part of its weight that the term gives to a chunk
}

func (w *postingsWriter) reset() {
	*w = postingsWriter{data: w.data[:0], positions: w.positions[:0], last: -1, norms: w.norms}
}

// add begins the next chunk; ordinals ascend. Its positions follow.
func (w *postingsWriter) add(ordinal int, body, title uint32) {
	code := uint64(ordinal-w.last-1) << 2
	switch {
	case title == 0 && body == 1:
		w.data = binary.AppendUvarint(w.data, code) // onceInBody
	case title == 0:
		w.data = binary.AppendUvarint(w.data, code|inBody)
		w.data = binary.AppendUvarint(w.data, uint64(body))
	case title == 1 && body == 0:
		w.data = binary.AppendUvarint(w.data, code|onceInTitle)
	default:
		w.data = binary.AppendUvarint(w.data, code|inBoth)
		w.data = binary.AppendUvarint(w.data, uint64(body))
		w.data = binary.AppendUvarint(w.data, uint64(title))
	}
	w.last = ordinal
	w.count++
	if w.norms != nil {
		tf := float32(body) + titleWeight*float32(title)
		w.most = max(w.most, tf/(tf+w.norms[ordinal]))
	}
}

// entry returns what was written as that of a term in a segment of so many
// chunks. It shares memory with the writer.
func (w *postingsWriter) entry(term, surface string, bound byte, chunks int) (entry, error) {
	return packDense(entry{term: term, surface: surface, count: w.count, bound: bound, data: w.data, positions: w.positions}, chunks)
}

// field begins the positions of the body, or of the title, of the chunk.
func (w *postingsWriter) field() { w.at = 0 }

// position adds one; they ascend.
func (w *postingsWriter) position(p uint32) {
	w.positions = binary.AppendUvarint(w.positions, uint64(p-w.at))
	w.at = p
}

// A cursor walks the postings of a term in one segment, in either form.
type cursor struct {
	dense       *denseWalk
	left        uint64 // of the dense form, bits of the word at hand that were not visited yet
	data        []byte
	limit       int // chunks in the segment
	ordinal     int
	body, title uint32
	err         error
}

func newCursor(e entry, chunks int) cursor {
	if !e.dense {
		return cursor{data: e.data, limit: chunks, ordinal: -1}
	}
	d, err := readDense(e, chunks)
	w := newDenseWalk(d)
	c := cursor{dense: &w, ordinal: -1, err: err}
	if err == nil && d.words() > 0 {
		c.left = d.word(0)
	}
	return c
}

// next goes on to the next chunk and reports whether there is one. At the end
// err tells whether the data were sound; the ordinal is below the limit always.
func (c *cursor) next() bool {
	if c.dense != nil {
		return c.nextDense()
	}
	if len(c.data) == 0 {
		return false
	}
	var code uint64
	if b := c.data[0]; b < 0x80 {
		code, c.data = uint64(b), c.data[1:]
	} else {
		code = c.uvarint()
	}
	if delta := code >> 2; delta >= uint64(c.limit-c.ordinal-1) {
		c.err, c.data = errCorrupt, nil
		return false
	}
	c.ordinal += int(code>>2) + 1
	switch code & 3 {
	case onceInBody:
		c.body, c.title = 1, 0
	case inBody:
		c.body, c.title = uint32(c.uvarint()), 0
	case onceInTitle:
		c.body, c.title = 0, 1
	case inBoth:
		c.body = uint32(c.uvarint())
		c.title = uint32(c.uvarint())
	}
	return c.err == nil
}

func (c *cursor) nextDense() bool {
	w := max(c.ordinal, 0) >> 6
	for c.left == 0 {
		if w++; w >= c.dense.words() || c.err != nil {
			return false
		}
		c.left = c.dense.word(w)
	}
	c.ordinal = w<<6 + bits.TrailingZeros64(c.left)
	c.left &= c.left - 1
	c.body, c.title = c.dense.times(c.dense.rankOf(c.ordinal))
	c.err = c.dense.err
	return c.err == nil
}

// seek goes on to the first chunk at or behind an ordinal and reports whether
// there is one.
func (c *cursor) seek(ordinal int) bool {
	if c.dense != nil && ordinal > c.ordinal && c.err == nil {
		w := ordinal >> 6
		if w >= c.dense.words() {
			c.left, c.ordinal = 0, c.dense.words()<<6-1
			return false
		}
		c.ordinal, c.left = max(ordinal-1, w<<6), c.dense.word(w)&^(1<<(ordinal&63)-1)
		return c.next()
	}
	for c.ordinal < ordinal {
		if !c.next() {
			return false
		}
	}
	return true
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.data)
	if n <= 0 {
		c.err, c.data = errCorrupt, nil
		return 0
	}
	c.data = c.data[n:]
	return v
}

// A positionReader reads the positions that belong to the postings of a cursor.
type positionReader struct {
	data []byte
	err  error
}

// read appends the next n positions of one field to dst.
func (r *positionReader) read(dst []uint32, n uint32) []uint32 {
	at := uint64(0)
	for range n {
		d, k := binary.Uvarint(r.data)
		if k <= 0 {
			r.err, r.data = errCorrupt, nil
			return dst
		}
		r.data = r.data[k:]
		at += d
		dst = append(dst, uint32(at))
	}
	return dst
}

// skip passes over the next n positions. Each ends with the byte that has no high
// bit, and these are counted eight at a time.
func (r *positionReader) skip(n uint32) {
	i := 0
	for n >= 8 && len(r.data)-i >= 8 {
		n -= uint32(bits.OnesCount64(^binary.LittleEndian.Uint64(r.data[i:]) & 0x8080808080808080))
		i += 8
	}
	for ; n > 0 && i < len(r.data); i++ {
		if r.data[i] < 0x80 {
			n--
		}
	}
	if n > 0 {
		r.err = errCorrupt
	}
	r.data = r.data[i:]
}

func isCorrupt(err error) bool { return errors.Is(err, errCorrupt) }
