package inverted

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"sort"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"
)

// Names of the columns that every segment has. Values of documents cannot be
// called so, because theirs do not begin with #.
const (
	chunksColumn = "#chunks" // a chunkTable
	termsColumn  = "#terms"  // the first term of each block
)

// A segmentRow is what is read of a segment for every query.
type segmentRow struct {
	id         string
	first      int64 // number of the first chunk
	last       int64 // number of the last chunk
	chunks     int
	documents  int
	title      int64 // words in all titles of chunks, deleted ones included
	body       int64
	deleted    int   // chunks
	tombstones int64 // names their state; 0 for none
}

// A reader reads rows of one organization's segments. What does not exist is
// missing from the result.
type reader interface {
	columns(ctx context.Context, keys []cacheKey) (map[cacheKey][]byte, error)
	blocks(ctx context.Context, keys []cacheKey) (map[cacheKey][]byte, error)
	tombstones(ctx context.Context, segments []string) (map[string][]byte, error)
}

// Names under which blocks are read and kept.
const (
	dataBlock     = "#data"
	positionBlock = "#positions"
)

// A view is the index of one organization as one transaction sees it.
type view struct {
	segments []segmentRow // in order of chunk numbers
	read     reader
	cache    *cache
}

// load returns what stands under the keys, from the cache or else from the
// database with one query, decoded. A key without a row gives nil.
func load[T any](ctx context.Context, v *view, keys []cacheKey, read func(context.Context, []cacheKey) (map[cacheKey][]byte, error),
	decode func(cacheKey, []byte) (T, int, error)) ([]T, error) {
	values := make([]T, len(keys))
	var missing []cacheKey
	var where []int
	for i, k := range keys {
		if x, ok := v.cache.get(k); ok {
			values[i] = x.(T)
		} else {
			missing, where = append(missing, k), append(where, i)
		}
	}
	if len(missing) == 0 {
		return values, nil
	}
	rows, err := read(ctx, missing)
	if err != nil {
		return nil, err
	}
	for i, k := range missing {
		var x T
		size := 0
		if data, ok := rows[k]; ok {
			if x, size, err = decode(k, data); err != nil {
				return nil, fmt.Errorf("search index: segment %s, %s %d: %w", k.segment, k.name, k.block, err)
			}
		}
		values[where[i]] = x
		v.cache.put(k, x, size)
	}
	return values, nil
}

// tables returns the table of chunks of each segment.
func (v *view) tables(ctx context.Context, segments []segmentRow) ([]*chunkTable, error) {
	keys := make([]cacheKey, len(segments))
	first := make(map[string]int64, len(segments))
	for i, s := range segments {
		keys[i] = cacheKey{segment: s.id, name: chunksColumn}
		first[s.id] = s.first
	}
	tables, err := load(ctx, v, keys, v.read.columns, func(k cacheKey, data []byte) (*chunkTable, int, error) {
		t, err := decodeChunks(data)
		if err != nil {
			return nil, 0, err
		}
		t.first = first[k.segment]
		return t, t.size(), nil
	})
	if err != nil {
		return nil, err
	}
	for i, t := range tables {
		if t == nil || t.len() != segments[i].chunks || t.documents != segments[i].documents {
			return nil, fmt.Errorf("search index: segment %s: its table of chunks is missing or wrong: %w", segments[i].id, errCorrupt)
		}
	}
	return tables, nil
}

// terms returns the first term of each block of each segment.
func (v *view) terms(ctx context.Context) ([][]string, error) {
	return load(ctx, v, v.keys(termsColumn), v.read.columns, func(_ cacheKey, data []byte) ([]string, int, error) {
		list, err := decodeStrings(data)
		size := 0
		for _, s := range list {
			size += 16 + len(s)
		}
		return list, size, err
	})
}

// column returns the values under a name of each segment; nil for a segment
// whose documents have none.
func (v *view) column(ctx context.Context, names []string) (map[string][]*column, error) {
	var keys []cacheKey
	documents := map[string]int{}
	for _, s := range v.segments {
		documents[s.id] = s.documents
	}
	for _, name := range names {
		keys = append(keys, v.keys(name)...)
	}
	list, err := load(ctx, v, keys, v.read.columns, func(k cacheKey, data []byte) (*column, int, error) {
		c, err := decodeColumn(data, documents[k.segment])
		if err != nil {
			return nil, 0, err
		}
		return c, c.size(), nil
	})
	if err != nil {
		return nil, err
	}
	columns := map[string][]*column{}
	for i, name := range names {
		columns[name] = list[i*len(v.segments) : (i+1)*len(v.segments)]
	}
	return columns, nil
}

