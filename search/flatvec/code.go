package flatvec

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// A code is a vector in one bit for each dimension: the signs of its values,
// after a rotation that spreads what is in few dimensions over all. From the code
// of a vector and the values of another their product can be estimated, with an
// error that is known (Gao and Long, "RaBitQ: Quantizing High-Dimensional Vectors
// with a Theoretical Error Bound for Approximate Nearest Neighbor Search", 2024).
// So a search need not guess how many candidates to compare in full: it compares
// all that may be among the best.
//
// For 384 random dimensions, a hard case, the 300 nearest of 100,000 by the number
// of equal bits hold 4 of the true 10; the estimate and its error leave some 7,000
// candidates, which hold them all. Of clustered vectors it leaves some 300.

// sureness is how many standard deviations of the error an estimate is allowed to
// be too low: 99 of 100 are within.
const sureness = 2.5

// A coder makes codes of vectors of one dimension. It does not change, and is the
// same in each process.
type coder struct {
	dimension, words int
	signs            []float32
}

func newCoder(dimension int) *coder {
	rnd := rand.New(rand.NewPCG(0x666c617476656300, uint64(dimension)))
	c := &coder{dimension: dimension, words: (dimension + 63) / 64, signs: make([]float32, rounds*2*dimension)}
	for i := range c.signs {
		c.signs[i] = float32(1 - 2*rnd.IntN(2))
	}
	return c
}

// rounds is how often a vector is turned. Once leaves traces of vectors in which
// few dimensions are much larger than the others.
const rounds = 2

// rotate turns a vector: Hadamard transforms over its first and its last 2^n
// values, and again. Before each come random signs, since a transform takes back
// what the last one did.
func (c *coder) rotate(v []float32) {
	n := 1 << (bits.Len(uint(len(v))) - 1)
	signs := c.signs
	for range rounds {
		for _, part := range [][]float32{v[:n], v[len(v)-n:]} {
			for i, sign := range signs[:n] {
				part[i] *= sign
			}
			signs = signs[n:]
			hadamard(part)
			if n == len(v) {
				break
			}
		}
	}
}

// hadamard is the transform, for 2^n values, that keeps lengths.
func hadamard(v []float32) {
	scale := float32(1 / math.Sqrt(float64(len(v))))
	h := 1
	if len(v) >= 8 { // three steps at once
		for a := v; len(a) >= 8; a = a[8:] {
			a0, a1, a2, a3 := a[0]+a[1], a[0]-a[1], a[2]+a[3], a[2]-a[3]
			a4, a5, a6, a7 := a[4]+a[5], a[4]-a[5], a[6]+a[7], a[6]-a[7]
			b0, b1, b2, b3 := a0+a2, a1+a3, a0-a2, a1-a3
			b4, b5, b6, b7 := a4+a6, a5+a7, a4-a6, a5-a7
			a[0], a[1], a[2], a[3] = (b0+b4)*scale, (b1+b5)*scale, (b2+b6)*scale, (b3+b7)*scale
			a[4], a[5], a[6], a[7] = (b0-b4)*scale, (b1-b5)*scale, (b2-b6)*scale, (b3-b7)*scale
		}
		h, scale = 8, 1
	}
	for ; h < len(v); h *= 2 {
		for a := v; len(a) >= 2*h; a = a[2*h:] {
			x, y := a[:h], a[h:2*h]
			for i := range x {
				x[i], y[i] = x[i]+y[i], x[i]-y[i]
			}
		}
	}
	if scale != 1 {
		for i := range v {
			v[i] *= scale
		}
	}
}

// A grade goes with a code: what turns a count of bits into an estimate.
type grade struct {
	scale float32 // 1 / sum of the absolute values
	err   float32 // of the estimate, one standard deviation
	ones  float32 // bits that are set
}

// encode writes the code of a vector of length 1. It changes the vector.
func (c *coder) encode(v []float32, code []uint64) grade {
	c.rotate(v)
	clear(code)
	ones, sum := 0, 0.0
	for i, x := range v {
		if x > 0 {
			code[i>>6] |= 1 << (i & 63)
			ones++
		}
		sum += math.Abs(float64(x))
	}
	// the cosine of the vector with its code
	cos := min(1, sum/math.Sqrt(float64(c.dimension)))
	return grade{scale: float32(1 / sum), err: float32(math.Sqrt((1/(cos*cos) - 1) / max(1, float64(c.dimension-1)))), ones: float32(ones)}
}

// A question is a vector of length 1 made ready to be compared with codes: its
// values after the rotation in 4 bits, the bits of 64 values in each word.
type question struct {
	planes    [][4]uint64
	low, step float32
	sum       float32
}

const levels = 15 // steps between the least value and the largest

func (c *coder) question(unit []float32) *question {
	v := make([]float32, len(unit))
	copy(v, unit)
	c.rotate(v)
	q := &question{planes: make([][4]uint64, c.words), low: v[0]}
	high := v[0]
	for _, x := range v {
		q.low, high = min(q.low, x), max(high, x)
	}
	q.step = max((high-q.low)/levels, math.SmallestNonzeroFloat32)
	for i, x := range v {
		level := uint64(min(levels, max(0, math.Round(float64((x-q.low)/q.step)))))
		for b := range 4 {
			q.planes[i>>6][b] |= level >> b & 1 << (i & 63)
		}
		q.sum += q.low + q.step*float32(level)
	}
	return q
}

// estimate returns about the product with the vector that a code was made of.
func (q *question) estimate(code []uint64, g grade) float32 {
	var s0, s1, s2, s3 int
	planes := q.planes[:len(code)]
	for i, w := range code {
		p := &planes[i]
		s0 += bits.OnesCount64(w & p[0])
		s1 += bits.OnesCount64(w & p[1])
		s2 += bits.OnesCount64(w & p[2])
		s3 += bits.OnesCount64(w & p[3])
	}
	// twice the sum of the values under set bits, less the sum of all
	set := q.low*g.ones + q.step*float32(s0+2*s1+4*s2+8*s3)
	return (2*set - q.sum) * g.scale
}
