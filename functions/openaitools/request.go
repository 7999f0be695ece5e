package openaitools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	req := openai.ChatCompletionRequest{Model: r.Model, Messages: r.answer.Messages}
	req.MaxTokens = r.MaxReply //nolint:staticcheck // deprecated by one provider, and the only name that all endpoints know
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
		got, err := r.send(context.WithValue(ctx, askedKey{}, &asked), req)
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
	status := 0
	switch {
	case errors.Is(err, errCut), errors.Is(err, errEmpty):
		return true
	case errors.As(err, &api):
		status = api.HTTPStatusCode
		if status == 0 { // inside a stream
			return api.Type == "server_error" || api.Type == "rate_limit_error" || fmt.Sprint(api.Code) == "rate_limit_exceeded"
		}
	case errors.As(err, &request):
		status = request.HTTPStatusCode
		if status >= 200 && status < 300 {
			return true // it could not be read
		}
	default:
		return true // the connection broke
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
	got := &reply{message: first.Message, finish: first.FinishReason, tokens: res.Usage.TotalTokens}
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

// stream puts a reply together from its pieces.
func (r *running) stream(ctx context.Context, req openai.ChatCompletionRequest) (*reply, error) {
	req.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	stream, err := r.Client.CreateChatCompletionStream(ctx, req)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	got := &reply{}
	told, ended := false, false
	fail := func(err error) (*reply, error) {
		if told {
			r.tell(Event{Kind: EventRestart})
		}
		return nil, err
	}
	for {
		piece, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = fmt.Errorf("%w: %w", errCut, err)
			}
			return fail(err)
		}
		if piece.Usage != nil {
			got.tokens = piece.Usage.TotalTokens
		}
		if len(piece.Choices) == 0 {
			continue
		}
		choice := piece.Choices[0]
		if choice.Index != 0 {
			continue // another answer, which nobody asked for
		}
		got.message.Content += choice.Delta.Content
		got.message.ReasoningContent += choice.Delta.ReasoningContent
		got.message.Refusal += choice.Delta.Refusal
		if choice.Delta.Content != "" {
			told = true
			r.tell(Event{Kind: EventText, Text: choice.Delta.Content})
		}
		if f := choice.Delta.FunctionCall; f != nil {
			if got.message.FunctionCall == nil {
				got.message.FunctionCall = &openai.FunctionCall{}
			}
			got.message.FunctionCall.Name += f.Name
			got.message.FunctionCall.Arguments += f.Arguments
		}
		for _, call := range choice.Delta.ToolCalls {
			got.message.ToolCalls = appendPiece(got.message.ToolCalls, call)
		}
		if choice.FinishReason != "" {
			got.finish, ended = choice.FinishReason, true
		}
	}
	if !ended {
		return fail(errCut)
	}
	if err := complete(got); err != nil {
		return fail(err)
	}
	return got, nil
}

// appendPiece adds a piece of a call to the calls so far. Pieces belong together
// by their index; where an endpoint gives none, a new id or a name begins a call.
func appendPiece(calls []openai.ToolCall, piece openai.ToolCall) []openai.ToolCall {
	at := -1
	if piece.Index != nil {
		for i, c := range calls {
			if c.Index != nil && *c.Index == *piece.Index && (piece.ID == "" || c.ID == "" || piece.ID == c.ID) {
				at = i
			}
		}
	} else if n := len(calls); n > 0 && (piece.ID == "" || piece.ID == calls[n-1].ID) && piece.Function.Name == "" {
		at = n - 1
	}
	if at < 0 {
		return append(calls, piece)
	}
	c := &calls[at]
	if c.ID == "" {
		c.ID = piece.ID
	}
	if c.Type == "" {
		c.Type = piece.Type
	}
	if c.Function.Name != piece.Function.Name { // some repeat the whole name in each piece
		c.Function.Name += piece.Function.Name
	}
	c.Function.Arguments += piece.Function.Arguments
	return calls
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
