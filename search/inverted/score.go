package inverted

import (
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"
)

// A scoring is the scores of one segment's chunks.
type scoring struct {
	segment int
	matched bitset   // chunks that match, filters aside
	acc     []uint32 // scores by ordinal, without what stands near; right for chosen chunks only
	chosen  bitset   // chunks that can be among the hits; nil for all that match
	floor   uint32   // lower scores do not matter
	near    *nearness
	space   *workspace // holds all of these
}

// A wanted says which chunks of a segment matter.
type wanted struct {
	valid bitset // chunks that filters leave; nil for all
	hits  int    // number of documents; 0 when scores do not matter
	floor uint32 // scores below it do not matter
	all   bool   // all scores matter
	only  bitset // chunks that are scored at all; nil for all
}

// segment scores a segment.
//
// Which chunks match is found out for all words, since totals and facets are
// exact; for frequent words that is joining bits. Scores cost more. Words are
// taken in order of what they can give at most; once chunks that have only the
// words that are left cannot come among the wanted any more (Turtle and Flood's
// max-score), further words are scored only for the chunks that still can.
func (m *matcher) segment(segment int, w wanted) (*scoring, error) {
	chunks := m.tables[segment].len()
	space := workspaces.Get().(*workspace)
	s := &scoring{segment: segment, matched: space.bits(chunks), acc: space.scores(chunks), space: space}
	norms := m.norms(segment)
	required, err := m.matchPhrases(segment, norms, s.acc)
	if err != nil {
		return nil, err
	}
	type step struct {
		*clause
		entries []entry
		most    uint32
	}
	var steps []step
	rest := uint32(0) // the most that the words that were not scored yet can give
	for _, c := range m.clauses {
		if entries := m.loaded.of(segment, c.terms); len(entries) > 0 {
			steps = append(steps, step{c, entries, m.most(c, segment, entries)})
			rest += steps[len(steps)-1].most
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(b.most, a.most) })
	near := uint32(0) // the most that what stands near can give
	if w.hits > 0 {
		if s.near = m.nearness(segment, space.bits); s.near != nil {
			near = s.near.most
		}
	}
	only := required
	if w.only != nil {
		if only = slices.Clone(w.only); required != nil {
			only.and(required)
		}
	}
	if w.hits == 0 {
		only = space.bits(chunks)
	}
	prune := !w.all && !m.ranking.exhaustive && required == nil && w.hits > 0
	pruned := false
	full := w.floor > 0 // with the hits of other segments: the floor is high enough, and finding a higher one costs more than it saves
	reach := uint32(0)  // the most that the last of the best can have reached
	var probe bitset    // those that have the words so far, while they are few: the best of all are likely to be among them
	for _, x := range steps {
		if prune {
			if !full && x.entries[0].count >= minPruned {
				if n := s.matched.count(); !pruned && n >= w.hits && n <= maxProbe {
					probe = space.clone(s.matched)
				}
				least := uint32(0)
				if probe != nil && !pruned {
					least = m.best(s, w, probe)
				}
				if least == 0 && rest+near < reach {
					least = m.best(s, w, only)
					reach = max(w.floor, least)
				}
				w.floor = max(w.floor, least)
			}
			if !pruned && rest+s.near.left() < w.floor {
				only, pruned = space.clone(s.matched), true
				if w.valid != nil {
					only.and(w.valid)
				}
			}
			if pruned && rest+near < w.floor {
				s.keep(only, w.floor-rest-near)
			}
		}
		have := s.matched
		if s.near != nil && x.word >= 0 && x.kind != PrefixTerm && s.near.have[x.word] != nil {
			have = s.near.have[x.word]
			s.near.scored(x.word)
		}
		if err := m.addClause(s, x.clause, x.entries, norms, only, have); err != nil {
			return nil, err
		}
		s.matched.or(have)
		rest, reach = rest-x.most, reach+x.most
	}
	if required != nil {
		s.matched = required
	}
	if w.all || m.ranking.exhaustive || w.hits == 0 {
		return s, nil
	}
	if s.chosen = only; !pruned {
		s.chosen = space.clone(s.matched)
		if w.valid != nil {
			s.chosen.and(w.valid)
		}
	}
	if s.floor = w.floor; !full {
		least := uint32(0)
		if probe != nil && !pruned {
			least = m.best(s, w, probe)
		}
		if least == 0 {
			least = m.best(s, w, s.chosen)
		}
		s.floor = max(s.floor, least)
	}
	if s.near != nil { // chunks without neighbours get nothing more
		without := space.clone(s.chosen)
		s.near.without(without)
		s.chosen.without(without)
		s.keep(without, s.floor)
		s.keep(s.chosen, s.floor-min(s.floor, s.near.most))
		s.chosen.or(without)
	} else {
		s.keep(s.chosen, s.floor)
	}
	return s, nil
}

