package openaitools

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	openai "github.com/sashabaranov/go-openai"

	"github.com/curatore/curatore-go/functions"
)

// events passes events on one at a time.
type events struct{ mu sync.Mutex }

func (r *running) tell(e Event) {
	if r.OnEvent == nil {
		return
	}
	r.events.mu.Lock()
	defer r.events.mu.Unlock()
	r.OnEvent(e)
}

// callAll runs what the model asked for, side by side, and returns the messages
// that answer it, in the order of the calls. Questions to the person come one at
// a time.
func (r *running) callAll(ctx context.Context, calls []openai.ToolCall) ([]openai.ChatCompletionMessage, error) {
	answers := make([]openai.ChatCompletionMessage, len(calls))
	results := make([]*functions.Result, len(calls))
	var asking sync.Mutex
	free := make(chan struct{}, r.Parallel)
	var all sync.WaitGroup
	for i, call := range calls {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			r.tell(Event{Kind: EventCall, Call: call})
			result, err := r.call(ctx, call, &asking)
			r.tell(Event{Kind: EventResult, Call: call, Result: result, Err: err})
			answers[i] = openai.ChatCompletionMessage{Role: openai.ChatMessageRoleTool, ToolCallID: call.ID}
			if err != nil {
				answers[i].Content = failure(err)
				return
			}
			answers[i].Content, results[i] = success(result), result
		})
	}
	all.Wait()
	for i, result := range results {
		if result == nil {
			continue
		}
		r.sources.add(result.Data)
		if calls[i].Function.Name == functions.FindName {
			r.offerFound(result)
		}
	}
	if ctx.Err() != nil {
		return answers, context.Cause(ctx)
	}
	return answers, nil
}

// call runs one function, after the person has agreed where that is needed.
func (r *running) call(ctx context.Context, call openai.ToolCall, asking *sync.Mutex) (*functions.Result, error) {
	if call.Type != openai.ToolTypeFunction {
		return nil, functions.Errorf(functions.CodeUnknownFunction, "There are no tools of the type %q.", call.Type)
	}
	request := functions.Request{Name: call.Function.Name, Arguments: json.RawMessage(call.Function.Arguments),
		Progress: func(p functions.Progress) { r.tell(Event{Kind: EventProgress, Call: call, Progress: p}) }}
	result, err := r.Functions.Do(ctx, request)
	var failed *functions.Error
	if !errors.As(err, &failed) || failed.Confirmation == nil || r.Confirm == nil {
		return result, err
	}
	asking.Lock()
	agreed, err := r.Confirm(ctx, failed.Confirmation)
	asking.Unlock()
	if err != nil || !agreed {
		return nil, &functions.Error{Code: functions.CodeForbidden, Message: "The person did not agree. Nothing was done.", Cause: err}
	}
	request.Confirmation = failed.Confirmation.Token
	return r.Functions.Do(ctx, request)
}

// offerFound adds functions that the model has found to those it may call.
func (r *running) offerFound(result *functions.Result) {
	var found struct {
		Functions []struct {
			Name string `json:"name"`
		} `json:"functions"`
	}
	if err := result.Decode(&found); err != nil {
		return
	}
	for _, f := range found.Functions {
		r.offered[f.Name] = true
	}
}
