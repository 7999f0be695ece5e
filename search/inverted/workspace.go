package inverted

import "sync"

// A workspace is memory for arrays as long as a segment, which is used again for
// the next one. It gives them out cleared, and takes all of them back at once.
type workspace struct {
	numbers []uint32
	words   []uint64
	used    int // of the words
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// scores returns numbers, which are the same at each call.
func (w *workspace) scores(n int) []uint32 {
	w.numbers = cleared(w.numbers, n)
	return w.numbers
}

// bits returns a set of numbers below n.
func (w *workspace) bits(n int) bitset {
	n = (n + 63) / 64
	if w.used+n > len(w.words) { // those that were given out stay as they are
		w.words, w.used = make([]uint64, max(16*n, 2*len(w.words))), 0
	}
	set := bitset(w.words[w.used : w.used+n : w.used+n])
	w.used += n
	clear(set)
	return set
}

func (w *workspace) clone(b bitset) bitset {
	set := w.bits(64 * len(b))
	copy(set, b)
	return set
}

// free takes everything back.
func (w *workspace) free() {
	w.used = 0
	workspaces.Put(w)
}

var frequencyPool = sync.Pool{New: func() any { return new([]float32) }}

func getFrequencies(n int) []float32 { return cleared(*frequencyPool.Get().(*[]float32), n) }

func putFrequencies(s []float32) { frequencyPool.Put(&s) }

func cleared[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}
