package flatvec

import (
	"math"
	"math/rand/v2"
	"testing"
)

func unitVector(rnd *rand.Rand, dimension, loud int) []float32 {
	v := make([]float32, dimension)
	sum := 0.0
	for i := range v {
		v[i] = float32(rnd.NormFloat64())
		if i < loud { // a few dimensions that drown the others
			v[i] = v[i]*10 + 20
		}
		sum += float64(v[i]) * float64(v[i])
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

// Of 100 estimates 96 at least are not further off than is allowed for, however
// the values are spread.
func TestEstimatesAreWithinTheirError(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, dimension := range []int{64, 100, 384, 768, 1536} {
		for _, loud := range []int{0, 3} {
			c := newCoder(dimension)
			code := make([]uint64, c.words)
			const n = 400
			within, sum := 0, 0.0
			for range n {
				v, w := unitVector(rnd, dimension, loud), unitVector(rnd, dimension, loud)
				truth := dot(v, w)
				q := c.question(w)
				g := c.encode(v, code)
				off := q.estimate(code, g) - truth
				if off > -sureness*g.err-1e-6 {
					within++
				}
				sum += float64(off)
				if g.err > 1.5/float32(math.Sqrt(float64(dimension))) {
					t.Fatalf("dimension %d: an error of %v says nothing", dimension, g.err)
				}
			}
			if within < n*96/100 || math.Abs(sum/n) > .5/math.Sqrt(float64(dimension)) {
				t.Errorf("dimension %d, %d loud: %d of %d estimates are within their error; on average they are off by %v", dimension, loud, within, n, sum/n)
			}
		}
	}
}

// Dimensions of which there is little to code.
func TestCodesOfFewDimensions(t *testing.T) {
	for dimension := 1; dimension < 10; dimension++ {
		c := newCoder(dimension)
		rnd := rand.New(rand.NewPCG(3, uint64(dimension)))
		for range 100 {
			v, w := unitVector(rnd, dimension, 0), unitVector(rnd, dimension, 0)
			code := make([]uint64, c.words)
			q := c.question(w)
			g := c.encode(v, code)
			if e := float64(q.estimate(code, g)); math.IsNaN(e) || math.IsInf(e, 0) || math.IsNaN(float64(g.err)) {
				t.Fatalf("dimension %d: estimate %v, error %v", dimension, e, g.err)
			}
		}
	}
	c := newCoder(1)
	code := make([]uint64, 1)
	if e := c.question([]float32{-1}).estimate(code, c.encode([]float32{1}, code)); e != -1 {
		t.Errorf("1 and -1: %v", e)
	}
}

func TestRotationKeepsProducts(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for _, dimension := range []int{1, 2, 3, 7, 8, 9, 16, 100, 384, 1000} {
		v, w := unitVector(rnd, dimension, 1), unitVector(rnd, dimension, 1)
		want := dot(v, w)
		c := newCoder(dimension)
		c.rotate(v)
		c.rotate(w)
		if got := dot(v, w); math.Abs(float64(got-want)) > 1e-5 || math.Abs(float64(dot(v, v))-1) > 1e-5 {
			t.Errorf("dimension %d: %v, want %v; length %v", dimension, got, want, dot(v, v))
		}
	}
}

func TestDot(t *testing.T) {
	for n := range 40 {
		a, b, want := make([]float32, n), make([]float32, n), float32(0)
		for i := range a {
			a[i], b[i] = float32(i+1), float32(2*i-3)
			want += a[i] * b[i]
		}
		if got := dot(a, b); got != want {
			t.Errorf("of %d: %v, want %v", n, got, want)
		}
	}
}
