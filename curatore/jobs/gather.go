package jobs

import (
	"runtime"
	"sync"
)

// A gather makes one transaction of what many goroutines ask for at the same
// moment. The first to come starts one that works for all who are about to ask, too;
// whoever comes while it works waits, and is among the next. So nobody waits for
// company that does not come, and a crowd pays for few transactions. Its zero value
// is not ready: use newGather.
type gather[T any] struct {
	do   func(items []T) // does all of them, each item's outcome goes into the item
	most int             // at a time

	mu      sync.Mutex
	waiting []asked[T]
	working bool
}

type asked[T any] struct {
	item T
	done func()
}

func newGather[T any](most int, do func(items []T)) *gather[T] {
	return &gather[T]{do: do, most: most}
}

// ask returns when item was done, with others or alone.
func (g *gather[T]) ask(item T) {
	done := make(chan struct{})
	g.tell(item, func() { close(done) })
	<-done
}

// tell returns at once; done, which must be quick, is called when item was done.
func (g *gather[T]) tell(item T, done func()) {
	g.mu.Lock()
	g.waiting = append(g.waiting, asked[T]{item, done})
	first := !g.working
	g.working = true
	g.mu.Unlock()
	if first {
		go g.work()
	}
}

// work does those who wait until nobody does.
func (g *gather[T]) work() {
	for {
		g.assemble()
		g.mu.Lock()
		n := min(len(g.waiting), g.most)
		batch := g.waiting[:n:n]
		g.waiting = g.waiting[n:]
		g.working = n > 0
		g.mu.Unlock()
		if n == 0 {
			return
		}
		items := make([]T, n)
		for i, a := range batch {
			items[i] = a.item
		}
		g.do(items)
		for _, a := range batch {
			a.done()
		}
	}
}

// assemble lets those ask who are about to, as long as each look finds more of them.
// It takes no time when nobody else can run.
func (g *gather[T]) assemble() {
	for came := -1; ; {
		runtime.Gosched()
		g.mu.Lock()
		n := len(g.waiting)
		g.mu.Unlock()
		if n == came || n >= g.most {
			return
		}
		came = n
	}
}
