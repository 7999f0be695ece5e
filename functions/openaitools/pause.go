package openaitools

import (
	"context"
	"net/http"
	"strconv"
	"time"

	openai "github.com/sashabaranov/go-openai"
)

// NewClient returns a client for an [Agent] which tells it how long an endpoint
// that refuses a request wants to be left alone, its Retry-After. The client of
// go-openai itself keeps that back; with one the Agent waits by a rule of its own.
func NewClient(config openai.ClientConfig) *openai.Client {
	if config.HTTPClient == nil {
		config.HTTPClient = http.DefaultClient
	}
	config.HTTPClient = pausing{config.HTTPClient}
	return openai.NewClientWithConfig(config)
}

// pausing notes what a refusal asks for in the context of the request.
type pausing struct{ next openai.HTTPDoer }

type askedKey struct{}

// Do implements openai.HTTPDoer.
func (p pausing) Do(r *http.Request) (*http.Response, error) {
	response, err := p.next.Do(r)
	if asked, ok := r.Context().Value(askedKey{}).(*time.Duration); ok && err == nil && response.StatusCode >= 400 {
		*asked = retryAfter(response.Header)
	}
	return response, err
}

// retryAfter reads Retry-After, in seconds or as a time beside Date, and the
// milliseconds that some endpoints give besides. What cannot be read is 0.
func retryAfter(h http.Header) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 && ms < 1e12 {
		return time.Duration(ms * float64(time.Millisecond))
	}
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 && seconds < 1e9 {
		return time.Duration(seconds * float64(time.Second))
	}
	until, err := http.ParseTime(text)
	now, noDate := http.ParseTime(h.Get("Date"))
	if err != nil || noDate != nil {
		return 0
	}
	return max(0, until.Sub(now))
}

// maxPause is the longest that an Agent waits because an endpoint asks for it.
const maxPause = time.Minute

// pauseBefore is how long to wait before a retry, the first of which is number 1.
func pauseBefore(retry int, asked time.Duration) time.Duration {
	return max(asked, min(time.Second/2<<min(retry-1, 6), 30*time.Second))
}

// wait passes time, unless the context ends.
func wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
