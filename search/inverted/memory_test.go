package inverted

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"
)

// A memoryIndex is an index without a database, for tests of ranking.
type memoryIndex struct {
	view    View
	ranking *ranking
	rows    map[cacheKey][]byte
	deleted map[string][]byte
	next    int64
	reads   int
	mu      sync.Mutex // for those who read at the same time
}

func newMemoryIndex() *memoryIndex {
	m := &memoryIndex{ranking: defaultRanking(), rows: map[cacheKey][]byte{}, deleted: map[string][]byte{}, next: 1}
	m.view = View{read: m, cache: newCache(64 << 20), ranking: m.ranking}
	return m
}

// add stores a segment and returns the number of its first chunk.
func (m *memoryIndex) add(s *Segment) int64 {
	id := fmt.Sprintf("segment %d", len(m.view.segments))
	row := segmentRow{id: id, first: m.next, last: m.next + int64(s.Chunks()) - 1, chunks: s.Chunks(), documents: s.documents,
		title: s.chunks.title, body: s.chunks.body}
	m.view.segments = append(m.view.segments, row)
	m.next += int64(s.Chunks())
	var firsts []string
	for i, b := range s.blocks {
		firsts = append(firsts, b.first)
		m.rows[cacheKey{"", id, dataBlock, i}] = b.data
		m.rows[cacheKey{"", id, positionBlock, i}] = b.positions
	}
	m.rows[cacheKey{"", id, termsColumn, 0}] = encodeStrings(firsts)
	m.rows[cacheKey{"", id, chunksColumn, 0}] = s.chunks.encode()
	for _, c := range s.columns {
		m.rows[cacheKey{"", id, c.name, 0}] = c.data
	}
	return row.first
}

// build indexes documents as one segment.
func (m *memoryIndex) build(t testing.TB, docs ...Document) int64 {
	t.Helper()
	s, err := new(Builder).Build(docs)
	if err != nil {
		t.Fatal(err)
	}
	return m.add(s)
}

// remove sets the tombstones of chunks.
func (m *memoryIndex) remove(t testing.TB, numbers ...int64) {
	t.Helper()
	for i := range m.view.segments {
		s := &m.view.segments[i]
		set := roaring.New()
		for _, n := range numbers {
			if n >= s.first && n <= s.last {
				set.Add(uint32(n - s.first))
			}
		}
		if set.IsEmpty() {
			continue
		}
		if old, ok := m.deleted[s.id]; ok {
			before := roaring.New()
			if err := before.UnmarshalBinary(old); err != nil {
				t.Fatal(err)
			}
			set.Or(before)
		}
		s.deleted = int(set.GetCardinality())
		s.tombstones++
		data, err := set.ToBytes()
		if err != nil {
			t.Fatal(err)
		}
		m.deleted[s.id] = data
	}
}

func (m *memoryIndex) search(t testing.TB, req Request) *Result {
	t.Helper()
	m.view.ranking = m.ranking
	res, err := m.view.Search(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func (m *memoryIndex) columns(_ context.Context, keys []cacheKey) (map[cacheKey][]byte, error) {
	m.reads++
	rows := map[cacheKey][]byte{}
	for _, k := range keys {
		if data, ok := m.rows[k]; ok {
			rows[k] = data
		}
	}
	return rows, nil
}

func (m *memoryIndex) blocks(ctx context.Context, keys []cacheKey) (map[cacheKey][]byte, error) {
	return m.columns(ctx, keys)
}

func (m *memoryIndex) tombstones(_ context.Context, keys []cacheKey) (map[cacheKey][]byte, error) {
	rows := map[cacheKey][]byte{}
	for _, k := range keys {
		rows[k] = m.deleted[k.segment]
	}
	return rows, nil
}
