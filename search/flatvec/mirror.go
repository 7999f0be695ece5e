package flatvec

import (
	"math"
	"slices"
	"sort"
	"sync"
)

// A mirror holds the vectors of one organization and model in memory, as they
// were at some versions, the last few that somebody asked for. A search finds what
// its transaction sees: the version that it has read there, or an older one and
// what has changed since.
//
// Vectors stand in slots. What is replaced or deleted leaves its slot when no
// version needs it any more.
type mirror struct {
	key     mirrorKey
	coder   *coder
	compact bool // holds codes only; the values are read from rows

	filling chan struct{} // of one place: held by who brings the mirror up to date

	mu      sync.RWMutex // of all below
	points  []int64      // versions that are held, ascending; none before the first load
	blocks  []*block
	slots   int // that are in use or free; the others of the last block never were
	free    []uint32
	leaving []uint32 // slots that some version still needs, by the time of leaving
	chunks  []int64  // of the slots in order, ascending
	order   []uint32
}

// blockSlots is the number of slots in a block, which is allocated as a whole.
const blockSlots = 1024

// forever is when a vector goes that is still there.
const forever = math.MaxInt64

// keptPoints is the number of versions that a mirror holds.
const keptPoints = 4

// A block holds slots.
type block struct {
	chunk      [blockSlots]int64
	born, died [blockSlots]int64 // versions: it is there from the first to before the second
	grades     [blockSlots]grade
	codes      []uint64
	values     []float32 // nil in a compact mirror
}

// slotBytes is the memory that a slot takes, with its place in the order.
func slotBytes(dimension int, compact bool) int64 {
	n := 3*8 + 12 + (dimension+63)/64*8 + 8 + 4
	if !compact {
		n += 4 * dimension
	}
	return int64(n)
}

// mirrorBytes is the memory that a mirror of so many vectors takes.
func mirrorBytes(n, dimension int, compact bool) int64 {
	blocks := int64(n+blockSlots-1) / blockSlots
	return 1024 + blocks*blockSlots*slotBytes(dimension, compact)
}

func newMirror(key mirrorKey, dimension int, compact bool) *mirror {
	return &mirror{key: key, coder: newCoder(dimension), compact: compact, filling: make(chan struct{}, 1)}
}

// bytes returns the memory that the mirror takes. The caller holds mu.
func (m *mirror) bytes() int64 { return mirrorBytes(m.slots, m.coder.dimension, m.compact) }

// latest returns the last version, 0 for none. The caller holds mu.
func (m *mirror) latest() int64 {
	if len(m.points) == 0 {
		return 0
	}
	return m.points[len(m.points)-1]
}

// point returns the last version that is not behind one, 0 for none. The caller
// holds mu.
func (m *mirror) point(version int64) int64 {
	i := sort.Search(len(m.points), func(i int) bool { return m.points[i] > version })
	if i == 0 {
		return 0
	}
	return m.points[i-1]
}

func (m *mirror) at(slot uint32) (*block, int) {
	return m.blocks[slot/blockSlots], int(slot % blockSlots)
}

// visible reports whether what is in a slot is there at a version.
func (m *mirror) visible(slot uint32, version int64) bool {
	b, i := m.at(slot)
	return b.born[i] <= version && version < b.died[i]
}

// code returns the code in a slot.
func (m *mirror) code(slot uint32) ([]uint64, grade) {
	b, i := m.at(slot)
	w := m.coder.words
	return b.codes[i*w : i*w+w : i*w+w], b.grades[i]
}

// values returns the vector in a slot of a mirror that is not compact.
func (m *mirror) values(slot uint32) []float32 {
	b, i := m.at(slot)
	d := m.coder.dimension
	return b.values[i*d : i*d+d : i*d+d]
}

// A delta is what differs between two versions: chunks that were changed, and
// the vectors of those that have one now.
type delta struct {
	chunks  []int64 // ascending
	vectors map[int64][]float32
}