// minPruned is the number of chunks that a word must have for it to be worth
// while to see whether scoring it can be avoided.
const minPruned = 256

// maxProbe is the number of chunks among which it takes little time to find the
// best.
const maxProbe = 4096

// keep drops the chunks with a lower score.
func (s *scoring) keep(set bitset, least uint32) {
	for w, kept := range set {
		if kept == 0 {
			continue
		}
		acc := s.acc[w<<6:]
		for x := kept; x != 0; x &= x - 1 {
			bit := bits.TrailingZeros64(x)
			_, below := bits.Sub64(uint64(acc[bit]), uint64(least), 0) // 1 or 0: nobody can predict a branch here
			kept &^= below << bit
		}
		set[w] = kept
	}
}

// best returns the score that the last of the wanted hits has at least, so far.
func (m *matcher) best(s *scoring, w wanted, only bitset) uint32 {
	set := s.matched
	if only != nil {
		set = only
	}
	table := m.tables[s.segment]
	heap := make(scoreHeap, 0, w.hits)
	last, high := -1, uint32(0) // the document at hand
	floor := uint32(0)          // what is not above it is not among the best
	for i, x := range set {
		if w.valid != nil {
			x &= w.valid[i]
		}
		if table.document == nil && x != 0 {
			acc := s.acc[i<<6:]
			for ; x != 0; x &= x - 1 {
				if v := acc[bits.TrailingZeros64(x)]; v > floor {
					if heap.offer(v, w.hits); len(heap) == w.hits {
						floor = heap[0]
					}
				}
			}
			continue
		}
		for ; x != 0; x &= x - 1 {
			o := i<<6 + bits.TrailingZeros64(x)
			if doc := table.doc(o); doc != last {
				heap.offer(high, w.hits)
				last, high = doc, 0
			}
			high = max(high, s.acc[o])
		}
	}
	heap.offer(high, w.hits)
	if len(heap) < w.hits {
		return 0
	}
	return heap[0]
}

// A scoreHeap keeps the highest scores, the least of them at index 0.
type scoreHeap []uint32

