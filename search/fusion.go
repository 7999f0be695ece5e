package search

import (
	"cmp"
	"math"
	"slices"

	"github.com/curatore/curatore-go/search/inverted"
)

// A Fusion says how the scores of two arms, which cannot be compared, become
// one.
type Fusion string

// The ways to fuse.
const (
	// MinMax adds up scores that are brought to 0 … 1. Of words, 0 is no word and
	// 1 the best document; of vectors, 0 is how near a document is that has
	// nothing to do with the query, and 1 the nearest. It did better than
	// reciprocal ranks on 27 of 29 BEIR collections (Anserini, BM25 with
	// bge-base).
	MinMax Fusion = "minmax"
	// ReciprocalRank adds up 61/(60 + rank), which does not look at scores
	// (Cormack, Clarke and Büttcher, 2009; scaled so that the first has 1).
	ReciprocalRank Fusion = "rrf"
)

// Numbers of the fusion. Changing one changes scores.
const (
	window        = 500 // candidates of the vector arm: five times the largest page, and the same for all pages
	defaultWeight = 0.3 // of vectors; words have the rest
	rankConstant  = 60
	judged        = 10 // of the nearest documents, by which the vectors are judged
	sampled       = 200
	// Vectors are used to the extent in which their judged documents have the
	// words of the query: not at all up to the first, fully from the second.
	leastLift, fullLift = 0.1, 0.5
	// surelyJudged is the number of documents with words of the query from which
	// this judgement is believed.
	surelyJudged = 50
	// farther is how many standard deviations a document has to be nearer than a
	// random one to be found without any word of the query.
	farther = 2.0
)

// A candidate is a document that an arm has found.
type candidate struct {
	document int64
	chunk    int64 // the best one, which is shown
	score    float64
	words    evidence // by the keyword arm
	near     evidence // by the vector arm
	terms    []inverted.Term
	exact    string
	rerank   *float64
}

// Evidence is what one arm says about a document.
type evidence struct {
	rank       int // from 1; 0 when the arm has not listed it
	raw        float64
	normalized float64
	weight     float64
	chunk      int64 // 0 when the arm has not found it
}

// A mixture is what is fused.
type mixture struct {
	method  Fusion
	weight  float64                // of vectors that are of use
	words   []inverted.Hit         // from the best on
	matches int                    // documents that words match, listed or not
	near    []nearDocument         // the nearest, best first
	scored  map[int64]inverted.Hit // what words say about those that are near or in the sample, by document
	sample  []nearDocument         // random ones
	strict  bool                   // only what words match may be found
	floor   float64                // smallest cosine that counts
}

// A nearDocument is a document with its nearest chunks, the nearest first.
type nearDocument struct {
	document int64
	score    float64 // cosine
	chunks   []inverted.Hit
}

