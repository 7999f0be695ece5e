package vectors

import (
	"fmt"
	"iter"
	"math"

	"github.com/curatore/curatore-go/content"
)

// A Vector is what a model made of a chunk.
type Vector struct {
	Chunk  int64 // number of the chunk in its organization
	Values []float32
}

// A Request asks for the chunks nearest to a vector.
type Request struct {
	Model  Model
	Vector []float32 // of any length but zero: only its direction counts
	Limit  int       // number of hits, at most [MaxLimit]; there are fewer only when fewer chunks have vectors
	Within Set       // chunks that may be found; nil: all that have a vector
}

// MaxLimit is the largest number of hits that one [Request] may ask for.
const MaxLimit = 10_000

// A Set is a set of chunks, given by number. It does not change while it is
// used, and is safe for concurrent use.
type Set interface {
	Len() int
	Contains(chunk int64) bool
	All() iter.Seq[int64] // ascending
}

// A Hit is a chunk that was found. Hits are in descending order of score, equal
// scores in ascending order of chunk.
type Hit struct {
	Chunk int64
	Score float64 // cosine similarity, -1 … 1
}

// Stats tells how many vectors an organization has of a model.
type Stats struct {
	Model   Model
	Vectors int
}

// Check reports what is wrong with a request.
func (r Request) Check() error {
	if err := r.Model.Check(); err != nil {
		return err
	}
	if r.Limit < 0 || r.Limit > MaxLimit {
		return fmt.Errorf("%w vectors: limit %d; use 0 to %d", content.ErrInvalid, r.Limit, MaxLimit)
	}
	return nil
}

// Unit returns a vector of length 1 in the direction of a model's vector, in
// memory of its own. It refuses what has no direction: a wrong number of values,
// NaN, infinities, and zero throughout.
func (m Model) Unit(values []float32) ([]float32, error) {
	if len(values) != m.Dimension {
		return nil, fmt.Errorf("%w vector: it has %d values, those of model %q have %d", content.ErrInvalid, len(values), m.Name, m.Dimension)
	}
	largest := 0.0
	for i, v := range values {
		x := math.Abs(float64(v))
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("%w vector of model %q: value %d is %v", content.ErrInvalid, m.Name, i, v)
		}
		largest = max(largest, x)
	}
	if largest == 0 {
		return nil, fmt.Errorf("%w vector of model %q: all its %d values are 0, so it is near to nothing", content.ErrInvalid, m.Name, m.Dimension)
	}
	sum := 0.0
	for _, v := range values {
		x := float64(v) / largest
		sum += x * x
	}
	scale := 1 / (largest * math.Sqrt(sum))
	unit := make([]float32, len(values))
	for i, v := range values {
		unit[i] = float32(float64(v) * scale)
	}
	return unit, nil
}
