package inverted

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"sort"

	"github.com/curatore/curatore-go/content"
)

// A column holds what the documents of one segment have under one name: the
// distinct values in order, and for each document the codes of its values. A
// filter looks at each distinct value once, whatever the number of documents.
type column struct {
	// The distinct values, by kind. A code is 1 + the index in bools, ints,
	// floats, times and strings joined; 0 stands for no value.
	numbers []int64
	kinds   [4]int // where the numbers of Bool, Int, Float and Time end
	strings []string

	single []uint16 // the code of each document; or, when one of them has several:
	ends   []uint32 // where the codes of each document end in multi
	multi  []uint32

	complete bool // every document has a value
}

var numberKinds = [4]content.Kind{content.Bool, content.Int, content.Float, content.Time}

// distinct returns the number of distinct values.
func (c *column) distinct() int { return len(c.numbers) + len(c.strings) }

// value returns the value of a code above 0.
func (c *column) value(code uint32) value {
	i := int(code) - 1
	if i >= len(c.numbers) {
		return value{kind: content.String, text: c.strings[i-len(c.numbers)]}
	}
	for k, end := range c.kinds {
		if i < end {
			return value{kind: numberKinds[k], number: c.numbers[i]}
		}
	}
	return value{}
}

// codes returns the codes of a document, without 0. It may use buf.
func (c *column) codes(doc int, buf *[1]uint32) []uint32 {
	switch {
	case c.ends != nil && doc == 0:
		return c.multi[:c.ends[0]]
	case c.ends != nil:
		return c.multi[c.ends[doc-1]:c.ends[doc]]
	case c.single[doc] == 0:
		return nil
	}
	buf[0] = uint32(c.single[doc])
	return buf[:]
}

// size estimates the memory that the column takes.
func (c *column) size() int {
	n := 200 + 8*len(c.numbers) + 16*len(c.strings) + 2*len(c.single) + 4*len(c.ends) + 4*len(c.multi)
	for _, s := range c.strings {
		n += len(s)
	}
	return n
}

// A columnBuilder collects the values of one name.
type columnBuilder struct {
	ids    map[value]uint32
	values []value
	first  []uint32         // 1 + the id of each document's first value, or 0; may end before the last document
	more   map[int][]uint32 // the ids of the other values
}

func newColumnBuilder() *columnBuilder {
	return &columnBuilder{ids: map[value]uint32{}, more: map[int][]uint32{}}
}

// id returns a number for a value.
func (b *columnBuilder) id(v value) uint32 {
	id, ok := b.ids[v]
	if !ok {
		id = uint32(len(b.values))
		b.ids[v] = id
		b.values = append(b.values, v)
	}
	return id
}

// add stores one more value of a document; documents ascend.
func (b *columnBuilder) add(doc int, id uint32) {
	for len(b.first) <= doc {
		b.first = append(b.first, 0)
	}
	if b.first[doc] == 0 {
		b.first[doc] = id + 1
	} else {
		b.more[doc] = append(b.more[doc], id)
	}
}

// encode returns the column for a segment of so many documents.
//
// The layout is: the number of values of each kind; the values in order, times
// and whole numbers as distances, strings without the bytes that they share with
// the one before; then the width of the codes in bits and the codes, or width 0
// and for each document their number and the codes.
func (b *columnBuilder) encode(documents int) []byte {
	order := make([]int, len(b.values))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return compareValues(b.values[order[i]], b.values[order[j]]) < 0 })
	code := make([]uint64, len(b.values))
	var counts [5]uint64
	for i, id := range order {
		code[id] = uint64(i) + 1
		counts[kindIndex(b.values[id].kind)]++
	}
	var data []byte
	for _, n := range counts {
		data = binary.AppendUvarint(data, n)
	}
	var last value
	for _, id := range order {
		v := b.values[id]
		switch {
		case v.kind == content.String && last.kind != content.String:
			data = appendString(data, 0, v.text)
		case v.kind == content.String:
			data = appendString(data, common(last.text, v.text), v.text)
		case v.kind == content.Float:
			data = binary.LittleEndian.AppendUint64(data, uint64(v.number))
		case v.kind != last.kind:
			data = binary.AppendVarint(data, v.number)
		default:
			data = binary.AppendUvarint(data, uint64(v.number)-uint64(last.number))
		}
		last = v
	}
	if len(b.more) > 0 {
		data = append(data, 0)
		for doc := range documents {
			if doc >= len(b.first) || b.first[doc] == 0 {
				data = append(data, 0)
				continue
			}
			data = binary.AppendUvarint(data, uint64(1+len(b.more[doc])))
			data = binary.AppendUvarint(data, code[b.first[doc]-1])
			for _, id := range b.more[doc] {
				data = binary.AppendUvarint(data, code[id])
			}
		}
		return data
	}
	width := max(1, bits.Len(uint(len(b.values))))
	data = append(data, byte(width))
	var pending uint64
	n := 0
	for doc := range documents {
		if doc < len(b.first) && b.first[doc] > 0 {
			pending |= code[b.first[doc]-1] << n
		}
		for n += width; n >= 8; n -= 8 {
			data = append(data, byte(pending))
			pending >>= 8
		}
	}
	if n > 0 {
		data = append(data, byte(pending))
	}
	return data
}

