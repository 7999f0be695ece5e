package openaitools

import (
	"net/http"
	"time"

	"github.com/curatore/curatore-go/connectors/rest"
)

// retryAfter is how long an endpoint wants to be left alone, by its own clock; 0
// when it does not say.
func retryAfter(h http.Header) time.Duration {
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	at, ok := rest.RetryAfter(h, now)
	if !ok {
		return 0
	}
	return at.Sub(now)
}

// maxPause is the longest that an Agent waits because an endpoint asks for it.
const maxPause = time.Minute

// pauseBefore is how long to wait before a retry, the first of which is number 1.
func pauseBefore(retry int, asked time.Duration) time.Duration {
	return max(asked, min(time.Second/2<<min(retry-1, 6), 30*time.Second))
}
