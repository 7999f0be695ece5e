package openaitools

import (
	"errors"
	"net/http"
	"strings"

	openai "github.com/sashabaranov/go-openai"
)

// unknown are options that an endpoint was found not to take: which of them it takes
// depends on its age, and for some on the model.
type unknown struct{ maxTokens, streamOptions bool }

// learn reports whether a request was refused for an option that it can do without,
// and keeps that in mind.
func (u *unknown) learn(req openai.ChatCompletionRequest, err error) bool {
	var api *openai.APIError
	var request *openai.RequestError
	status := 0
	if errors.As(err, &api) {
		status = api.HTTPStatusCode
	} else if errors.As(err, &request) {
		status = request.HTTPStatusCode
	}
	refused := status == http.StatusBadRequest || status == http.StatusUnprocessableEntity
	switch {
	case req.MaxTokens > 0 && (errors.Is(err, openai.ErrReasoningModelMaxTokensDeprecated) || refused && strings.Contains(err.Error(), "max_completion_tokens")): //nolint:staticcheck // the name that most endpoints know
		u.maxTokens = true
	case req.StreamOptions != nil && refused && strings.Contains(err.Error(), "stream_options"):
		u.streamOptions = true
	default:
		return false
	}
	return true
}

// options sets the options that the endpoint takes, as far as it is known.
func (u *unknown) options(req *openai.ChatCompletionRequest, a Agent) {
	req.MaxTokens, req.MaxCompletionTokens = a.MaxReply, 0 //nolint:staticcheck // see above
	if u.maxTokens {
		req.MaxTokens, req.MaxCompletionTokens = 0, a.MaxReply //nolint:staticcheck // see above
	}
	req.StreamOptions = nil
	if a.Stream && !u.streamOptions {
		req.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	}
}
