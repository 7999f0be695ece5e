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
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
)

type number struct {
	N int `json:"n"`
}

// adds declares a function that hands its number on to do.
func adds(name string, spec functions.Spec, do func(ctx context.Context, call *functions.Call, n int) (int, error)) *functions.Function {
	spec.Name, spec.Description = name, "Does something with a number."
	return functions.Define(spec, func(ctx context.Context, call *functions.Call, in number) (number, error) {
		n, err := do(ctx, call, in.N)
		return number{n}, err
	})
}

func requests(name string, n int) (all []functions.Request) {
	for i := range n {
		all = append(all, functions.Request{Name: name, Arguments: fmt.Appendf(nil, `{"n":%d}`, i)})
	}
	return all
}

// Calls run side by side, never more than asked for, and keep their order
// however long each takes.
func TestDoAllKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		f := adds("wait", functions.Spec{}, func(_ context.Context, _ *functions.Call, n int) (int, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			time.Sleep(time.Duration(50-n) * time.Second)
			if n%10 == 7 {
				return 0, functions.Errorf(functions.CodeNotFound, "no %d", n)
			}
			return n * n, nil
		})
		began := time.Now()
		outcomes := engine(t, functions.Config{}, f).Bind(scope).DoAll(t.Context(), 5, requests("wait", 50)...)
		if took := time.Since(began); most.Load() != 5 || took > 50*50/5*time.Second {
			t.Errorf("%d at a time took %s", most.Load(), took)
		}
		for i, o := range outcomes {
			var out number
			switch {
			case i%10 == 7:
				if got := failure(t, o.Err); got.Message != fmt.Sprint("no ", i) {
					t.Errorf("call %d: %v", i, o.Err)
				}
			case o.Err != nil || o.Result.Decode(&out) != nil || out.N != i*i:
				t.Errorf("call %d: %v, %v", i, out, o.Err)
			}
		}
	})
}

func TestCancelledCallsDoNotBegin(t *testing.T) {
	reason := errors.New("the user left")
	ctx, cancel := context.WithCancelCause(t.Context())
	var ran atomic.Int64
	f := adds("stop", functions.Spec{}, func(_ context.Context, _ *functions.Call, n int) (int, error) {
		if ran.Add(1) == 3 {
			cancel(reason)
		}
		return n, nil
	})
	outcomes := engine(t, functions.Config{}, f).Bind(scope).DoAll(ctx, 1, requests("stop", 10)...)
	for i, o := range outcomes {
		if i < 3 && o.Err != nil || i >= 3 && (failure(t, o.Err).Code != functions.CodeCancelled || !errors.Is(o.Err, reason)) {
			t.Errorf("call %d: %v", i, o.Err)
		}
	}
	if ran.Load() != 3 {
		t.Errorf("%d calls ran", ran.Load())
	}
}

// A function with a bound on concurrency makes the others wait, and one that
// waits can be cancelled.
func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		f := adds("one", functions.Spec{Concurrency: 2}, func(_ context.Context, _ *functions.Call, n int) (int, error) {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			time.Sleep(time.Minute)
			return n, nil
		})
		fns := engine(t, functions.Config{}, f).Bind(scope)
		var all sync.WaitGroup
		all.Go(func() { fns.DoAll(t.Context(), 10, requests("one", 10)...) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := fns.Call(ctx, "one", []byte(`{"n":1}`))
		if failure(t, err).Code != functions.CodeTimedOut {
			t.Errorf("a call that waits: %v", err)
		}
		all.Wait()
		if most.Load() != 2 {
			t.Errorf("%d at a time", most.Load())
		}
	})
}

func TestTimeBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		do := func(ctx context.Context, _ *functions.Call, n int) (int, error) {
			select {
			case <-time.After(time.Duration(n) * time.Second):
				return n, nil
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			}
		}
		e := engine(t, functions.Config{Budget: functions.Budget{Time: time.Minute}},
			adds("slow", functions.Spec{}, do), adds("bounded", functions.Spec{Timeout: 10 * time.Second}, do))
		for _, c := range []struct {
			request functions.Request
			ok      bool
		}{
			{functions.Request{Name: "slow", Arguments: []byte(`{"n":59}`)}, true},
			{functions.Request{Name: "slow", Arguments: []byte(`{"n":61}`)}, false},
			{functions.Request{Name: "bounded", Arguments: []byte(`{"n":11}`)}, false},
			{functions.Request{Name: "slow", Arguments: []byte(`{"n":5}`), Budget: functions.Budget{Time: 4 * time.Second}}, false},
			{functions.Request{Name: "slow", Arguments: []byte(`{"n":61}`), Budget: functions.Budget{Time: time.Hour}}, false},
		} {
			_, err := e.Bind(scope).Do(t.Context(), c.request)
			if c.ok != (err == nil) || err != nil && failure(t, err).Code != functions.CodeTimedOut {
				t.Errorf("%+v: %v", c.request, err)
			}
		}
	})
}

