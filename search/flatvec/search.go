package flatvec

import (
	"context"
	"slices"
	"sort"
	"sync"

	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/vectors"
)

// A search answers one request in one transaction.
type search struct {
	table
	req   vectors.Request
	unit  []float32 // the request's vector, of length 1
	exact int       // candidates up to which all are compared
	best  *top
}

// Sizes of the batches in which candidates are compared: in memory, and when
// their values have to be read.
const (
	memoryBatch = 64
	rowBatch    = 512
)

// in answers from a mirror that is brought up to date or, with a delta of what
// has changed since one of its versions, as if it were. The caller holds mu for
// reading.
func (s *search) in(ctx context.Context, m *mirror, version int64, since delta) error {
	for chunk, v := range since.vectors {
		if s.req.Within == nil || s.req.Within.Contains(chunk) {
			s.best.offer(chunk, dot(s.unit, v))
		}
	}
	c := candidates{mirror: m, version: version, since: since.chunks, count: m.slots}
	if s.req.Within != nil {
		c.list = m.within(s.req.Within, version)
		c.count = len(c.list)
	}
	batch := make([]uint32, 0, rowBatch)
	size := memoryBatch
	if m.compact {
		size = rowBatch
	}
	add := func(slot uint32) error {
		if batch = append(batch, slot); len(batch) < size {
			return nil
		}
		err := s.compare(ctx, m, batch)
		batch = batch[:0]
		return err
	}
	if c.count <= s.exact {
		for i := range c.count {
			if slot := c.slot(i); c.there(slot) {
				if err := add(slot); err != nil {
					return err
				}
			}
		}
		return s.compare(ctx, m, batch)
	}

	question := m.coder.question(s.unit)
	estimates := getEstimates(c.count)
	defer putEstimates(estimates)
	first := c.estimate(question, estimates, 4*s.req.Limit+32)
	for _, i := range first {
		estimates[i] = compared
		if err := add(c.slot(i)); err != nil {
			return err
		}
	}
	if err := s.compare(ctx, m, batch); err != nil {
		return err
	}
	batch = batch[:0]
	for i, estimate := range estimates {
		if i%blockSlots == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		slot := c.slot(i)
		if b, j := m.at(slot); estimate+sureness*b.grades[j].err > s.best.least() && estimate != compared && c.there(slot) {
			if err := add(slot); err != nil {
				return err
			}
		}
	}
	return s.compare(ctx, m, batch)
}

// compared stands for the estimate of a slot that needs none any more.
const compared = -1e9

// compare offers the true scores of what is in slots.
func (s *search) compare(ctx context.Context, m *mirror, slots []uint32) error {
	if !m.compact {
		for _, slot := range slots {
			b, i := m.at(slot)
			s.best.offer(b.chunk[i], dot(s.unit, m.values(slot)))
		}
		return nil
	}
	chunks := make([]int64, len(slots))
	for i, slot := range slots {
		b, j := m.at(slot)
		chunks[i] = b.chunk[j]
	}
	return s.some(ctx, chunks, func(chunk int64, values []float32) {
		s.best.offer(chunk, dot(s.unit, values))
	})
}

// candidates are the slots among which a search looks: those of a list, or all.
type candidates struct {
	mirror  *mirror
	version int64
	since   []int64 // chunks that were changed after the version
	list    []uint32
	count   int
}

func (c *candidates) slot(i int) uint32 {
	if c.list != nil {
		return c.list[i]
	}
	return uint32(i)
}

// there reports whether what is in a slot may be found.
func (c *candidates) there(slot uint32) bool {
	if !c.mirror.visible(slot, c.version) {
		return false
	}
	if len(c.since) == 0 {
		return true
	}
	b, i := c.mirror.at(slot)
	_, changed := slices.BinarySearch(c.since, b.chunk[i])
	return !changed
}

// estimate fills in the estimate of each candidate and returns the positions of
// the best ones that are there.
func (c *candidates) estimate(q *question, estimates []float32, best int) []int {
	m, w := c.mirror, c.mirror.coder.words
	first := newTop(best)
	least := first.least()
	keep := func(i int, slot uint32, e float32) {
		if c.there(slot) {
			first.offer(int64(i), e)
			least = first.least()
		}
	}
	for i, slot := range c.list {
		b, j := m.at(slot)
		e := q.estimate(b.codes[j*w:j*w+w:j*w+w], b.grades[j])
		if estimates[i] = e; e > least {
			keep(i, slot, e)
		}
	}
	for i := 0; c.list == nil && i < c.count; i += blockSlots {
		b := m.blocks[i/blockSlots]
		for j := range min(blockSlots, c.count-i) {
			e := q.estimate(b.codes[j*w:j*w+w:j*w+w], b.grades[j])
			if estimates[i+j] = e; e > least {
				keep(i+j, uint32(i+j), e)
			}
		}
	}
	positions := make([]int, len(first.heap))
	for i, f := range first.heap {
		positions[i] = int(f.chunk)
	}
	return positions
}

// within returns the slots of the chunks in a set, at a version. The list is not
// nil.
func (m *mirror) within(set vectors.Set, version int64) []uint32 {
	list := make([]uint32, 0, min(set.Len(), len(m.order)))
	at := 0
	for chunk := range set.All() {
		for near := 0; near < 8 && at < len(m.chunks) && m.chunks[at] < chunk; near++ {
			at++ // in a dense set it is not far
		}
		if at < len(m.chunks) && m.chunks[at] < chunk { // further and further ahead, then back
			step := 8
			for at+step < len(m.chunks) && m.chunks[at+step] < chunk {
				step *= 2
			}
			from, end := at, min(at+step+1, len(m.chunks))
			at += sort.Search(end-from, func(i int) bool { return m.chunks[from+i] >= chunk })
		}
		if at == len(m.chunks) {
			break
		}
		if slot, ok := m.pick(at, chunk, version); ok {
			list = append(list, slot)
		}
	}
	return list
}

// Estimates are kept between searches.
var estimatePool = sync.Pool{New: func() any { return new([]float32) }}

func getEstimates(n int) []float32 {
	e := *estimatePool.Get().(*[]float32)
	if cap(e) < n {
		return make([]float32, n)
	}
	return e[:n]
}

func putEstimates(e []float32) { estimatePool.Put(&e) }

// A table is the rows of one organization's vectors of a model, as a transaction
// sees them.
type table struct {
	tx           *database.Tx
	organization string
	model        vectors.Model
}
