package inverted

import (
	"cmp"
	"slices"
)

// maxGap is how far two neighbours of the query may stand out of place in a text
// to count as near.
const maxGap = 4

// A pair is two neighbouring words of the query. Chunks in which they stand close
// to each other get more, most when they stand as in the query.
type pair struct {
	wordPair
	weight float64
	most   uint32
}

func (m *matcher) preparePairs() {
	if m.ranking.near == 0 {
		return
	}
	for _, p := range m.query.pairs {
		m.pairs = append(m.pairs, &pair{wordPair: p})
	}
}

// A nearness adds up what the pairs give to chunks of one segment, in ascending
// order.
type nearness struct {
	pairs   []*pair
	readers []*placeReader // by word
	have    []bitset       // by word: the chunks that have it, once it was scored
	most    uint32         // for any chunk: as much as the best few pairs together
	chunks  int
}

// maxNear is the number of pairs that count for a chunk at most.
const maxNear = 4

// nearness returns nil when no pair can be in the segment. Its sets of chunks are
// made by newBits.
func (m *matcher) nearness(segment int, newBits func(chunks int) bitset) *nearness {
	words := len(m.query.words)
	n := &nearness{readers: make([]*placeReader, words), have: make([]bitset, words), chunks: m.tables[segment].len()}
	for _, p := range m.pairs {
		if p.most == 0 {
			continue
		}
		first, second := m.loaded.of(segment, m.clauses[p.first].terms), m.loaded.of(segment, m.clauses[p.second].terms)
		if len(first) == 0 || len(second) == 0 {
			continue
		}
		n.pairs = append(n.pairs, p)
		for word, entries := range map[int][]entry{p.first: first, p.second: second} {
			if n.readers[word] == nil {
				n.readers[word] = newPlaceReader(entries, n.chunks)
				n.have[word] = newBits(n.chunks)
			}
		}
	}
	if len(n.pairs) == 0 {
		return nil
	}
	slices.SortStableFunc(n.pairs, func(a, b *pair) int { return cmp.Compare(b.most, a.most) })
	for _, p := range n.pairs[:min(maxNear, len(n.pairs))] {
		n.most += p.most
	}
	return n
}

// again begins anew.
func (n *nearness) again() *nearness {
	clone := *n
	clone.readers = make([]*placeReader, len(n.readers))
	for word, r := range n.readers {
		if r == nil {
			continue
		}
		entries := make([]entry, len(r.terms))
		for i := range r.terms {
			entries[i] = r.terms[i].entry
		}
		clone.readers[word] = newPlaceReader(entries, n.chunks)
	}
	return &clone
}

// bound returns the most that pairs can give to a chunk, by the words it has.
func (n *nearness) bound(o int) (most uint32) {
	for _, p := range n.pairs {
		if n.have[p.first].has(o) && n.have[p.second].has(o) {
			most += p.most
		}
	}
	return min(most, n.most)
}

// without drops the chunks that have both words of a pair.
func (n *nearness) without(set bitset) {
	for _, p := range n.pairs {
		first, second := n.have[p.first], n.have[p.second]
		for i := range set {
			set[i] &^= first[i] & second[i]
		}
	}
}

// at tells what the pairs give to a chunk. Ordinals ascend.
func (n *nearness) at(o int, each func(p *pair, part uint32)) {
	left := n.most
	for _, p := range n.pairs {
		if !n.have[p.first].has(o) || !n.have[p.second].has(o) || left == 0 {
			continue
		}
		first, second := n.readers[p.first], n.readers[p.second]
		first.places(o)
		second.places(o)
		gap := min(closest(first.body, second.body, p.distance), closest(first.title, second.title, p.distance))
		if gap <= maxGap {
			part := min(left, p.most/uint32(1+gap))
			left -= part
			each(p, part)
		}
	}
}

func (n *nearness) err() error {
	for _, r := range n.readers {
		if r == nil {
			continue
		}
		if err := r.err(); err != nil {
			return err
		}
	}
	return nil
}

// closest returns how far the nearest two places are from standing a distance
// apart. Both lists ascend.
func closest(first, second []uint32, distance int) int {
	best := maxGap + 1
	for _, at := range first {
		want := int(at) + distance
		i, _ := slices.BinarySearchFunc(second, want, func(x uint32, w int) int { return cmp.Compare(int(x), w) })
		if i < len(second) {
			best = min(best, int(second[i])-want)
		}
		if i > 0 {
			best = min(best, want-int(second[i-1]))
		}
	}
	return best
}
