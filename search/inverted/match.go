package inverted

import (
	"cmp"
	"context"
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strings"
)

// A ranking holds the constants of the scores.
type ranking struct {
	k1, b  float64 // of BM25: how soon more of the same word counts little, and how much length counts
	title  float64 // a word in the title counts as so many in the text
	longer float64 // when the last word is known, words that only begin with it count as this part of one
	phrase float64 // the part of a phrase's own BM25 that is added
}

// defaultRanking has the usual constants. None was tuned to a collection.
func defaultRanking() *ranking { return &ranking{k1: 1.2, b: 0.75, title: 2, longer: 0.25, phrase: 1} }

// maxExpansions bounds the terms that stand for one prefix: the most frequent.
const maxExpansions = 64

// A matcher scores the chunks of each segment for a query.
type matcher struct {
	view    *view
	ranking *ranking
	query   *Query
	tables  []*chunkTable
	dead    []*tombstoneSet

	live    float64 // chunks
	average float64 // length of a live chunk
	clauses []*clause
	phrases []*phrase
}

// A clause is a term, or the terms that stand for a prefix, which count as one.
type clause struct {
	entries [][]entry // of each segment
	weight  float64
	idf     float64
}

// prepare reads the postings and the frequencies of all words.
func (m *matcher) prepare(ctx context.Context) error {
	var length float64
	for i, s := range m.view.segments {
		m.live += float64(s.chunks - s.deleted)
		length += float64(s.body) + m.ranking.title*float64(s.title)
		if d := m.dead[i]; d != nil {
			length -= float64(d.body) + m.ranking.title*float64(d.title)
		}
	}
	m.average = max(1, length/max(1, m.live))

	firsts, err := m.view.terms(ctx)
	if err != nil {
		return err
	}
	blocks, err := m.readBlocks(ctx, firsts)
	if err != nil {
		return err
	}
	for _, term := range m.query.terms {
		c := &clause{weight: 1, entries: make([][]entry, len(firsts))}
		for i := range firsts {
			e, err := blocks.entry(i, term)
			if err != nil {
				return err
			}
			if e.data != nil {
				c.entries[i] = []entry{e}
			}
		}
		m.clauses = append(m.clauses, c)
	}
	for _, p := range m.query.prefixes {
		c, err := m.expand(blocks, p)
		if err != nil {
			return err
		}
		m.clauses = append(m.clauses, c)
	}
	known := map[string]bool{}
	for i, c := range m.clauses {
		n, err := m.frequency(c.entries)
		if err != nil {
			return err
		}
		c.idf = m.idf(n)
		if j := i - len(m.query.terms); j < 0 {
			known[m.query.terms[i]] = n > 0
		} else if known[m.query.prefixes[j].term] {
			c.weight = m.ranking.longer
		}
	}
	return m.preparePhrases(ctx, blocks)
}

// A blockSet is the blocks that a query needs.
type blockSet struct {
	view   *view
	firsts [][]string
	data   map[cacheKey][]byte
}

// readBlocks reads all blocks that hold terms of the query, with one query.
func (m *matcher) readBlocks(ctx context.Context, firsts [][]string) (*blockSet, error) {
	set := &blockSet{view: m.view, firsts: firsts, data: map[cacheKey][]byte{}}
	var keys []cacheKey
	need := func(segment, block int) {
		k := cacheKey{m.view.segments[segment].id, dataBlock, block}
		if _, ok := set.data[k]; !ok && block >= 0 {
			set.data[k] = nil
			keys = append(keys, k)
		}
	}
	for i := range firsts {
		for _, term := range m.query.terms {
			need(i, blockOf(firsts[i], term))
		}
		for _, p := range m.query.prefixes {
			from, to := blocksOf(firsts[i], p.text)
			for b := from; b < to; b++ {
				need(i, b)
			}
			for _, term := range p.terms {
				need(i, blockOf(firsts[i], term))
			}
		}
		for _, p := range m.query.phrases {
			for _, x := range p {
				need(i, blockOf(firsts[i], x.term))
			}
		}
	}
	list, err := m.view.blocks(ctx, keys)
	for i, data := range list {
		set.data[keys[i]] = data
	}
	return set, err
}

// entry returns a term's entry in a segment, without positions; its data are nil
// when the term is not there.
func (s *blockSet) entry(segment int, term string) (entry, error) {
	block := blockOf(s.firsts[segment], term)
	if block < 0 {
		return entry{}, nil
	}
	e, err := findEntry(s.data[cacheKey{s.view.segments[segment].id, dataBlock, block}], nil, term)
	if err != nil {
		return entry{}, s.view.unreadable(segment, err)
	}
	return e, nil
}

// expand finds the terms that stand for a prefix, except those that the query
// has anyway.
func (m *matcher) expand(blocks *blockSet, p prefix) (*clause, error) {
	c := &clause{weight: 1, entries: make([][]entry, len(blocks.firsts))}
	found := map[string]float64{}
	all := make([][]entry, len(blocks.firsts))
	for i, firsts := range blocks.firsts {
		for _, term := range p.terms {
			e, err := blocks.entry(i, term)
			if err != nil {
				return nil, err
			}
			if e.data != nil {
				all[i] = append(all[i], e)
			}
		}
		from, to := blocksOf(firsts, p.text)
		for b := from; b < to; b++ {
			r := newBlockReader(blocks.data[cacheKey{m.view.segments[i].id, dataBlock, b}], nil)
			for r.next() {
				if strings.HasPrefix(string(r.term), p.text) {
					r.entry.term = string(r.term)
					all[i] = append(all[i], r.entry)
				}
			}
			if r.err != nil {
				return nil, m.view.unreadable(i, r.err)
			}
		}
		for _, e := range all[i] {
			found[e.term] += float64(e.count)
		}
	}
	for _, term := range m.query.terms {
		delete(found, term)
	}
	if err := m.keepFrequent(found, all); err != nil {
		return nil, err
	}
	for i := range all {
		for _, e := range all[i] {
			if _, ok := found[e.term]; ok {
				c.entries[i] = append(c.entries[i], e)
			}
		}
	}
	return c, nil
}

