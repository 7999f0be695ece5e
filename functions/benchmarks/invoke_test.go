// Package benchmarks measures the functions of curatore beside what others made
// for the same purpose. The peers are heavy, so this is a module of its own.
package benchmarks

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/cloudwego/eino/components/tool/utils"
	mark3 "github.com/mark3labs/mcp-go/mcp"
	mark3server "github.com/mark3labs/mcp-go/server"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/dialect"
)

// In and Out are what the trivial function of all of them takes and returns.
type In struct {
	Name  string `json:"name" jsonschema:"a name" jsonschema_description:"a name"`
	Times int    `json:"times,omitempty"`
}

// Out is a greeting.
type Out struct {
	Greeting string `json:"greeting"`
	Length   int    `json:"length"`
}

func greet(in In) Out { return Out{"hello " + in.Name, len(in.Name)} }

var args = json.RawMessage(`{"name":"world","times":3}`)

// An invoker calls the trivial function once, from raw arguments to a result as
// it would be sent.
type invoker struct {
	name string
	call func(ctx context.Context) error
}

func curatore(tb testing.TB) invoker {
	type in struct {
		Name  string `json:"name" jsonschema_description:"a name"`
		Times int    `json:"times,omitempty"`
	}
	e, err := functions.NewEngine(functions.Config{}, functions.Define(functions.Spec{Name: "greet", Description: "Greets."},
		func(_ context.Context, _ *functions.Call, in in) (Out, error) { return greet(In(in)), nil }))
	if err != nil {
		tb.Fatal(err)
	}
	fns := e.Bind(content.NewAuthority().Mint("org", "bench"))
	return invoker{"curatore", func(ctx context.Context) error {
		result, err := fns.Call(ctx, "greet", args)
		if err != nil {
			return err
		}
		_, err = result.JSON()
		return err
	}}
}

// sdk calls through the official SDK, from a client to a server in one process,
// as its users do.
func sdk(tb testing.TB) invoker {
	type in struct {
		Name  string `json:"name" jsonschema:"a name"`
		Times int    `json:"times,omitempty"`
	}
	server := mcp.NewServer(&mcp.Implementation{Name: "bench", Version: "1"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "greet", Description: "Greets."}, func(_ context.Context, _ *mcp.CallToolRequest, in in) (*mcp.CallToolResult, Out, error) {
		return nil, greet(In(in)), nil
	})
	here, there := mcp.NewInMemoryTransports()
	if _, err := server.Connect(context.Background(), there, nil); err != nil {
		tb.Fatal(err)
	}
	session, err := mcp.NewClient(&mcp.Implementation{Name: "bench", Version: "1"}, nil).Connect(context.Background(), here, nil)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = session.Close() })
	params := &mcp.CallToolParams{Name: "greet", Arguments: args}
	return invoker{"official-sdk", func(ctx context.Context) error {
		result, err := session.CallTool(ctx, params)
		if err == nil && result.IsError {
			err = fmt.Errorf("%v", result.Content)
		}
		return err
	}}
}

func eino(tb testing.TB) invoker {
	type in struct {
		Name  string `json:"name" jsonschema:"description=a name"`
		Times int    `json:"times,omitempty"`
	}
	t, err := utils.InferTool("greet", "Greets.", func(_ context.Context, in *in) (Out, error) { return greet(In(*in)), nil })
	if err != nil {
		tb.Fatal(err)
	}
	return invoker{"eino", func(ctx context.Context) error {
		_, err := t.InvokableRun(ctx, string(args))
		return err
	}}
}

// mcpGo hands a message to the server of mcp-go, without a client.
func mcpGo(tb testing.TB) invoker {
	server := mark3server.NewMCPServer("bench", "1")
	server.AddTool(mark3.NewTool("greet", mark3.WithDescription("Greets."), mark3.WithString("name", mark3.Required()), mark3.WithNumber("times")),
		mark3.NewStructuredToolHandler(func(_ context.Context, _ mark3.CallToolRequest, in In) (Out, error) { return greet(in), nil }))
	message := json.RawMessage(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet","arguments":` + string(args) + `}}`)
	return invoker{"mcp-go", func(ctx context.Context) error {
		raw, err := json.Marshal(server.HandleMessage(ctx, message))
		if err == nil && len(raw) < 20 {
			err = fmt.Errorf("got %s", raw)
		}
		return err
	}}
}

// BenchmarkInvoke calls the trivial function by turns, so that a busy machine
// slows all of them, and reports each peer's time and its ratio to ours.
func BenchmarkInvoke(b *testing.B) {
	all := []invoker{curatore(b), sdk(b), eino(b), mcpGo(b)}
	took := make([]time.Duration, len(all))
	for b.Loop() {
		for i, v := range all {
			start := time.Now()
			if err := v.call(b.Context()); err != nil {
				b.Fatal(v.name, err)
			}
			took[i] += time.Since(start)
		}
	}
	for i, v := range all {
		b.ReportMetric(float64(took[i].Nanoseconds())/float64(b.N), v.name+"-ns/op")
		if i > 0 {
			b.ReportMetric(float64(took[0])/float64(took[i]), "of-"+v.name)
		}
	}
}

// TestPeersDoTheSame holds that all of them reach the function.
func TestPeersDoTheSame(t *testing.T) {
	for _, v := range []invoker{curatore(t), sdk(t), eino(t), mcpGo(t)} {
		if err := v.call(t.Context()); err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
	}
}

// BenchmarkCatalogue compiles 200 functions for a provider at the first request,
// and serves them after that.
func BenchmarkCatalogue(b *testing.B) {
	type args struct {
		Query string            `json:"query" jsonschema:"minLength=1,maxLength=500"`
		Types []string          `json:"types,omitempty"`
		Tags  map[string]string `json:"tags,omitempty"`
		Limit int               `json:"limit,omitempty" jsonschema:"minimum=1,default=20"`
		Since time.Time         `json:"since,omitzero"`
	}
	build := func() functions.Bound {
		var all []*functions.Function
		for i := range 200 {
			all = append(all, functions.Define(functions.Spec{Name: fmt.Sprintf("function_%03d", i), Description: "Does something."},
				func(_ context.Context, _ *functions.Call, in args) (args, error) { return in, nil }))
		}
		e, err := functions.NewEngine(functions.Config{}, all...)
		if err != nil {
			b.Fatal(err)
		}
		return e.Bind(content.NewAuthority().Mint("org", "bench"))
	}
	for _, d := range dialect.All() {
		b.Run(string(d), func(b *testing.B) {
			fns := build()
			start := time.Now()
			if _, err := fns.Tools(d); err != nil {
				b.Fatal(err)
			}
			first := time.Since(start)
			for b.Loop() {
				if tools, err := fns.Tools(d); err != nil || len(tools) != 200 {
					b.Fatal(len(tools), err)
				}
			}
			b.ReportMetric(float64(first.Microseconds()), "first-µs")
		})
	}
}
