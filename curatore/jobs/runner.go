package jobs

import "context"

// A Runner carries the ids of runs to a process that works. It need not be
// reliable: it may lose, repeat and reorder deliveries, because the table runs
// is the truth, and a sweep dispatches again what was missed. Package jobstest
// holds the conformance suite of Runners.
//
// A Runner is safe for concurrent use.
type Runner interface {
	// Start begins to deliver, until Stop. The context bounds the start alone.
	// Deliver works on the run until it ends or ctx is cancelled, so the Runner
	// calls it on goroutines of its own, for several runs at once. It returns
	// nil when there is nothing more to do for this delivery: the run has ended,
	// is at work elsewhere, or waits for a place in its queue and is dispatched
	// again when there is one. An error means that the delivery may be repeated
	// later. A Runner is started once.
	Start(ctx context.Context, deliver func(ctx context.Context, runID string) error) error
	// Dispatch asks for the delivery of runs of a queue, after the transaction
	// that stored them was committed. It returns without waiting for the work, and
	// with an error when ctx ends; it may be called with the same ids again. A queue whose runs take long
	// does not hold up another one. Before Start and after Stop a Runner that
	// delivers in its own process alone does nothing here, which is no error.
	Dispatch(ctx context.Context, queue string, runIDs ...string) error
	// Stop ends deliveries: no new ones begin, the contexts of those at work are
	// cancelled with [ErrStopped] as their cause, and it waits for them until
	// ctx is done, which is an error. Stopping twice, or before Start, is none.
	Stop(ctx context.Context) error
}
