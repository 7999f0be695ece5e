package inverted

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// The postings of a word that a good part of the chunks has are stored as a set
// of bits with a byte for each chunk. That takes no more room than distances
// would, one set is joined to another 64 chunks at a time, and the entry of a
// single chunk is found without reading those before it:
//
//	number of words of 64 bits, the words
//	for each 1,024 chunks, where their positions begin, in 4 bytes
//	for each chunk that has the word, a byte: times in the body + 32 × times in the title
//	for each of these bytes that is 255, the number of times in the body and in the title
const (
	denseShare = 32   // a word is stored so when one in so many chunks has it
	groupWords = 16   // words of bits between two entries into the positions
	maxBody    = 31   // the code 255 stands for what does not fit
	tooMany    = 0xff // code
)

// codeFrequency is, for each code but tooMany, the number of times that it stands
// for, those in the title weighted.
var codeFrequency = func() (list [256]float32) {
	for code := range list {
		list[code] = float32(code&maxBody) + titleWeight*float32(code>>5)
	}
	return list
}()

// A dense is such postings, checked but not copied.
type dense struct {
	bits   []byte
	places []byte
	codes  []byte
	extra  []byte
}

// packDense returns the entry in the dense form, if it is one of a frequent word.
func packDense(e entry, chunks int) (entry, error) {
	if e.dense || e.count < 64 || e.count*denseShare < chunks {
		return e, nil
	}
	words := (chunks + 63) / 64
	set := make([]byte, 8*words)
	places := make([]byte, 0, 4*(words/groupWords+1))
	codes := make([]byte, 0, e.count)
	var extra []byte
	c, p := newCursor(e, chunks), positionReader{data: e.positions}
	for c.next() {
		for len(places)/4*groupWords*64 <= c.ordinal {
			places = binary.LittleEndian.AppendUint32(places, uint32(len(e.positions)-len(p.data)))
		}
		set[c.ordinal>>3] |= 1 << (c.ordinal & 7)
		if c.body > maxBody || c.title > 6 {
			codes = append(codes, tooMany)
			extra = binary.AppendUvarint(extra, uint64(c.body))
			extra = binary.AppendUvarint(extra, uint64(c.title))
		} else {
			codes = append(codes, byte(c.body|c.title<<5))
		}
		p.skip(c.body + c.title)
	}
	if c.err != nil || p.err != nil {
		return e, errCorrupt
	}
	for len(places) < 4*groups(words) {
		places = binary.LittleEndian.AppendUint32(places, uint32(len(e.positions)))
	}
	data := binary.AppendUvarint(make([]byte, 0, 8+len(set)+len(places)+len(codes)+len(extra)), uint64(words))
	data = append(append(append(append(data, set...), places...), codes...), extra...)
	e.data, e.dense = data, true
	return e, nil
}

// groups returns the number of entries into the positions.
func groups(words int) int { return (words + groupWords - 1) / groupWords }

// readDense checks the postings of an entry.
func readDense(e entry, chunks int) (dense, error) {
	d := decoder{data: e.data}
	words := d.length()
	if words > (chunks+63)/64 || e.count > chunks {
		return dense{}, errCorrupt
	}
	x := dense{bits: d.take(8 * words), places: d.take(4 * groups(words)), codes: d.take(e.count), extra: d.data}
	if d.err != nil {
		return dense{}, d.err
	}
	n := 0
	for w := range words {
		n += bits.OnesCount64(x.word(w))
	}
	if n != e.count || words > 0 && chunks < 64*words && x.word(words-1)>>(64-(64*words-chunks)) != 0 {
		return dense{}, errCorrupt
	}
	return x, nil
}

func (d *dense) words() int { return len(d.bits) / 8 }

func (d *dense) word(w int) uint64 { return binary.LittleEndian.Uint64(d.bits[8*w:]) }

// A denseWalk finds the entries of ascending chunks.
type denseWalk struct {
	dense
	at    int // word
	rank  int // entries before that word
	read  int // entries before which extra has been read
	extra decoder
	err   error
}

func newDenseWalk(d dense) denseWalk { return denseWalk{dense: d, extra: decoder{data: d.extra}} }

// rankOf returns how many entries stand before that of an ordinal, which is not
// before the last one asked for.
func (w *denseWalk) rankOf(ordinal int) int {
	for to := ordinal >> 6; w.at < to; w.at++ {
		w.rank += bits.OnesCount64(w.word(w.at))
	}
	return w.rank + bits.OnesCount64(w.word(w.at)&(1<<(ordinal&63)-1))
}

// times returns how often the word is in the fields of the chunk with an entry.
// Entries ascend.
func (w *denseWalk) times(rank int) (body, title uint32) {
	code := w.codes[rank]
	if code != tooMany {
		return uint32(code & maxBody), uint32(code >> 5)
	}
	for range bytes.Count(w.codes[w.read:rank], []byte{tooMany}) {
		w.extra.uvarint()
		w.extra.uvarint()
	}
	w.read = rank + 1
	body, title = uint32(w.extra.uvarint()), uint32(w.extra.uvarint())
	if w.extra.err != nil {
		w.err = errCorrupt
	}
	return body, title
}

func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
