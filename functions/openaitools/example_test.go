package openaitools_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	openai "github.com/sashabaranov/go-openai"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/openaitools"
)

// An Agent asks the model, runs what it calls for, and comes back with an answer. Here
// the model is played by a server that calls a function once.
func ExampleAgent() {
	replies := []string{
		`{"choices":[{"finish_reason":"tool_calls","message":{"tool_calls":[{"id":"call_1","type":"function","function":{"name":"add","arguments":"{\"a\":2,\"b\":3}"}}]}}]}`,
		`{"choices":[{"finish_reason":"stop","message":{"content":"That is 5."}}]}`,
	}
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, replies[0])
		replies = replies[1:]
	}))
	defer model.Close()

	engine, err := functions.NewEngine(functions.Config{}, functions.Define(functions.Spec{Name: "add", Description: "Adds two numbers."}, add))
	if err != nil {
		fmt.Println(err)
		return
	}
	config := openai.DefaultConfig("the key of the endpoint")
	config.BaseURL = model.URL // or that of any endpoint in the OpenAI form
	agent := openaitools.Agent{
		Client:    openaitools.NewClient(config),
		Model:     "the name of the model",
		Functions: engine.Bind(content.NewAuthority().Mint("an organization", "a user")), // or org.Functions()
		OnEvent: func(e openaitools.Event) {
			if e.Kind == openaitools.EventResult {
				fmt.Println(e.Call.Function.Name, string(e.Result.Data))
			}
		},
	}
	answer, err := agent.Run(context.Background(), "What is 2 and 3?")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answer.Text, answer.Stop)
	// Output:
	// add {"sum":5}
	// That is 5. answer
}
