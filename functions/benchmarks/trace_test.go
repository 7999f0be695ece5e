package benchmarks

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
)

// spans makes each call a span of OpenTelemetry, as a program does that has it.
func spans(tracer trace.Tracer) functions.Trace {
	return func(ctx context.Context, call *functions.Call) (context.Context, func(*functions.Result, error)) {
		ctx, span := tracer.Start(ctx, "execute_tool "+call.Function().Name())
		return ctx, func(_ *functions.Result, err error) {
			for _, a := range call.Attributes() {
				span.SetAttributes(attribute.String("curatore."+a.Key, a.Value.String()))
			}
			var failed *functions.Error
			if errors.As(err, &failed) {
				span.SetStatus(codes.Error, string(failed.Code))
			}
			span.End()
		}
	}
}

// The hook for traces is enough for OpenTelemetry: calls are spans below that of
// their caller, and above those of their handler, with the code of a failure and
// without values of arguments.
func TestSpansOfOpenTelemetry(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	tracer := provider.Tracer("test")
	e, err := functions.NewEngine(functions.Config{Trace: spans(tracer)},
		functions.Define(functions.Spec{Name: "greet", Description: "Greets."}, func(ctx context.Context, _ *functions.Call, in struct {
			Name string `json:"name"`
		}) (Out, error) {
			_, inner := tracer.Start(ctx, "inside")
			defer inner.End()
			if in.Name == "nobody" {
				return Out{}, content.ErrNotFound
			}
			return greet(In{Name: in.Name}), nil
		}))
	if err != nil {
		t.Fatal(err)
	}
	fns := e.Bind(content.NewAuthority().Mint("org", "bench")).Agent()
	ctx, root := tracer.Start(t.Context(), "conversation")
	for _, args := range []string{`{"name":"world"}`, `{"name":"nobody"}`, `{"nme":"secret"}`} {
		_, _ = fns.Call(ctx, "greet", []byte(args)) // their spans tell
	}
	root.End()
	var got []string
	above := map[trace.SpanID]string{}
	ended := exporter.GetSpans()
	for _, s := range ended {
		above[s.SpanContext.SpanID()] = s.Name
	}
	for _, s := range ended {
		got = append(got, strings.TrimSpace(above[s.Parent.SpanID()]+" > "+s.Name+" "+s.Status.Description))
		for _, a := range s.Attributes {
			if strings.Contains(a.Value.String(), "secret") || strings.Contains(a.Value.String(), "world") {
				t.Errorf("%s tells %v", s.Name, a)
			}
		}
		if strings.HasPrefix(s.Name, "execute_tool") && len(s.Attributes) != 5 {
			t.Errorf("%s has the attributes %v", s.Name, s.Attributes)
		}
	}
	want := "execute_tool greet > inside\nconversation > execute_tool greet\nexecute_tool greet > inside\nconversation > execute_tool greet not_found\n" +
		"conversation > execute_tool greet invalid_arguments\n> conversation"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}
