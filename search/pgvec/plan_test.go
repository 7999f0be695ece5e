package pgvec

import (
	"strings"
	"testing"

	"github.com/curatore/curatore-go/search/vectors"
)

func TestRecent(t *testing.T) {
	for version, fits := range map[string]bool{"0.8.0": true, "0.8.4": true, "0.10.1": true, "1.0": true, "0.7.4": false, "0.5.0": false, "x": false, "": false} {
		if err := recent(version); (err == nil) != fits || err != nil && !strings.Contains(err.Error(), "pgvector") {
			t.Errorf("%q: %v", version, err)
		}
	}
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		name                               string
		stored, indexed, within, limit, ef int
		indexedPlan                        bool
	}{
		{"no index", 1e6, 0, -1, 10, 0, false},
		{"few", 2000, 1e6, -1, 10, 0, false},
		{"everything", 1e5, 1e5, -1, 10, 400, true},
		{"many hits", 1e5, 1e5, -1, 300, maxEf, true},
		{"1 % of 100,000", 1e5, 1e5, 1000, 10, 0, false},
		{"3 % of 100,000", 1e5, 1e5, 3000, 10, 0, false},
		{"10 % of 100,000", 1e5, 1e5, 1e4, 10, maxEf, true},
		{"1 % of 1,000,000", 1e6, 1e6, 1e4, 10, 0, false},
		{"10 % of 1,000,000", 1e6, 1e6, 1e5, 100, maxEf, true},
		{"one organization of many", 5000, 1e6, -1, 10, 0, false},
		{"a large organization of many", 2e5, 1e6, -1, 10, 720, true},
		{"more hits than the index should walk for", 1e5, 1e5, 3000, 5000, 0, false},
		{"a set larger than what is stored", 1e5, 1e5, 1e6, 10, 400, true},
	} {
		s := &search{stored: c.stored, indexed: c.indexed, req: vectors.Request{Limit: c.limit}}
		if c.within >= 0 {
			s.req.Within = sizedSet{n: c.within}
		}
		p := s.plan(2000, walkCost)
		if p.indexed != c.indexedPlan || p.ef != c.ef || p.indexed && (p.fetch < c.limit || p.fetch > maxFetch) {
			t.Errorf("%s: %+v", c.name, p)
		}
	}
	p := plan{indexed: true, ef: 400, fetch: 100, scan: 20_000}
	for n := 0; p.more(); n++ {
		if n > 10 || p.fetch > maxFetch || p.ef > maxEf {
			t.Fatalf("%+v", p)
		}
	}
}

// A sizedSet is nothing but large.
type sizedSet struct {
	vectors.Set
	n int
}

func (s sizedSet) Len() int { return s.n }
