package jobs

import (
	"math"
	"testing"
	"time"
)

// A pause is twice the one before, up to the longest, less up to half of it.
func TestPause(t *testing.T) {
	usual := Retry{Backoff: 10 * time.Second, MaxBackoff: time.Minute}
	for _, c := range []struct {
		retry  Retry
		n      int
		random float64
		want   time.Duration
	}{
		{usual, 1, 0, 10 * time.Second},
		{usual, 1, .5, 7500 * time.Millisecond},
		{usual, 2, 0, 20 * time.Second},
		{usual, 3, 0, 40 * time.Second},
		{usual, 4, 0, time.Minute},
		{usual, 4, .999999999, 30 * time.Second},
		{usual, 1000, 0, time.Minute},
		{Retry{Backoff: time.Hour, MaxBackoff: time.Minute}, 1, 0, time.Minute},
		{Retry{Backoff: 1<<34 + 1, MaxBackoff: time.Hour}, 31, 0, time.Hour},
		{Retry{Backoff: 1, MaxBackoff: math.MaxInt64}, 64, 0, math.MaxInt64},
	} {
		if got := c.retry.pause(c.n, c.random); got.Round(time.Millisecond) != c.want.Round(time.Millisecond) {
			t.Errorf("%+v: the pause after failure %d with %g is %s, want %s", c.retry, c.n, c.random, got, c.want)
		}
	}
}
