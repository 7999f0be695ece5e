package inverted

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/curatore/curatore-go/content"
)

// count counts the documents of a segment whose chunks are given.
func (c *collector) count(segment int, chunks bitset) {
	table := c.tables[segment]
	if table.document == nil && len(c.facets)+len(c.histograms) == 0 {
		c.total += chunks.count()
		return
	}
	docs := make([]uint16, 0, chunks.count())
	for w, x := range chunks {
		for ; x != 0; x &= x - 1 {
			doc := uint16(table.doc(w<<6 + bits.TrailingZeros64(x)))
			if n := len(docs); n == 0 || docs[n-1] != doc {
				docs = append(docs, doc)
			}
		}
	}
	c.total += len(docs)
	for name, counts := range c.facets {
		countFacet(counts, c.columns[name][segment], docs)
	}
	for i, h := range c.req.Histograms {
		countTimes(c.histograms[i], c.columns[h.Name][segment], h.Interval, docs)
	}
}

// byCode counts the documents with each value of a column.
func (col *column) byCode(docs []uint16) []int {
	counts := make([]int, col.distinct()+1)
	if col.ends == nil {
		for _, doc := range docs {
			counts[col.single[doc]]++
		}
		return counts
	}
	var buf [1]uint32
	for _, doc := range docs {
		for _, code := range col.codes(int(doc), &buf) {
			counts[code]++
		}
	}
	return counts
}

// countFacet adds the values of the documents to the counts.
func countFacet(counts map[value]int, col *column, docs []uint16) {
	if col == nil || len(docs) == 0 {
		return
	}
	for code, n := range col.byCode(docs) {
		if code > 0 && n > 0 {
			v := col.value(uint32(code))
			if x := v.float(); v.kind == content.Float && x == math.Trunc(x) && math.Abs(x) < 1<<53 {
				v = value{kind: content.Int, number: int64(x)} // 5 and 5.0 are one value
			}
			counts[v] += n
		}
	}
}

// countTimes adds the times of the documents to the counts of their intervals.
func countTimes(counts map[int64]int, col *column, interval Interval, docs []uint16) {
	if col == nil || len(docs) == 0 {
		return
	}
	for code, n := range col.byCode(docs) {
		if code == 0 || n == 0 {
			continue
		}
		if v := col.value(uint32(code)); v.kind == content.Time {
			counts[interval.begin(time.UnixMicro(v.number).UTC()).Unix()] += n
		}
	}
}

// check refuses an interval that does not exist.
func (i Interval) check() error {
	switch i {
	case Day, Week, Month, Year:
		return nil
	}
	return fmt.Errorf("%w histogram interval %q; use day, week, month or year", content.ErrInvalid, string(i))
}

// begin returns when the interval of a time begins.
func (i Interval) begin(t time.Time) time.Time {
	year, month, day := t.Date()
	switch i {
	case Year:
		month, day = time.January, 1
	case Month:
		day = 1
	case Week:
		day -= (int(t.Weekday()) + 6) % 7
	}
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// join brings values together that read the same, such as the number 7 in one
// document and the text "7" in another: a filter by either finds both.
func join(counts map[value]int) {
	texts, others := 0, 0
	for v := range counts {
		if v.kind == content.String {
			texts++
		} else {
			others++
		}
	}
	if texts == 0 || others == 0 {
		return
	}
	for v, n := range counts {
		if same := textValue(v.String()); v.kind != content.String && counts[same] > 0 {
			counts[v] = n + counts[same]
			delete(counts, same)
		}
	}
}

// facetResults adds the counts to a result.
func (c *collector) facetResults(res *Result) {
	res.Facets, res.Other = map[string][]Count{}, map[string]int{}
	for name, counts := range c.facets {
		join(counts)
		values := slices.SortedFunc(maps.Keys(counts), func(a, b value) int {
			return cmp.Or(cmp.Compare(counts[b], counts[a]), compareNumber(a, b))
		})
		shown := len(values)
		if c.req.FacetLimit > 0 {
			shown = min(shown, c.req.FacetLimit)
		}
		list := make([]Count, shown)
		for i, v := range values[:shown] {
			list[i] = Count{v.String(), counts[v]}
		}
		res.Facets[name] = list
		for _, v := range values[shown:] {
			res.Other[name] += counts[v]
		}
	}
	for _, counts := range c.histograms {
		bars := []Bar{}
		for _, start := range slices.Sorted(maps.Keys(counts)) {
			bars = append(bars, Bar{time.Unix(start, 0).UTC(), counts[start]})
		}
		res.Histograms = append(res.Histograms, bars)
	}
}
