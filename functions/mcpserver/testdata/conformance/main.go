// Conformance serves functions with the names that the public conformance suite of
// the protocol calls, so that it can look at what package mcpserver makes of a
// call: a result, a failure, progress, a question to the person. It prints the
// address that it serves, without keys, and goes on until it is killed.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
	"github.com/curatore/curatore-go/functions/mcpserver"
)

type said struct {
	Text string `json:"text"`
}

func main() {
	if err := serve(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context) error {
	e, err := functions.NewEngine(functions.Config{},
		functions.Define(functions.Spec{Name: "test_simple_text", Description: "Returns text."},
			func(context.Context, *functions.Call, struct{}) (said, error) {
				return said{"This is a simple text response for testing."}, nil
			}),
		functions.Define(functions.Spec{Name: "test_error_handling", Description: "Fails."},
			func(context.Context, *functions.Call, struct{}) (said, error) {
				return said{}, functions.Errorf(functions.CodeConflict, "This tool intentionally returns an error for testing")
			}),
		functions.Define(functions.Spec{Name: "test_tool_with_progress", Description: "Tells how far it is."},
			func(ctx context.Context, call *functions.Call, _ struct{}) (said, error) {
				for _, done := range []float64{0, 50, 100} {
					call.Progress(functions.Progress{Done: done, Total: 100})
					select {
					case <-time.After(50 * time.Millisecond):
					case <-ctx.Done():
						return said{}, context.Cause(ctx)
					}
				}
				return said{"done"}, nil
			}),
		functions.Define(functions.Spec{Name: "test_elicitation", Description: "Changes something, when a person agrees.", Effect: functions.Writes},
			func(_ context.Context, _ *functions.Call, in struct {
				Message string `json:"message"`
			}) (said, error) {
				return said{in.Message}, nil
			}))
	if err != nil {
		return err
	}
	scope := content.NewAuthority().Mint("conformance", "conformance")
	handler, err := mcpserver.Handler(mcpserver.HTTPConfig{Authenticate: func(_ context.Context, key string) (functions.Bound, error) {
		if key != "conformance" {
			return functions.Bound{}, errors.New("no such key")
		}
		return e.Bind(scope), nil
	}})
	if err != nil {
		return err
	}
	listener, err := mcpserver.Listen(ctx, ":0")
	if err != nil {
		return err
	}
	fmt.Printf("serving http://%s/ with the key conformance\n", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}
