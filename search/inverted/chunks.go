package inverted

import (
	"encoding/binary"
	"math"
	"sort"
)

// maxSegment is the largest number of chunks in a segment: ordinals and codes
// fit into 16 bits, and a segment's arrays into a megabyte.
const maxSegment = math.MaxUint16

// A chunkTable tells of each chunk in a segment, by ordinal, its number, its
// document and the length of its fields in words.
type chunkTable struct {
	first     int64    // number of the chunk with ordinal 0
	numbers   []uint32 // distance of each number to the first; nil when there are no gaps
	document  []uint16 // ordinal of the document; nil when each document is one chunk
	documents int
	title     []uint16
	body      []uint16
}

func (t *chunkTable) len() int { return len(t.body) }

func (t *chunkTable) number(ordinal int) int64 {
	if t.numbers == nil {
		return t.first + int64(ordinal)
	}
	return t.first + int64(t.numbers[ordinal])
}

// ordinal returns the ordinal of a chunk's number, and whether it is here.
func (t *chunkTable) ordinal(number int64) (int, bool) {
	i := sort.Search(t.len(), func(i int) bool { return t.number(i) >= number })
	return i, i < t.len() && t.number(i) == number
}

func (t *chunkTable) doc(ordinal int) int {
	if t.document == nil {
		return ordinal
	}
	return int(t.document[ordinal])
}

// begin returns the first chunk of the document of a chunk.
func (t *chunkTable) begin(ordinal int) int {
	for t.document != nil && ordinal > 0 && t.document[ordinal-1] == t.document[ordinal] {
		ordinal--
	}
	return ordinal
}

// begins reports whether a chunk is the first of its document.
func (t *chunkTable) begins(ordinal int) bool {
	return t.document == nil || ordinal == 0 || t.document[ordinal-1] != t.document[ordinal]
}

// end returns the last chunk of the document of a chunk.
func (t *chunkTable) end(ordinal int) int {
	for t.document != nil && ordinal+1 < len(t.document) && t.document[ordinal+1] == t.document[ordinal] {
		ordinal++
	}
	return ordinal
}

func (t *chunkTable) size() int {
	return 200 + 4*len(t.numbers) + 2*(len(t.document)+len(t.title)+len(t.body))
}

// A chunkTableBuilder encodes a chunkTable: for each chunk the distance to the
// number before it with a bit for "begins a document", then the two lengths.
type chunkTableBuilder struct {
	data        []byte
	chunks      int
	documents   int
	first, last int64
	title, body int64 // sums
}

// add appends a chunk; numbers ascend. Lengths above 65,535 count as that.
func (b *chunkTableBuilder) add(number int64, begins bool, title, body int) {
	title, body = min(title, math.MaxUint16), min(body, math.MaxUint16)
	if b.chunks == 0 {
		b.first, b.last = number, number-1
	}
	code := uint64(number-b.last-1) << 1
	if begins {
		code |= 1
		b.documents++
	}
	b.data = binary.AppendUvarint(b.data, code)
	b.data = binary.AppendUvarint(b.data, uint64(title))
	b.data = binary.AppendUvarint(b.data, uint64(body))
	b.last = number
	b.chunks++
	b.title += int64(title)
	b.body += int64(body)
}

func (b *chunkTableBuilder) encode() []byte {
	return append(binary.AppendUvarint(nil, uint64(b.chunks)), b.data...)
}

// decodeChunks reads what a chunkTableBuilder wrote, but for the first number,
// which the segment's row holds: it is given out when the segment is stored.
func decodeChunks(data []byte) (*chunkTable, error) {
	d := decoder{data: data}
	n := d.length()
	if n == 0 || n > maxSegment || n > len(d.data) {
		return nil, errCorrupt
	}
	t := &chunkTable{title: make([]uint16, n), body: make([]uint16, n)}
	numbers, document := make([]uint32, n), make([]uint16, n)
	at, gaps := int64(-1), false
	for i := range n {
		code := d.uvarint()
		at += int64(code>>1) + 1
		gaps = gaps || at != int64(i)
		if code&1 != 0 {
			t.documents++
		}
		title, body := d.uvarint(), d.uvarint()
		if d.err != nil || at < 0 || at > math.MaxUint32 || t.documents == 0 || title > math.MaxUint16 || body > math.MaxUint16 {
			return nil, errCorrupt
		}
		numbers[i], document[i] = uint32(at), uint16(t.documents-1)
		t.title[i], t.body[i] = uint16(title), uint16(body)
	}
	if gaps {
		t.numbers = numbers
	}
	if t.documents < n {
		t.document = document
	}
	return t, nil
}