// keepFrequent drops all but the most frequent terms. What is deleted does not
// count, so that the choice does not depend on when segments were merged.
func (m *matcher) keepFrequent(found map[string]float64, all [][]entry) error {
	if len(found) <= maxExpansions {
		return nil
	}
	if slices.ContainsFunc(m.dead, func(d *tombstoneSet) bool { return d != nil }) {
		for term := range found {
			places := make([][]entry, len(all))
			for i := range all {
				for _, e := range all[i] {
					if e.term == term {
						places[i] = append(places[i], e)
					}
				}
			}
			n, err := m.frequency(places)
			if err != nil {
				return err
			}
			found[term] = n
		}
	}
	terms := slices.SortedFunc(maps.Keys(found), func(a, b string) int {
		return cmp.Or(cmp.Compare(found[b], found[a]), strings.Compare(a, b))
	})
	for _, term := range terms[maxExpansions:] {
		delete(found, term)
	}
	return nil
}

// frequency returns the number of live chunks that have any of the terms.
func (m *matcher) frequency(perSegment [][]entry) (float64, error) {
	n := 0
	for i, entries := range perSegment {
		switch {
		case len(entries) == 0:
			continue
		case len(entries) == 1 && m.dead[i] == nil:
			n += entries[0].count
			continue
		}
		seen := newBitset(m.tables[i].len())
		for _, e := range entries {
			p := newCursor(e.data, m.tables[i].len())
			for p.next() {
				seen.set(p.ordinal)
			}
			if p.err != nil {
				return 0, m.view.unreadable(i, p.err)
			}
		}
		if m.dead[i] != nil {
			for w := range seen {
				seen[w] &^= m.dead[i].bits[w]
			}
		}
		n += seen.count()
	}
	return float64(n), nil
}

// idf returns the inverse document frequency of what n live chunks have.
func (m *matcher) idf(n float64) float64 { return math.Log(1 + (m.live-n+0.5)/(n+0.5)) }

// segment returns the scores of a segment's chunks, by ordinal: 0 for those that
// do not match. The caller gives them back with putScores.
func (m *matcher) segment(i int) ([]float32, error) {
	scores, norms := getScores(m.tables[i].len()), m.norms(i)
	required, err := m.matchPhrases(i, norms, scores)
	if err != nil {
		return nil, err
	}
	for _, c := range m.clauses {
		if len(c.entries[i]) == 1 {
			err = m.addTerm(norms, c, c.entries[i][0], scores)
		} else {
			err = m.addTerms(norms, c, c.entries[i], scores)
		}
		if err != nil {
			return nil, err
		}
	}
	if required != nil {
		for o := range scores {
			if !required.has(o) {
				scores[o] = 0
			}
		}
	}
	return scores, nil
}

// lengthNorms are the norms of a segment's chunks at an average length.
type lengthNorms struct {
	average float64
	norms   []float32
}

// norms returns what the length of each chunk in a segment does to its scores:
// the k1 × (1 - b + b × length / average) of BM25. It is kept as long as the
// average stays the same.
func (m *matcher) norms(i int) []float32 {
	r, table := m.ranking, m.tables[i]
	key := cacheKey{segment: m.view.segments[i].id, name: "#norms"}
	if x, ok := m.view.cache.get(key); ok && x.(lengthNorms).average == m.average {
		return x.(lengthNorms).norms
	}
	norms := make([]float32, table.len())
	for o := range norms {
		length := float64(table.body[o]) + r.title*float64(table.title[o])
		norms[o] = float32(r.k1 * (1 - r.b + r.b*length/m.average))
	}
	m.view.cache.put(key, lengthNorms{m.average, norms}, 4*len(norms))
	return norms
}

// addTerm adds the scores of one term. It is where a query spends its time, so
// it decodes the postings itself as cursor.next does.
func (m *matcher) addTerm(norms []float32, c *clause, e entry, scores []float32) error {
	weight := float32(c.weight * c.idf * (m.ranking.k1 + 1))
	inTitle := float32(m.ranking.title)
	norms = norms[:len(scores)]
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
		if uint(ordinal) >= uint(len(scores)) {
			return errCorrupt
		}
		tf := float32(1)
		switch code & 3 {
		case onceInTitle:
			tf = inTitle
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
				tf += inTitle * float32(title)
			}
		}
		scores[ordinal] += weight * tf / (tf + norms[ordinal])
	}
	return nil
}

// addTerms adds the scores of several terms as if they were one.
func (m *matcher) addTerms(norms []float32, c *clause, entries []entry, scores []float32) error {
	if len(entries) == 0 {
		return nil
	}
	inTitle := float32(m.ranking.title)
	frequency := getScores(len(scores))
	defer putScores(frequency)
	for _, e := range entries {
		p := newCursor(e.data, len(scores))
		for p.next() {
			frequency[p.ordinal] += float32(p.body) + inTitle*float32(p.title)
		}
		if p.err != nil {
			return p.err
		}
	}
	m.addFrequencies(norms, c.weight*c.idf, frequency, scores)
	return nil
}

// addFrequencies adds the scores of something that occurs in each chunk as often
// as frequency says.
func (m *matcher) addFrequencies(norms []float32, idf float64, frequency, scores []float32) {
	weight := float32(idf * (m.ranking.k1 + 1))
	for o, tf := range frequency {
		if tf > 0 {
			scores[o] += weight * tf / (tf + norms[o])
		}
	}
}
