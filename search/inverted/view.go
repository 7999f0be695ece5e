package inverted

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/curatore/curatore-go/content/database"
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
	tombstones(ctx context.Context, keys []cacheKey) (map[cacheKey][]byte, error) // the block is the version
}

// Names under which blocks are read and kept.
const (
	dataBlock     = "#data"
	positionBlock = "#positions"
)

// A View is the index of one organization as one transaction sees it. It answers
// as many questions as wanted, in that transaction, and like it is not safe for
// concurrent use.
type View struct {
	organization string
	version      int64
	segments     []segmentRow // in order of chunk numbers
	read         reader
	cache        *cache
	ranking      *ranking
	recent       bool // of [Index.Recent]
}

// A manifest is the list of an organization's segments at a moment.
type manifest struct {
	version  int64
	segments []segmentRow
	settled  atomic.Bool // it was the same when it was looked at again
}

const manifestName = "#manifest" // in the cache

// errMoved says that a View of [Index.Recent] is over.
var errMoved = errors.New("search index: it has changed meanwhile")

// View returns the index as the transaction sees it. In the transaction of a
// change it has that change.
func (x *Index) View(ctx context.Context, tx *database.Tx, organization string) (*View, error) {
	key := cacheKey{organization: organization, name: manifestName}
	var last *manifest
	known := int64(0)
	if c, ok := x.cache.get(key); ok {
		last = c.(*manifest)
		known = last.version
	}
	version, segments, err := readManifest(ctx, tx, organization, known)
	if err != nil {
		return nil, err
	}
	switch {
	case version != 0 && version == known:
		segments = last.segments
		last.settled.Store(true)
	case version != 0 && tx.ReadOnly(): // what another transaction may take back must not get in there
		x.cache.put(key, &manifest{version: version, segments: segments}, 200*len(segments))
		if last != nil {
			x.forget(organization, last.segments, segments)
		}
	}
	return x.view(tx, organization, version, segments), nil
}

func (x *Index) view(tx *database.Tx, organization string, version int64, segments []segmentRow) *View {
	return &View{organization: organization, version: version, segments: segments, read: &tableReader{tx, organization}, cache: x.cache, ranking: x.ranking}
}

// forget makes room in the cache when segments have been merged.
func (x *Index) forget(organization string, before, now []segmentRow) {
	gone := map[string]bool{}
	for _, s := range before {
		gone[s.id] = true
	}
	for _, s := range now {
		delete(gone, s.id)
	}
	if len(gone) > 0 {
		x.cache.forget(organization, gone)
	}
}

// Recent returns the index as it was when it was last looked at, without asking
// the database, and whether that is worth while: it is when the last look found
// nothing changed. The index may have changed since. An answer of such a View
// holds only if a later statement sees that search_indexes still has its Version;
// when the answer is an error, ask a [Index.View] again.
func (x *Index) Recent(tx *database.Tx, organization string) (*View, bool) {
	c, ok := x.cache.get(cacheKey{organization: organization, name: manifestName})
	if !ok || !c.(*manifest).settled.Load() {
		return nil, false
	}
	m := c.(*manifest)
	v := x.view(tx, organization, m.version, m.segments)
	v.recent = true
	return v, true
}

// Version tells one state of the organization's index from all others: it is that
// of its row in search_indexes, or 0 when nothing was ever indexed.
func (v *View) Version() int64 { return v.version }

