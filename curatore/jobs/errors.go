package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Why the context of a job was cancelled, as errors.Is finds it in
// context.Cause and in what [Task.Commit] returns.
var (
	// ErrCancelled: somebody cancelled the run. It is also context.Canceled.
	ErrCancelled = errors.New("cancelled")
	// ErrTimedOut: the job's time is up. It is also context.DeadlineExceeded.
	ErrTimedOut = errors.New("timed out")
	// ErrStopped: the process stops working. A Runner that ends deliveries
	// gives it as cause. It is also context.Canceled.
	ErrStopped = errors.New("the process was stopped")
)

// An interruption is a cause for which a job's context is cancelled.
type interruption struct {
	kind error
	text string
}

func (e *interruption) Error() string { return e.text }
func (e *interruption) Unwrap() error { return e.kind }

// Is lets code that knows only the errors of package context see a cancelled
// or overdue context.
func (e *interruption) Is(target error) bool {
	if e.kind == ErrTimedOut {
		return target == context.DeadlineExceeded
	}
	return target == context.Canceled
}

func cancelled(cause string) error {
	return &interruption{ErrCancelled, "cancelled: " + cause}
}

func timedOut(after time.Duration) error {
	return &interruption{ErrTimedOut, fmt.Sprintf("timed out after %s; give it less to do, or raise the time-out of the job", after)}
}

func stopped() error { return &interruption{ErrStopped, ErrStopped.Error()} }

// whyGone says for people why a context ended, for the run of a caller or of a
// Runner that went away.
func whyGone(cause error) string {
	switch {
	case cause == context.Canceled: // without a cause of its own
		return "its caller was interrupted"
	case cause == context.DeadlineExceeded:
		return "its caller's time was up"
	}
	return strings.TrimPrefix(cause.Error(), "cancelled: ")
}
