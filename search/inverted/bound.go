package inverted

import "math"

// The constants of BM25 and the weight of the title are part of the index,
// because bounds are computed with them. Those of BM25 are the usual ones. Two to
// six times in the text did no collection of several harm, and helped most a little.
const (
	k1          = 1.2  // how soon more of the same word counts little
	lengthShare = 0.75 // the b of BM25: how much length counts
	titleWeight = 3    // a word in the title counts as so many in the text
)

// lengthNorm returns what a chunk's length does to its scores: the
// k1 × (1 - b + b × length / average) of BM25.
func lengthNorm(body, title uint16, average float64) float32 {
	length := float64(body) + titleWeight*float64(title)
	return float32(k1 * (1 - lengthShare + lengthShare*length/average))
}

// averageLength returns the average length of chunks with so many words.
func averageLength(body, title int64, chunks int) float64 {
	return max(1, (float64(body)+titleWeight*float64(title))/float64(max(1, chunks)))
}

// boundOf returns the byte that says what part of its weight a term gives to a
// chunk of its segment at most: of tf / (tf + norm), at the average length of
// the segment.
func boundOf(most float32) byte {
	return byte(min(255, max(0, math.Ceil(float64(most)*256)-1)))
}

// roundingError is more than what the arithmetic of bounds can lose.
const roundingError = 1e-5

// boundAt returns the largest part when the average length is another one. A
// longer average makes norms smaller, but not below the share that the averages
// have to each other.
func boundAt(bound byte, own, other float64) float64 {
	most := (float64(bound) + 1) / 256
	shrink := min(1, own/other)
	return 1 / (1 + shrink*(1-most)/most)
}
