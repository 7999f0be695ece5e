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
	entries [][]entry      // by word
	readers []*placeReader // by word, once they are needed
	have    []bitset       // by word: the chunks that have it, once it was scored
	most    uint32         // for any chunk: as much as the best few pairs together
	ahead   []*pair        // of which neither word was scored yet
	chunks  int
}

// maxNear is the number of pairs that count for a chunk at most.
const maxNear = 4

// nearness returns nil when no pair can be in the segment. Its sets of chunks are
// made by newBits.
func (m *matcher) nearness(segment int, newBits func(chunks int) bitset) *nearness {
	words := len(m.query.words)
	n := &nearness{entries: make([][]entry, words), readers: make([]*placeReader, words), have: make([]bitset, words), chunks: m.tables[segment].len()}
	for _, p := range m.pairs {
		if p.most == 0 {
			continue
		}
		first, second := m.loaded.of(segment, m.clauses[p.first].terms), m.loaded.of(segment, m.clauses[p.second].terms)
		if len(first) == 0 || len(second) == 0 {
			continue
		}
		n.pairs = append(n.pairs, p)
		n.entries[p.first], n.entries[p.second] = first, second
		for _, word := range []int{p.first, p.second} {
			if n.have[word] == nil {
				n.have[word] = newBits(n.chunks)
			}
		}
	}
	if len(n.pairs) == 0 {
		return nil
	}
	slices.SortStableFunc(n.pairs, func(a, b *pair) int { return cmp.Compare(b.most, a.most) })
	n.most, n.ahead = mostOfPairs(n.pairs), slices.Clone(n.pairs)
	return n
}

// mostOfPairs returns the most that pairs, the best first, can give together.
func mostOfPairs(pairs []*pair) (most uint32) {
	for _, p := range pairs[:min(maxNear, len(pairs))] {
		most += p.most
	}
	return most
}

// scored tells that it is known which chunks have a word.
func (n *nearness) scored(word int) {
	n.ahead = slices.DeleteFunc(n.ahead, func(p *pair) bool { return p.first == word || p.second == word })
}

// left returns the most that pairs can give to a chunk that has no word which was
// scored. There may be no pairs.
func (n *nearness) left() uint32 {
	if n == nil {
		return 0
	}
	return mostOfPairs(n.ahead)
}

// again begins anew.
func (n *nearness) again() *nearness {
	clone := *n
	clone.readers = make([]*placeReader, len(n.readers))
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
		first, second := n.places(p.first, o), n.places(p.second, o)
		gap := min(closest(first.body, second.body, p.distance), closest(first.title, second.title, p.distance))
		if gap <= maxGap {
			part := min(left, p.most/uint32(1+gap))
			left -= part
			each(p, part)
		}
	}
}

// places tells where a word stands in a chunk.
func (n *nearness) places(word, o int) *placeReader {
	r := n.readers[word]
	if r == nil {
		r = newPlaceReader(n.entries[word], n.chunks)
		n.readers[word] = r
	}
	r.places(o)
	return r
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
