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
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
)

type find struct {
	Query  string     `json:"query" jsonschema:"minLength=1,maxLength=10"`
	Types  []string   `json:"types,omitempty" jsonschema:"enum=account,enum=contact"`
	Limit  int        `json:"limit,omitempty" jsonschema:"minimum=1,maximum=100,default=20"`
	Exact  bool       `json:"exact,omitempty"`
	Score  float64    `json:"score,omitempty"`
	Where  []where    `json:"where,omitempty"`
	Since  *time.Time `json:"since,omitempty"`
	Byte   uint8      `json:"byte,omitempty"`
	Nobody *string    `json:"nobody,omitempty"`
}

type where struct {
	Field string   `json:"field"`
	Op    string   `json:"op,omitempty" jsonschema:"enum=eq,enum=neq,default=eq"`
	Value []string `json:"values"`
}

// TestArguments holds what the steps before the handler do with what models send.
func TestArguments(t *testing.T) {
	for _, c := range []struct {
		name, args string
		want       string           // what the handler got, as JSON
		code       functions.Code   // or the error
		fields     []string         // with its problems
		text       string           // and words of its message or hint
		config     functions.Config //
	}{
		{name: "plain", args: `{"query":"acme"}`, want: `{"query":"acme","limit":20}`},
		{name: "default is overridden", args: `{"query":"acme","limit":5}`, want: `{"query":"acme","limit":5}`},
		{name: "nested default", args: `{"query":"a","where":[{"field":"x","values":[]}]}`,
			want: `{"query":"a","limit":20,"where":[{"field":"x","op":"eq","values":[]}]}`},
		{name: "number as text", args: `{"query":"a","limit":"7","score":" 1.5 "}`, want: `{"query":"a","limit":7,"score":1.5}`},
		{name: "boolean as text", args: `{"query":"a","exact":"true"}`, want: `{"query":"a","limit":20,"exact":true}`},
		{name: "text as number and boolean", args: `{"query":12.50,"where":[{"field":"x","values":[true,7]}]}`,
			want: `{"query":"12.50","limit":20,"where":[{"field":"x","op":"eq","values":["true","7"]}]}`},
		{name: "text stays text", args: `{"query":"12"}`, want: `{"query":"12","limit":20}`},
		{name: "text that looks like a list stays text", args: `{"query":"[1]"}`, want: `{"query":"[1]","limit":20}`},
		{name: "integer written as a fraction", args: `{"query":"a","limit":5.0}`, want: `{"query":"a","limit":5}`},
		{name: "integer with an exponent", args: `{"query":"a","limit":1e1}`, want: `{"query":"a","limit":10}`},
		{name: "list as text", args: `{"query":"a","types":"[\"account\"]"}`, want: `{"query":"a","types":["account"],"limit":20}`},
		{name: "list of objects as text", args: `{"query":"a","where":["{\"field\":\"x\",\"values\":\"[]\"}"]}`,
			want: `{"query":"a","limit":20,"where":[{"field":"x","op":"eq","values":[]}]}`},
		{name: "all of it as text", args: `"{\"query\":\"a\"}"`, want: `{"query":"a","limit":20}`},
		{name: "null for optional ones", args: `{"query":"a","types":null,"limit":null,"since":null,"where":null}`, want: `{"query":"a","limit":20}`},
		{name: "time", args: `{"query":"a","since":"2026-01-31T00:00:00Z"}`, want: `{"query":"a","limit":20,"since":"2026-01-31T00:00:00Z"}`},
		{name: "the last of two wins everywhere", args: `{"query":"a","limit":999,"limit":3}`, want: `{"query":"a","limit":3}`},

		{name: "nothing is an empty object", args: ``, code: functions.CodeInvalid, fields: []string{"query is required"}},
		{name: "blank", args: " \n", code: functions.CodeInvalid, fields: []string{"query is required"}},
		{name: "empty text", args: `""`, code: functions.CodeInvalid, fields: []string{"query is required"}},
		{name: "null", args: `null`, code: functions.CodeInvalid, fields: []string{"query is required"}},
		{name: "null for a required one", args: `{"query":null}`, code: functions.CodeInvalid, fields: []string{"query must be a string, not null"}},
		{name: "truncated", args: `{"query":"ac`, code: functions.CodeMalformed, text: "truncated"},
		{name: "truncated early", args: `{`, code: functions.CodeMalformed, text: "truncated"},
		{name: "no JSON", args: `query=acme`, code: functions.CodeMalformed, text: "not valid JSON"},
		{name: "two objects", args: `{"query":"a"}{}`, code: functions.CodeMalformed, text: "after the JSON value"},
		{name: "a list", args: `[1]`, code: functions.CodeInvalid, fields: []string{"must be an object, not an array of 1 element"}},
		{name: "truncated text of a list", args: `{"query":"a","types":"[\"acc"}`, code: functions.CodeInvalid,
			fields: []string{`types must be an array, not a string "[\"acc"`}},
		{name: "mistyped name", args: `{"query":"a","limt":3}`, code: functions.CodeInvalid, fields: []string{`limt is unknown; did you mean "limit"?`}},
		{name: "unknown name", args: `{"query":"a","zzzzzz":3}`, code: functions.CodeInvalid,
			fields: []string{`zzzzzz is unknown; use one of "byte", "exact", "limit", "nobody", "query", "score", "since", "types", "where"`}},
		{name: "the organization is no argument", args: `{"query":"a","organization_id":"org-2"}`, code: functions.CodeInvalid,
			fields: []string{`organization_id is unknown; use one of "byte", "exact", "limit", "nobody", "query", "score", "since", "types", "where"`}},
		{name: "several at once, sorted", args: `{"limit":0,"types":["acount"],"where":[{"feld":"x","values":[]}]}`, code: functions.CodeInvalid,
			fields: []string{"limit must be at least 1, not 0", "query is required", `types[0] is "acount", which does not exist; did you mean "account"?`,
				`where[0].feld is unknown; did you mean "field"?`, "where[0].field is required"}},
		{name: "out of range", args: `{"query":"a","limit":101}`, code: functions.CodeInvalid, fields: []string{"limit must be at most 100, not 101"}},
		{name: "too long", args: `{"query":"12345678901"}`, code: functions.CodeInvalid, fields: []string{"query must have at most 10 characters, not 11"}},
		{name: "too short", args: `{"query":""}`, code: functions.CodeInvalid, fields: []string{"query must have at least 1 character, not 0"}},
		{name: "fraction", args: `{"query":"a","limit":1.5}`, code: functions.CodeInvalid, fields: []string{"limit must be an integer, not a number 1.5"}},
		{name: "wrong time", args: `{"query":"a","since":"yesterday"}`, code: functions.CodeInvalid,
			fields: []string{`since must be a date-time such as 2026-01-31T09:30:00Z, not "yesterday"`}},
		{name: "what only Go refuses", args: `{"query":"a","byte":300}`, code: functions.CodeInvalid, fields: []string{"byte cannot hold number 300"}},
		{name: "enum without a near name", args: `{"query":"a","types":["zzzzzz"]}`, code: functions.CodeInvalid,
			fields: []string{`types[0] is "zzzzzz"; use one of "account", "contact"`}},
		{name: "huge exponent", args: `{"query":"a","limit":1e999999999}`, code: functions.CodeInvalid, fields: []string{"limit 1e999999999 is out of range"}},
		{name: "huge exponent in text", args: `{"query":"a","score":"1e999999999"}`, code: functions.CodeInvalid, fields: []string{"score 1e999999999 is out of range"}},
		{name: "tiny exponent", args: `{"query":"a","score":1e-999999999}`, code: functions.CodeInvalid, fields: []string{"score 1e-999999999 is out of range"}},
		{name: "zero with an exponent", args: `{"query":"a","score":0e999999999}`, want: `{"query":"a","limit":20}`},
		{name: "huge number where none is expected", args: `{"query":"a","unknown":{"x":[1e999999999]}}`, code: functions.CodeInvalid,
			fields: []string{"unknown.x[0] 1e999999999 is out of range"}},
		{name: "long number", args: `{"query":"a","limit":` + strings.Repeat("9", 65) + `}`, code: functions.CodeInvalid,
			fields: []string{"limit is a number of 65 characters; at most 64 are accepted"}},
		{name: "too many bytes", args: `{"query":"a"}`, config: functions.Config{MaxArguments: 5}, code: functions.CodeInvalid, text: "13 bytes; at most 5"},
		{name: "long value is shown short", args: `{"query":"a","types":["` + strings.Repeat("x", 100) + `"]}`, code: functions.CodeInvalid,
			fields: []string{`types[0] is "` + strings.Repeat("x", 60) + `"…; use one of "account", "contact"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ran := false
			f := functions.Define(functions.Spec{Name: "find", Description: "Finds."},
				func(_ context.Context, _ *functions.Call, in find) (find, error) {
					ran = true
					return in, nil
				})
			result, err := engine(t, c.config, f).Call(t.Context(), scope, "find", json.RawMessage(c.args))
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, string(result.Data)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				return
			}
			if ran && c.name != "what only Go refuses" {
				t.Error("the handler ran")
			}
			e := failure(t, err)
			if e.Code != c.code {
				t.Errorf("got code %s, want %s (%v)", e.Code, c.code, e)
			}
			var fields []string
			for _, p := range e.Fields {
				fields = append(fields, p.String())
			}
			if diff := cmp.Diff(c.fields, fields); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
			if !strings.Contains(e.Message+" "+e.Hint, c.text) {
				t.Errorf("%q does not contain %q", e.Message, c.text)
			}
		})
	}
}

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

// TestHostileArguments holds that neither size nor depth nor a mass of mistakes
// makes a call slow or its error long.
func TestHostileArguments(t *testing.T) {
	e := engine(t, functions.Config{}, echo[find]("find"))
	var names strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&names, `,"wrong_%d":1`, i)
	}
	for name, args := range map[string]string{
		"wrong elements": `{"query":"a","types":["acount"` + strings.Repeat(`,"acount"`, 20_000) + `]}`,
		"wrong names":    `{"query":"a"` + names.String() + `}`,
		"a long name":    `{"query":"a","` + strings.Repeat("x", 200_000) + `":1}`,
		"a long value":   `{"query":"a","types":["` + strings.Repeat("x", 200_000) + `"]}`,
		"depth":          `{"query":"a","x":` + strings.Repeat("[", 9_000) + `1e999` + strings.Repeat("]", 9_000) + `}`,
		"more depth":     strings.Repeat("[", 200_000),
		"bad numbers":    `{"query":"a","x":[1e999` + strings.Repeat(`,1e999`, 20_000) + `]}`,
	} {
		start := time.Now()
		_, err := e.Call(t.Context(), scope, "find", json.RawMessage(args))
		got := failure(t, err)
		if len(got.Fields) > 21 || got.Code == functions.CodeInternal {
			t.Errorf("%s: %d problems, %s", name, len(got.Fields), got.Code)
		}
		if n := len(got.Error()); n > 8_000 {
			t.Errorf("%s: the error has %d bytes", name, n)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
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
