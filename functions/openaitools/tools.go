// Package openaitools solves the last step between functions and a language
// model that speaks the OpenAI protocol: the model wants tool definitions of one
// form and sends tool calls of another, and it must get an answer to every call,
// also to a wrong one, or the next request is refused.
//
// [Tools] makes the definitions, [Dispatch] answers a call, and an [Agent] does
// the whole conversation: it asks the model, runs what it calls for, and comes
// back with an answer and the records that it rests on. All work with any endpoint in
// the OpenAI form; [NewClient] makes a client for those that only resemble it.
package openaitools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	openai "github.com/sashabaranov/go-openai"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/dialect"
)

// Tools returns the definitions of the functions that an agent may use on behalf
// of the caller, sorted by name, in the plain form that every endpoint takes. It
// is an error when the caller has no functions at all.
func Tools(fns functions.Bound) ([]openai.Tool, error) { return ToolsIn(fns, dialect.OpenAI) }

// ToolsIn is [Tools] in a dialect: dialect.OpenAIStrict makes an endpoint that
// knows it hold its model to the schemas, where they can be written so.
func ToolsIn(fns functions.Bound, d dialect.Dialect) ([]openai.Tool, error) {
	compiled, err := fns.Agent().Tools(d)
	if err != nil {
		return nil, fmt.Errorf("openai tools: %w", err)
	}
	if len(compiled) == 0 {
		return nil, fmt.Errorf("openai tools: %w: there are no functions for this caller; take them from an organization", content.ErrScope)
	}
	tools := make([]openai.Tool, len(compiled))
	for i, c := range compiled {
		tools[i] = openai.Tool{
			Type:     openai.ToolTypeFunction,
			Function: &openai.FunctionDefinition{Name: c.Name, Description: c.Description, Strict: c.Strict, Parameters: c.Input},
		}
	}
	return tools, nil
}

// Dispatch runs the function that a model asked for, as functions.Bound.Agent
// does, and returns the message that answers the call: one that writes is refused
// until a person confirms it, for which use an [Agent]. Its content is the JSON of the [functions.Result], or
// {"error": …} with the [functions.Error] when it failed: the model reads what
// to change, and never the cause, which goes to the Engine's Logger when it is a
// fault of the program.
//
// Append the answers of all calls of one assistant message, in their order,
// after it.
func Dispatch(ctx context.Context, fns functions.Bound, call openai.ToolCall) openai.ChatCompletionMessage {
	return openai.ChatCompletionMessage{
		Role:       openai.ChatMessageRoleTool,
		ToolCallID: call.ID,
		Content:    answer(ctx, fns, call),
	}
}

func answer(ctx context.Context, fns functions.Bound, call openai.ToolCall) string {
	if call.Type != "" && call.Type != openai.ToolTypeFunction {
		return failure(functions.Errorf(functions.CodeUnknownFunction, "There are no tools of the type %q.", call.Type))
	}
	result, err := fns.Agent().Call(ctx, call.Function.Name, json.RawMessage(call.Function.Arguments))
	if err != nil {
		return failure(err)
	}
	return success(result)
}

// success writes a result for a model.
func success(result *functions.Result) string {
	raw, err := result.JSON()
	if err != nil {
		return failure(err)
	}
	return string(raw)
}

// failure writes an error for a model. Errors of other types say nothing.
func failure(err error) string {
	var e *functions.Error
	if !errors.As(err, &e) {
		e = functions.Errorf(functions.CodeInternal, "The function failed.")
	}
	raw, err := json.Marshal(struct {
		Error *functions.Error `json:"error"`
	}{e})
	if err != nil {
		return `{"error":{"code":"internal","message":"The function failed."}}`
	}
	return string(raw)
}
