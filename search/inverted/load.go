package inverted

import (
	"context"
	"slices"
)

// A postingSet is the postings of a query's terms in some segments.
type postingSet struct {
	entries map[postingKey]entry
}

type postingKey struct {
	segment int
	term    string
}

// of returns the entries of terms in a segment, of those that are there.
func (p *postingSet) of(segment int, terms []string) []entry {
	var list []entry
	for _, t := range terms {
		if e, ok := p.entries[postingKey{segment, t}]; ok {
			list = append(list, e)
		}
	}
	return list
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
		m.loaded, m.loadedGroup, m.loadedClauses = &postingSet{entries: map[postingKey]entry{}}, group, map[*clause]bool{}
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
		key  postingKey
		data int // number of its block among the keys
	}
	var keys []cacheKey
	number := map[cacheKey]int{}
	need := func(k cacheKey) int {
		n, ok := number[k]
		if !ok {
			n = len(keys)
			number[k] = n
			keys = append(keys, k)
		}
		return n
	}
	var places []place
	for _, i := range group {
		for t := range terms {
			block := blockOf(m.firsts[i], t)
			if _, ok := m.loaded.entries[postingKey{i, t}]; block < 0 || ok && !placed[t] {
				continue
			}
			id := m.segments[i].id
			places = append(places, place{postingKey{i, t}, need(cacheKey{id, dataBlock, block})})
			if placed[t] {
				need(cacheKey{id, positionBlock, block})
			}
		}
	}
	blocks, err := m.blocks(ctx, keys)
	if err != nil {
		return err
	}
	for _, p := range places {
		k := keys[p.data]
		var positions []byte
		if n, ok := number[cacheKey{k.segment, positionBlock, k.block}]; ok {
			positions = blocks[n]
		}
		e, err := findEntry(blocks[p.data], positions, p.key.term)
		if err != nil {
			return m.unreadable(p.key.segment, err)
		}
		if e.data != nil {
			m.loaded.entries[p.key] = e
		}
	}
	return nil
}

func sameSet(a, b []int) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
