package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
)

// failing returns a function whose handler ends as given.
func failing(end func() error) *functions.Function {
	return functions.Define(functions.Spec{Name: "fail", Description: "Fails."},
		func(context.Context, *functions.Call, empty) (empty, error) { return empty{}, end() })
}

// TestErrorsOfHandlers holds what a model learns of an error, and what not.
func TestErrorsOfHandlers(t *testing.T) {
	secret := errors.New(`pq: relation "secret_table" does not exist`)
	for _, c := range []struct {
		name string
		err  error
		code functions.Code
		text string
	}{
		{"unknown", secret, functions.CodeInternal, "internal: The function failed"},
		{"busy", fmt.Errorf("%w: %w", content.ErrBusy, secret), functions.CodeBusy, "busy: The database is busy. Try again"},
		{"not found", fmt.Errorf("%w: %w", content.ErrNotFound, secret), functions.CodeNotFound, "not_found: There is no such record."},
		{"conflict", fmt.Errorf("%w: %w", content.ErrConflict, secret), functions.CodeConflict, "conflict: The change contradicts"},
		{"disabled", content.ErrDisabled, functions.CodeDisabled, "disabled: "},
		{"scope", content.ErrScope, functions.CodeForbidden, "forbidden: "},
		{"invalid", fmt.Errorf("%w filter on %q: eq takes exactly one value, got 2", content.ErrInvalid, "stage"), functions.CodeInvalid,
			`invalid_arguments: Invalid filter on "stage": eq takes exactly one value, got 2.`},
		{"deadline", fmt.Errorf("query: %w", context.DeadlineExceeded), functions.CodeTimedOut, "timed_out: "},
		{"cancelled", fmt.Errorf("query: %w", context.Canceled), functions.CodeCancelled, "cancelled: "},
		{"its own", fmt.Errorf("wrapped: %w", &functions.Error{Code: functions.CodeForbidden, Message: "Not on Sundays.", Hint: "Wait.", Cause: secret}),
			functions.CodeForbidden, "forbidden: Not on Sundays. Wait."},
		{"formatted", functions.Errorf(functions.CodeNotFound, "No ticket %d.", 7), functions.CodeNotFound, "not_found: No ticket 7."},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := engine(t, functions.Config{}, failing(func() error { return c.err }))
			_, err := e.Call(t.Context(), scope, "fail", nil)
			got := failure(t, err)
			if got.Code != c.code || !strings.HasPrefix(got.Error(), c.text) {
				t.Errorf("got %v", got)
			}
			raw, _ := json.Marshal(got)
			if text := got.Error() + string(raw); strings.Contains(text, "secret_table") || strings.Contains(text, "pq:") {
				t.Errorf("the model reads the cause: %s", text)
			}
			if errors.Is(c.err, secret) && !errors.Is(err, secret) {
				t.Error("the program cannot see the cause")
			}
		})
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	var log bytes.Buffer
	config := functions.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	e := engine(t, config, failing(func() error { panic("password=hunter2") }))
	_, err := e.Call(t.Context(), scope, "fail", nil)
	got := failure(t, err)
	if got.Code != functions.CodeInternal || strings.Contains(got.Error(), "hunter2") {
		t.Errorf("got %v", got)
	}
	if !strings.Contains(got.Cause.Error(), "hunter2") || !strings.Contains(got.Cause.Error(), "engine_test.go") {
		t.Errorf("the cause lacks the value or the stack: %v", got.Cause)
	}
	if text := log.String(); !strings.Contains(text, "hunter2") || !strings.Contains(text, "function=fail") || !strings.Contains(text, "principal=tester") {
		t.Errorf("the log lacks the cause: %s", text)
	}
}

func TestZeroScopeIsRefused(t *testing.T) {
	e := engine(t, functions.Config{}, echo[empty]("one"))
	_, err := e.Call(t.Context(), content.Scope{}, "one", nil)
	if got := failure(t, err); got.Code != functions.CodeForbidden || !errors.Is(err, content.ErrScope) {
		t.Errorf("got %v", err)
	}
	if got := e.List(content.Scope{}); len(got) != 0 {
		t.Errorf("listed %d functions for no scope", len(got))
	}
	_, err = functions.Bound{}.Call(t.Context(), "one", nil)
	if !errors.Is(err, content.ErrScope) {
		t.Errorf("got %v", err)
	}
	if got := (functions.Bound{}).List(); len(got) != 0 {
		t.Errorf("the zero Bound lists %d functions", len(got))
	}
}

