package rest

import (
	"sync"
	"time"
)

// A Limiter spaces the requests of one credential. All clients of a [Pool] with
// the same credential share one. The zero Limiter sets no pace, but keeps pauses.
// It is safe for concurrent use.
type Limiter struct {
	PerSecond float64 // requests a second in the long run; 0 is no limit
	Burst     int     // how many may go at once after a rest; 0 is 1

	mu     sync.Mutex
	due    time.Time // when the next request would go at an even pace
	paused time.Time // no request before it
}

// reserve takes the next place and returns how long to wait for it.
func (l *Limiter) reserve(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := now
	if l.PerSecond > 0 {
		step := time.Duration(float64(time.Second) / l.PerSecond)
		slack := time.Duration(max(l.Burst, 1)-1) * step
		if l.due.Before(now) {
			l.due = now
		}
		if at = l.due.Add(-slack); at.Before(now) {
			at = now
		}
		l.due = l.due.Add(step)
	}
	if l.paused.After(at) {
		at = l.paused
	}
	return at.Sub(now)
}

// Pause holds back all requests until a time: the service has said so to one of
// them.
func (l *Limiter) Pause(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.paused) {
		l.paused = until
	}
}