// apply brings the mirror to a version that is later than the last one. The
// caller holds mu for writing.
func (m *mirror) apply(d delta, version int64) {
	m.points = append(m.points, version)
	if n := len(m.points) - keptPoints; n > 0 {
		m.points = slices.Delete(m.points, 0, n)
	}
	for _, chunk := range d.chunks {
		if slot, ok := m.find(chunk, forever-1); ok {
			b, i := m.at(slot)
			b.died[i] = version
			m.leaving = append(m.leaving, slot)
		}
	}
	m.release()
	fresh := make([]uint32, 0, len(d.vectors))
	for _, chunk := range d.chunks {
		if v, ok := d.vectors[chunk]; ok {
			fresh = append(fresh, m.put(chunk, v, version))
		}
	}
	m.insert(fresh)
}

// find returns the slot of a chunk at a version.
func (m *mirror) find(chunk, version int64) (uint32, bool) {
	i, _ := slices.BinarySearch(m.chunks, chunk)
	return m.pick(i, chunk, version)
}

// pick is find, given where the chunk begins in the order.
func (m *mirror) pick(i int, chunk, version int64) (uint32, bool) {
	for ; i < len(m.chunks) && m.chunks[i] == chunk; i++ {
		if m.visible(m.order[i], version) {
			return m.order[i], true
		}
	}
	return 0, false
}

// release frees the slots that no version needs any more.
func (m *mirror) release() {
	n := 0
	for n < len(m.leaving) {
		if b, i := m.at(m.leaving[n]); b.died[i] > m.points[0] {
			break
		}
		n++
	}
	if n == 0 {
		return
	}
	m.free = append(m.free, m.leaving[:n]...)
	m.leaving = slices.Delete(m.leaving, 0, n)
	k := 0
	for i, slot := range m.order {
		if b, j := m.at(slot); b.died[j] > m.points[0] {
			m.order[k], m.chunks[k] = slot, m.chunks[i]
			k++
		}
	}
	m.order, m.chunks = m.order[:k], m.chunks[:k]
}

// put fills a slot.
func (m *mirror) put(chunk int64, values []float32, version int64) uint32 {
	var slot uint32
	if n := len(m.free); n > 0 {
		slot, m.free = m.free[n-1], m.free[:n-1]
	} else {
		if slot = uint32(m.slots); slot%blockSlots == 0 {
			b := &block{codes: make([]uint64, blockSlots*m.coder.words)}
			if !m.compact {
				b.values = make([]float32, blockSlots*m.coder.dimension)
			}
			m.blocks = append(m.blocks, b)
		}
		m.slots++
	}
	b, i := m.at(slot)
	b.chunk[i], b.born[i], b.died[i] = chunk, version, forever
	if !m.compact {
		copy(m.values(slot), values)
	}
	code, _ := m.code(slot)
	b.grades[i] = m.coder.encode(values, code)
	return slot
}

// insert takes slots, in ascending order of chunk, into the order.
func (m *mirror) insert(fresh []uint32) {
	old := len(m.order)
	for _, slot := range fresh {
		b, i := m.at(slot)
		m.order, m.chunks = append(m.order, slot), append(m.chunks, b.chunk[i])
	}
	if old == 0 || len(fresh) == 0 || m.chunks[old-1] <= m.chunks[old] {
		return
	}
	late, numbers := slices.Clone(m.order[old:]), slices.Clone(m.chunks[old:])
	i, j := old-1, len(late)-1
	for k := len(m.order) - 1; j >= 0; k-- { // merge from behind
		if i >= 0 && m.chunks[i] > numbers[j] {
			m.order[k], m.chunks[k] = m.order[i], m.chunks[i]
			i--
		} else {
			m.order[k], m.chunks[k] = late[j], numbers[j]
			j--
		}
	}
}

// reset forgets everything. The caller holds mu for writing.
func (m *mirror) reset() {
	m.points, m.blocks, m.slots, m.free, m.leaving, m.chunks, m.order = nil, nil, 0, nil, nil, nil, nil
}
