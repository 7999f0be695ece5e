package openaitools

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	openai "github.com/sashabaranov/go-openai"
)

// A looseReply is a reply, or a piece of one, in whatever form an endpoint sends
// it. As JSON it is of the form that go-openai reads.
type looseReply struct {
	Choices list[looseChoice] `json:"choices"`
	Usage   *looseUsage       `json:"usage,omitempty"`
}

type looseChoice struct {
	Index        number        `json:"index"`
	Message      *looseMessage `json:"message,omitempty"`
	Delta        *looseMessage `json:"delta,omitempty"`
	FinishReason loose         `json:"finish_reason,omitempty"`
}

type looseMessage struct {
	Role             loose           `json:"role,omitempty"`
	Content          loose           `json:"content,omitempty"`
	Refusal          loose           `json:"refusal,omitempty"`
	ReasoningContent loose           `json:"reasoning_content,omitempty"`
	FunctionCall     *looseFunction  `json:"function_call,omitempty"`
	ToolCalls        list[looseCall] `json:"tool_calls,omitempty"`
}

type looseCall struct {
	Index    *number       `json:"index,omitempty"`
	ID       loose         `json:"id,omitempty"`
	Type     loose         `json:"type,omitempty"`
	Function looseFunction `json:"function"`
}

type looseFunction struct {
	Name      loose     `json:"name,omitempty"`
	Arguments arguments `json:"arguments,omitempty"`
}

type looseUsage struct {
	Prompt     number `json:"prompt_tokens"`
	Completion number `json:"completion_tokens"`
	Total      number `json:"total_tokens"`
}

// loose is text: as it should be, as a list of parts, or as a number.
type loose string

// UnmarshalJSON reads any JSON; what holds no text is empty.
func (t *loose) UnmarshalJSON(raw []byte) error {
	var parts list[struct {
		Type string `json:"type"`
		Text loose  `json:"text"` // parts of other types, such as thinking, have none
	}]
	var text string
	switch {
	case json.Unmarshal(raw, &text) == nil:
	case json.Unmarshal(raw, &parts) == nil:
		for _, part := range parts {
			text += string(part.Text)
		}
	case json.Unmarshal(raw, new(json.Number)) == nil:
		text = string(raw)
	}
	*t = loose(text)
	return nil
}

// arguments are the JSON of a call, as text or as what it is.
type arguments string

// UnmarshalJSON reads any JSON.
func (a *arguments) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) != nil { // null is no text
		text = string(raw)
	}
	*a = arguments(text)
	return nil
}

// number is an integer: as it should be, with a fraction, or as text.
type number int

// UnmarshalJSON reads any JSON; what is no number is 0.
func (n *number) UnmarshalJSON(raw []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err == nil && f > -1e15 && f < 1e15 {
		*n = number(f)
	}
	return nil
}

// list is a list, or the only element of one.
type list[T any] []T

// UnmarshalJSON reads a list, leaving out null, or one element.
func (l *list[T]) UnmarshalJSON(raw []byte) error {
	var many []json.RawMessage
	if raw[0] != '[' {
		many = []json.RawMessage{raw}
	} else if err := json.Unmarshal(raw, &many); err != nil {
		return err
	}
	*l = nil
	for _, one := range many {
		if string(one) == "null" {
			continue
		}
		var v T
		if err := json.Unmarshal(one, &v); err != nil {
			return err
		}
		*l = append(*l, v)
	}
	return nil
}

// failureIn returns the failure that a reply is, also one beside an empty answer,
// or nil.
func failureIn(raw []byte) *openai.APIError {
	var replies list[struct { // one of the providers sends failures as lists
		Error   json.RawMessage `json:"error"`
		Choices list[struct {
			Error        json.RawMessage `json:"error"`
			FinishReason loose           `json:"finish_reason"`
		}] `json:"choices"`
	}]
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || json.Unmarshal(raw, &replies) != nil || len(replies) == 0 {
		return nil
	}
	if e := apiError(replies[0].Error); e != nil {
		return e
	}
	for _, c := range replies[0].Choices {
		if e := apiError(c.Error); e != nil {
			return e
		}
		if c.FinishReason == "error" {
			return &openai.APIError{Message: "the reply ended with an error", Type: "server_error"}
		}
	}
	return nil
}

// apiError reads a failure: an object, or text. Nothing is nil.
func apiError(raw json.RawMessage) *openai.APIError {
	var fields struct {
		Message loose `json:"message"`
		Type    loose `json:"type"`
		Status  loose `json:"status"`
		Code    any   `json:"code"`
	}
	var text string
	switch {
	case len(raw) == 0 || string(raw) == "null" || string(raw) == "false" || string(raw) == `""`:
		return nil
	case json.Unmarshal(raw, &text) == nil:
		return &openai.APIError{Message: text}
	case json.Unmarshal(raw, &fields) != nil || fields.Message == "":
		return &openai.APIError{Message: string(raw), Type: string(fields.Type), Code: fields.Code}
	case fields.Type == "":
		fields.Type = fields.Status
	}
	return &openai.APIError{Message: string(fields.Message), Type: string(fields.Type), Code: fields.Code}
}

// ours are words in the kinds of failures that come again however often one asks.
var ours = []string{"invalid", "authentication", "permission", "not_found", "quota", "billing", "context_length", "content_policy", "unsupported"}

// statusOf is the status that a failure should have come with.
func statusOf(e *openai.APIError) int {
	kind := strings.ToLower(e.Type)
	switch code := e.Code.(type) {
	case float64:
		if code >= 400 && code < 600 {
			return int(code)
		}
	case int: // as go-openai reads it
		if code >= 400 && code < 600 {
			return code
		}
	case string:
		if n, err := strconv.Atoi(code); err == nil && n >= 400 && n < 600 {
			return n
		}
		kind += " " + strings.ToLower(code)
	}
	for _, word := range ours {
		if strings.Contains(kind, word) {
			return 400
		}
	}
	return 500
}
