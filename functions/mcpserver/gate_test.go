package mcpserver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/functions"
)

// Those who wait go on in the order in which they came; one who gives up leaves
// its place to the next.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(Config{Parallel: 2, Waiting: 3})
		reason := errors.New("the user left")
		ctx, cancel := context.WithCancelCause(t.Context())
		var mu sync.Mutex
		var done []string
		var all sync.WaitGroup
		enter := func(ctx context.Context, name string) {
			all.Go(func() {
				refused := g.enter(ctx)
				if refused == nil {
					time.Sleep(time.Minute)
					g.leave()
				}
				mu.Lock()
				defer mu.Unlock()
				if refused != nil {
					name = fmt.Sprint(name, " ", refused.Code)
					if refused.Code == functions.CodeCancelled && !errors.Is(refused, reason) {
						t.Errorf("cancelled by %v", refused.Cause)
					}
				}
				done = append(done, name)
			})
			synctest.Wait()
			time.Sleep(time.Second)
		}
		enter(t.Context(), "a")
		enter(t.Context(), "b")
		enter(t.Context(), "c")
		enter(ctx, "d")
		enter(t.Context(), "e")
		enter(t.Context(), "f") // too many
		cancel(reason)
		synctest.Wait()
		enter(t.Context(), "g") // in the place of d
		all.Wait()
		if diff := cmp.Diff([]string{"f busy", "d cancelled", "a", "b", "c", "e", "g"}, done); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if g.inside.Load() != 0 {
			t.Errorf("%d are left inside", g.inside.Load())
		}
	})
}

// Callers who have nothing under way are forgotten, and their sessions' name stays
// the same.
func TestCallersAreForgotten(t *testing.T) {
	c := newCallers()
	users := map[string]bool{}
	var first string
	for i := range 3 * manyCallers {
		user := c.of(caller{authority.Mint("org", fmt.Sprint("p", i)), false}).user
		if i == 0 {
			first = user
			c.of(caller{authority.Mint("org", "p0"), false}).requests.Add(1)
		}
		users[user] = true
	}
	if len(users) != 3*manyCallers || len(c.known) > manyCallers {
		t.Errorf("%d names, %d are known", len(users), len(c.known))
	}
	busy := c.of(caller{authority.Mint("org", "p0"), false})
	if busy.user != first || busy.requests.Load() != 1 {
		t.Error("one with a request under way was forgotten")
	}
	if c.of(caller{authority.Mint("org", "p0"), true}).user == first {
		t.Error("a key that may only read has the sessions of one that may write")
	}
}
