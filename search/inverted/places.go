package inverted

import "slices"

// A placeReader finds out where a word, or any of several that count as one,
// stands in ascending chunks.
type placeReader struct {
	terms []termPlaces
	at    int      // the chunk at hand, or -1
	body  []uint32 // the places in it, ascending
	title []uint32
}

func newPlaceReader(entries []entry, chunks int) *placeReader {
	r := &placeReader{terms: make([]termPlaces, len(entries)), at: -1}
	for i, e := range entries {
		t := &r.terms[i]
		t.cursor, t.positions, t.entry = newCursor(e, chunks), positionReader{data: e.positions}, e
		if t.cursor.dense != nil {
			w := newDenseWalk(t.cursor.dense.dense)
			t.walk = &w
		}
		t.more = true
	}
	return r
}

// seek goes on to the first chunk at or behind an ordinal that has the word, and
// returns it, or -1.
func (r *placeReader) seek(ordinal int) int {
	first := -1
	for i := range r.terms {
		t := &r.terms[i]
		if t.seek(ordinal); t.more && (first < 0 || t.cursor.ordinal < first) {
			first = t.cursor.ordinal
		}
	}
	return first
}

// places goes on to a chunk and reads the places in it.
func (r *placeReader) places(ordinal int) {
	if r.at != ordinal {
		r.seek(ordinal)
		r.read(ordinal)
		r.at = ordinal
	}
}

// read reads the places in a chunk, at which seek stands.
func (r *placeReader) read(ordinal int) {
	r.body, r.title = r.body[:0], r.title[:0]
	several := 0
	for i := range r.terms {
		if t := &r.terms[i]; t.more && t.cursor.ordinal == ordinal {
			r.body, r.title = t.read(r.body, r.title)
			several++
		}
	}
	if several > 1 {
		slices.Sort(r.body)
		slices.Sort(r.title)
	}
}

func (r *placeReader) err() error {
	for i := range r.terms {
		t := &r.terms[i]
		switch {
		case t.cursor.err != nil:
			return t.cursor.err
		case t.positions.err != nil:
			return t.positions.err
		case t.walk != nil && t.walk.err != nil:
			return t.walk.err
		}
	}
	return nil
}

// A termPlaces walks the postings of a term with their positions.
type termPlaces struct {
	entry     entry
	cursor    cursor
	positions positionReader
	more      bool
	pending   bool   // the positions of the chunk at hand were not read yet
	behind    uint32 // positions before those, which are to be passed over
	walk      *denseWalk
	rank      int // of a dense term: the entry whose positions come next
}

func (t *termPlaces) seek(ordinal int) {
	if t.walk != nil {
		t.more = t.more && t.cursor.seek(ordinal)
		return
	}
	for t.more && t.cursor.ordinal < ordinal {
		if t.pending {
			t.behind += t.cursor.body + t.cursor.title
		}
		t.more = t.cursor.next()
		t.pending = t.more
	}
}

func (t *termPlaces) read(body, title []uint32) (_, _ []uint32) {
	if t.walk != nil {
		t.find()
	} else if !t.pending {
		return body, title
	}
	t.positions.skip(t.behind)
	t.behind = 0
	body = t.positions.read(body, t.cursor.body)
	title = t.positions.read(title, t.cursor.title)
	t.pending = false
	return body, title
}

// find goes to the positions of the chunk at hand, of a dense term.
func (t *termPlaces) find() {
	group := t.cursor.ordinal / (64 * groupWords)
	if first := t.walk.rankOf(group * 64 * groupWords); first > t.rank {
		at := int(le32(t.walk.places[4*group:]))
		if at > len(t.entry.positions) {
			t.positions.err = errCorrupt
			return
		}
		t.rank, t.positions.data, t.behind = first, t.entry.positions[at:], 0
	}
	for to := t.walk.rankOf(t.cursor.ordinal); t.rank < to; t.rank++ {
		body, title := t.walk.times(t.rank)
		t.behind += body + title
	}
	if t.walk.codes[t.rank] == tooMany { // passed over
		t.walk.times(t.rank)
	}
	t.rank++
}
