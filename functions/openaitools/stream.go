package openaitools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	openai "github.com/sashabaranov/go-openai"
)

// stream puts a reply together from its pieces.
func (r *running) stream(ctx context.Context, req openai.ChatCompletionRequest) (*reply, error) {
	stream, err := r.Client.CreateChatCompletionStream(ctx, req)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	got := &reply{}
	told, ended := false, false
	fail := func(err error) (*reply, error) {
		if told && ctx.Err() == nil {
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
			got.tokens = tokensOf(*piece.Usage)
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
		for i, call := range choice.Delta.ToolCalls {
			got.message.ToolCalls = appendPiece(got.message.ToolCalls, call, i == 0)
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
// by their index; where an endpoint gives none, by their id; and where it gives
// neither, the first piece of an event goes on with the last call, unless it has a
// name and that call is complete or of another one.
func appendPiece(calls []openai.ToolCall, piece openai.ToolCall, first bool) []openai.ToolCall {
	at, n := -1, len(calls)
	switch {
	case piece.Index != nil:
		for i, c := range calls {
			if c.Index != nil && *c.Index == *piece.Index && (piece.ID == "" || c.ID == "" || piece.ID == c.ID) {
				at = i
			}
		}
	case piece.ID != "":
		at = slices.IndexFunc(calls, func(c openai.ToolCall) bool { return c.ID == piece.ID })
	case first && n > 0 && (piece.Function.Name == "" || piece.Function.Name == calls[n-1].Function.Name && !json.Valid([]byte(calls[n-1].Function.Arguments))):
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
