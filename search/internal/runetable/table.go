// Package runetable answers questions about characters by one look-up.
//
// What a character is (a letter, a space, of which script) is asked for each one
// of every text that is indexed. The tables of package unicode answer by a binary
// search through the ranges of each script in turn, which is most of the time it
// takes to cut a text in Chinese or Russian.
package runetable

import (
	"sync/atomic"
	"unicode"
)

const pageSize = 1 << 8

type page [pageSize]uint8

// A Table remembers what a function says about characters: of each 256 of them
// from the first time that one is asked for. It is safe for concurrent use.
type Table struct {
	of    func(rune) uint8
	pages [(unicode.MaxRune + 1) / pageSize]atomic.Pointer[page]
}

// New returns a table of a function, which always says the same about a character
// and may be called for all from 0 to unicode.MaxRune.
func New(of func(rune) uint8) *Table { return &Table{of: of} }

// Of returns what the function says about a character from 0 to unicode.MaxRune.
func (t *Table) Of(r rune) uint8 {
	p := t.pages[uint32(r)/pageSize].Load()
	if p == nil {
		p = t.fill(r / pageSize)
	}
	return p[uint8(r)]
}

// fill asks about the characters of a page. Two goroutines may do so at once, and
// find the same.
func (t *Table) fill(n rune) *page {
	p := new(page)
	for i := range p {
		p[i] = t.of(n*pageSize + rune(i))
	}
	t.pages[n].Store(p)
	return p
}
