package inverted

import "context"

// A phrase is the postings of its words in each segment that has all of them.
type phrase struct {
	words  []placed
	places [][]entry // of each segment, one for each word; nil when one is missing
	idf    float64   // of all words together
}

// preparePhrases reads the positions of the words in phrases.
func (m *matcher) preparePhrases(ctx context.Context, blocks *blockSet) error {
	var keys []cacheKey
	where := map[cacheKey]int{}
	for _, words := range m.query.phrases {
		p := &phrase{words: words, places: make([][]entry, len(blocks.firsts))}
		m.phrases = append(m.phrases, p)
		for i := range blocks.firsts {
			entries := make([]entry, 0, len(words))
			for _, w := range words {
				e, err := blocks.entry(i, w.term)
				if err != nil {
					return err
				}
				if e.data == nil {
					break
				}
				entries = append(entries, e)
			}
			if len(entries) < len(words) {
				continue
			}
			p.places[i] = entries
			for _, w := range words {
				k := cacheKey{m.view.segments[i].id, positionBlock, blockOf(blocks.firsts[i], w.term)}
				if _, ok := where[k]; !ok {
					where[k] = len(keys)
					keys = append(keys, k)
				}
			}
		}
	}
	positions, err := m.view.blocks(ctx, keys)
	if err != nil {
		return err
	}
	for _, p := range m.phrases {
		for i, entries := range p.places {
			for j := range entries {
				block := blockOf(blocks.firsts[i], p.words[j].term)
				id := m.view.segments[i].id
				entries[j], err = findEntry(blocks.data[cacheKey{id, dataBlock, block}],
					positions[where[cacheKey{id, positionBlock, block}]], p.words[j].term)
				if err != nil {
					return m.view.unreadable(i, err)
				}
			}
		}
		if err := m.phraseIDF(p, blocks); err != nil {
			return err
		}
	}
	return nil
}

// phraseIDF adds up the inverse document frequencies of a phrase's words.
func (m *matcher) phraseIDF(p *phrase, blocks *blockSet) error {
	for _, w := range p.words {
		places := make([][]entry, len(blocks.firsts))
		for i := range blocks.firsts {
			e, err := blocks.entry(i, w.term)
			if err != nil {
				return err
			}
			if e.data != nil {
				places[i] = []entry{e}
			}
		}
		n, err := m.frequency(places)
		if err != nil {
			return err
		}
		p.idf += m.idf(n)
	}
	return nil
}

// matchPhrases adds the scores of the phrases and returns the chunks that have
// all of them, or nil when the query has none.
func (m *matcher) matchPhrases(segment int, norms, scores []float32) (bitset, error) {
	var required bitset
	for _, p := range m.phrases {
		set := newBitset(m.tables[segment].len())
		if p.places[segment] != nil {
			frequency := getScores(m.tables[segment].len())
			err := p.count(p.places[segment], float32(m.ranking.title), frequency)
			if err != nil {
				return nil, err
			}
			for o, n := range frequency {
				if n > 0 {
					set.set(o)
				}
			}
			m.addFrequencies(norms, m.ranking.phrase*p.idf, frequency, scores)
			putScores(frequency)
		}
		if required == nil {
			required = set
		} else {
			required.and(set)
		}
	}
	return required, nil
}

// count writes how often each chunk has the phrase.
func (p *phrase) count(entries []entry, title float32, frequency []float32) error {
	readers := make([]phraseReader, len(entries))
	for i, e := range entries {
		readers[i] = phraseReader{cursor: newCursor(e.data, len(frequency)), positions: positionReader{data: e.positions}, offset: p.words[i].offset}
	}
	for at := 0; ; {
		agree := true
		for i := range readers {
			r := &readers[i]
			if !r.advance(at) {
				return r.failed()
			}
			if r.cursor.ordinal != at {
				at, agree = r.cursor.ordinal, i == 0
			}
		}
		if !agree {
			continue
		}
		var n float32
		for field, weight := range []float32{1, title} {
			starts := readers[0].read(field)
			for i := 1; i < len(readers); i++ {
				starts = keepFollowed(starts, readers[i].read(field))
			}
			n += weight * float32(len(starts))
		}
		frequency[at] = n
		for i := range readers {
			readers[i].pending = false
		}
		at++
	}
}

// A phraseReader walks the postings of one word with their positions.
type phraseReader struct {
	cursor    cursor
	positions positionReader
	offset    uint32
	pending   bool // the positions of the chunk at hand were not read yet
	buf       []uint32
}

// advance goes on to the first chunk at or behind an ordinal.
func (r *phraseReader) advance(ordinal int) bool {
	for r.cursor.ordinal < ordinal {
		if r.pending {
			r.positions.skip(r.cursor.body + r.cursor.title)
			r.pending = false
		}
		if !r.cursor.next() {
			return false
		}
		r.pending = true
	}
	return true
}

// read returns where a phrase with this word would begin, in the body (0), which
// is read first, or the title (1).
func (r *phraseReader) read(field int) []uint32 {
	n := r.cursor.body
	if field == 1 {
		n = r.cursor.title
	}
	r.buf = r.positions.read(r.buf[:0], n)
	starts := r.buf[:0]
	for _, at := range r.buf {
		if at >= r.offset {
			starts = append(starts, at-r.offset)
		}
	}
	return starts
}

func (r *phraseReader) failed() error {
	if r.cursor.err != nil {
		return r.cursor.err
	}
	return r.positions.err
}

// keepFollowed keeps those of a that are in b; both ascend.
func keepFollowed(a, b []uint32) []uint32 {
	kept := a[:0]
	for _, x := range a {
		for len(b) > 0 && b[0] < x {
			b = b[1:]
		}
		if len(b) > 0 && b[0] == x {
			kept = append(kept, x)
		}
	}
	return kept
}
