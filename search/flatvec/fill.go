package flatvec

import (
	"context"
)

// fill brings a mirror to what a transaction sees, which has to be one that only
// reads: what another one sees may be taken back. Searches that come meanwhile
// wait for it, or for their context.
func (t table) fill(ctx context.Context, m *mirror, version int64, grown func(*mirror, int64)) error {
	select {
	case m.filling <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-m.filling }()
	m.mu.RLock()
	latest, sparse := m.latest(), len(m.free) > max(m.slots/2, 8*blockSlots)
	m.mu.RUnlock()
	if latest >= version {
		return nil // somebody else was faster
	}
	if latest > 0 && !sparse {
		d, known, err := t.since(ctx, latest, version)
		if err != nil {
			return err
		}
		if known {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.apply(d, version)
			grown(m, m.bytes())
			return nil
		}
	}
	return t.load(ctx, m, version, grown)
}

// load reads all vectors into a mirror. Nobody sees it before it is whole.
func (t table) load(ctx context.Context, m *mirror, version int64, grown func(*mirror, int64)) error {
	m.mu.Lock()
	m.reset() // before the new ones take as much memory again
	m.mu.Unlock()
	fresh := newMirror(m.key, m.coder.dimension, m.compact)
	var slots []uint32
	err := t.all(ctx, func(chunk int64, values []float32) {
		slots = append(slots, fresh.put(chunk, values, version))
	})
	if err != nil {
		return err
	}
	fresh.insert(slots)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.blocks, m.slots, m.order, m.chunks = fresh.blocks, fresh.slots, fresh.order, fresh.chunks
	m.points = []int64{version}
	grown(m, m.bytes())
	return nil
}
