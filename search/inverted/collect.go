package inverted

import (
	"cmp"
	"math"
	"slices"
	"sync"

	"github.com/curatore/curatore-go/content"
)

// A collector goes through the scores of all segments and keeps the best hits,
// the total and the counts of the facets.
type collector struct {
	view    *view
	req     Request
	tables  []*chunkTable
	dead    []*tombstoneSet
	chosen  selection
	columns map[string][]*column

	total  int
	hits   hitHeap
	facets map[string]map[value]int
	docs   []uint16 // documents that match in the segment at hand
}

func newCollector(v *view, req Request, tables []*chunkTable, dead []*tombstoneSet, chosen selection, columns map[string][]*column) *collector {
	c := &collector{view: v, req: req, tables: tables, dead: dead, chosen: chosen, columns: columns, facets: map[string]map[value]int{}}
	for _, name := range req.Facets {
		c.facets[name] = map[value]int{}
	}
	if req.After != nil {
		after := *req.After
		c.req.After = &after
	}
	return c
}

// order returns the order in which segments are to be collected: the one with
// the document after which the page begins comes first. Scores move a little
// when documents are added, so that document's present score is what counts.
func (c *collector) order() []int {
	order := make([]int, len(c.view.segments))
	for i := range order {
		order[i] = i
	}
	if c.req.After != nil {
		for i, s := range c.view.segments {
			if c.req.After.Document >= s.first && c.req.After.Document <= s.last {
				order[0], order[i] = i, 0
			}
		}
	}
	return order
}

// collect takes the scores of one segment's chunks, by ordinal: 0 for those that
// do not match.
func (c *collector) collect(segment int, scores []float32) {
	table, dead, chosen := c.tables[segment], c.dead[segment], c.chosen[segment]
	if after := c.req.After; after != nil {
		if o, ok := table.ordinal(after.Document); ok {
			if best, _, _ := bestChunk(table, scores, o); best > 0 && (dead == nil || !dead.bits.has(o)) {
				after.Score = float64(best)
			}
		}
	}
	c.docs = c.docs[:0]
	for o := 0; o < len(scores); o++ {
		if scores[o] == 0 || dead != nil && dead.bits.has(o) {
			continue
		}
		doc := table.doc(o)
		if chosen != nil && !chosen.has(doc) {
			continue
		}
		best, at, last := bestChunk(table, scores, o)
		o = last
		c.docs = append(c.docs, uint16(doc))
		c.offer(table, float64(best), at)
	}
	c.count(segment)
}

// collectAll takes all documents of a segment, scored by their values in a
// column, which may be nil.
func (c *collector) collectAll(segment int, order *column) {
	table, dead, chosen := c.tables[segment], c.dead[segment], c.chosen[segment]
	var byCode []float64
	if order != nil {
		byCode = make([]float64, order.distinct()+1)
		for code := range byCode {
			byCode[code] = order.number(uint32(code))
		}
	}
	c.docs = c.docs[:0]
	var buf [1]uint32
	for o := table.len() - 1; o >= 0; o-- { // the newest come last, and are most often wanted
		doc := table.doc(o)
		if o > 0 && table.doc(o-1) == doc {
			continue
		}
		if dead != nil && dead.bits.has(o) || chosen != nil && !chosen.has(doc) {
			continue
		}
		score := noValue
		if order != nil {
			for _, code := range order.codes(doc, &buf) {
				score = max(score, byCode[code])
			}
		}
		c.docs = append(c.docs, uint16(doc))
		c.offer(table, score, o)
	}
	c.count(segment)
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

// count counts the documents of the segment at hand.
func (c *collector) count(segment int) {
	c.total += len(c.docs)
	for name, counts := range c.facets {
		countFacet(counts, c.columns[name][segment], c.docs)
	}
}

// bestChunk returns the best score among a chunk and those behind it of the same
// document, and the last of them.
func bestChunk(table *chunkTable, scores []float32, o int) (best float32, at, last int) {
	best, at = scores[o], o
	if table.document == nil {
		return best, at, o
	}
	doc := table.document[o]
	for o++; o < len(scores) && table.document[o] == doc; o++ {
		if scores[o] > best {
			best, at = scores[o], o
		}
	}
	return best, at, o - 1
}

// offer keeps a document when it is one of the best behind the position.
func (c *collector) offer(table *chunkTable, score float64, at int) {
	full := len(c.hits) == c.req.Limit
	if full && (len(c.hits) == 0 || score < c.hits[0].Score) {
		return
	}
	first := at
	for table.document != nil && first > 0 && table.document[first-1] == table.document[at] {
		first--
	}
	h := Hit{Document: table.number(first), Chunk: table.number(at), Score: score}
	switch a := c.req.After; {
	case a != nil && !(Hit{Document: a.Document, Score: a.Score}).before(h):
	case !full:
		c.hits = append(c.hits, h)
		c.hits.up()
	case h.before(c.hits[0]):
		c.hits[0] = h
		c.hits.down()
	}
}

// result returns what was collected.
func (c *collector) result() *Result {
	res := &Result{Total: c.total, Hits: c.hits, Facets: map[string][]Count{}}
	slices.SortFunc(res.Hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Document, b.Document))
	})
	for name, counts := range c.facets {
		values := make([]value, 0, len(counts))
		for v := range counts {
			values = append(values, v)
		}
		slices.SortFunc(values, func(a, b value) int {
			return cmp.Or(cmp.Compare(counts[b], counts[a]), compareNumber(a, b))
		})
		list := make([]Count, len(values))
		for i, v := range values {
			list[i] = Count{v.String(), counts[v]}
		}
		res.Facets[name] = list
	}
	return res
}

// countFacet adds the values of the documents to the counts.
func countFacet(counts map[value]int, col *column, docs []uint16) {
	if col == nil || len(docs) == 0 {
		return
	}
	byCode := make([]int, col.distinct()+1)
	if col.ends == nil {
		for _, doc := range docs {
			byCode[col.single[doc]]++
		}
	} else {
		var buf [1]uint32
		for _, doc := range docs {
			for _, code := range col.codes(int(doc), &buf) {
				byCode[code]++
			}
		}
	}
	for code, n := range byCode {
		if code > 0 && n > 0 {
			v := col.value(uint32(code))
			if x := v.float(); v.kind == content.Float && x == math.Trunc(x) && math.Abs(x) < 1<<53 {
				v = value{kind: content.Int, number: int64(x)} // 5 and 5.0 are one value
			}
			counts[v] += n
		}
	}
}

// before reports whether a hit stands before another one.
func (h Hit) before(o Hit) bool {
	return h.Score > o.Score || h.Score == o.Score && h.Document < o.Document
}

// A hitHeap has the last of its hits at index 0, the others below it as in a
// binary heap.
type hitHeap []Hit

// up moves the last element to its place.
func (h hitHeap) up() {
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h[parent].before(h[i]) {
			return
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

// down moves the first element to its place.
func (h hitHeap) down() {
	for i := 0; ; {
		last := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h[last].before(h[child]) {
				last = child
			}
		}
		if last == i {
			return
		}
		h[i], h[last] = h[last], h[i]
		i = last
	}
}

// Scores are kept between queries: those of a segment take a quarter megabyte.
var scorePool = sync.Pool{New: func() any { return new([]float32) }}

func getScores(n int) []float32 {
	s := *scorePool.Get().(*[]float32)
	if cap(s) < n {
		return make([]float32, n)
	}
	s = s[:n]
	clear(s)
	return s
}

func putScores(s []float32) { scorePool.Put(&s) }
