package inverted

import (
	"container/list"
	"sync"
)

// A cacheKey names something that was read from a segment. Segments do not
// change and their ids are never used again, so that what is under a key cannot
// become stale. The organization is in it so that nobody finds what another one
// has, not even when rows were copied from one to the other.
type cacheKey struct {
	organization string
	segment      string
	name         string
	block        int
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

// all returns what is under several keys; nil where there is nothing.
func (c *cache) all(keys []cacheKey) []any {
	values := make([]any, len(keys))
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, key := range keys {
		if e, ok := c.items[key]; ok {
			c.order.MoveToFront(e)
			values[i] = e.Value.(*cacheItem).value
		}
	}
	return values
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
		c.remove(e)
	}
	c.items[key] = c.order.PushFront(&cacheItem{key, v, size})
	for c.used += size; c.used > c.limit; {
		c.remove(c.order.Back())
	}
}

// putSpare stores what nobody has asked for yet: only where there is room, and as
// what is to go first.
func (c *cache) putSpare(key cacheKey, v any, size int) {
	size += itemOverhead
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.items[key]; ok || c.used+size > c.limit {
		return
	}
	c.items[key] = c.order.PushBack(&cacheItem{key, v, size})
	c.used += size
}

// has reports whether there is something under a key, without using it.
func (c *cache) has(key cacheKey) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.items[key]
	return ok
}

// room returns the number of bytes that are free.
func (c *cache) room() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limit - c.used
}

// forget drops what was read from segments that are gone.
func (c *cache) forget(organization string, segments map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, e := range c.items {
		if key.organization == organization && segments[key.segment] {
			c.remove(e)
		}
	}
}

func (c *cache) remove(e *list.Element) {
	item := c.order.Remove(e).(*cacheItem)
	delete(c.items, item.key)
	c.used -= item.size
}
