package inverted

import (
	"context"
	"iter"
	"sort"

	"github.com/curatore/curatore-go/content"
)

// A Selection is the live chunks of the documents that filters leave, as one
// transaction saw them. It does not change and is safe for concurrent use.
type Selection struct {
	parts []selectedPart // in order of chunk numbers
	count int
	whole bool
}

// A selectedPart is the chosen chunks of one segment.
type selectedPart struct {
	table  *chunkTable
	last   int64  // number of the last chunk
	chosen bitset // of ordinals; nil: all
}

// Select returns the chunks that a [Request] with these filters could find. It
// is how searches by other evidence than words apply the same filters.
func (v *View) Select(ctx context.Context, filters, any []content.Filter) (*Selection, error) {
	r, err := v.open(ctx, Request{Filters: filters, Any: any})
	if err != nil {
		return nil, err
	}
	s := &Selection{whole: true}
	for i, table := range r.tables {
		p := selectedPart{table: table, last: v.segments[i].last, chosen: liveChunks(table, r.dead[i], r.chosen[i])}
		n := table.len()
		if p.chosen != nil {
			n = p.chosen.count()
		}
		if r.chosen[i] != nil && n < table.len()-v.segments[i].deleted {
			s.whole = false
		}
		if n > 0 {
			s.parts = append(s.parts, p)
			s.count += n
		}
	}
	return s, nil
}

// liveChunks returns the ordinals of the chosen documents' chunks without the
// dead ones; nil for all.
func liveChunks(table *chunkTable, dead *tombstoneSet, documents bitset) bitset {
	if dead == nil && documents == nil {
		return nil
	}
	set := newBitset(table.len())
	for o := range table.len() {
		if (dead == nil || !dead.bits.has(o)) && (documents == nil || documents.has(table.doc(o))) {
			set.set(o)
		}
	}
	return set
}

// Len returns the number of chunks.
func (s *Selection) Len() int { return s.count }

// Whole reports whether the filters left out nothing: every live chunk of the
// organization is in the selection.
func (s *Selection) Whole() bool { return s.whole }

// Contains reports whether a chunk is in the selection.
func (s *Selection) Contains(chunk int64) bool {
	_, _, ok := s.find(chunk)
	return ok
}

// Document returns the number of the first chunk of the document that a chunk
// belongs to, and whether the chunk is in the selection.
func (s *Selection) Document(chunk int64) (int64, bool) {
	p, o, ok := s.find(chunk)
	if !ok {
		return 0, false
	}
	for doc := p.table.doc(o); o > 0 && p.table.doc(o-1) == doc; {
		o--
	}
	return p.table.number(o), true
}

func (s *Selection) find(chunk int64) (selectedPart, int, bool) {
	i := sort.Search(len(s.parts), func(i int) bool { return s.parts[i].last >= chunk })
	if i == len(s.parts) {
		return selectedPart{}, 0, false
	}
	p := s.parts[i]
	o, ok := p.table.ordinal(chunk)
	return p, o, ok && (p.chosen == nil || p.chosen.has(o))
}

// All returns the chunks in ascending order.
func (s *Selection) All() iter.Seq[int64] {
	return func(yield func(int64) bool) {
		for _, p := range s.parts {
			for o := range p.table.len() {
				if (p.chosen == nil || p.chosen.has(o)) && !yield(p.table.number(o)) {
					return
				}
			}
		}
	}
}