func (h *scoreHeap) offer(v uint32, most int) {
	s := *h
	if len(s) < most {
		s = append(s, v)
		for i := len(s) - 1; i > 0 && s[i] < s[(i-1)/2]; i = (i - 1) / 2 {
			s[i], s[(i-1)/2] = s[(i-1)/2], s[i]
		}
		*h = s
		return
	}
	if v <= s[0] {
		return
	}
	s[0] = v
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(s); child++ {
			if s[child] < s[least] {
				least = child
			}
		}
		if least == i {
			return
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
}

// addClause adds what a clause gives to chunks, to those of a set or to all, and
// notes all chunks that have it.
func (m *matcher) addClause(s *scoring, c *clause, entries []entry, norms []float32, only, have bitset) error {
	switch {
	case len(entries) > 1:
		return s.addTerms(c, entries, norms, only, have)
	case entries[0].dense:
		return s.addDense(c, entries[0], norms, only, have)
	}
	return s.addSparse(c, entries[0], norms, only, have)
}

// addSparse is where a query spends most of its time, so it decodes the postings
// itself as cursor.next does.
func (s *scoring) addSparse(c *clause, e entry, norms []float32, only, have bitset) error {
	acc := s.acc
	norms = norms[:len(acc)]
	data, ordinal := e.data, -1
	for i := 0; i < len(data); {
		code := uint64(data[i])
		i++
		if code >= 0x80 {
			var n int
			if code, n = binary.Uvarint(data[i-1:]); n <= 0 {
				return errCorrupt
			}
			i += n - 1
		}
		ordinal += int(code>>2) + 1
		if uint(ordinal) >= uint(len(acc)) {
			return errCorrupt
		}
		have[ordinal>>6] |= 1 << (ordinal & 63)
		tf := float32(1)
		switch code & 3 {
		case onceInTitle:
			tf = titleWeight
		case inBody, inBoth:
			body, n := binary.Uvarint(data[i:])
			if n <= 0 {
				return errCorrupt
			}
			i += n
			tf = float32(body)
			if code&3 == inBoth {
				title, n := binary.Uvarint(data[i:])
				if n <= 0 {
					return errCorrupt
				}
				i += n
				tf += titleWeight * float32(title)
			}
		}
		if only == nil || only.has(ordinal) {
			acc[ordinal] += c.part(tf, norms[ordinal])
		}
	}
	return nil
}

func (s *scoring) addDense(c *clause, e entry, norms []float32, only, have bitset) error {
	d, err := readDense(e, len(s.acc))
	if err != nil {
		return err
	}
	walk := newDenseWalk(d)
	rank := 0
	for w := range d.words() {
		all := d.word(w)
		have[w] |= all
		x := all
		if only != nil {
			x &= only[w]
		}
		if x == 0 {
			rank += bits.OnesCount64(all)
			continue
		}
		acc, norms := s.acc[w<<6:], norms[w<<6:]
		next, each := rank, x == all
		for ; x != 0; x &= x - 1 {
			bit := bits.TrailingZeros64(x)
			if !each {
				next = rank + bits.OnesCount64(all&(1<<bit-1))
			}
			code := d.codes[next]
			tf := codeFrequency[code]
			if code == tooMany {
				body, title := walk.times(next)
				tf = float32(body) + titleWeight*float32(title)
			}
			acc[bit] += c.part(tf, norms[bit])
			next++
		}
		rank += bits.OnesCount64(all)
	}
	return walk.err
}

// addTerms adds several terms as if they were one.
func (s *scoring) addTerms(c *clause, entries []entry, norms []float32, only, have bitset) error {
	frequency := getFrequencies(len(s.acc))
	defer putFrequencies(frequency)
	set := s.space.bits(len(s.acc))
	for _, e := range entries {
		p := newCursor(e, len(s.acc))
		for p.next() {
			set.set(p.ordinal)
			frequency[p.ordinal] += float32(p.body) + titleWeight*float32(p.title)
		}
		if p.err != nil {
			return p.err
		}
	}
	for w, x := range set {
		have[w] |= x
		for ; x != 0; x &= x - 1 {
			o := w<<6 + bits.TrailingZeros64(x)
			if only == nil || only.has(o) {
				s.acc[o] += c.part(frequency[o], norms[o])
			}
		}
	}
	return nil
}

// lengthNorms are the norms of a segment's chunks at an average length.
type lengthNorms struct {
	average float64
	norms   []float32
}

// norms returns the length norms of a segment's chunks. They are kept as long as
// the average stays the same.
func (m *matcher) norms(i int) []float32 {
	table := m.tables[i]
	key := m.key(m.segments[i], "#norms", 0)
	if x, ok := m.cache.get(key); ok && x.(lengthNorms).average == m.average {
		return x.(lengthNorms).norms
	}
	norms := make([]float32, table.len())
	for o := range norms {
		norms[o] = lengthNorm(table.body[o], table.title[o], m.average)
	}
	m.cache.put(key, lengthNorms{m.average, norms}, 4*len(norms))
	return norms
}
