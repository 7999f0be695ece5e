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
	readers map[int]*placeReader // by word
	most    uint32
	chunks  int
	read    map[int]int // the chunk whose places each reader holds
}

// nearness returns nil when no pair can be in the segment.
func (m *matcher) nearness(segment int) *nearness {
	n := &nearness{readers: map[int]*placeReader{}, read: map[int]int{}, chunks: m.tables[segment].len()}
	for _, p := range m.pairs {
		for _, word := range []int{p.first, p.second} {
			if n.readers[word] != nil {
				continue
			}
			if entries := m.loaded.of(segment, m.clauses[word].terms); len(entries) > 0 && entries[0].positions != nil {
				n.readers[word] = newPlaceReader(entries, m.tables[segment].len())
				n.read[word] = -1
			}
		}
		if n.readers[p.first] != nil && n.readers[p.second] != nil && p.most > 0 {
			n.pairs = append(n.pairs, p)
			n.most += p.most
		}
	}
	if len(n.pairs) == 0 {
		return nil
	}
	return n
}

// again begins anew.
func (n *nearness) again() *nearness {
	clone := &nearness{pairs: n.pairs, readers: map[int]*placeReader{}, most: n.most, chunks: n.chunks, read: map[int]int{}}
	for word, r := range n.readers {
		entries := make([]entry, len(r.terms))
		for i := range r.terms {
			entries[i] = r.terms[i].entry
		}
		clone.readers[word], clone.read[word] = newPlaceReader(entries, n.chunks), -1
	}
	return clone
}

// at tells what the pairs give to a chunk. Ordinals ascend.
func (n *nearness) at(o int, each func(p *pair, part uint32)) {
	for _, p := range n.pairs {
		first, second := n.places(p.first, o), n.places(p.second, o)
		if first == nil || second == nil {
			continue
		}
		gap := min(closest(first.body, second.body, p.distance), closest(first.title, second.title, p.distance))
		if gap <= maxGap {
			each(p, p.most/uint32(1+gap))
		}
	}
}

func (n *nearness) places(word, o int) *placeReader {
	r := n.readers[word]
	if r.seek(o) != o {
		return nil
	}
	if n.read[word] != o {
		r.read(o)
		n.read[word] = o
	}
	return r
}

func (n *nearness) err() error {
	for _, r := range n.readers {
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
