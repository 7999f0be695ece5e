package inverted

import (
	"cmp"
	"container/heap"
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

// collect takes the scores of one segment.
func (c *collector) collect(segment int, scores []float64) {
	table, dead, chosen := c.tables[segment], c.dead[segment], c.chosen[segment]
	if after := c.req.After; after != nil {
		if o, ok := table.ordinal(after.Document); ok {
			if best, _ := bestChunk(table, scores, o); best != 0 && (dead == nil || !dead.bits.has(o)) {
				after.Score = best
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
		best, at := scores[o], o
		for table.document != nil && o+1 < len(scores) && int(table.document[o+1]) == doc {
			if o++; scores[o] != 0 && scores[o] > best {
				best, at = scores[o], o
			}
		}
		c.total++
		if len(c.facets) > 0 {
			c.docs = append(c.docs, uint16(doc))
		}
		c.offer(table, best, at)
	}
	for name, counts := range c.facets {
		countFacet(counts, c.columns[name][segment], c.docs)
	}
}

// bestChunk returns the best score among the chunks of the document that begins
// at an ordinal.
func bestChunk(table *chunkTable, scores []float64, o int) (best float64, at int) {
	best, at = scores[o], o
	for i := o + 1; i < len(scores) && table.doc(i) == table.doc(o); i++ {
		if scores[i] != 0 && (best == 0 || scores[i] > best) {
			best, at = scores[i], i
		}
	}
	return best, at
}

// offer keeps a document when it is one of the best behind the position.
func (c *collector) offer(table *chunkTable, score float64, at int) {
	if c.req.Limit <= 0 {
		return
	}
	if len(c.hits) == c.req.Limit && score < c.hits[0].Score {
		return
	}
	first := at
	for table.document != nil && first > 0 && table.document[first-1] == table.document[at] {
		first--
	}
	h := Hit{Document: table.number(first), Chunk: table.number(at), Score: score}
	if a := c.req.After; a != nil && compareHits(h, Hit{Document: a.Document, Score: a.Score}) <= 0 {
		return
	}
	if len(c.hits) < c.req.Limit {
		heap.Push(&c.hits, h)
	} else if compareHits(h, c.hits[0]) < 0 {
		c.hits[0] = h
		heap.Fix(&c.hits, 0)
	}
}

// result returns what was collected.
func (c *collector) result() *Result {
	res := &Result{Total: c.total, Hits: c.hits, Facets: map[string][]Count{}}
	slices.SortFunc(res.Hits, compareHits)
	for name, counts := range c.facets {
		values := make([]value, 0, len(counts))
		for v := range counts {
			values = append(values, v)
		}
		slices.SortFunc(values, func(a, b value) int {
			return cmp.Or(cmp.Compare(counts[b], counts[a]), compareValues(a, b))
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

// compareHits orders hits: the best first.
func compareHits(a, b Hit) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Document, b.Document))
}

// A hitHeap has the worst hit on top.
type hitHeap []Hit

func (h hitHeap) Len() int           { return len(h) }
func (h hitHeap) Less(i, j int) bool { return compareHits(h[i], h[j]) > 0 }
func (h hitHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *hitHeap) Push(x any)        { *h = append(*h, x.(Hit)) }
func (h *hitHeap) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

// everything is a scorer for requests without a query: each chunk that begins a
// document scores by the document's value in a column.
type everything struct {
	tables []*chunkTable
	order  []*column // nil: no order
}

// noValue is the score of a document without a value: behind all others.
const noValue = -math.MaxFloat64

func (e everything) segment(i int) ([]float64, error) {
	table := e.tables[i]
	scores := getScores(table.len())
	var byCode []float64
	var col *column
	if e.order != nil && e.order[i] != nil {
		col = e.order[i]
		byCode = make([]float64, col.distinct()+1)
		for code := range byCode {
			if code == 0 {
				byCode[code] = noValue
				continue
			}
			switch v := col.value(uint32(code)); v.kind {
			case content.Float:
				byCode[code] = v.float()
			default:
				byCode[code] = float64(v.number)
			}
			if byCode[code] == 0 { // 0 is "does not match"
				byCode[code] = math.SmallestNonzeroFloat64
			}
		}
	}
	last := -1
	for o := range scores {
		doc := table.doc(o)
		if doc == last {
			continue
		}
		last = doc
		scores[o] = noValue
		if col != nil {
			var buf [1]uint32
			for _, code := range col.codes(doc, &buf) {
				scores[o] = max(scores[o], byCode[code])
			}
		}
	}
	return scores, nil
}

// Scores are kept between queries: a segment's take half a megabyte.
var scorePool = sync.Pool{New: func() any { return new([]float64) }}

func getScores(n int) []float64 {
	s := *scorePool.Get().(*[]float64)
	if cap(s) < n {
		return make([]float64, n)
	}
	s = s[:n]
	clear(s)
	return s
}

func putScores(s []float64) { scorePool.Put(&s) }