func TestBudgetsOfLists(t *testing.T) {
	f := functions.Define(functions.Spec{Name: "lines", Description: "d"},
		func(context.Context, *functions.Call, empty) (pages, error) {
			return pages{Lines: strings.Split(strings.Repeat("0123456789,", 100), ",")}, nil
		})
	e := engine(t, functions.Config{Budget: functions.Budget{Rows: 50}}, f)
	for _, c := range []struct {
		budget functions.Budget
		least  int
		most   int
	}{
		{functions.Budget{}, 50, 50},
		{functions.Budget{Rows: 7}, 7, 7},
		{functions.Budget{Rows: 1000}, 50, 50},
		{functions.Budget{Bytes: 300}, 10, 30},
		{functions.Budget{Tokens: 50}, 5, 15},
	} {
		result, err := e.Bind(scope).Do(t.Context(), functions.Request{Name: "lines", Budget: c.budget})
		if err != nil {
			t.Fatal(err)
		}
		var got pages
		if err := result.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if n := len(got.Lines); n < c.least || n > c.most || !result.Metadata.Truncated || result.Metadata.NextCursor != fmt.Sprint("after ", n) {
			t.Errorf("%+v: %d lines, %+v", c.budget, n, result.Metadata)
		}
	}
}

func TestProgressIncreases(t *testing.T) {
	f := adds("steps", functions.Spec{}, func(_ context.Context, call *functions.Call, n int) (int, error) {
		for _, done := range []float64{0, 1, 1, 0.5, 2, 2, 3} {
			call.Progress(functions.Progress{Done: done, Total: 3, Message: "step"})
		}
		return n, nil
	})
	var got []float64
	request := functions.Request{Name: "steps", Arguments: []byte(`{"n":1}`), Progress: func(p functions.Progress) { got = append(got, p.Done) }}
	if _, err := engine(t, functions.Config{}, f).Bind(scope).Do(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float64{0, 1, 2, 3}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	request.Progress = nil
	if _, err := engine(t, functions.Config{}, f).Bind(scope).Do(t.Context(), request); err != nil {
		t.Error(err)
	}
}

func TestMiddlewareAndTrace(t *testing.T) {
	var steps []string
	middleware := func(name string) functions.Middleware {
		return func(next functions.Next) functions.Next {
			return func(ctx context.Context, call *functions.Call) (*functions.Result, error) {
				steps = append(steps, name+" "+call.Function().Name()+" "+string(call.Arguments()))
				result, err := next(context.WithValue(ctx, key{}, name), call)
				steps = append(steps, name+" ends")
				return result, err
			}
		}
	}
	refuse := func(next functions.Next) functions.Next {
		return func(ctx context.Context, call *functions.Call) (*functions.Result, error) {
			switch string(call.Arguments()) {
			case `{"n":13}`:
				return nil, fmt.Errorf("%w: 13 is unlucky", content.ErrInvalid)
			case `{"n":14}`:
				panic("fourteen")
			case `{"n":15}`:
				return nil, nil
			}
			return next(ctx, call)
		}
	}
	var log bytes.Buffer
	config := functions.Config{Middleware: []functions.Middleware{middleware("outer"), middleware("inner"), refuse},
		Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Trace: func(ctx context.Context, call *functions.Call) (context.Context, func(*functions.Result, error)) {
			steps = append(steps, fmt.Sprint("span ", call.Attributes()[0]))
			return context.WithValue(ctx, key{}, "span"), func(result *functions.Result, err error) {
				steps = append(steps, fmt.Sprintf("span ends %v %v", result != nil, err))
			}
		}}
	f := adds("look", functions.Spec{}, func(ctx context.Context, _ *functions.Call, n int) (int, error) {
		steps = append(steps, fmt.Sprint("handler in ", ctx.Value(key{})))
		return n, nil
	})
	e := engine(t, config, f)
	if _, err := e.Call(t.Context(), scope, "look", []byte(`{"n":"7"}`)); err != nil {
		t.Fatal(err)
	}
	want := []string{"span function=look", `outer look {"n":7}`, `inner look {"n":7}`, "handler in inner", "inner ends", "outer ends", "span ends true <nil>"}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, want := range []string{"function called", "function=look", "effect=reads", "principal=tester", "caller=program", "arguments_bytes=7", "bytes=7", "truncated=false"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s: %s", want, log.String())
		}
	}
	for args, code := range map[string]functions.Code{`{"n":13}`: functions.CodeInvalid, `{"n":14}`: functions.CodeInternal, `{"n":15}`: functions.CodeInternal} {
		_, err := e.Call(t.Context(), scope, "look", []byte(args))
		if failure(t, err).Code != code {
			t.Errorf("%s: %v", args, err)
		}
	}
	if last := steps[len(steps)-1]; !strings.HasPrefix(last, "span ends false") {
		t.Errorf("the span of a failure: %s", last)
	}
}

type key struct{}

