package inverted

import (
	"container/list"
	"sync"
)

// A cacheKey names something that was read from a segment. Segments do not
// change and their ids are never used again, so that what is under a key cannot
// become stale.
type cacheKey struct {
	segment string
	name    string
	block   int
}

// A cache keeps what was read last, up to a number of bytes. It is safe for
// concurrent use.
type cache struct {
	mu    sync.Mutex
	limit int
	used  int
	items map[cacheKey]*list.Element
	order *list.List // the front was used last
}

type cacheItem struct {
	key   cacheKey
	value any
	size  int
}

// itemOverhead is what an entry takes besides its value.
const itemOverhead = 250

func newCache(limit int) *cache {
	return &cache{limit: limit, items: map[cacheKey]*list.Element{}, order: list.New()}
}

func (c *cache) get(key cacheKey) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[key]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cacheItem).value, true
}

// put stores a value, which nobody changes from then on, in place of an earlier
// one. One that is larger than half the cache is not kept: it would push out
// everything else.
func (c *cache) put(key cacheKey, v any, size int) {
	size += itemOverhead
	if size > c.limit/2 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.items[key]; ok {
		c.used -= e.Value.(*cacheItem).size
		c.order.Remove(e)
	}
	c.items[key] = c.order.PushFront(&cacheItem{key, v, size})
	for c.used += size; c.used > c.limit; {
		last := c.order.Remove(c.order.Back()).(*cacheItem)
		delete(c.items, last.key)
		c.used -= last.size
	}
}
