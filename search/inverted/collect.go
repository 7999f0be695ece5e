package inverted

import (
	"math"
	"math/bits"
	"slices"

	"github.com/curatore/curatore-go/content"
)

// A collector goes through the segments and keeps the best hits, the total and
// the counts of the facets.
type collector struct {
	*reading
	req   Request
	order order
	scale float64 // of scores

	total      int
	hits       hitHeap
	facets     map[string]map[value]int
	histograms []map[int64]int
}

func newCollector(r *reading, req Request) *collector {
	c := &collector{reading: r, req: req, order: order{sorted: req.Sort.Name != "", ascending: req.Sort.Ascending}, scale: 1,
		facets: map[string]map[value]int{}}
	for _, name := range req.Facets {
		c.facets[name] = map[value]int{}
	}
	for range req.Histograms {
		c.histograms = append(c.histograms, map[int64]int{})
	}
	c.hits.order = c.order
	if req.After != nil {
		after := *req.After
		c.req.After = &after
	}
	return c
}

// sequence returns the order in which segments are to be collected: the one with
// the document after which the page begins comes first. Scores move a little
// when documents are added, so that document's present score is what counts. Of
// the others the largest come first, as they are likely to hold the best.
func (c *collector) sequence() []int {
	sequence := make([]int, len(c.segments))
	for i := range sequence {
		sequence[i] = i
	}
	weight := func(i int) int {
		s := c.segments[i]
		if a := c.req.After; a != nil && a.Document >= s.first && a.Document <= s.last {
			return math.MaxInt
		}
		return s.chunks
	}
	slices.SortStableFunc(sequence, func(a, b int) int { return weight(b) - weight(a) })
	return sequence
}

// valid returns the chunks of a segment that are live and that filters leave, or
// nil for all.
func (c *collector) valid(segment int) bitset {
	table, dead, chosen := c.tables[segment], c.dead[segment], c.chosen[segment]
	if dead == nil && chosen == nil {
		return nil
	}
	set := newBitset(table.len())
	switch {
	case chosen == nil:
		for i := range set {
			set[i] = ^uint64(0)
		}
		if n := table.len() & 63; n > 0 {
			set[len(set)-1] = 1<<n - 1
		}
	case table.document == nil:
		copy(set, chosen)
	default:
		for o, doc := range table.document {
			if chosen.has(int(doc)) {
				set.set(o)
			}
		}
	}
	if dead != nil {
		set.without(dead.bits)
	}
	return set
}

// wanted says which scores of a segment matter.
func (c *collector) wanted(segment int) wanted {
	w := wanted{valid: c.valid(segment), hits: c.req.Limit, all: c.order.sorted || c.req.After != nil}
	if len(c.hits.list) == c.req.Limit && c.req.Limit > 0 && !w.all {
		w.floor = uint32(c.hits.list[0].At.Score * c.scale)
	}
	return w
}

// collect takes the scores of one segment's chunks.
func (c *collector) collect(s *scoring, valid bitset) error {
	if valid != nil {
		s.matched.and(valid)
	}
	table := c.tables[s.segment]
	c.count(s.segment, s.matched)
	if c.req.Limit == 0 {
		return nil
	}
	keys := c.keys(s.segment)
	if err := c.refresh(s); err != nil {
		return err
	}
	candidates := s.matched
	if s.chosen != nil {
		candidates = s.chosen
		if valid != nil {
			candidates.and(valid)
		}
	}
	for o := candidates.next(0); o >= 0; {
		doc := table.doc(o)
		if keys != nil {
			h := Hit{At: keys.position(doc)}
			h.At.Document = table.number(table.begin(o))
			if !c.takes(h.At) {
				o = candidates.next(table.end(o) + 1)
				continue
			}
			best, at, next := c.best(s, candidates, o, 0)
			h.Document, h.Chunk, h.Score = h.At.Document, table.number(at), float64(best)/c.scale
			c.offer(h)
			o = next
			continue
		}
		floor := s.floor
		if len(c.hits.list) == c.req.Limit {
			floor = max(floor, uint32(c.hits.list[0].At.Score*c.scale))
		}
		best, at, next := c.best(s, candidates, o, floor)
		if best < floor {
			o = next
			continue
		}
		h := Hit{Document: table.number(table.begin(o)), Chunk: table.number(at), Score: float64(best) / c.scale}
		h.At = Position{Score: h.Score, Document: h.Document}
		c.offer(h)
		o = next
	}
	if s.near != nil {
		return s.near.err()
	}
	return nil
}

