package flatvec

import (
	"sync"
)

// A mirrorKey names the vectors that a mirror holds, and which history they are
// of: a model may be dropped and begun anew, and then versions count from 1 again.
type mirrorKey struct {
	organization, model string
	history             string // ids of later histories are larger
}

// A memory keeps mirrors up to a number of bytes. Those that were used last stay.
// It is safe for concurrent use.
type memory struct {
	mu      sync.Mutex
	limit   int64
	used    int64
	clock   int64
	mirrors map[mirrorKey]*kept
}

type kept struct {
	mirror *mirror
	bytes  int64
	last   int64
}

func newMemory(limit int64) *memory {
	return &memory{limit: limit, mirrors: map[mirrorKey]*kept{}}
}

// get returns the mirror under a key, or nil. With make it makes one for so many
// vectors, unless it would not fit: one with the values if that fits, else one of
// codes.
func (m *memory) get(key mirrorKey, vectors, dimension int, make bool) *mirror {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.clock++
	if k := m.mirrors[key]; k != nil {
		k.last = m.clock
		return k.mirror
	}
	if !make {
		return nil
	}
	for other := range m.mirrors {
		if other.organization != key.organization || other.model != key.model {
			continue
		}
		if other.history > key.history {
			return nil // asked for by a transaction that began long ago
		}
		m.drop(other)
	}
	compact := mirrorBytes(vectors, dimension, false) > m.limit
	bytes := mirrorBytes(vectors, dimension, compact)
	if bytes > m.limit {
		return nil
	}
	k := &kept{mirror: newMirror(key, dimension, compact), bytes: bytes, last: m.clock}
	m.mirrors[key] = k
	m.used += bytes
	m.evict(key)
	return k.mirror
}

// grown tells how large a mirror has become. One that has become too large is
// not kept; the next search makes another, of codes.
func (m *memory) grown(mirror *mirror, bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.mirrors[mirror.key]
	if k == nil || k.mirror != mirror {
		return // it was evicted meanwhile
	}
	m.used += bytes - k.bytes
	k.bytes = bytes
	if bytes > m.limit {
		m.drop(mirror.key)
	}
	m.evict(mirror.key)
}

// evict makes room, at the cost of others than the one under a key.
func (m *memory) evict(but mirrorKey) {
	for m.used > m.limit {
		var oldest *kept
		for key, k := range m.mirrors {
			if key != but && (oldest == nil || k.last < oldest.last) {
				oldest = k
			}
		}
		if oldest == nil {
			return
		}
		m.drop(oldest.mirror.key)
	}
}

func (m *memory) drop(key mirrorKey) {
	m.used -= m.mirrors[key].bytes
	delete(m.mirrors, key)
}

// forget drops the mirrors of an organization's model, up to a history, or of all
// histories.
func (m *memory) forget(organization, model, history string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key := range m.mirrors {
		if key.organization == organization && key.model == model && (history == "" || key.history <= history) {
			m.drop(key)
		}
	}
}
