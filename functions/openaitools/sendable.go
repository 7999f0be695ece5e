package openaitools

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"

	openai "github.com/sashabaranov/go-openai"
)

// nameForm is what a function's name may be in a conversation.
var nameForm = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)

// sendable returns a conversation in which calls are as endpoints demand them. They
// refuse arguments that are no JSON object and names that no function can have,
// although it was a model that wrote them; what is wrong with them stands in the
// answer to the call.
func sendable(messages []openai.ChatCompletionMessage) []openai.ChatCompletionMessage {
	messages = slices.Clone(messages)
	for i, m := range messages {
		if len(m.ToolCalls) == 0 {
			continue
		}
		messages[i].ToolCalls = slices.Clone(m.ToolCalls)
		for j := range m.ToolCalls {
			call := &messages[i].ToolCalls[j]
			call.Type = openai.ToolTypeFunction
			call.Function.Arguments = object(call.Function.Arguments)
			if !nameForm.MatchString(call.Function.Name) {
				name := notInNames.ReplaceAllString(call.Function.Name, "_")
				call.Function.Name = cmp.Or(name[:min(len(name), 64)], "unknown")
			}
		}
	}
	return messages
}

var notInNames = regexp.MustCompile(`[^a-zA-Z0-9_-]`)

// object returns arguments that are a JSON object: themselves, the object that they
// hold as text, or an empty one.
func object(arguments string) string {
	var fields map[string]json.RawMessage
	for range 2 {
		if json.Unmarshal([]byte(arguments), &fields) == nil && fields != nil {
			return arguments
		}
		if json.Unmarshal([]byte(arguments), &arguments) != nil {
			break
		}
	}
	return "{}"
}