// load returns what stands under the keys, from the cache or else from the
// database with one query, decoded. A key without a row gives nil.
func load[T any](ctx context.Context, v *View, keys []cacheKey, read func(context.Context, []cacheKey) (map[cacheKey][]byte, error),
	decode func(cacheKey, []byte) (T, int, error)) ([]T, error) {
	values := make([]T, len(keys))
	var missing []cacheKey
	var where []int
	for i, x := range v.cache.all(keys) {
		if x != nil {
			values[i] = x.(T)
		} else {
			missing, where = append(missing, keys[i]), append(where, i)
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
		data, ok := rows[k]
		if !ok && v.recent {
			return nil, errMoved // or there never was one; only a snapshot can tell
		}
		if ok {
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
func (v *View) tables(ctx context.Context, segments []segmentRow) ([]*chunkTable, error) {
	keys := make([]cacheKey, len(segments))
	first := make(map[string]int64, len(segments))
	for i, s := range segments {
		keys[i] = v.key(s, chunksColumn, 0)
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
func (v *View) terms(ctx context.Context) ([][]string, error) {
	lists, err := load(ctx, v, v.keys(termsColumn), v.read.columns, func(_ cacheKey, data []byte) ([]string, int, error) {
		list, err := decodeStrings(data)
		if list == nil {
			list = []string{} // a segment without words; nil is one without a list
		}
		size := 0
		for _, s := range list {
			size += 16 + len(s)
		}
		return list, size, err
	})
	if err != nil {
		return nil, err
	}
	for i, list := range lists {
		if list == nil {
			return nil, fmt.Errorf("search index: segment %s: its list of terms is missing: %w", v.segments[i].id, errCorrupt)
		}
	}
	return lists, nil
}

// column returns the values under a name of each segment; nil for a segment
// whose documents have none.
func (v *View) column(ctx context.Context, names []string) (map[string][]*column, error) {
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

func (v *View) keys(name string) []cacheKey {
	keys := make([]cacheKey, len(v.segments))
	for i, s := range v.segments {
		keys[i] = v.key(s, name, 0)
	}
	return keys
}

func (v *View) key(s segmentRow, name string, block int) cacheKey {
	return cacheKey{v.organization, s.id, name, block}
}

// blocks returns blocks, or their positions, as they are stored. When some have to
// be read, others come with them, which go into the cache.
func (v *View) blocks(ctx context.Context, keys []cacheKey, others func(missing []cacheKey) []cacheKey) ([][]byte, error) {
	read := func(ctx context.Context, missing []cacheKey) (map[cacheKey][]byte, error) {
		spare := others(missing)
		rows, err := v.read.blocks(ctx, slices.Concat(missing, spare))
		for _, k := range spare {
			if data, ok := rows[k]; ok {
				v.cache.putSpare(k, data, len(data))
			}
		}
		return rows, err
	}
	list, err := load(ctx, v, keys, read, func(_ cacheKey, data []byte) ([]byte, int, error) {
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
func (v *View) unreadable(segment int, err error) error {
	return fmt.Errorf("search index: segment %s: %w", v.segments[segment].id, err)
}

const deadName = "#dead" // in the cache; its block is the version

// A tombstoneSet tells which chunks of a segment are deleted.
type tombstoneSet struct {
	bits        bitset
	title, body int64 // words in the deleted chunks
}

// dead returns the tombstones of each segment; nil for those without.
func (v *View) dead(ctx context.Context, tables []*chunkTable) ([]*tombstoneSet, error) {
	sets := make([]*tombstoneSet, len(v.segments))
	var where []int
	var keys []cacheKey
	for i, s := range v.segments {
		if s.deleted > 0 {
			where = append(where, i)
			keys = append(keys, v.key(s, deadName, int(s.tombstones)))
		}
	}
	if len(keys) == 0 {
		return sets, nil
	}
	list, err := load(ctx, v, keys, v.read.tombstones, func(k cacheKey, data []byte) (*tombstoneSet, int, error) {
		i := slices.IndexFunc(v.segments, func(s segmentRow) bool { return s.id == k.segment })
		set, err := decodeTombstones(data, tables[i])
		return set, 8 * (v.segments[i].chunks/64 + 1), err
	})
	if err != nil {
		return nil, err
	}
	for i, set := range list {
		if set == nil {
			return nil, fmt.Errorf("search index: segment %s: its tombstones are missing: %w", keys[i].segment, errCorrupt)
		}
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
