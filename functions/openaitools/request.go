package openaitools

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	openai "github.com/sashabaranov/go-openai"
)

// A reply is what the model said in one request.
type reply struct {
	message openai.ChatCompletionMessage
	finish  openai.FinishReason
	tokens  int // 0 when the endpoint did not say
}

// empty reports whether nothing was said.
func (r *reply) empty() bool {
	return r.message.Content == "" && r.message.Refusal == "" && len(r.message.ToolCalls) == 0
}

// request asks the model for its next message, again where it failed for a
// reason that passes.
func (r *running) request(ctx context.Context, last bool) (*reply, error) {
	req := openai.ChatCompletionRequest{Model: r.Model, Messages: sendable(r.answer.Messages)}
	for _, t := range r.tools {
		if r.offered[t.Function.Name] {
			req.Tools = append(req.Tools, t)
		}
	}
	if last {
		req.ToolChoice = "none" // it is time to answer
	}
	if r.Format != nil {
		req.ResponseFormat = r.Format.response()
	}
	r.answer.Steps++
	for attempt := 1; ; attempt++ {
		var asked time.Duration
		r.unknown.options(&req, r.Agent)
		got, err := r.send(context.WithValue(ctx, askedKey{}, &asked), req)
		for r.unknown.learn(req, err) {
			r.unknown.options(&req, r.Agent)
			got, err = r.send(context.WithValue(ctx, askedKey{}, &asked), req)
		}
		if err == nil {
			r.identify(got.message.ToolCalls)
			if got.tokens == 0 {
				got.tokens = estimate(req, got.message)
			}
			r.answer.Tokens += got.tokens
			return got, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		var form *json.UnmarshalTypeError
		if errors.As(err, &form) {
			err = fmt.Errorf("the reply has a form that go-openai does not read; take the Client from openaitools.NewClient, which reads more: %w", err)
		}
		if attempt > r.Retries || !passes(err) {
			return nil, fmt.Errorf("ask %s: %w", r.Model, err)
		}
		if asked > maxPause {
			return nil, fmt.Errorf("ask %s: it wants a pause of %s: %w", r.Model, asked, err)
		}
		pause := pauseBefore(attempt, asked)
		r.tell(Event{Kind: EventRetry, Retry: attempt, Err: err, Pause: pause})
		if err := r.Wait(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// errCut is a stream that ended before the reply did.
var errCut = errors.New("the reply was cut off")

// errEmpty is a reply without anything in it.
var errEmpty = errors.New("the reply is empty")

// passes reports whether a request may succeed when it is sent again.
func passes(err error) bool {
	var api *openai.APIError
	var request *openai.RequestError
	var form *json.UnmarshalTypeError
	status := 0
	switch {
	case errors.As(err, &api):
		if status = api.HTTPStatusCode; status == 0 { // inside a stream
			status = statusOf(api)
		}
		if fmt.Sprint(api.Code) == "insufficient_quota" { // it comes as 429, and stays
			return false
		}
	case errors.As(err, &request):
		status = request.HTTPStatusCode
	case errors.As(err, &form):
		return false
	default:
		return true // the reply was cut, is empty or no JSON, or the connection broke
	}
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status == http.StatusConflict || status >= 500
}

func (r *running) send(ctx context.Context, req openai.ChatCompletionRequest) (*reply, error) {
	if r.Stream {
		return r.stream(ctx, req)
	}
	res, err := r.Client.CreateChatCompletion(ctx, req)
	if err != nil {
		return nil, err
	}
	if len(res.Choices) == 0 {
		return nil, errEmpty
	}
	first := res.Choices[max(0, slices.IndexFunc(res.Choices, func(c openai.ChatCompletionChoice) bool { return c.Index == 0 }))]
	got := &reply{message: first.Message, finish: first.FinishReason, tokens: tokensOf(res.Usage)}
	if err := complete(got); err != nil {
		return nil, err
	}
	if got.message.Content != "" {
		r.tell(Event{Kind: EventText, Text: got.message.Content})
	}
	return got, nil
}

// complete brings a reply into one form, whatever the endpoint makes of it.
func complete(got *reply) error {
	m := &got.message
	m.Role = openai.ChatMessageRoleAssistant
	if m.FunctionCall != nil && len(m.ToolCalls) == 0 { // the form before tools
		m.ToolCalls = []openai.ToolCall{{Type: openai.ToolTypeFunction, Function: *m.FunctionCall}}
	}
	m.FunctionCall = nil
	for i := range m.ToolCalls {
		m.ToolCalls[i].Index = nil
		if m.ToolCalls[i].Type == "" {
			m.ToolCalls[i].Type = openai.ToolTypeFunction
		}
	}
	if m.Content == "" && len(m.MultiContent) > 0 {
		for _, part := range m.MultiContent {
			m.Content += part.Text
		}
	}
	m.MultiContent = nil
	if got.finish == openai.FinishReasonContentFilter && m.Content == "" && m.Refusal == "" {
		m.Refusal = "The reply was withheld by the provider's filter."
	}
	if len(m.ToolCalls) == 0 {
		m.ReasoningContent = "" // endpoints want it back beside calls, and refuse it elsewhere
	}
	if got.empty() && got.finish != openai.FinishReasonLength { // which may be spent on thinking alone
		return errEmpty
	}
	return nil
}

// identify gives each call an id that no other call of the conversation has, since
// answers are matched by it.
func (r *running) identify(calls []openai.ToolCall) {
	taken := map[string]bool{"": true}
	for _, m := range r.answer.Messages {
		for _, c := range m.ToolCalls {
			taken[c.ID] = true
		}
	}
	for i := range calls {
		id := calls[i].ID
		for n := i + 1; taken[calls[i].ID]; n++ {
			calls[i].ID = fmt.Sprintf("%.20s_%d_%d", "call"+id, r.answer.Steps, n)
		}
		taken[calls[i].ID] = true
	}
}

// tokensOf are the tokens that an endpoint counted.
func tokensOf(u openai.Usage) int { return cmp.Or(u.TotalTokens, u.PromptTokens+u.CompletionTokens) }

// estimate guesses the tokens of a request and its reply: three bytes each.
func estimate(req openai.ChatCompletionRequest, m openai.ChatCompletionMessage) int {
	n := len(m.Content) + len(m.Refusal)
	for _, c := range m.ToolCalls {
		n += len(c.Function.Name) + len(c.Function.Arguments)
	}
	for _, m := range req.Messages {
		n += len(m.Content)
	}
	for _, t := range req.Tools {
		raw, _ := json.Marshal(t) // it was encoded to be sent
		n += len(raw)
	}
	return (n + 2) / 3
}
