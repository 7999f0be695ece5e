package openaitools

import (
	"net/http"
	"time"

	openai "github.com/sashabaranov/go-openai"
)

// NewClient returns a client for an [Agent] that gets along with endpoints which
// only resemble the first one. It tells the Agent how long an endpoint that refuses
// a request wants to be left alone, its Retry-After, and it reads what go-openai
// itself does not: arguments of a call as an object in place of text, texts as lists
// of parts, a failure beside status 200 or in the middle of a stream, a whole reply
// where a stream was asked for, streams with comments. With another client such
// replies are errors, and the Agent waits by a rule of its own.
func NewClient(config openai.ClientConfig) *openai.Client {
	if config.HTTPClient == nil {
		config.HTTPClient = http.DefaultClient
	}
	config.HTTPClient = doer{config.HTTPClient}
	return openai.NewClientWithConfig(config)
}

// doer notes what a refusal asks for in the context of the request, and mends
// replies.
type doer struct{ next openai.HTTPDoer }

type askedKey struct{}

// Do implements openai.HTTPDoer.
func (d doer) Do(r *http.Request) (*http.Response, error) {
	response, err := d.next.Do(r)
	if err != nil {
		return response, err
	}
	if asked, ok := r.Context().Value(askedKey{}).(*time.Duration); ok && response.StatusCode >= http.StatusBadRequest {
		*asked = retryAfter(response.Header)
	}
	if err := mend(r, response); err != nil {
		_ = response.Body.Close()
		return nil, err
	}
	return response, nil
}
