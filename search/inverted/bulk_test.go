//go:build !race

package inverted

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
)

// A repeated reader answers for many segments with copies of one segment's rows,
// as a database would.
type repeated struct {
	rows map[cacheKey][]byte
	most uint64 // bytes of the heap, where it was largest
}

func (r *repeated) columns(_ context.Context, keys []cacheKey) (map[cacheKey][]byte, error) {
	found := make(map[cacheKey][]byte, len(keys))
	for _, k := range keys {
		if data, ok := r.rows[cacheKey{"", "segment 0", k.name, k.block}]; ok {
			found[k] = append([]byte{}, data...)
		}
	}
	r.measure()
	return found, nil
}

func (r *repeated) blocks(ctx context.Context, keys []cacheKey) (map[cacheKey][]byte, error) {
	return r.columns(ctx, keys)
}

func (r *repeated) tombstones(context.Context, []cacheKey) (map[cacheKey][]byte, error) {
	return nil, nil
}

// measure notes how much of the heap is in use, garbage not counted.
func (r *repeated) measure() {
	var s runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&s)
	r.most = max(r.most, s.HeapAlloc)
}

// A search over ten million chunks that all have its words needs memory for
// their lengths, for the cache, and for the postings of a part of them at a time.
func TestMemoryOfTenMillionPostings(t *testing.T) {
	const segments = 160
	m := newMemoryIndex()
	m.build(t, slices.Collect(func(yield func(Document) bool) {
		for i := 0; i < maxSegment && yield(Document{Chunks: []string{"common words" + strings.Repeat(" third", (i%3)/2) + fmt.Sprint(" x", i%100)}, Values: map[string]any{"n": i % 5}}); i++ {
		}
	})...)
	r := &repeated{rows: m.rows}
	v := View{read: r, cache: newCache(16 << 20), ranking: m.ranking}
	one := m.view.segments[0]
	for i := range int64(segments) {
		s := one
		s.id = fmt.Sprint("segment ", i)
		s.first, s.last = 1+i*maxSegment, (i+1)*maxSegment
		v.segments = append(v.segments, s)
	}
	r.measure()
	before := r.most
	start := time.Now()
	res, err := v.Search(t.Context(), Request{Query: Parse(`third common "common words" `), Limit: 10, Facets: []string{"n"},
		Filters: []content.Filter{{Field: "n", Op: content.Less, Values: []string{"4"}}}})
	if err != nil {
		t.Fatal(err)
	}
	// the same for one segment tells what is right
	m.view.segments = m.view.segments[:1]
	alone := m.search(t, Request{Query: Parse(`"common words" `), Limit: 10, Filters: []content.Filter{{Field: "n", Op: content.Less, Values: []string{"4"}}}})
	if res.Total != segments*alone.Total || len(res.Hits) != 10 || len(res.Facets["n"]) != 4 {
		t.Errorf("total %d, want %d; %d hits; facets %v", res.Total, segments*alone.Total, len(res.Hits), res.Facets)
	}
	used := (r.most - before) >> 20
	t.Logf("%d chunks that match, %d MB more of the heap at most, %v", res.Total, used, time.Since(start))
	if used > 200 {
		t.Errorf("the search needed %d MB", used)
	}
}