// refresh looks up the present score of the document after which the page
// begins, if it is in the segment.
func (c *collector) refresh(s *scoring) error {
	after := c.req.After
	if after == nil || c.order.sorted {
		return nil
	}
	table := c.tables[s.segment]
	o, ok := table.ordinal(after.Document)
	if !ok {
		return nil
	}
	live := s.matched
	if o = live.next(o); o < 0 || table.number(table.begin(o)) != after.Document {
		return nil // it does not match any more
	}
	near := s.near
	if near != nil { // its readers only go forward
		s.near = near.again()
	}
	best, _, _ := c.best(s, live, o, 0)
	if s.near != nil {
		if err := s.near.err(); err != nil {
			return err
		}
	}
	s.near = near
	after.Score = float64(best) / c.scale
	return nil
}

// best returns the highest score among the candidates of the document of a
// chunk, which is its first, the chunk that has it, and the first candidate
// behind the document. What is below the floor need not be right.
func (c *collector) best(s *scoring, candidates bitset, o int, floor uint32) (best uint32, at, next int) {
	last := c.tables[s.segment].end(o)
	at = o
	for ; o >= 0 && o <= last; o = candidates.next(o + 1) {
		score := s.acc[o]
		if least := max(floor, best); s.near != nil && score+s.near.most >= least && score+s.near.bound(o) >= least {
			s.near.at(o, func(_ *pair, part uint32) { score += part })
		}
		if score > best {
			best, at = score, o
		}
	}
	return best, at, o
}

// collectAll takes all documents of a segment, scored by their values in a
// column, which may be nil, or in the order of the request's Sort.
func (c *collector) collectAll(segment int, by *column) {
	table := c.tables[segment]
	var byCode []float64
	if by != nil {
		byCode = make([]float64, by.distinct()+1)
		for code := range byCode {
			byCode[code] = by.number(uint32(code))
		}
	}
	live := c.valid(segment)
	if live == nil {
		live = newBitset(table.len())
		for o := range table.len() {
			live.set(o)
		}
	}
	c.count(segment, live)
	if c.req.Limit == 0 {
		return
	}
	keys := c.keys(segment)
	var buf [1]uint32
	for o := table.len() - 1; o >= 0; o-- { // the newest come last, and are most often wanted
		if !live.has(o) || !table.begins(o) {
			continue
		}
		h := Hit{Document: table.number(o), Chunk: table.number(o)}
		if keys != nil {
			h.At = keys.position(table.doc(o))
		} else {
			h.Score = noValue
			if by != nil {
				for _, code := range by.codes(table.doc(o), &buf) {
					h.Score = max(h.Score, byCode[code])
				}
			}
			if n := len(c.hits.list); n == c.req.Limit && h.Score < c.hits.list[0].At.Score {
				continue
			}
			h.At.Score = h.Score
		}
		h.At.Document = h.Document
		c.offer(h)
	}
}

// noValue is the score of a document without a value: behind all others.
const noValue = -math.MaxFloat64

// number returns a value as something to order by.
func (c *column) number(code uint32) float64 {
	if code == 0 {
		return noValue
	}
	switch v := c.value(code); v.kind {
	case content.String:
		return noValue
	case content.Float:
		return v.float()
	default:
		return float64(v.number)
	}
}

// takes reports whether a hit at that place would be kept.
func (c *collector) takes(at Position) bool {
	if a := c.req.After; a != nil && !c.order.before(*a, at) {
		return false
	}
	return len(c.hits.list) < c.req.Limit || len(c.hits.list) > 0 && c.order.before(at, c.hits.list[0].At)
}

// offer keeps a document when it is one of the best behind the position.
func (c *collector) offer(h Hit) {
	switch {
	case !c.takes(h.At):
	case len(c.hits.list) < c.req.Limit:
		c.hits.list = append(c.hits.list, h)
		c.hits.up()
	default:
		c.hits.list[0] = h
		c.hits.down()
	}
}

// result returns what was collected.
func (c *collector) result() *Result {
	res := &Result{Total: c.total, Hits: c.hits.list}
	slices.SortFunc(res.Hits, func(a, b Hit) int {
		if c.order.before(a.At, b.At) {
			return -1
		}
		return 1 // no two are the same
	})
	c.facetResults(res)
	return res
}

// next returns the first member at or behind a number, or -1.
func (b bitset) next(from int) int {
	for w := from >> 6; w < len(b); w++ {
		x := b[w]
		if w == from>>6 {
			x &^= 1<<(from&63) - 1
		}
		if x != 0 {
			return w<<6 + bits.TrailingZeros64(x)
		}
	}
	return -1
}