// A bound parameter is in no schema, cannot be sent, and is filled in for each
// caller.
func TestBoundParameters(t *testing.T) {
	type in struct {
		Who   string `json:"who" jsonschema:"minLength=1"`
		Where string `json:"where,omitempty"`
		N     int    `json:"n"`
	}
	f := functions.Define(functions.Spec{Name: "bound", Description: "d", Bound: map[string]func(context.Context, *functions.Call) (any, error){
		"who": func(_ context.Context, call *functions.Call) (any, error) {
			if call.Scope().Principal() == "nobody" {
				return nil, content.ErrNotFound
			}
			return call.Scope().Principal(), nil
		}}}, func(_ context.Context, _ *functions.Call, in in) (in, error) { return in, nil })
	e := engine(t, functions.Config{}, f)
	if strings.Contains(string(f.InputSchema()), "who") {
		t.Errorf("the schema tells: %s", f.InputSchema())
	}
	result, err := e.Call(t.Context(), scope, "bound", []byte(`{"n":1}`))
	if err != nil || string(result.Data) != `{"who":"tester","n":1}` {
		t.Errorf("got %v, %v", result, err)
	}
	_, err = e.Call(t.Context(), scope, "bound", []byte(`{"n":1,"who":"admin"}`))
	if got := failure(t, err); len(got.Fields) != 1 || !strings.HasPrefix(got.Fields[0].String(), "who is unknown; use one of") {
		t.Errorf("sent by the caller: %v", err)
	}
	_, err = e.Call(t.Context(), authority.Mint("org-1", "nobody"), "bound", []byte(`{"n":1}`))
	if failure(t, err).Code != functions.CodeNotFound {
		t.Errorf("a parameter that cannot be filled in: %v", err)
	}
	_, err = functions.NewEngine(functions.Config{}, functions.Define(functions.Spec{Name: "wrong", Description: "d", Defaults: map[string]any{"n": 1},
		Bound: map[string]func(context.Context, *functions.Call) (any, error){"whom": nil, "n": nil}}, func(_ context.Context, _ *functions.Call, in in) (in, error) { return in, nil }))
	for _, want := range []string{`bound: whom has no function`, `bound: there is no parameter "whom"`, `bound: n is bound and has a default`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

// What an organization has switched off, and what is for programs, is neither
// listed nor callable, and looks as if it did not exist.
func TestOffAndAudience(t *testing.T) {
	state := map[content.Scope]functions.Off{}
	var broken error
	config := functions.Config{Off: func(s content.Scope) (functions.Off, error) { return state[s], broken }}
	e := engine(t, config, adds("internal", functions.Spec{Audience: functions.Programs}, square), adds("crm_thing", functions.Spec{Connection: "crm"}, square),
		adds("plain", functions.Spec{}, square), adds("of_crm", functions.Spec{}, square).Of("crm"))
	other := authority.Mint("org-2", "tester")
	names := func(b functions.Bound) (names string) {
		for _, f := range b.List() {
			names += f.Name() + " "
			if known, ok := b.Function(f.Name()); !ok || known != f {
				t.Errorf("%s is listed and not found", f.Name())
			}
		}
		return names
	}
	check := func(b functions.Bound, want string) {
		t.Helper()
		if got := names(b); got != want {
			t.Errorf("listed %q, want %q", got, want)
		}
		for _, name := range []string{"internal", "crm_thing", "plain", "of_crm"} {
			_, err := b.Call(t.Context(), name, []byte(`{"n":2}`))
			if listed := strings.Contains(want, name+" "); listed != (err == nil) || err != nil && failure(t, err).Code != functions.CodeUnknownFunction {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	check(e.Bind(scope), "crm_thing internal of_crm plain ")
	check(e.Bind(scope).Agent(), "crm_thing of_crm plain ")
	state[scope] = functions.Off{Connections: map[string]bool{"crm": true}}
	check(e.Bind(scope), "internal plain ")
	check(e.Bind(other), "crm_thing internal of_crm plain ")
	state[scope] = functions.Off{Functions: map[string]bool{"plain": true}}
	check(e.Bind(scope).Agent(), "crm_thing of_crm ")
	broken = content.ErrBusy
	check(e.Bind(other), "")
}

// Who may only look neither sees nor calls what writes.
func TestReading(t *testing.T) {
	e := engine(t, functions.Config{}, adds("look", functions.Spec{}, square), adds("change", functions.Spec{Effect: functions.Writes, Unconfirmed: true}, square))
	for _, b := range []functions.Bound{e.Bind(scope).Reading(), e.Bind(scope).Agent().Reading(), e.Bind(scope).Reading().Agent()} {
		if list := b.List(); len(list) != 1 || list[0].Name() != "look" {
			t.Errorf("listed %v", list)
		}
		if _, err := b.Call(t.Context(), "change", []byte(`{"n":1}`)); failure(t, err).Code != functions.CodeUnknownFunction {
			t.Errorf("got %v", err)
		}
	}
}

func square(_ context.Context, _ *functions.Call, n int) (int, error) { return n * n, nil }

func TestFunctionsOfAConnectionKeepTheirOwn(t *testing.T) {
	f := adds("f", functions.Spec{Connection: "own"}, square)
	if got := f.Of("other").Spec().Connection; got != "own" {
		t.Errorf("got %s", got)
	}
	if (*functions.Function)(nil).Of("x") != nil {
		t.Error("nil became something")
	}
	var _ json.RawMessage = f.InputSchema()
}
