package openaitools

import (
	"net/http"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"github.com/curatore/curatore-go/connectors/rest"
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
