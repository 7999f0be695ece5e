package rest

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryAfter returns the time that a Retry-After header names, in seconds or as a
// date, or a Retry-After-Ms, as some model providers send it; ok is false when there
// is none, or none that can be read. A time that has passed is now.
func RetryAfter(h http.Header, now time.Time) (at time.Time, ok bool) {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 && ms < 1e12 {
		return now.Add(time.Duration(ms * float64(time.Millisecond))), true
	}
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return time.Time{}, false
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		const most = 10 * 365 * 24 * 3600
		if !(n >= 0 && n <= most) { // a NaN neither
			return time.Time{}, false
		}
		return now.Add(time.Duration(n * float64(time.Second))), true
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return time.Time{}, false
	}
	if at.Before(now) {
		at = now
	}
	return at, true
}

// backoff returns how long to wait after a failed attempt, counted from 1: twice
// as long each time, from half a second to half a minute, and less by up to a half
// at random, so that many clients do not come back together.
func backoff(attempt int, random float64) time.Duration {
	d := 500 * time.Millisecond << min(attempt-1, 6)
	return min(d, 30*time.Second) * time.Duration(1000-int(500*random)) / 1000
}

// Wait waits for a time, or until the context ends, whose cause is returned then.
func Wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
