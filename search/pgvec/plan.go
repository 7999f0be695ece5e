package pgvec

import (
	"fmt"
	"math"
)

// A plan says how to search: by comparing all that may be found, or with the
// index and how much to fetch from it.
type plan struct {
	indexed bool
	ef      int // candidates that the index keeps at hand
	fetch   int // rows of the organization to be read
	scan    int // vectors that the index may look at, of all organizations
}

// Limits of a plan.
const (
	baseEf   = 320  // with 10 hits 400; 200 finds .93 to .96 of the best ten among random vectors, 100 finds .87 to .93
	maxEf    = 1000 // pgvector's
	maxFetch = 20_000
)

// plan decides. To compare a vector costs the same whether the index has found
// it or not, but the index has to be walked: by as much as lies between the hits.
// With one candidate in a hundred it passes a hundred vectors for each hit.
func (s *search) plan(exact int, walkCost float64) plan {
	candidates := s.candidates()
	if s.indexed == 0 || candidates <= exact {
		return plan{}
	}
	wanted := 2*s.req.Limit + 20
	total := max(s.indexed, s.stored)
	walked := float64(wanted) * float64(total) / float64(candidates)
	if walked*walkCost > float64(candidates) {
		return plan{}
	}
	fetch := float64(wanted) * float64(s.stored) / float64(candidates)
	if fetch > maxFetch {
		return plan{}
	}
	return plan{
		indexed: true,
		ef:      min(baseEf+2*int(walked), maxEf),
		fetch:   int(math.Ceil(fetch)),
		scan:    max(20_000, 10*int(walked)),
	}
}

// walkCost is how many comparisons one step in the index is worth: with 128 to 384
// dimensions a row from the index took 19 µs, a comparison 4 µs.
const walkCost = 5

// more enlarges the plan and reports whether that makes sense.
func (p *plan) more() bool {
	if p.fetch >= maxFetch {
		return false
	}
	p.fetch = min(8*p.fetch, maxFetch)
	p.ef = maxEf
	p.scan *= 8
	return true
}

// settings are for the transaction at hand. In relaxed order the index goes on
// until there are enough rows; what it returns is brought into order afterwards.
func (p plan) settings() string {
	return fmt.Sprintf("SET LOCAL hnsw.iterative_scan = relaxed_order; SET LOCAL hnsw.ef_search = %d; SET LOCAL hnsw.max_scan_tuples = %d; SET LOCAL hnsw.scan_mem_multiplier = 16",
		p.ef, min(p.scan, math.MaxInt32))
}
