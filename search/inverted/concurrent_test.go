package inverted

import (
	"context"
	"fmt"
	"sync"
	"testing"
)

// Searches share what they have read without sharing what they change.
func TestConcurrentSearchesOfOneIndex(t *testing.T) {
	z := newZipf(31)
	m := z.index(t)
	m.view.cache, m.view.ranking = newCache(200_000), m.ranking
	var queries []*Query
	var want []string
	for range 20 {
		queries = append(queries, Parse(z.words(4)+" qazx"))
		want = append(want, fmt.Sprint(m.search(t, Request{Query: queries[len(queries)-1], Limit: 10}).Hits))
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 3 {
				for i, q := range queries {
					v := m.view
					v.read = &lockedReader{reader: m, mu: &m.mu}
					res, err := v.Search(context.Background(), Request{Query: q, Limit: 10})
					if err != nil || fmt.Sprint(res.Hits) != want[i] {
						t.Errorf("%v, %v; want %v", res, err, want[i])
						return
					}
				}
			}
		})
	}
	all.Wait()
}

type lockedReader struct {
	reader
	mu *sync.Mutex
}

func (r *lockedReader) columns(ctx context.Context, keys []cacheKey) (map[cacheKey][]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reader.columns(ctx, keys)
}

func (r *lockedReader) blocks(ctx context.Context, keys []cacheKey) (map[cacheKey][]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reader.blocks(ctx, keys)
}
