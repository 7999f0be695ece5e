package inverted

import (
	"context"
	"slices"
)

// A postingSet is the postings of a query's terms in some segments.
type postingSet struct {
	terms   map[string]int  // their numbers
	entries map[int][]entry // of each segment, by the numbers of the terms; without postings where it does not have one
}

// of returns the entries of terms in a segment, of those that are there.
func (p *postingSet) of(segment int, terms []string) []entry {
	var list []entry
	entries := p.entries[segment]
	for _, t := range terms {
		if n, ok := p.terms[t]; ok && n < len(entries) && entries[n].data != nil {
			list = append(list, entries[n])
		}
	}
	return list
}

// number gives a term its number.
func (p *postingSet) number(term string) int {
	n, ok := p.terms[term]
	if !ok {
		n = len(p.terms)
		p.terms[term] = n
	}
	return n
}

// groupPostings bounds the postings that are in memory at once, beside the
// cache: chunks in a group of segments, times terms. A posting takes one or two
// bytes, and twice as many with its positions.
const groupPostings = 16 << 20

// groups divides the segments so that each group's postings fit into memory.
// Nearly always it is one.
func (m *matcher) groups() [][]int {
	all := make([]int, len(m.segments))
	for i := range all {
		all[i] = i
	}
	return m.inSequence(all)
}

// inSequence divides the segments in a given order.
func (m *matcher) inSequence(segments []int) [][]int {
	terms := 1
	for _, c := range m.clauses {
		terms += len(c.terms)
	}
	var groups [][]int
	size := 0
	for _, i := range segments {
		s := m.segments[i]
		if len(groups) == 0 || (size+s.chunks)*terms > groupPostings {
			groups, size = append(groups, nil), 0
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], i)
		size += s.chunks
	}
	return groups
}

// load reads the postings of the clauses and phrases in a group of segments, and
// the positions that phrases and pairs need, with one query for all that is not
// in the cache. What is loaded already stays while the group is the same.
func (m *matcher) load(ctx context.Context, group []int, clauses []*clause) error {
	if m.loaded != nil && sameSet(m.loadedGroup, group) {
		clauses = slices.DeleteFunc(slices.Clone(clauses), func(c *clause) bool { return m.loadedClauses[c] })
		if len(clauses) == 0 {
			return nil
		}
	} else {
		m.loaded, m.loadedGroup, m.loadedClauses = &postingSet{map[string]int{}, map[int][]entry{}}, group, map[*clause]bool{}
	}
	terms, placed := map[string]bool{}, map[string]bool{}
	for _, c := range clauses {
		m.loadedClauses[c] = true
		for _, t := range c.terms {
			terms[t] = true
		}
	}
	for _, p := range m.phrases {
		for _, w := range p.words {
			for _, t := range w.forms {
				terms[t], placed[t] = true, true
			}
		}
	}
	for _, p := range m.pairs {
		for _, c := range []*clause{m.clauses[p.first], m.clauses[p.second]} {
			for _, t := range c.terms {
				placed[t] = placed[t] || terms[t]
			}
		}
	}
	type place struct {
		segment, number int
		term            string
		data, positions int // the numbers of its keys; positions is 0 for none
	}
	var keys []cacheKey
	var places []place
	for t := range terms {
		m.loaded.number(t)
	}
	for _, i := range group {
		entries := slices.Grow(m.loaded.entries[i], len(m.loaded.terms))[:len(m.loaded.terms)]
		m.loaded.entries[i] = entries
		for t := range terms {
			n := m.loaded.terms[t]
			block := blockOf(m.firsts[i], t)
			if block < 0 || entries[n].data != nil && !placed[t] {
				continue
			}
			p := place{segment: i, number: n, term: t, data: len(keys)}
			keys = append(keys, m.key(m.segments[i], dataBlock, block))
			if placed[t] {
				p.positions = len(keys)
				keys = append(keys, m.key(m.segments[i], positionBlock, block))
			}
			places = append(places, p)
		}
	}
	blocks, err := m.blocks(ctx, keys, m.neighbours)
	if err != nil {
		return err
	}
	for _, p := range places {
		var positions []byte
		if p.positions > 0 {
			positions = blocks[p.positions]
		}
		if m.loaded.entries[p.segment][p.number], err = findEntry(blocks[p.data], positions, p.term); err != nil {
			return m.unreadable(p.segment, err)
		}
	}
	return nil
}

func sameSet(a, b []int) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// readAhead is about how many bytes of blocks come with those that a search has to
// read, and aheadSize about how many one takes in the cache with its positions.
const (
	readAhead = 1 << 20
	aheadSize = blockSize + 2*itemOverhead
)

// neighbours returns the blocks around those that are to be read, as long as the
// cache has room for them. A further query for other words then finds them there:
// the words of one that was never asked before are rarely all in memory else, and
// on a server the statement that reads a few missing blocks takes as long as
// everything else. Where there is no room nothing is pushed out for them.
func (m *matcher) neighbours(missing []cacheKey) []cacheKey {
	if m.cache.room() < readAhead {
		return nil
	}
	blocks := map[string]int{} // by segment
	for i, s := range m.segments {
		blocks[s.id] = len(m.firsts[i])
	}
	read := map[cacheKey]bool{}
	for _, k := range missing {
		read[k] = true
	}
	width := max(1, readAhead/aheadSize/len(missing))
	var keys []cacheKey
	for _, k := range missing {
		from := k.block - k.block%width
		for n := from; n < min(from+width, blocks[k.segment]); n++ {
			for _, name := range []string{dataBlock, positionBlock} {
				other := cacheKey{k.organization, k.segment, name, n}
				if !read[other] && !m.cache.has(other) {
					read[other] = true
					keys = append(keys, other)
				}
			}
		}
	}
	return keys
}
