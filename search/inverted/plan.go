package inverted

// Merging keeps few segments, each query looks into all of them, and rewrites
// each posting few times. Segments are of a level by the number of their live
// chunks. When neighbouring segments up to a level are together large enough for
// the next level, they become one. So there are fewer than eight of each level
// below the highest, which is left alone until enough of it is deleted.
var levels = []int{64, 512, 4096, maxSegment - maxSegment/5} // chunks where each level ends

// minSize is what a segment counts for at least: eight single chunks become one.
const minSize = 8

// plan chooses segments to be merged into one, which may be a single one that
// consists of tombstones for a good part, or none. Only neighbours are merged, so
// that the numbers of each segment's chunks stay apart from those of all others.
// Segments that are being merged already are left alone.
func plan(segments []segmentRow, merging map[string]bool) []segmentRow {
	for _, limit := range levels {
		for from := 0; from < len(segments); from++ {
			to, weight, chunks := from, 0, 0
			for to < len(segments) {
				s := segments[to]
				live := s.chunks - s.deleted
				if live >= limit || merging[s.id] || chunks+live > maxSegment || s.last-segments[from].first > maxRange {
					break
				}
				weight += max(live, minSize)
				chunks += live
				to++
			}
			if to-from > 1 && weight >= limit {
				return segments[from:to]
			}
			from = max(from, to-1) // a later start in this run would weigh less
		}
	}
	for i, s := range segments {
		if s.deleted*3 > s.chunks && !merging[s.id] {
			return segments[i : i+1]
		}
	}
	return nil
}

// maxRange bounds the distance between the numbers of a segment's chunks.
const maxRange = 1<<32 - 1
