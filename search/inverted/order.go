package inverted

import (
	"cmp"
	"math"
	"strings"

	"github.com/curatore/curatore-go/content"
)

// An order is that of hits: by score, or by a value.
type order struct {
	sorted    bool
	ascending bool
}

// before reports whether a hit stands before another one.
func (o order) before(a, b Position) bool {
	c := cmp.Compare(b.Score, a.Score)
	if o.sorted {
		c = o.compare(a, b)
	}
	return c < 0 || c == 0 && a.Document < b.Document
}

// compare compares values: numbers before texts, unless it is descending, and
// what has no value last.
func (o order) compare(a, b Position) int {
	if c := cmp.Compare(kindOf(a)/noKind, kindOf(b)/noKind); c != 0 {
		return c
	}
	c := cmp.Or(cmp.Compare(kindOf(a), kindOf(b)), cmp.Compare(a.Score, b.Score), strings.Compare(a.Text, b.Text))
	if !o.ascending {
		c = -c
	}
	return c
}

// Kinds of positions in a sort.
const (
	numberKind = iota
	textKind
	noKind
)

func kindOf(p Position) int {
	switch {
	case p.Text != "":
		return textKind
	case p.Score == noValue:
		return noKind
	}
	return numberKind
}

// textKey begins the text of a position, so that an empty value is a text too.
const textKey = "="

// maxKey is the number of bytes of a text by which documents are ordered.
const maxKey = 128

// sortKeys tells where the documents of a segment stand in a sort.
type sortKeys struct {
	column *column // nil: no document has a value
	order  order
	byCode []Position
	buf    [1]uint32
}

// keys returns nil when the request has no Sort.
func (c *collector) keys(segment int) *sortKeys {
	if !c.order.sorted {
		return nil
	}
	k := &sortKeys{column: c.columns[c.req.Sort.Name][segment], order: c.order}
	if k.column != nil {
		k.byCode = make([]Position, k.column.distinct()+1)
		for code := 1; code < len(k.byCode); code++ {
			k.byCode[code] = keyOf(k.column.value(uint32(code)))
		}
	}
	return k
}

func keyOf(v value) Position {
	switch v.kind {
	case content.String:
		text := strings.ToLower(v.text)
		if len(text) > maxKey {
			text = strings.ToValidUTF8(text[:maxKey], "")
		}
		return Position{Text: textKey + text}
	case content.Float:
		return Position{Score: max(v.float(), math.Nextafter(noValue, 0))}
	}
	return Position{Score: float64(v.number)}
}

// position returns the place of a document, but for its number.
func (k *sortKeys) position(doc int) Position {
	best := Position{Score: noValue}
	if k.column == nil {
		return best
	}
	for _, code := range k.column.codes(doc, &k.buf) {
		if p := k.byCode[code]; kindOf(best) == noKind || k.order.compare(p, best) < 0 {
			best = p
		}
	}
	return best
}

// A hitHeap has the last of its hits at index 0, the others below it as in a
// binary heap.
type hitHeap struct {
	order order
	list  []Hit
}

// up moves the last element to its place.
func (h *hitHeap) up() {
	for i := len(h.list) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h.order.before(h.list[parent].At, h.list[i].At) {
			return
		}
		h.list[i], h.list[parent] = h.list[parent], h.list[i]
		i = parent
	}
}

// down moves the first element to its place.
func (h *hitHeap) down() {
	for i := 0; ; {
		last := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.list); child++ {
			if h.order.before(h.list[last].At, h.list[child].At) {
				last = child
			}
		}
		if last == i {
			return
		}
		h.list[i], h.list[last] = h.list[last], h.list[i]
		i = last
	}
}
