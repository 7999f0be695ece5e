package jobs

import "time"

// hands are goroutines that do one thing after the other. One that has nothing to do
// waits for the next thing a moment before it ends, since a new one would first have
// to grow its stack, which takes longer than a short job.
type hands struct{ next chan func() }

// idleHand is how long one waits.
const idleHand = 100 * time.Millisecond

// do does something in a goroutine other than the caller's, which it may end.
func (h *hands) do(what func()) {
	select {
	case h.next <- what:
	default:
		go h.work(what)
	}
}

func (h *hands) work(what func()) {
	what()
	idle := time.NewTimer(idleHand)
	defer idle.Stop()
	for {
		select {
		case what := <-h.next:
			what()
			idle.Reset(idleHand)
		case <-idle.C:
			return
		}
	}
}
