package inverted

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"
)

// A ranking holds what scores are made of besides BM25. None of the numbers was
// tuned to one collection: what each is worth on fifteen, in six languages and
// more, stands in BENCHMARKS.md.
type ranking struct {
	has      float64 // part of its weight that a word gives for being there at all, so that chunks with more of the words win (BM25+)
	longer   float64 // when the last word is known, words that only begin with it count as this part of one
	misspelt float64 // words that are found in place of one, as they are spelled nearly so, count as this part of one
	phrase   float64 // the part of a phrase's own BM25 that is added
	exact    float64 // an exact title, and a rare identifier, count as this many times all other words together
	near     float64 // the part of the lesser word's weight that neighbours in the query give when they are neighbours in the text

	exhaustive bool // score all chunks, for tests
}

func defaultRanking() *ranking {
	return &ranking{has: 0.05, longer: 0.25, misspelt: 0.8, phrase: 1, exact: 1, near: 0.5}
}

const (
	maxExpansions = 64  // terms that stand for one prefix: the most frequent
	maxLookups    = 128 // terms of one prefix that are looked up to find them
	rareChunks    = 10  // an identifier that no more chunks have, or no more than one in rareShare, decides alone
	rareShare     = 1000
)

// A matcher scores the chunks of each segment for a query.
type matcher struct {
	*reading
	query  *Query
	firsts [][]string // the first term of each block

	live    float64 // chunks
	average float64 // length of a live chunk
	clauses []*clause
	phrases []*phrase
	pairs   []*pair
	scale   float64 // what 1 is in whole numbers of a score

	loaded        *postingSet // of the segments at hand
	loadedGroup   []int
	loadedClauses map[*clause]bool
}

// A clause is a term, or several that count as one.
type clause struct {
	kind   TermKind
	text   string
	word   int // number among the words of the query, or -1
	terms  []string
	weight float64 // of the inverse document frequency
	bonus  float64 // on top, for having it
	n      float64 // live chunks that have any of the terms
	idf    float64

	flat, slope float32 // a chunk gets flat + slope × tf / (tf + norm)
}

// prepare finds out what is looked up and how much each word weighs.
func (m *matcher) prepare(ctx context.Context) (err error) {
	var body, title, chunks int64
	for i, s := range m.segments {
		body, title, chunks = body+s.body, title+s.title, chunks+int64(s.chunks-s.deleted)
		if d := m.dead[i]; d != nil {
			body, title = body-d.body, title-d.title
		}
	}
	m.live, m.average = float64(chunks), averageLength(body, title, int(chunks))
	if m.firsts, err = m.terms(ctx); err != nil {
		return err
	}
	for i, w := range m.query.words {
		c := &clause{kind: WordTerm, text: w.text, word: i, terms: w.forms, weight: w.weight}
		if w.identifier {
			c.kind = IdentifierTerm
		}
		m.clauses = append(m.clauses, c)
	}
	for _, p := range m.query.prefixes {
		c, err := m.expand(ctx, p)
		if err != nil {
			return err
		}
		m.clauses = append(m.clauses, c)
	}
	if m.query.title != "" {
		m.clauses = append(m.clauses, &clause{kind: TitleTerm, word: -1, terms: []string{m.query.title}})
	}
	m.preparePhrases()
	m.preparePairs()
	if err := m.count(ctx, m.clauses); err != nil {
		return err
	}
	if err := m.respell(ctx); err != nil {
		return err
	}
	m.weigh()
	return nil
}

// count finds out how many live chunks have each clause.
func (m *matcher) count(ctx context.Context, clauses []*clause) error {
	for _, c := range clauses {
		c.n = 0
	}
	for _, p := range m.phrases { // which are counted each time
		clear(p.counts)
	}
	for _, group := range m.groups() {
		if err := m.load(ctx, group, clauses); err != nil {
			return err
		}
		for _, c := range clauses {
			for _, i := range group {
				n, err := m.frequency(i, m.loaded.of(i, c.terms))
				if err != nil {
					return m.unreadable(i, err)
				}
				c.n += float64(n)
			}
		}
		for _, p := range m.phrases {
			for j, w := range p.words {
				for _, i := range group {
					n, err := m.frequency(i, m.loaded.of(i, w.forms))
					if err != nil {
						return m.unreadable(i, err)
					}
					p.counts[j] += float64(n)
				}
			}
		}
	}
	return nil
}