func kindIndex(k content.Kind) int {
	for i, n := range numberKinds {
		if n == k {
			return i
		}
	}
	return 4
}

// decodeColumn reads what encode wrote.
func decodeColumn(data []byte, documents int) (*column, error) {
	d := decoder{data: data}
	var counts [5]int
	for i := range counts {
		counts[i] = d.length()
	}
	if counts[0]+counts[1]+counts[2]+counts[3]+counts[4] > len(d.data) { // each takes a byte at least
		d.fail()
	}
	c := &column{}
	for k, kind := range numberKinds {
		last := int64(0)
		for i := range counts[k] {
			switch {
			case kind == content.Float:
				if b := d.take(8); b != nil {
					last = int64(binary.LittleEndian.Uint64(b))
				}
			case i == 0:
				last = d.varint()
			default:
				last += int64(d.uvarint())
			}
			if d.err != nil {
				return nil, d.err
			}
			c.numbers = append(c.numbers, last)
		}
		c.kinds[k] = len(c.numbers)
	}
	c.strings = d.strings(counts[4])
	width := int(d.byte())
	if d.err != nil {
		return nil, d.err
	}
	if width == 0 {
		c.ends, c.multi = d.multi(documents, c.distinct())
	} else {
		c.single = d.packed(documents, width, c.distinct())
	}
	if d.err != nil {
		return nil, d.err
	}
	c.complete = c.single != nil && !slices.Contains(c.single, 0)
	return c, nil
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.data)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

// strings reads n front-coded strings.
func (d *decoder) strings(n int) []string {
	var list []string
	var last []byte
	for range n {
		if last = d.frontCoded(last); d.err != nil {
			return nil
		}
		list = append(list, string(last))
	}
	return list
}

func (d *decoder) packed(documents, width, distinct int) []uint16 {
	if width > 16 || (documents*width+7)/8 > len(d.data) {
		d.fail()
		return nil
	}
	codes := make([]uint16, documents)
	var pending uint64
	n, at := 0, 0
	for doc := range codes {
		for ; n < width; n += 8 {
			pending |= uint64(d.data[at]) << n
			at++
		}
		code := pending & (1<<width - 1)
		pending >>= width
		n -= width
		if int(code) > distinct {
			d.fail()
			return nil
		}
		codes[doc] = uint16(code)
	}
	return codes
}

func (d *decoder) multi(documents, distinct int) (ends, codes []uint32) {
	ends = make([]uint32, documents)
	for doc := range ends {
		n := d.length()
		if n > len(d.data) {
			d.fail()
		}
		for range n {
			code := d.uvarint()
			if code == 0 || code > uint64(distinct) {
				d.fail()
			}
			if d.err != nil {
				return nil, nil
			}
			codes = append(codes, uint32(code))
		}
		ends[doc] = uint32(len(codes))
	}
	return ends, codes
}

// encodeStrings and decodeStrings hold a list of sorted strings.
func encodeStrings(list []string) []byte {
	data := binary.AppendUvarint(nil, uint64(len(list)))
	last := ""
	for _, s := range list {
		data = appendString(data, common(last, s), s)
		last = s
	}
	return data
}

func decodeStrings(data []byte) ([]string, error) {
	d := decoder{data: data}
	list := d.strings(d.length())
	return list, d.err
}
