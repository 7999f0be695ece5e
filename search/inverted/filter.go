package inverted

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
)

// A condition is a filter made ready to be held against values. It is used for
// one query by one goroutine.
type condition struct {
	filter content.Filter
	// the filter's values, read in each kind; a value that cannot be read in a
	// kind equals nothing of that kind
	texts   []string
	lower   []string
	ints    []int64
	floats  []float64
	bools   []int64
	times   []int64
	refused map[content.Kind]bool // kinds of which a value was met, and no filter value could be read
	met     bool                  // a value of a kind that could be read was met
}

func newCondition(f content.Filter) (*condition, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	c := &condition{filter: f, refused: map[content.Kind]bool{}}
	for _, text := range f.Values {
		c.texts = append(c.texts, textValue(text).text)
		c.lower = append(c.lower, strings.ToLower(textValue(text).text))
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			c.ints = append(c.ints, n)
		} else if x, err := content.Float.Parse(text); err == nil {
			c.floats = append(c.floats, x.(float64))
		}
		if x, err := content.Bool.Parse(text); err == nil {
			c.bools = append(c.bools, map[bool]int64{true: 1}[x.(bool)])
		}
		if x, err := content.Time.Parse(text); err == nil {
			c.times = append(c.times, x.(time.Time).UnixMicro())
		}
	}
	return c, nil
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

// holds reports whether the relation holds between one value and the filter's.
// It is asked for the positive operators only.
func (c *condition) holds(op content.Op, v value) bool {
	if op == content.Contains || op == content.StartsWith {
		text := strings.ToLower(v.String())
		c.met = true
		return op == content.Contains && strings.Contains(text, c.lower[0]) || strings.HasPrefix(text, c.lower[0])
	}
	signs := c.compare(v)
	if len(signs) == 0 {
		c.refused[v.kind] = true
		return false
	}
	c.met = true
	for _, sign := range signs {
		switch op {
		case content.Equal, content.In:
			if sign == 0 {
				return true
			}
		case content.Greater:
			return sign > 0
		case content.GreaterOrEqual:
			return sign >= 0
		case content.Less:
			return sign < 0
		case content.LessOrEqual:
			return sign <= 0
		}
	}
	return false
}

// compare compares a value with each of the filter's that can be read in its
// kind.
func (c *condition) compare(v value) []int {
	var signs []int
	switch v.kind {
	case content.String:
		for _, t := range c.texts {
			signs = append(signs, strings.Compare(v.text, t))
		}
	case content.Int, content.Float:
		for _, n := range c.ints {
			signs = append(signs, compareNumber(v, value{kind: content.Int, number: n}))
		}
		for _, x := range c.floats {
			signs = append(signs, compareNumber(v, floatValue(x)))
		}
	case content.Bool:
		for _, n := range c.bools {
			signs = append(signs, compareNumber(v, value{kind: content.Bool, number: n}))
		}
	case content.Time:
		for _, n := range c.times {
			signs = append(signs, compareNumber(v, value{kind: content.Time, number: n}))
		}
	}
	return signs
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
		matching := make([]bool, col.distinct()+1) // by code
		for code := 1; code < len(matching); code++ {
			matching[code] = op == content.NotNull || c.holds(op, col.value(uint32(code)))
		}
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
