package flatvec

import (
	"cmp"
	"slices"

	"github.com/curatore/curatore-go/search/vectors"
)

// A top keeps the best of many hits: those with the highest scores, of equal
// ones those of the lowest chunks. The worst stands at index 0, the others below
// it as in a binary heap.
type top struct {
	limit int
	heap  []found
}

type found struct {
	chunk int64
	score float32
}

func newTop(limit int) *top { return &top{limit: limit} }

// before reports whether a stands before b among hits.
func (a found) before(b found) bool {
	return a.score > b.score || a.score == b.score && a.chunk < b.chunk
}

// least is the score that a hit needs to be kept.
func (t *top) least() float32 {
	if len(t.heap) < t.limit {
		return -2
	}
	if t.limit == 0 {
		return 2
	}
	return t.heap[0].score
}

func (t *top) offer(chunk int64, score float32) {
	f := found{chunk, score}
	switch {
	case len(t.heap) < t.limit:
		t.heap = append(t.heap, f)
		for i := len(t.heap) - 1; i > 0; {
			parent := (i - 1) / 2
			if !t.heap[parent].before(t.heap[i]) {
				break
			}
			t.heap[i], t.heap[parent] = t.heap[parent], t.heap[i]
			i = parent
		}
	case t.limit > 0 && f.before(t.heap[0]):
		t.heap[0] = f
		for i := 0; ; {
			last := i
			for child := 2*i + 1; child <= 2*i+2 && child < len(t.heap); child++ {
				if t.heap[last].before(t.heap[child]) {
					last = child
				}
			}
			if last == i {
				break
			}
			t.heap[i], t.heap[last] = t.heap[last], t.heap[i]
			i = last
		}
	}
}

// hits returns what was kept, best first.
func (t *top) hits() []vectors.Hit {
	list := make([]vectors.Hit, len(t.heap))
	for i, f := range t.heap {
		list[i] = vectors.Hit{Chunk: f.chunk, Score: max(-1, min(1, float64(f.score)))}
	}
	slices.SortFunc(list, func(a, b vectors.Hit) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Chunk, b.Chunk))
	})
	return list
}

// dot returns the scalar product of two vectors of the same length. Four sums at
// a time are what the processor can keep up with.
func dot(a, b []float32) float32 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float32
	for len(a) >= 8 && len(b) >= 8 {
		s0 += a[0]*b[0] + a[4]*b[4]
		s1 += a[1]*b[1] + a[5]*b[5]
		s2 += a[2]*b[2] + a[6]*b[6]
		s3 += a[3]*b[3] + a[7]*b[7]
		a, b = a[8:], b[8:]
	}
	for i := range a {
		s0 += a[i] * b[i]
	}
	return s0 + s1 + s2 + s3
}
