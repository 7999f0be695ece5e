package flatvec

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// A mirror shows each version that it holds as it was, and takes no more slots
// than it needs.
func TestMirrorHoldsVersions(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	m := newMirror(mirrorKey{}, 4, false)
	now, states := map[int64][]float32{}, map[int64]map[int64][]float32{}
	for version := int64(1); version < 300; version++ {
		d := delta{vectors: map[int64][]float32{}}
		for range 1 + rnd.IntN(20) {
			chunk := int64(rnd.IntN(3000))
			if version > 200 {
				chunk = int64(rnd.IntN(50))
			}
			if slices.Contains(d.chunks, chunk) {
				continue
			}
			d.chunks = append(d.chunks, chunk)
			delete(now, chunk)
			if rnd.IntN(3) > 0 {
				now[chunk] = unitVector(rnd, 4, 0)
				d.vectors[chunk] = slices.Clone(now[chunk])
			}
		}
		slices.Sort(d.chunks)
		m.apply(d, version)
		states[version] = maps.Clone(now)
		if !slices.IsSorted(m.chunks) || len(m.order) != len(m.chunks) {
			t.Fatalf("version %d: the order is broken", version)
		}
		if len(m.points) > keptPoints || m.latest() != version {
			t.Fatalf("version %d: points %v", version, m.points)
		}
		for _, point := range m.points {
			seen := 0
			for slot := range uint32(m.slots) {
				if !m.visible(slot, point) || slices.Contains(m.free, slot) {
					continue
				}
				b, i := m.at(slot)
				if want := states[point][b.chunk[i]]; !slices.Equal(want, m.values(slot)) {
					t.Fatalf("version %d, seen at %d: chunk %d holds %v, want %v", point, version, b.chunk[i], m.values(slot), want)
				}
				seen++
			}
			if seen != len(states[point]) {
				t.Fatalf("version %d, seen at %d: %d vectors, want %d", point, version, seen, len(states[point]))
			}
			for chunk := range states[point] {
				if slot, ok := m.find(chunk, point); !ok || !slices.Equal(m.values(slot), states[point][chunk]) {
					t.Fatalf("version %d, seen at %d: chunk %d is not found", point, version, chunk)
				}
			}
		}
		if most := len(now) + len(m.free) + len(m.leaving); m.slots != most {
			t.Fatalf("version %d: %d slots; %d are used, free or being left", version, m.slots, most)
		}
	}
	if m.point(0) != 0 || m.point(1e9) != m.latest() || m.point(m.points[1]+0) != m.points[1] {
		t.Errorf("points %v", m.points)
	}
}
