package jobs

import (
	"runtime"
	"sync"
)

// A gather makes one transaction of what many goroutines ask for at the same
// moment. The first to come lets those that are about to ask do so, and works for
// all of them; whoever comes while it works waits, and the next one does the work
// of all who wait. So nobody waits for company that does not come, and a crowd
// pays for few transactions. Its zero value is not ready: use newGather.
type gather[T any] struct {
	do   func(items []T) // does all of them, each item's outcome goes into the item
	most int             // at a time
	turn chan struct{}

	mu      sync.Mutex
	waiting []*asked[T]
}

type asked[T any] struct {
	item T
	done chan struct{}
}

func newGather[T any](most int, do func(items []T)) *gather[T] {
	return &gather[T]{do: do, most: most, turn: make(chan struct{}, 1)}
}

// ask returns when item was done, with others or alone.
func (g *gather[T]) ask(item T) {
	me := &asked[T]{item, make(chan struct{})}
	g.mu.Lock()
	g.waiting = append(g.waiting, me)
	g.mu.Unlock()
	for {
		select {
		case <-me.done:
			return
		case g.turn <- struct{}{}:
			runtime.Gosched() // which returns at once when nobody else can run
			g.next()
			<-g.turn
		}
	}
}

// next does those who wait.
func (g *gather[T]) next() {
	g.mu.Lock()
	n := min(len(g.waiting), g.most)
	batch := g.waiting[:n:n]
	g.waiting = g.waiting[n:]
	g.mu.Unlock()
	if n == 0 {
		return
	}
	items := make([]T, n)
	for i, a := range batch {
		items[i] = a.item
	}
	defer func() { // also when it panics
		for _, a := range batch {
			close(a.done)
		}
	}()
	g.do(items)
}
