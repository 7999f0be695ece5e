package flatvec

import (
	"testing"
)

func TestMemoryIsBounded(t *testing.T) {
	const n, dimension = 10_000, 100
	full, codes := mirrorBytes(n, dimension, false), mirrorBytes(n, dimension, true)
	if full < 4*n*dimension || codes > full/4 {
		t.Fatalf("a mirror takes %d bytes, of codes %d", full, codes)
	}
	key := func(organization, history string) mirrorKey { return mirrorKey{organization, "m", history} }
	get := func(m *memory, organization string) *mirror {
		t.Helper()
		got := m.get(key(organization, "1"), n, dimension, true)
		if m.used > m.limit {
			t.Fatalf("%d bytes of %d", m.used, m.limit)
		}
		return got
	}
	m := newMemory(2 * full)
	a, b := get(m, "a"), get(m, "b")
	if a == nil || a.compact || b == nil || get(m, "a") != a {
		t.Fatal("two fit")
	}
	c := get(m, "c")
	if m.get(key("b", "1"), n, dimension, false) != nil || get(m, "a") != a || get(m, "c") != c {
		t.Error("the one that was not used for longest goes")
	}
	a.slots = 2 * n
	m.grown(a, a.bytes())
	if m.used > m.limit || m.get(key("c", "1"), n, dimension, false) != nil || get(m, "a") != a {
		t.Error("one that grows pushes out others")
	}
	m.grown(c, 100*full) // it has gone already
	a.slots = 10 * n
	m.grown(a, a.bytes())
	if m.used != 0 || m.get(key("a", "1"), n, dimension, false) != nil {
		t.Error("one that has become too large is not kept")
	}
	if big := m.get(key("a", "1"), 5*n, dimension, true); big == nil || !big.compact {
		t.Error("one that does not fit holds codes only")
	}
	if m.get(key("d", "1"), 100*n, dimension, true) != nil {
		t.Error("one that does not fit at all is not made")
	}
	if m.get(key("e", "1"), n, dimension, false) != nil {
		t.Error("none is made unasked")
	}

	m = newMemory(10 * full)
	old := get(m, "a")
	fresh := m.get(key("a", "2"), n, dimension, true)
	if fresh == old || m.get(key("a", "1"), n, dimension, true) != nil || m.get(key("a", "2"), n, dimension, true) != fresh || m.used != full {
		t.Error("a later history is in the place of an earlier one, and stays")
	}
	m.forget("a", "m", "1")
	m.forget("b", "m", "")
	if m.get(key("a", "2"), n, dimension, false) != fresh {
		t.Error("another history was forgotten")
	}
	m.forget("a", "m", "")
	if m.used != 0 || len(m.mirrors) != 0 {
		t.Error("not forgotten")
	}
	if newMemory(-1).get(key("a", "1"), 1, 1, true) != nil {
		t.Error("a mirror without memory")
	}
}

// The size of a slot is that of what is allocated for it.
func TestSlotBytes(t *testing.T) {
	for _, dimension := range []int{1, 64, 100, 384} {
		for _, compact := range []bool{false, true} {
			m := newMirror(mirrorKey{}, dimension, compact)
			m.insert([]uint32{m.put(1, make([]float32, dimension), 1)})
			b := m.blocks[0]
			want := int64(len(b.chunk)+len(b.born)+len(b.died)+len(b.codes))*8 + int64(len(b.grades))*12 + int64(len(b.values))*4 + blockSlots*12
			if got := blockSlots * slotBytes(dimension, compact); got != want {
				t.Errorf("dimension %d, compact %v: %d bytes, want %d", dimension, compact, got, want)
			}
		}
	}
}
