package jobs_test

import (
	"slices"
	"testing"

	"github.com/curatore/curatore-go/curatore/jobs"
)

func TestStateMachine(t *testing.T) {
	allowed := map[jobs.Status][]jobs.Status{
		jobs.Pending:   {jobs.Running, jobs.Cancelled},
		jobs.Parked:    {jobs.Pending, jobs.Cancelled},
		jobs.Running:   {jobs.Pending, jobs.Parked, jobs.Completed, jobs.Failed, jobs.TimedOut, jobs.Cancelled},
		jobs.Completed: nil,
		jobs.Failed:    nil,
		jobs.TimedOut:  nil,
		jobs.Cancelled: nil,
		"":             nil,
		"waiting":      nil,
	}
	every := append(jobs.Statuses(), "", "waiting")
	if len(every) != len(allowed) {
		t.Fatalf("the table has %d statuses, there are %d", len(allowed), len(every))
	}
	for from, next := range allowed {
		for _, to := range every {
			if got, want := from.CanBecome(to), slices.Contains(next, to); got != want {
				t.Errorf("%q can become %q: %v, want %v", from, to, got, want)
			}
		}
		known := slices.Contains(jobs.Statuses(), from)
		if got, want := from.Ended(), known && next == nil; got != want {
			t.Errorf("%q has ended: %v, want %v", from, got, want)
		}
		if got, want := from.Active(), next != nil; got != want {
			t.Errorf("%q is active: %v, want %v", from, got, want)
		}
	}
}