func TestUnauthorisedFunctionDoesNotExist(t *testing.T) {
	config := functions.Config{Authorize: func(s content.Scope, f *functions.Function) error {
		if f.Spec().Effect == functions.Writes && s.Principal() != "admin" {
			return errors.New("only admins write")
		}
		return nil
	}}
	write := functions.Define(functions.Spec{Name: "erase", Description: "Erases.", Effect: functions.Writes},
		func(context.Context, *functions.Call, empty) (empty, error) { return empty{}, nil })
	e := engine(t, config, write, echo[empty]("read"), echo[empty]("another"))
	admin := authority.Mint("org-1", "admin")
	names := func(s content.Scope) string {
		var names []string
		for _, f := range e.Bind(s).List() {
			names = append(names, f.Name())
		}
		return strings.Join(names, " ")
	}
	if got, want := names(scope), "another read"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := names(admin), "another erase read"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_, err := e.Call(t.Context(), scope, "erase", nil)
	refused := failure(t, err)
	_, err = e.Call(t.Context(), scope, "erasf", nil)
	missing := failure(t, err)
	if diff := cmp.Diff(strings.ReplaceAll(missing.Error(), "erasf", "erase"), refused.Error()); diff != "" {
		t.Errorf("a refused function differs from a missing one: %s", diff)
	}
	if strings.Contains(missing.Hint, "erase") {
		t.Errorf("the hint names a function that is not for this caller: %s", missing.Hint)
	}
	if _, err := e.Call(t.Context(), admin, "erase", nil); err != nil {
		t.Error(err)
	}
}

