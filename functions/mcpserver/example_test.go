package mcpserver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/mcpserver"
)

// counting has one function, which counts words. In a program with a database it
// stands in curatore.Config.Functions, beside the built-in ones, and
// org.Functions() are those of a caller.
func counting() functions.Bound {
	type input struct {
		Text string `json:"text" jsonschema_description:"What to count the words of"`
	}
	type output struct {
		Words int `json:"words"`
	}
	count := functions.Define(functions.Spec{Name: "count_words", Description: "Counts the words of a text."},
		func(_ context.Context, _ *functions.Call, in input) (output, error) {
			return output{len(strings.Fields(in.Text))}, nil
		})
	engine, err := functions.NewEngine(functions.Config{}, count)
	if err != nil {
		panic(err)
	}
	return engine.Bind(content.NewAuthority().Mint("an organization", "a user"))
}

// A program that a desktop client starts calls mcpserver.Stdio(ctx, fns,
// mcpserver.Config{}) and nothing else. Here a client in the same process connects.
func ExampleNew() {
	ctx := context.Background()
	server, err := mcpserver.New(counting(), mcpserver.Config{Name: "words"})
	if err != nil {
		fmt.Println(err)
		return
	}
	here, there := mcp.NewInMemoryTransports()
	running, err := server.Connect(ctx, there, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer running.Wait() //nolint:errcheck // it ends when the client does
	session, err := mcp.NewClient(&mcp.Implementation{Name: "client"}, nil).Connect(ctx, here, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close()
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: "count_words", Arguments: map[string]any{"text": "to be or not"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result.Content[0].(*mcp.TextContent).Text)
	// Output:
	// {"data":{"words":4},"metadata":{"source":"count_words","trust":"untrusted"}}
}

// Over HTTP each caller sends a key. Authenticate tells whose it is: in a program
// with a database by curatore.Curator.OrganizationByKey.
func ExampleHandler() {
	handler, err := mcpserver.Handler(mcpserver.HTTPConfig{Authenticate: func(_ context.Context, key string) (functions.Bound, error) {
		if key != "open sesame" {
			return functions.Bound{}, errors.New("no such key")
		}
		return counting(), nil
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	response, err := http.Post(server.URL, "application/json", strings.NewReader(`{}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println("without a key:", response.Status)
	// Output:
	// without a key: 401 Unauthorized
}
