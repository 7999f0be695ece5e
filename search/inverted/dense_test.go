package inverted

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// denseEntry packs postings of random chunks, and returns what is in them.
func denseEntry(t *testing.T, rnd *rand.Rand, chunks, count int) (entry, map[int][2][]uint32) {
	t.Helper()
	var w postingsWriter
	w.reset()
	want := map[int][2][]uint32{}
	for _, o := range slices.Sorted(slices.Values(rnd.Perm(chunks)[:count])) {
		var places [2][]uint32
		for field := range places {
			n := rnd.IntN(3)
			if rnd.IntN(20) == 0 {
				n = rnd.IntN(60) // more than a byte tells
			}
			for range n {
				places[field] = append(places[field], uint32(rnd.IntN(5000)))
			}
			slices.Sort(places[field])
			places[field] = slices.Compact(places[field])
		}
		if len(places[0])+len(places[1]) == 0 {
			places[0] = []uint32{7}
		}
		w.add(o, uint32(len(places[0])), uint32(len(places[1])))
		for _, list := range places {
			w.field()
			for _, at := range list {
				w.position(at)
			}
		}
		want[o] = places
	}
	e, err := w.entry("term", "", 0, chunks)
	if err != nil || !e.dense {
		t.Fatalf("dense %t, %v", e.dense, err)
	}
	return e, want
}

func TestDensePostings(t *testing.T) {
	rnd := rand.New(rand.NewPCG(41, 1))
	for _, chunks := range []int{64, 65, 1024, 1025, 5000, maxSegment} {
		e, want := denseEntry(t, rnd, chunks, max(64, chunks/3))
		seen := 0
		for c := newCursor(e, chunks); c.next(); seen++ {
			if p := want[c.ordinal]; len(p[0]) != int(c.body) || len(p[1]) != int(c.title) {
				t.Fatalf("chunk %d of %d: %d and %d times, want %v", c.ordinal, chunks, c.body, c.title, p)
			}
		}
		if seen != len(want) {
			t.Errorf("%d postings of %d", seen, len(want))
		}
		ordinals := []int{}
		for o := range want {
			ordinals = append(ordinals, o)
		}
		slices.Sort(ordinals)
		for range 20 { // forward in jumps
			r := newPlaceReader([]entry{e}, chunks)
			for at := rnd.IntN(chunks); at < chunks; at += 1 + rnd.IntN(chunks/4+1) {
				i, _ := slices.BinarySearch(ordinals, at)
				got := r.seek(at)
				if i == len(ordinals) {
					if got >= 0 {
						t.Fatalf("chunk %d stands behind the last", got)
					}
					break
				}
				if got != ordinals[i] {
					t.Fatalf("from %d on the first is %d, want %d", at, got, ordinals[i])
				}
				r.read(got)
				if !slices.Equal(r.body, want[got][0]) || !slices.Equal(r.title, want[got][1]) {
					t.Fatalf("chunk %d: %v and %v, want %v", got, r.body, r.title, want[got])
				}
				at = got
			}
			if r.err() != nil {
				t.Fatal(r.err())
			}
		}
	}
}

// Whatever is stored, reading it ends, in the segment or with an error.
func FuzzDense(f *testing.F) {
	f.Add([]byte{1, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 0xff, 200, 1, 3}, []byte{1, 2, 3}, 8, 64)
	f.Add([]byte{}, []byte{}, 0, 1)
	f.Add([]byte{0x80, 0x80}, []byte{}, 1<<30, 100)
	f.Fuzz(func(t *testing.T, data, positions []byte, count, chunks int) {
		chunks = 1 + max(0, chunks)%maxSegment
		e := entry{term: "term", dense: true, count: max(0, count), data: data, positions: positions}
		c := newCursor(e, chunks)
		for c.next() {
			if c.ordinal >= chunks {
				t.Fatalf("chunk %d of %d", c.ordinal, chunks)
			}
		}
		r := newPlaceReader([]entry{e}, chunks)
		for at := r.seek(0); at >= 0; at = r.seek(at + 1) {
			r.read(at)
		}
		for _, err := range []error{c.err, r.err()} {
			if err != nil && !errors.Is(err, errCorrupt) {
				t.Fatal(err)
			}
		}
	})
}
