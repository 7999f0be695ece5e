package mcpserver

import (
	"context"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/curatore/curatore-go/functions"
)

// The bounds of a [Config] that says nothing.
const (
	defaultParallel = 16
	defaultWaiting  = 112
)

// A gate lets so many calls of one caller run at a time. The others wait, and go
// on in the order in which they came; when too many wait, the next one is refused.
type gate struct {
	places *semaphore.Weighted
	inside atomic.Int64 // with a place, or waiting for one
	most   int64
}

func newGate(c Config) *gate {
	return &gate{places: semaphore.NewWeighted(int64(c.Parallel)), most: int64(c.Parallel + c.Waiting)}
}

// enter waits for a place, which leave gives back. Its error is for the caller.
func (g *gate) enter(ctx context.Context) *functions.Error {
	if g.inside.Add(1) > g.most {
		g.inside.Add(-1)
		return &functions.Error{Code: functions.CodeBusy, Hint: "Wait for their answers, and call again.",
			Message: "Too many calls of this caller are under way; it was not run."}
	}
	if err := g.places.Acquire(ctx, 1); err != nil {
		g.inside.Add(-1)
		return &functions.Error{Code: functions.CodeCancelled, Message: "The call was cancelled before it could run.", Cause: context.Cause(ctx)}
	}
	return nil
}

func (g *gate) leave() {
	g.places.Release(1)
	g.inside.Add(-1)
}
