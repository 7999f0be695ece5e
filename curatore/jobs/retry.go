package jobs

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/curatore/curatore-go/content"
)

// maxLost bounds how often in a row a resumable run may lose its process, or its
// database, before it has made another step, so that one that kills it does not do
// so for ever.
const maxLost = 100

// A parking is what a job returns to be started again later.
type parking struct {
	until  time.Time
	reason string
}

func (p *parking) Error() string {
	return fmt.Sprintf("to be started again at %s: %s", p.until.UTC().Format(time.RFC3339), p.reason)
}

// Park returns the error with which a job says that it cannot go on before a
// time: a quota is used up, a server asked for patience. The run gives its place
// to others and is parked; then it is started again with its last checkpoint.
// That is no failure and does not count as one. The time is compared with the
// database's clock.
func Park(until time.Time, reason string) error {
	return &parking{storable(until), cleanText(reason, maxMessage)}
}

type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Retry tells that it is no use to try again.
func (permanent) Retry() bool { return false }

// Permanent returns an error of a job that is not tried again, whatever its
// Retry says. The same holds for any error in whose chain one has a method
// Retry() bool that returns false. Nil stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{err}
}

// mayRetry reports whether an error is worth another attempt.
func mayRetry(err error) bool {
	var r interface{ Retry() bool }
	return !errors.As(err, &r) || r.Retry()
}

// pause is how long a run waits after its n-th failure. Random is between 0 and 1.
func (r Retry) pause(n int, random float64) time.Duration {
	d := min(r.Backoff, r.MaxBackoff)
	for ; n > 1 && d < r.MaxBackoff; n-- {
		d += min(d, r.MaxBackoff-d)
	}
	return d - time.Duration(random*float64(d/2))
}

// attempts is how often a run may fail; maxAttempts is the run's own, or 0.
func (j *job) attempts(maxAttempts int) int { return cmp.Or(maxAttempts, j.retry().MaxAttempts) }

// exhausted returns the error of a run that has failed as often as it may before it
// began: its process ended, and who found it did not know its job. Nil: it may begin.
func (t *Task) exhausted() error {
	if t.resumable || t.run.Failures < t.job.attempts(t.run.MaxAttempts) {
		return nil
	}
	if t.lost == 0 { // it is tried less often than when it failed
		return Permanent(errors.New(t.run.Error))
	}
	return Permanent(errors.New(lostOnce))
}

// An ending is what becomes of a run whose job has returned.
type ending struct {
	to     Status
	result json.RawMessage
	text   string         // the error; empty when there is none
	said   string         // what the job returned when its context had been cancelled
	failed bool           // it counts as a failure
	lost   bool           // and as the loss of its database
	pause  *time.Duration // until it is started again
	until  *time.Time     // when it is
	reason string         // why it waits
}

// silent stands where a job gives no text. Runs that are parked or have failed are
// found by theirs.
const silent = "its job did not say why"

// verdict tells what becomes of a run whose job returned err.
func (t *Task) verdict(err error) (e ending) {
	var stop *interrupted
	var park *parking
	switch {
	case err == nil:
		e.to = Completed
	case errors.As(err, &stop):
		e = t.stopped(stop)
	case errors.As(err, &park):
		e.to, e.until, e.reason = Parked, &park.until, cmp.Or(park.reason, silent)
	default:
		e.to, e.text, e.failed = Failed, cmp.Or(err.Error(), silent), true
		t.again(&e, err)
	}
	return e
}

// stopped is the verdict about a run whose context had been cancelled.
func (t *Task) stopped(stop *interrupted) ending {
	e := ending{said: cleanText(stop.Error(), maxMessage)}
	switch {
	case errors.Is(stop.cause, ErrTimedOut):
		e.to, e.text, e.failed = TimedOut, stop.cause.Error(), true
		t.again(&e, stop)
	case errors.Is(stop.cause, ErrStopped), errors.Is(stop.cause, content.ErrSuperseded):
		if t.resumable || t.job.attempts(t.run.MaxAttempts) > 1 {
			e.to, e.pause = Pending, new(time.Duration) // it waits since now
		} else {
			e.to, e.text, e.failed = Failed, stop.cause.Error()+"; start it again", true
		}
	default:
		e.to, e.text = Cancelled, "cancelled: "+whyGone(stop.cause)
	}
	return e
}

// outage is how long a resumable run waits before it goes on whose database could
// not be reached, or did not find time for it: an hour and a half in all.
// That is no fault of its job, and counts like the loss of a process.
var outage = Retry{Backoff: time.Second, MaxBackoff: time.Minute}

// again turns a failure into a pause, when there is to be another attempt.
func (t *Task) again(e *ending, err error) {
	n, most, retry := t.run.Failures+1, t.job.attempts(t.run.MaxAttempts), t.job.retry()
	if t.resumable && errors.Is(err, content.ErrBusy) {
		t.mu.Lock()
		n, most, retry, e.lost = t.lost+1, maxLost, outage, true
		t.mu.Unlock()
	}
	if n >= most || !mayRetry(err) {
		return
	}
	pause := retry.pause(n, t.s.random())
	e.to, e.pause = Parked, &pause
	e.reason = fmt.Sprintf("try %d of %d after a failure: %s", n+1, most, e.text)
}