func TestUnknownFunction(t *testing.T) {
	e := engine(t, functions.Config{}, echo[empty]("search"), echo[empty]("get"))
	for name, hint := range map[string]string{"serach": `Did you mean "search"?`, "delete_all": `Use one of "get", "search".`, "": `Use one of "get", "search".`} {
		_, err := e.Call(t.Context(), scope, name, nil)
		if got := failure(t, err); got.Code != functions.CodeUnknownFunction || got.Hint != hint {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestCancelledCallDoesNotRun(t *testing.T) {
	ran := false
	e := engine(t, functions.Config{}, failing(func() error { ran = true; return nil }))
	reason := errors.New("the user left")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	_, err := e.Call(ctx, scope, "fail", nil)
	if got := failure(t, err); ran || got.Code != functions.CodeCancelled || !errors.Is(err, reason) {
		t.Errorf("ran %v, got %v", ran, got)
	}
	expired, stop := context.WithTimeoutCause(t.Context(), -1, reason)
	defer stop()
	_, err = e.Call(expired, scope, "fail", nil)
	if got := failure(t, err); ran || got.Code != functions.CodeTimedOut {
		t.Errorf("ran %v, got %v", ran, got)
	}
}

func TestEnvelope(t *testing.T) {
	f := functions.Define(functions.Spec{Name: "list", Description: "Lists.", Source: "salesforce"},
		func(_ context.Context, call *functions.Call, _ empty) ([]string, error) {
			if call.Scope() != scope || call.Function().Name() != "list" {
				return nil, errors.New("wrong call")
			}
			call.SetMessage("Found %d records", 2)
			call.SetTotal(7)
			call.SetNext("c2")
			call.Note("The limit was lowered to %d.", 2)
			return []string{"<b>", "ü"}, nil
		})
	result, err := engine(t, functions.Config{}, f).Call(t.Context(), scope, "list", nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := result.JSON()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"data":["<b>","ü"],"message":"Found 2 records","metadata":{"source":"salesforce","trust":"untrusted","truncated":true,"next_cursor":"c2","total":7,"notes":["The limit was lowered to 2."]}}`
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var data []string
	if err := result.Decode(&data); err != nil || len(data) != 2 {
		t.Errorf("decoded %v, %v", data, err)
	}
}

func TestOutputIsValidated(t *testing.T) {
	type out struct {
		Stage string `json:"stage" jsonschema:"enum=open,enum=closed"`
	}
	type in struct {
		Stage string `json:"stage"`
	}
	f := functions.Define(functions.Spec{Name: "stage", Description: "d"},
		func(_ context.Context, _ *functions.Call, in in) (out, error) { return out(in), nil })
	e := engine(t, functions.Config{}, f)
	if _, err := e.Call(t.Context(), scope, "stage", json.RawMessage(`{"stage":"open"}`)); err != nil {
		t.Error(err)
	}
	_, err := e.Call(t.Context(), scope, "stage", json.RawMessage(`{"stage":"lost"}`))
	if got := failure(t, err); got.Code != functions.CodeInternal || !strings.Contains(got.Cause.Error(), `stage is "lost"`) {
		t.Errorf("got %v", got.Cause)
	}
	null := functions.Define(functions.Spec{Name: "null", Description: "d"},
		func(context.Context, *functions.Call, empty) (*out, error) { return nil, nil })
	_, err = engine(t, functions.Config{}, null).Call(t.Context(), scope, "null", nil)
	if got := failure(t, err); got.Code != functions.CodeInternal {
		t.Errorf("got %v", got)
	}
}

// pages is a list of lines that can be cut.
type pages struct {
	Lines []string `json:"lines"`
}

func (p *pages) Len() int { return len(p.Lines) }

func (p *pages) Shorten(_ context.Context, call *functions.Call, n int) error {
	p.Lines = p.Lines[:n]
	call.SetNext(fmt.Sprint("after ", n))
	return nil
}

func TestLongResultIsShortenedAndSaysSo(t *testing.T) {
	f := functions.Define(functions.Spec{Name: "lines", Description: "d"},
		func(context.Context, *functions.Call, empty) (pages, error) {
			var p pages
			for i := range 100 {
				p.Lines = append(p.Lines, strings.Repeat("x", 10*i))
			}
			return p, nil
		})
	result, err := engine(t, functions.Config{MaxResult: 1000}, f).Call(t.Context(), scope, "lines", nil)
	if err != nil {
		t.Fatal(err)
	}
	var p pages
	if err := result.Decode(&p); err != nil {
		t.Fatal(err)
	}
	if len(result.Data) > 1000 || len(p.Lines) == 0 || !result.Metadata.Truncated || result.Metadata.NextCursor != fmt.Sprint("after ", len(p.Lines)) {
		t.Errorf("%d bytes, %d lines, %+v", len(result.Data), len(p.Lines), result.Metadata)
	}
}

func TestLongResultThatCannotBeShortenedIsAnError(t *testing.T) {
	long := functions.Define(functions.Spec{Name: "long", Description: "d"},
		func(context.Context, *functions.Call, empty) (string, error) { return strings.Repeat("x", 2000), nil })
	one := functions.Define(functions.Spec{Name: "one", Description: "d"},
		func(context.Context, *functions.Call, empty) (pages, error) {
			return pages{Lines: []string{strings.Repeat("x", 2000)}}, nil
		})
	e := engine(t, functions.Config{MaxResult: 1000}, long, one)
	for _, name := range []string{"long", "one"} {
		_, err := e.Call(t.Context(), scope, name, nil)
		if got := failure(t, err); got.Code != functions.CodeTooLarge {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// TestConcurrentCalls is for the race detector.
func TestConcurrentCalls(t *testing.T) {
	e := engine(t, functions.Config{}, echo[find]("find"), echo[empty]("other"))
	var calls sync.WaitGroup
	for i := range 8 {
		calls.Go(func() {
			for j := range 50 {
				args := fmt.Sprintf(`{"query":"a","limit":"%d","types":["account"]}`, 1+i)
				want := fmt.Sprintf(`{"query":"a","types":["account"],"limit":%d}`, 1+i)
				result, err := e.Call(t.Context(), scope, "find", json.RawMessage(args))
				if err != nil || string(result.Data) != want {
					t.Errorf("call %d of %d: got %v, %v", j, i, result, err)
				}
			}
		})
	}
	calls.Wait()
}

func TestDynamicFunction(t *testing.T) {
	properties := jsonschema.NewProperties()
	properties.Set("stage", &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{Type: "string", Enum: []any{"open", "closed"}}})
	properties.Set("limit", &jsonschema.Schema{Type: "integer"})
	var got map[string]any
	f := functions.DefineDynamic(functions.Spec{Name: "by_facet", Description: "d", Defaults: map[string]any{"limit": 20}},
		&jsonschema.Schema{Type: "object", Properties: properties},
		func(_ context.Context, _ *functions.Call, args map[string]any) (empty, error) {
			got = args
			return empty{}, nil
		})
	e := engine(t, functions.Config{}, f)
	if _, err := e.Call(t.Context(), scope, "by_facet", json.RawMessage(`{"stage":"[\"open\"]"}`)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"stage": []any{"open"}, "limit": json.Number("20")}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_, err := e.Call(t.Context(), scope, "by_facet", json.RawMessage(`{"stages":["open"]}`))
	if e := failure(t, err); len(e.Fields) != 1 || e.Fields[0].String() != `stages is unknown; did you mean "stage"?` {
		t.Errorf("got %v", e)
	}
	if limit, _ := properties.Get("limit"); limit.Default != nil {
		t.Error("the caller's schema was changed")
	}
}
