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
	c := newCallers(Config{})
	users := map[string]bool{}
	first := c.user(authority.Mint("org", "p0"), false)
	for i := range 3 * manyCallers {
		scope := authority.Mint("org", fmt.Sprint("p", i))
		if client := c.of(scope); i == 0 {
			client.requests.Add(1)
		}
		users[c.user(scope, false)], users[c.user(scope, true)] = true, true
	}
	if len(users) != 6*manyCallers || len(c.known) > manyCallers {
		t.Errorf("%d names, %d are known", len(users), len(c.known))
	}
	if c.of(authority.Mint("org", "p0")).requests.Load() != 1 {
		t.Error("one with a request under way was forgotten")
	}
	if c.user(authority.Mint("org", "p0"), false) != first {
		t.Error("a caller's sessions have another name than before")
	}
}
