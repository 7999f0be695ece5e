package openaitools_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	openai "github.com/sashabaranov/go-openai"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/openaitools"
)

type addInput struct {
	A int `json:"a" jsonschema_description:"The first number"`
	B int `json:"b,omitempty" jsonschema:"default=1,maximum=100"`
}

type addOutput struct {
	Sum int `json:"sum"`
}

func add(_ context.Context, call *functions.Call, in addInput) (addOutput, error) {
	if in.A == 13 {
		return addOutput{}, errors.New("dial tcp 10.0.0.7:5432: connection refused")
	}
	call.SetMessage("%d + %d", in.A, in.B)
	return addOutput{Sum: in.A + in.B}, nil
}

func bound(t testing.TB) functions.Bound {
	t.Helper()
	e, err := functions.NewEngine(functions.Config{},
		functions.Define(functions.Spec{Name: "add", Description: "Adds two numbers."}, add))
	if err != nil {
		t.Fatal(err)
	}
	return e.Bind(content.NewAuthority().Mint("org-1", "model"))
}

func TestTools(t *testing.T) {
	tools, err := openaitools.Tools(bound(t))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(tools)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"function":{"name":"add","description":"Adds two numbers.","parameters":{"properties":{"a":{"type":"integer","description":"The first number"},"b":{"type":"integer","maximum":100,"default":1}},"additionalProperties":false,"type":"object","required":["a"]}},"type":"function"}]`
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := openaitools.Tools(functions.Bound{}); !errors.Is(err, content.ErrScope) {
		t.Errorf("the zero Bound: got %v", err)
	}
}

func TestDispatch(t *testing.T) {
	fns := bound(t)
	for _, c := range []struct {
		name string
		call openai.FunctionCall
		want string
	}{
		{"result", openai.FunctionCall{Name: "add", Arguments: `{"a":2}`},
			`{"data":{"sum":3},"message":"2 + 1","metadata":{"source":"add","trust":"untrusted"}}`},
		{"repaired", openai.FunctionCall{Name: "add", Arguments: `{"a":"2","b":null}`},
			`{"data":{"sum":3},"message":"2 + 1","metadata":{"source":"add","trust":"untrusted"}}`},
		{"wrong argument", openai.FunctionCall{Name: "add", Arguments: `{"a":2,"b":200}`},
			`{"error":{"code":"invalid_arguments","message":"The arguments of add were refused.","hint":"Correct them and call again.","fields":[{"path":"b","message":"must be at most 100, not 200"}]}}`},
		{"truncated", openai.FunctionCall{Name: "add", Arguments: `{"a":2`},
			`{"error":{"code":"malformed_arguments","message":"The arguments are truncated: the JSON ends after 6 bytes, before it is complete.","hint":"Send the whole JSON object again."}}`},
		{"no such function", openai.FunctionCall{Name: "ad", Arguments: ``},
			`{"error":{"code":"unknown_function","message":"There is no function \"ad\".","hint":"Use one of \"add\"."}}`},
		{"the cause stays inside", openai.FunctionCall{Name: "add", Arguments: `{"a":13}`},
			`{"error":{"code":"internal","message":"The function failed for a reason of its own; the arguments are not at fault."}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := openaitools.Dispatch(t.Context(), fns, openai.ToolCall{ID: "call_1", Type: openai.ToolTypeFunction, Function: c.call})
			want := openai.ChatCompletionMessage{Role: "tool", ToolCallID: "call_1", Content: c.want}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	got := openaitools.Dispatch(t.Context(), fns, openai.ToolCall{ID: "call_2", Type: "custom"})
	if !strings.Contains(got.Content, "unknown_function") {
		t.Errorf("a tool of another type: got %s", got.Content)
	}
}

// scripted is an endpoint in the OpenAI wire format. It asks for one tool call,
// with the arguments as a provider writes them, and then repeats what the tool
// answered.
func scripted(t *testing.T, arguments string) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Messages []struct {
				Role       string `json:"role"`
				Content    string `json:"content"`
				ToolCallID string `json:"tool_call_id"`
			} `json:"messages"`
			Tools []struct {
				Type     string `json:"type"`
				Function struct {
					Name       string          `json:"name"`
					Parameters json.RawMessage `json:"parameters"`
				} `json:"function"`
			} `json:"tools"`
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if len(request.Tools) != 1 || request.Tools[0].Type != "function" || !strings.Contains(string(request.Tools[0].Function.Parameters), `"additionalProperties":false`) {
			http.Error(w, "wrong tools", http.StatusBadRequest)
			return
		}
		message := map[string]any{"role": "assistant"}
		reason := "stop"
		if last := request.Messages[len(request.Messages)-1]; last.Role == "tool" && last.ToolCallID == "call_7" {
			message["content"] = "The tool said " + last.Content
		} else {
			reason = "tool_calls"
			message["tool_calls"] = []any{map[string]any{"id": "call_7", "type": "function",
				"function": map[string]any{"name": request.Tools[0].Function.Name, "arguments": arguments}}}
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(map[string]any{"id": "c", "object": "chat.completion",
			"choices": []any{map[string]any{"index": 0, "finish_reason": reason, "message": message}}}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// TestConversation runs a whole exchange through the public client.
func TestConversation(t *testing.T) {
	for arguments, want := range map[string]string{
		`{"a": 20, "b": 22}`: `"sum":42`,
		`{"a": 20, "c": 22}`: `c is unknown`,
	} {
		config := openai.DefaultConfig("no key")
		config.BaseURL = scripted(t, arguments).URL + "/v1"
		client := openai.NewClientWithConfig(config)
		fns := bound(t)
		tools, err := openaitools.Tools(fns)
		if err != nil {
			t.Fatal(err)
		}
		request := openai.ChatCompletionRequest{Model: "scripted", Tools: tools,
			Messages: []openai.ChatCompletionMessage{{Role: openai.ChatMessageRoleUser, Content: "What is 20 + 22?"}}}
		for range 2 {
			response, err := client.CreateChatCompletion(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			message := response.Choices[0].Message
			request.Messages = append(request.Messages, message)
			for _, call := range message.ToolCalls {
				request.Messages = append(request.Messages, openaitools.Dispatch(t.Context(), fns, call))
			}
		}
		last := request.Messages[len(request.Messages)-1]
		if last.Role != openai.ChatMessageRoleAssistant || !strings.Contains(strings.ReplaceAll(last.Content, `"path":"c","message":"is`, "c is"), want) {
			t.Errorf("%s: got %q, want it to contain %q", arguments, last.Content, want)
		}
	}
}

// A program hands the tools to a model and answers what it asks for.
func ExampleDispatch() {
	engine, err := functions.NewEngine(functions.Config{},
		functions.Define(functions.Spec{Name: "add", Description: "Adds two numbers."}, add))
	if err != nil {
		fmt.Println(err)
		return
	}
	fns := engine.Bind(content.NewAuthority().Mint("an organization", "a user"))
	tools, err := openaitools.Tools(fns)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(tools), "tool:", tools[0].Function.Name)

	// What a model sends back in a message's ToolCalls:
	asked := openai.ToolCall{ID: "call_1", Type: openai.ToolTypeFunction,
		Function: openai.FunctionCall{Name: "add", Arguments: `{"a": 2, "b": 3}`}}
	message := openaitools.Dispatch(context.Background(), fns, asked)
	fmt.Println(message.Role, message.ToolCallID)
	fmt.Println(message.Content)
	// Output:
	// 1 tool: add
	// tool call_1
	// {"data":{"sum":5},"message":"2 + 3","metadata":{"source":"add","trust":"untrusted"}}
}
