package jobs

import (
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
)

// A Status is where a [Run] stands. The zero Status is none of them.
type Status string

// The statuses of a run. Pending, parked and running are active, the others
// final.
const (
	Pending   Status = "pending"   // stored, waits for a process that works
	Parked    Status = "parked"    // waits until a time, such as that of another try, or for a group
	Running   Status = "running"   // a process holds its lease
	Completed Status = "completed" // the job returned no error
	Failed    Status = "failed"    // the job returned an error, panicked, or its process ended
	TimedOut  Status = "timed_out" // the job took longer than its time-out
	Cancelled Status = "cancelled" // somebody cancelled it, or its caller went away
)

// Statuses returns all statuses in the order of a run's life.
func Statuses() []Status {
	return []Status{Pending, Parked, Running, Completed, Failed, TimedOut, Cancelled}
}

// Ended reports whether a run with this status will never change again.
func (s Status) Ended() bool { return slices.Contains(Statuses(), s) && len(s.next()) == 0 }

// Active reports whether a run with this status waits or is at work.
func (s Status) Active() bool { return len(s.next()) > 0 }

// CanBecome reports whether a run may go from this status to the next one. It
// is the whole state machine: the package makes no other change of status.
func (s Status) CanBecome(next Status) bool { return slices.Contains(s.next(), next) }

func (s Status) next() []Status {
	switch s {
	case Pending:
		return []Status{Running, Cancelled}
	case Parked:
		return []Status{Pending, Cancelled}
	case Running:
		// It becomes pending again when its process ended and its job can resume,
		// and parked when it is tried again later.
		return []Status{Pending, Parked, Completed, Failed, TimedOut, Cancelled}
	}
	return nil
}

func (s Status) check(next Status) error {
	if s.CanBecome(next) {
		return nil
	}
	return fmt.Errorf("%w: a run that is %q cannot become %q", content.ErrConflict, s, next)
}
