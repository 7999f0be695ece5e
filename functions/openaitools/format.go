package openaitools

import (
	"context"
	"errors"
	"fmt"
	"strings"

	openai "github.com/sashabaranov/go-openai"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/dialect"
)

// A Format is the form of an answer: JSON that decodes into a Go type. It is
// immutable and safe for concurrent use.
type Format struct {
	name   string
	schema dialect.Compiled
	engine *functions.Engine
	scope  content.Scope
}

// NewFormat returns the form of a struct, under a name such as "summary", with a
// description of what is to be filled in. What functions.Define says of input
// types holds: the endpoint is told the schema, and what comes back is repaired
// and validated as arguments are.
func NewFormat[T any](name, description string) (*Format, error) {
	f := functions.Define(functions.Spec{Name: name, Description: description},
		func(_ context.Context, _ *functions.Call, in T) (T, error) { return in, nil })
	engine, err := functions.NewEngine(functions.Config{Budget: functions.Budget{Bytes: 1 << 20}}, f)
	if err != nil {
		return nil, fmt.Errorf("format %s: %w", name, err)
	}
	schema, err := f.Tool(dialect.OpenAIStrict)
	if err != nil {
		return nil, fmt.Errorf("format %s: %w", name, err)
	}
	return &Format{name: name, schema: schema, engine: engine, scope: content.NewAuthority().Mint("format", "format")}, nil
}

// response is how the endpoint is told.
func (f *Format) response() *openai.ChatCompletionResponseFormat {
	return &openai.ChatCompletionResponseFormat{Type: openai.ChatCompletionResponseFormatTypeJSONSchema,
		JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{Name: f.name, Description: f.schema.Description, Schema: f.schema.Input, Strict: f.schema.Strict}}
}

// read returns the JSON of an answer, or what is wrong with it.
func (f *Format) read(ctx context.Context, text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "```"); ok { // a fence around it
		inner = strings.TrimPrefix(inner, "json")
		text = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(inner), "```"))
	}
	if text == "" {
		return nil, errors.New("there is no text")
	}
	result, err := f.engine.Call(ctx, f.scope, f.name, []byte(text))
	if err != nil {
		return nil, err
	}
	return result.Data, nil
}
