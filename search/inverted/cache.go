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

// A cache keeps what is asked for, up to a number of bytes. It is safe for
// concurrent use.
//
// An item that is asked for again is only marked. When room is needed, items leave
// at the back, but a marked one loses its mark and begins anew: that is nearly the
// order of last use, and a look-up need not touch its neighbours in a list, which
// are rarely in the processor's cache.
type cache struct {
	mu    sync.Mutex
	limit int
	used  int
	items map[cacheKey]*cacheItem
	order *list.List // of items; they leave at the back
}

type cacheItem struct {
	key   cacheKey
	value any
	size  int
	asked bool // since it was put in front
	place *list.Element
}

// itemOverhead is what an entry takes besides its value.
const itemOverhead = 250

func newCache(limit int) *cache {
	return &cache{limit: limit, items: map[cacheKey]*cacheItem{}, order: list.New()}
}

func (c *cache) get(key cacheKey) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	item, ok := c.items[key]
	if !ok {
		return nil, false
	}
	item.asked = true
	return item.value, true
}

// all returns what is under several keys; nil where there is nothing.
func (c *cache) all(keys []cacheKey) []any {
	values := make([]any, len(keys))
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, key := range keys {
		if item, ok := c.items[key]; ok {
			item.asked = true
			values[i] = item.value
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
	if item, ok := c.items[key]; ok {
		c.remove(item)
	}
	for c.used+size > c.limit {
		last := c.order.Back().Value.(*cacheItem)
		if last.asked {
			last.asked = false
			c.order.MoveToFront(last.place)
			continue
		}
		c.remove(last)
	}
	c.add(&cacheItem{key: key, value: v, size: size}, c.order.PushFront)
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
	c.add(&cacheItem{key: key, value: v, size: size}, c.order.PushBack)
}

func (c *cache) add(item *cacheItem, push func(any) *list.Element) {
	item.place = push(item)
	c.items[item.key] = item
	c.used += item.size
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
	for key, item := range c.items {
		if key.organization == organization && segments[key.segment] {
			c.remove(item)
		}
	}
}

func (c *cache) remove(item *cacheItem) {
	c.order.Remove(item.place)
	delete(c.items, item.key)
	c.used -= item.size
}