// fuse brings the arms together, best first. A document has the same score
// however much of the words' list is given, if it is the first 500 at least.
func (m mixture) fuse() []candidate {
	mean, spread := meanAndSpread(m.sample)
	weight := m.vectorWeight()
	best := 0.0
	if len(m.words) > 0 {
		best = m.words[0].Score
	}
	byDocument := make(map[int64]*candidate, len(m.words)+len(m.near))
	list := make([]*candidate, 0, len(m.words)+len(m.near))
	add := func(document int64) *candidate {
		c := byDocument[document]
		if c == nil {
			c = &candidate{document: document}
			byDocument[document] = c
			list = append(list, c)
		}
		return c
	}
	word := func(c *candidate, h inverted.Hit, rank int) {
		c.words = evidence{rank: rank, raw: h.Score, weight: 1 - weight, chunk: h.Chunk}
		switch {
		case m.method == ReciprocalRank && rank > 0:
			c.words.normalized = reciprocal(rank)
		case m.method == MinMax && best > 0:
			c.words.normalized = h.Score / best
		}
	}
	for i, h := range m.words {
		c := add(h.Document)
		word(c, h, i+1)
		c.terms = h.Terms
		c.exact = exactness(h.Terms)
	}
	if weight > 0 {
		floor := max(m.floor, mean+needed(len(m.sample))*spread)
		for i, n := range m.near {
			h, matches := m.scored[n.document]
			c := byDocument[n.document]
			if c == nil {
				if !matches && (m.strict || n.score < floor-1e-9) {
					continue
				}
				c = add(n.document)
				if matches {
					word(c, h, 0)
				}
			}
			if n.score < m.floor {
				continue
			}
			c.near = evidence{rank: i + 1, raw: n.score, weight: weight, chunk: n.chunks[0].Chunk}
			switch top := m.near[0].score; {
			case m.method == ReciprocalRank:
				c.near.normalized = reciprocal(i + 1)
				if c.words.rank > window {
					c.words.normalized = 0 // whether it is listed depends on the page
				}
			case top <= mean:
				c.near.normalized = 1 // all are as near as any, or there is one only
			default:
				c.near.normalized = max(0, (n.score-mean)/(top-mean))
			}
		}
	}
	out := make([]candidate, len(list))
	for i, c := range list {
		words, near := c.words.weight*c.words.normalized, c.near.weight*c.near.normalized
		c.score = words + near
		if c.exact != "" {
			c.score++
		}
		if c.chunk = c.words.chunk; c.chunk == 0 || near > words && c.near.chunk != 0 {
			c.chunk = c.near.chunk
		}
		out[i] = *c
	}
	order(out)
	return out
}

// order sorts candidates: the best first, equal ones in the order in which they
// were indexed.
func order(list []candidate) {
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(a.document, b.document))
	})
}

func reciprocal(rank int) float64 { return (rankConstant + 1) / float64(rankConstant+rank) }

// vectorWeight returns how much the vectors count for this query.
//
// A weak model makes a fixed weight worse than words alone, and there is no
// asking a model how good it is. But what is near in meaning to a query has some
// of its words, more than a random document has, and vectors that mean nothing
// find random documents. So the words' scores of the nearest documents are put
// between those of random documents (0) and of the best by words (1). Where few
// documents have any of the words, that says little, and the weight is left as it
// is.
func (m mixture) vectorWeight() float64 {
	switch {
	case len(m.near) == 0:
		return 0
	case len(m.words) == 0:
		return 1 // there is nothing else
	}
	var near, random, best float64
	of := func(list []nearDocument) float64 {
		sum := 0.0
		for _, n := range list {
			sum += m.scored[n.document].Score
		}
		return sum / float64(max(1, len(list)))
	}
	near, random = of(m.near[:min(judged, len(m.near))]), of(m.sample)
	first := m.words[:min(judged, len(m.words))]
	for _, h := range first {
		best += h.Score
	}
	best /= float64(len(first))
	lift := 0.0
	if best > random {
		lift = (near - random) / (best - random)
	}
	use := max(0, min(1, (lift-leastLift)/(fullLift-leastLift)))
	sure := min(1, float64(m.matches)/surelyJudged)
	return m.weight * (sure*use + 1 - sure)
}

// meanAndSpread returns the mean and the standard deviation of cosines.
func meanAndSpread(sample []nearDocument) (mean, spread float64) {
	if len(sample) == 0 {
		return 0, 0
	}
	n := float64(len(sample))
	for _, s := range sample {
		mean += s.score / n
	}
	for _, s := range sample {
		spread += (s.score - mean) * (s.score - mean) / n
	}
	return mean, math.Sqrt(spread)
}

// needed returns how many standard deviations above the mean a document has to
// be. Among few documents none can be many.
func needed(sample int) float64 {
	return farther * min(1, math.Sqrt(float64(sample)/50))
}

// exactness says whether a document is what the query names.
func exactness(terms []inverted.Term) string {
	for _, t := range terms {
		switch t.Kind {
		case inverted.TitleTerm:
			return "title"
		case inverted.IdentifierTerm:
			return "identifier"
		}
	}
	return ""
}
