package inverted

// A phrase is words in quotation marks, which have to be there.
type phrase struct {
	words  []placed
	counts []float64 // live chunks that have each word
	idf    float64   // of all words together
	slope  float32
}

func (m *matcher) preparePhrases() {
	for _, words := range m.query.phrases {
		m.phrases = append(m.phrases, &phrase{words: words, counts: make([]float64, len(words))})
	}
}

// matchPhrases adds the scores of the phrases and returns the chunks that have
// all of them, or nil when the query has none.
func (m *matcher) matchPhrases(segment int, norms []float32, acc []uint32) (bitset, error) {
	var required bitset
	for _, p := range m.phrases {
		set := newBitset(len(acc))
		err := m.eachPhrase(p, segment, func(o int, body, title int) {
			set.set(o)
			acc[o] += p.part(body, title, norms[o])
		})
		if err != nil {
			return nil, err
		}
		if required == nil {
			required = set
		} else {
			required.and(set)
		}
	}
	return required, nil
}

// part returns what the phrase gives to a chunk that has it so often.
func (p *phrase) part(body, title int, norm float32) uint32 {
	tf := float32(body) + titleWeight*float32(title)
	return max(1, uint32(p.slope*(tf/(tf+norm))))
}

// eachPhrase calls found for each chunk of a segment that has a phrase.
func (m *matcher) eachPhrase(p *phrase, segment int, found func(o int, body, title int)) error {
	readers := make([]*placeReader, len(p.words))
	for i, w := range p.words {
		entries := m.loaded.of(segment, w.forms)
		if len(entries) == 0 {
			return nil
		}
		readers[i] = newPlaceReader(entries, m.tables[segment].len())
	}
	for at := 0; ; {
		agree := true
		for i, r := range readers {
			o := r.seek(at)
			if o < 0 {
				return firstError(readers)
			}
			if o != at {
				at, agree = o, i == 0
			}
		}
		if !agree {
			continue
		}
		var body, title []uint32
		for i, r := range readers {
			r.read(at)
			b, t := shifted(r.body, p.words[i].offset), shifted(r.title, p.words[i].offset)
			if i == 0 {
				body, title = b, t
			} else {
				body, title = keepFollowed(body, b), keepFollowed(title, t)
			}
		}
		if len(body)+len(title) > 0 {
			found(at, len(body), len(title))
		}
		at++
	}
}

func firstError(readers []*placeReader) error {
	for _, r := range readers {
		if err := r.err(); err != nil {
			return err
		}
	}
	return nil
}

// shifted returns where a phrase would begin that has a word at an offset, in the
// same memory.
func shifted(places []uint32, offset uint32) []uint32 {
	starts := places[:0]
	for _, at := range places {
		if at >= offset {
			starts = append(starts, at-offset)
		}
	}
	return starts
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