// weigh turns frequencies into weights, and weights into whole numbers, of which
// a score is the sum: the order in which parts are added makes no difference
// then, and a part that is left out is left out exactly.
func (m *matcher) weigh() {
	words, most := 0.0, 0.0 // the most that a chunk can get from words, and from all
	for _, c := range m.clauses {
		c.idf = m.idf(c.n)
		if c.kind == PrefixTerm {
			c.weight = m.prefixWeight(c)
		}
		if c.n > 0 {
			words += m.mostOf(c)
		}
	}
	for _, p := range m.phrases {
		p.idf = 0
		for _, n := range p.counts {
			p.idf += m.idf(n)
		}
		words += m.ranking.phrase * p.idf * (k1 + 1)
	}
	most = words
	for _, p := range m.pairs {
		p.weight = m.ranking.near * min(m.clauses[p.first].weight*m.clauses[p.first].idf, m.clauses[p.second].weight*m.clauses[p.second].idf)
		words, most = words+p.weight, most+p.weight
	}
	for _, c := range m.clauses {
		switch {
		case c.n == 0:
		case c.kind == TitleTerm, c.kind == IdentifierTerm && c.n <= max(rareChunks, m.live/rareShare):
			c.bonus = m.ranking.exact * max(words, 1)
			most += c.bonus
		}
	}
	m.scale = 1 << 17
	for m.scale*most > 1<<31 {
		m.scale /= 2
	}
	for _, c := range m.clauses {
		c.flat = float32(m.scale * (c.bonus + c.weight*c.idf*m.ranking.has))
		c.slope = float32(m.scale * c.weight * c.idf * (k1 + 1))
	}
	for _, p := range m.phrases {
		p.slope = float32(m.scale * m.ranking.phrase * p.idf * (k1 + 1))
	}
	for _, p := range m.pairs {
		p.most = uint32(m.scale * p.weight)
	}
}

// mostOf returns the most that a clause can give, but for its bonus.
func (m *matcher) mostOf(c *clause) float64 { return c.weight * c.idf * (k1 + 1 + m.ranking.has) }

// prefixWeight returns the weight of words that begin with the last one.
func (m *matcher) prefixWeight(c *clause) float64 {
	p := m.query.prefixes[c.word]
	for _, o := range m.clauses {
		if o.kind != PrefixTerm && o.n > 0 && slices.ContainsFunc(o.terms, func(t string) bool { return slices.Contains(p.whole, t) }) {
			return m.ranking.longer
		}
	}
	return 1
}

// idf returns the inverse document frequency of what n live chunks have.
func (m *matcher) idf(n float64) float64 { return math.Log(1 + (m.live-n+0.5)/(n+0.5)) }

// part returns what a clause gives to a chunk.
func (c *clause) part(tf, norm float32) uint32 {
	return max(1, uint32(c.flat+c.slope*(tf/(tf+norm))))
}

// most returns the most that the clause gives to any chunk of a segment.
func (m *matcher) most(c *clause, segment int, entries []entry) uint32 {
	bound := 1.0
	if len(entries) == 1 {
		s := m.segments[segment]
		bound = min(1, boundAt(entries[0].bound, averageLength(s.body, s.title, s.chunks), m.average)+roundingError)
	}
	return max(1, uint32(float64(c.flat)+float64(c.slope)*bound)+1)
}

// expand finds the terms that stand for a prefix, except those that the query
// has anyway.
func (m *matcher) expand(ctx context.Context, p prefix) (*clause, error) {
	c := &clause{kind: PrefixTerm, text: p.typed, word: len(m.clauses) - len(m.query.words), weight: 1}
	words, err := m.words(ctx, []string{p.text})
	if err != nil {
		return nil, err
	}
	counts := make(map[string]float64, len(words))
	for _, w := range words {
		counts[w.term] = float64(w.count)
	}
	for _, t := range p.terms {
		counts[t] = math.MaxInt32 // one of the likely ones, if it is there at all
	}
	for _, w := range m.query.words {
		for _, t := range w.forms {
			delete(counts, t)
		}
	}
	if c.terms = mostFrequent(counts, maxLookups); len(c.terms) <= maxExpansions {
		return c, nil
	}
	// what is deleted does not count, so that the choice does not depend on when
	// segments were merged
	single := make([]*clause, len(c.terms))
	for i, t := range c.terms {
		single[i] = &clause{terms: []string{t}}
	}
	if err := m.count(ctx, single); err != nil {
		return nil, err
	}
	for _, x := range single {
		counts[x.terms[0]] = x.n
	}
	for t := range counts {
		if !slices.Contains(c.terms, t) {
			delete(counts, t)
		}
	}
	c.terms = mostFrequent(counts, maxExpansions)
	return c, nil
}

// mostFrequent returns up to n terms with the highest counts, in order.
func mostFrequent(counts map[string]float64, n int) []string {
	terms := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	terms = terms[:min(n, len(terms))]
	slices.Sort(terms)
	return terms
}

// frequency returns the number of live chunks of a segment that have any of the
// terms.
func (m *matcher) frequency(segment int, entries []entry) (int, error) {
	dead := m.dead[segment]
	switch {
	case len(entries) == 0:
		return 0, nil
	case len(entries) == 1 && dead == nil:
		return entries[0].count, nil
	}
	seen := newBitset(m.tables[segment].len())
	for _, e := range entries {
		if err := seen.add(e, m.tables[segment].len()); err != nil {
			return 0, err
		}
	}
	if dead != nil {
		seen.without(dead.bits)
	}
	return seen.count(), nil
}

// add adds the chunks of an entry.
func (b bitset) add(e entry, chunks int) error {
	if e.dense {
		d, err := readDense(e, chunks)
		for w := range d.words() {
			b[w] |= d.word(w)
		}
		return err
	}
	c := newCursor(e, chunks)
	for c.next() {
		b.set(c.ordinal)
	}
	return c.err
}

// without drops what is in the other.
func (b bitset) without(o bitset) {
	for i := range b {
		b[i] &^= o[i]
	}
}