func (v *view) keys(name string) []cacheKey {
	keys := make([]cacheKey, len(v.segments))
	for i, s := range v.segments {
		keys[i] = cacheKey{segment: s.id, name: name}
	}
	return keys
}

// blocks returns blocks, or their positions, as they are stored.
func (v *view) blocks(ctx context.Context, keys []cacheKey) ([][]byte, error) {
	list, err := load(ctx, v, keys, v.read.blocks, func(_ cacheKey, data []byte) ([]byte, int, error) {
		if data == nil {
			data = []byte{}
		}
		return data, len(data), nil
	})
	if err != nil {
		return nil, err
	}
	for i, data := range list {
		if data == nil {
			return nil, fmt.Errorf("search index: segment %s: block %d is missing: %w", keys[i].segment, keys[i].block, errCorrupt)
		}
	}
	return list, nil
}

// unreadable says in which segment stored data are broken.
func (v *view) unreadable(segment int, err error) error {
	return fmt.Errorf("search index: segment %s: %w", v.segments[segment].id, err)
}

// A tombstoneSet tells which chunks of a segment are deleted.
type tombstoneSet struct {
	bits        bitset
	title, body int64 // words in the deleted chunks
}

// dead returns the tombstones of each segment; nil for those without.
func (v *view) dead(ctx context.Context, tables []*chunkTable) ([]*tombstoneSet, error) {
	sets := make([]*tombstoneSet, len(v.segments))
	var where []int
	var keys []cacheKey
	for i, s := range v.segments {
		if s.deleted > 0 {
			where = append(where, i)
			keys = append(keys, cacheKey{segment: s.id, name: "#dead", block: int(s.tombstones)})
		}
	}
	if len(keys) == 0 {
		return sets, nil
	}
	read := func(ctx context.Context, keys []cacheKey) (map[cacheKey][]byte, error) {
		ids := make([]string, len(keys))
		for i, k := range keys {
			ids[i] = k.segment
		}
		rows, err := v.read.tombstones(ctx, ids)
		if err != nil {
			return nil, err
		}
		byKey := make(map[cacheKey][]byte, len(keys))
		for _, k := range keys {
			byKey[k] = rows[k.segment]
		}
		return byKey, nil
	}
	list, err := load(ctx, v, keys, read, func(k cacheKey, data []byte) (*tombstoneSet, int, error) {
		i := slices.IndexFunc(v.segments, func(s segmentRow) bool { return s.id == k.segment })
		set, err := decodeTombstones(data, tables[i])
		return set, 8 * (v.segments[i].chunks/64 + 1), err
	})
	if err != nil {
		return nil, err
	}
	for i, set := range list {
		sets[where[i]] = set
	}
	return sets, nil
}

func decodeTombstones(data []byte, table *chunkTable) (*tombstoneSet, error) {
	deleted := roaring.New()
	if err := deleted.UnmarshalBinary(data); err != nil {
		return nil, fmt.Errorf("tombstones: %w: %w", errCorrupt, err)
	}
	set := &tombstoneSet{bits: newBitset(table.len())}
	for it := deleted.Iterator(); it.HasNext(); {
		o := int(it.Next())
		if o >= table.len() {
			return nil, fmt.Errorf("tombstones: chunk %d of %d: %w", o, table.len(), errCorrupt)
		}
		set.bits.set(o)
		set.title += int64(table.title[o])
		set.body += int64(table.body[o])
	}
	return set, nil
}

// blockOf returns the block that holds a term if the segment has it, or -1.
func blockOf(firsts []string, term string) int {
	return sort.Search(len(firsts), func(i int) bool { return firsts[i] > term }) - 1
}

// blocksOf returns the range of blocks that hold the terms with a prefix.
func blocksOf(firsts []string, prefix string) (from, to int) {
	from = max(0, blockOf(firsts, prefix))
	to = sort.Search(len(firsts), func(i int) bool { return firsts[i] > prefix && !strings.HasPrefix(firsts[i], prefix) })
	return from, to
}

// A bitset is a set of small numbers.
type bitset []uint64

func newBitset(n int) bitset { return make(bitset, (n+63)/64) }

func (b bitset) set(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b bitset) has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }

func (b bitset) count() int {
	n := 0
	for _, w := range b {
		n += bits.OnesCount64(w)
	}
	return n
}

// and keeps what is in both.
func (b bitset) and(o bitset) {
	for i := range b {
		b[i] &= o[i]
	}
}

// or adds what is in the other.
func (b bitset) or(o bitset) {
	for i := range b {
		b[i] |= o[i]
	}
}
