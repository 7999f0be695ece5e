package inverted

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
)

// A condition is a filter made ready to be held against values. It is used for
// one query by one goroutine.
type condition struct {
	filter content.Filter
	// the filter's values, in each kind that was met; one that cannot be read in a
	// kind equals nothing of that kind
	read    map[content.Kind][]value
	lower   string
	refused map[content.Kind]bool // kinds of which values were met, but in which none of the filter's can be read
	met     bool                  // values of a kind were met in which some can be read
}

func newCondition(f content.Filter) (*condition, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	c := &condition{filter: f, read: map[content.Kind][]value{}, refused: map[content.Kind]bool{}}
	if len(f.Values) > 0 {
		c.lower = strings.ToLower(f.Values[0])
	}
	return c, nil
}

// values returns the filter's values as those of a kind. Lists may be long, so
// they are read in the kinds that are met only.
func (c *condition) values(k content.Kind) []value {
	if k == content.Float {
		k = content.Int // numbers are compared with each other
	}
	list, ok := c.read[k]
	if !ok {
		for _, text := range c.filter.Values {
			if v, ok := valueOf(text, k); ok {
				list = append(list, v)
			}
		}
		c.read[k] = list
	}
	return list
}

// valueOf reads a text as a value of a kind.
func valueOf(text string, k content.Kind) (value, bool) {
	switch k {
	case content.Int:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return value{kind: content.Int, number: n}, true
		}
		x, err := content.Float.Parse(text)
		if err != nil {
			return value{}, false
		}
		return floatValue(x.(float64)), true
	case content.Bool:
		x, err := content.Bool.Parse(text)
		v := value{kind: content.Bool}
		if err == nil && x.(bool) {
			v.number = 1
		}
		return v, err == nil
	case content.Time:
		x, err := content.Time.Parse(text)
		if err != nil {
			return value{}, false
		}
		return value{kind: content.Time, number: x.(time.Time).UnixMicro()}, true
	}
	return textValue(text), true
}

// err reports that no value of the filter can be read as what the documents
// have under its name.
func (c *condition) err() error {
	if c.met || len(c.refused) == 0 {
		return nil
	}
	kind := "times, such as 2026-01-31 or 2026-01-31T15:04:05Z"
	switch {
	case c.refused[content.Int] || c.refused[content.Float]:
		kind = "numbers"
	case c.refused[content.Bool]:
		kind = "true and false"
	}
	return fmt.Errorf("%w filter on %q: it holds %s, not %q", content.ErrInvalid, c.filter.Field, kind, c.filter.Values)
}

// match tells for each code of a column whether the relation holds; op is the
// filter's, without a negation.
func (c *condition) match(op content.Op, col *column) []bool {
	matching := make([]bool, col.distinct()+1)
	start := 0
	for k := range len(col.kinds) + 1 { // the values of each kind are in order
		kind, end := content.String, col.distinct()
		if k < len(col.kinds) {
			kind, end = numberKinds[k], col.kinds[k]
		}
		if start < end {
			c.matchKind(op, kind, matching[start+1:end+1], func(i int) value { return col.value(uint32(start + i + 1)) })
		}
		start = end
	}
	return matching
}

// matchKind is match for the values of one kind, which ascend.
func (c *condition) matchKind(op content.Op, kind content.Kind, matching []bool, at func(i int) value) {
	switch op {
	case content.NotNull, content.Exists:
		fill(matching)
		return
	case content.Contains, content.StartsWith:
		c.met = true
		for i := range matching {
			text := strings.ToLower(at(i).String())
			matching[i] = strings.HasPrefix(text, c.lower) || op == content.Contains && strings.Contains(text, c.lower)
		}
		return
	}
	values := c.values(kind)
	if len(values) == 0 {
		c.refused[kind] = true
		return
	}
	c.met = true
	for _, v := range values {
		least := sort.Search(len(matching), func(i int) bool { return compareNumber(at(i), v) >= 0 })
		above := sort.Search(len(matching), func(i int) bool { return compareNumber(at(i), v) > 0 })
		switch op {
		case content.Equal, content.In:
			fill(matching[least:above])
		case content.Greater:
			fill(matching[above:])
		case content.GreaterOrEqual:
			fill(matching[least:])
		case content.Less:
			fill(matching[:least])
		case content.LessOrEqual:
			fill(matching[:above])
		}
	}
}

func fill(codes []bool) {
	for i := range codes {
		codes[i] = true
	}
}

// documents returns the documents of a segment for which the condition holds,
// nil for all. The column is nil when no document there has a value.
func (c *condition) documents(col *column, documents int) bitset {
	op, negate := c.filter.Op, false
	switch op {
	case content.NotEqual:
		op, negate = content.Equal, true
	case content.NotIn:
		op, negate = content.In, true
	case content.IsNull:
		op, negate = content.NotNull, true
	}
	set := newBitset(documents)
	if col != nil {
		matching := c.match(op, col)
		if !negate && col.complete && !slices.Contains(matching[1:], false) {
			return nil
		}
		if slices.Contains(matching, true) {
			var buf [1]uint32
			for doc := range documents {
				for _, code := range col.codes(doc, &buf) {
					if matching[code] {
						set.set(doc)
						break
					}
				}
			}
		}
	}
	if negate {
		for doc := range documents {
			set[doc>>6] ^= 1 << (doc & 63)
		}
	}
	return set
}

// A selection is the documents that filters leave of each segment; nil is all.
type selection []bitset

// selectDocuments applies filters: all of the first must hold, and at least one
// of the second, unless there are none.
func selectDocuments(segments []segmentRow, columns map[string][]*column, filters, any []content.Filter) (selection, error) {
	chosen := make(selection, len(segments))
	apply := func(f content.Filter, combine func(segment int, set bitset)) error {
		c, err := newCondition(f)
		if err != nil {
			return err
		}
		for i, s := range segments {
			combine(i, c.documents(columns[f.Field][i], s.documents))
		}
		return c.err()
	}
	all := make([]bool, len(segments)) // one of any holds for all documents
	for _, f := range any {
		if err := apply(f, func(i int, set bitset) {
			switch {
			case set == nil || all[i]:
				all[i], chosen[i] = true, nil
			case chosen[i] == nil:
				chosen[i] = set
			default:
				chosen[i].or(set)
			}
		}); err != nil {
			return nil, err
		}
	}
	for _, f := range filters {
		if err := apply(f, func(i int, set bitset) {
			switch {
			case set == nil:
			case chosen[i] == nil:
				chosen[i] = set
			default:
				chosen[i].and(set)
			}
		}); err != nil {
			return nil, err
		}
	}
	return chosen, nil
}

// without takes documents out, given by the numbers of their first chunks.
func (s selection) without(tables []*chunkTable, documents []int64) {
	for _, number := range documents {
		for i, t := range tables {
			o, ok := t.ordinal(number)
			if !ok {
				continue
			}
			if s[i] == nil {
				s[i] = newBitset(t.documents)
				for doc := range t.documents {
					s[i].set(doc)
				}
			}
			s[i][t.doc(o)>>6] &^= 1 << (t.doc(o) & 63)
		}
	}
}
