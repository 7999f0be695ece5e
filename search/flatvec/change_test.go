package flatvec

import (
	"slices"
	"testing"
)

func TestPackNumbers(t *testing.T) {
	for _, numbers := range [][]int64{nil, {1}, {3, 1, 2}, {1, 1 << 62, 5}} {
		var got []int64
		if err := unpackNumbers(packNumbers(numbers), func(n int64) { got = append(got, n) }); err != nil || !slices.Equal(got, slices.Sorted(slices.Values(numbers))) {
			t.Errorf("%v became %v, %v", numbers, got, err)
		}
	}
}

func FuzzUnpackNumbers(f *testing.F) {
	f.Add(packNumbers([]int64{1, 5, 9}))
	f.Add([]byte{0x80})
	f.Fuzz(func(t *testing.T, data []byte) {
		n := 0
		if err := unpackNumbers(data, func(int64) { n++ }); n > len(data) || err == nil && len(data) > 0 && n == 0 {
			t.Errorf("%d numbers in %d bytes, %v", n, len(data), err)
		}
	})
}

func TestTop(t *testing.T) {
	for _, limit := range []int{0, 1, 3, 10} {
		best := newTop(limit)
		for _, chunk := range []int64{5, 2, 9, 7, 1, 8, 3, 6, 4} {
			best.offer(chunk, float32(chunk%3)/4)
		}
		want := []int64{2, 5, 8, 1, 4, 7, 3, 6, 9}
		var got []int64
		for _, h := range best.hits() {
			got = append(got, h.Chunk)
		}
		if !slices.Equal(got, want[:min(limit, len(want))]) {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
}
