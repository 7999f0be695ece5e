package inverted

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// simulate appends segments of the given sizes, merging as Merge does after
// every so many, and returns the most segments there were after merging and how
// often a chunk was rewritten on average.
func simulate(t *testing.T, sizes func(i int) int, total, every int) (most int, rewrites float64) {
	t.Helper()
	var segments []segmentRow
	chunks, rewritten := 0, 0
	for i := 0; chunks < total; i++ {
		n := sizes(i)
		segments = append(segments, segmentRow{id: fmt.Sprint(i), first: int64(chunks), last: int64(chunks + n - 1), chunks: n})
		chunks += n
		if i%every != every-1 && chunks < total {
			continue
		}
		for {
			chosen := plan(segments, nil)
			if len(chosen) == 0 {
				break
			}
			merged := chosen[0]
			merged.id += "+"
			merged.last = chosen[len(chosen)-1].last
			merged.chunks = 0
			for _, s := range chosen {
				merged.chunks += s.chunks
			}
			if merged.chunks > maxSegment {
				t.Fatalf("a segment of %d chunks", merged.chunks)
			}
			rewritten += merged.chunks
			var next []segmentRow
			for _, s := range segments {
				switch {
				case s.first == merged.first:
					next = append(next, merged)
				case s.first < merged.first || s.first > merged.last:
					next = append(next, s)
				}
			}
			segments = next
		}
		most = max(most, len(segments))
	}
	return most, float64(rewritten) / float64(chunks)
}

func TestPlanKeepsFewSegments(t *testing.T) {
	rnd := rand.New(rand.NewPCG(13, 14))
	for _, c := range []struct {
		name         string
		sizes        func(int) int
		total, every int
		most         int
		rewrites     float64
	}{
		{"a million in batches of a thousand", func(int) int { return 1000 }, 1_000_000, 1, 30, 2.5},
		{"a million, merged now and then", func(int) int { return 1000 }, 1_000_000, 32, 20, 2.5},
		{"a million in large batches", func(int) int { return 4096 }, 1_000_000, 1, 30, 2.5},
		{"a million in mixed batches", func(int) int { return 1 + rnd.IntN(3000) }, 1_000_000, 1, 30, 2.5},
		{"one by one", func(int) int { return 1 }, 20_000, 1, 25, 20},
		{"a million at once", func(int) int { return 1000 }, 1_000_000, 1000, 16, 1.1},
	} {
		most, rewrites := simulate(t, c.sizes, c.total, c.every)
		t.Logf("%s: at most %d segments, each chunk rewritten %.1f times", c.name, most, rewrites)
		if most > c.most || rewrites > c.rewrites {
			t.Errorf("%s: %d segments, %.1f rewrites; want at most %d and %.1f", c.name, most, rewrites, c.most, c.rewrites)
		}
	}
}

func TestPlan(t *testing.T) {
	segment := func(id string, first, chunks, deleted int) segmentRow {
		return segmentRow{id: id, first: int64(first), last: int64(first + chunks - 1), chunks: chunks, deleted: deleted}
	}
	var tiny []segmentRow
	for i := range 9 {
		tiny = append(tiny, segment(fmt.Sprint(i), i, 1, 0))
	}
	for _, c := range []struct {
		name     string
		segments []segmentRow
		merging  map[string]bool
		want     int
		first    string
	}{
		{"nothing", nil, nil, 0, ""},
		{"few", tiny[:7], nil, 0, ""},
		{"eight", tiny[:8], nil, 8, "0"},
		{"all that there are", tiny, nil, 9, "0"},
		{"not those in work", tiny, map[string]bool{"4": true}, 0, ""},
		{"full ones stay", []segmentRow{segment("a", 0, 60000, 0), segment("b", 60000, 60000, 0)}, nil, 0, ""},
		{"a third is deleted", []segmentRow{segment("a", 0, 60000, 0), segment("b", 60000, 60000, 20001)}, nil, 1, "b"},
		{"all is deleted", []segmentRow{segment("a", 0, 1, 1)}, nil, 1, "a"},
		{"full ones that became small", []segmentRow{segment("a", 0, 60000, 33000), segment("b", 60000, 60000, 33000)}, nil, 2, "a"},
		{"numbers too far apart", []segmentRow{segment("a", 0, 3000, 0), segment("b", maxRange+1, 3000, 0)}, nil, 0, ""},
	} {
		got := plan(c.segments, c.merging)
		if len(got) != c.want || c.want > 0 && got[0].id != c.first {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}
