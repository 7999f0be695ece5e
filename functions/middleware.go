package functions

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// A Next goes on with a call. Its error is an *[Error].
type Next func(ctx context.Context, call *Call) (*Result, error)

// A Middleware stands around the calls of all functions: it may look at the
// call, change the context, refuse, measure, or replace the result. What it is
// given has passed authorisation and validation, and a confirmation where one is
// needed. An error that is no *[Error] is treated like that of a handler.
type Middleware func(next Next) Next

// A Trace begins a span for a call and returns the context inside it and what
// ends it; see [Config.Trace].
type Trace func(ctx context.Context, call *Call) (inside context.Context, end func(*Result, error))

// chain puts middleware around the last step, the first one outermost.
func chain(last Next, all []Middleware) Next {
	for i := len(all) - 1; i >= 0; i-- {
		last = all[i](last)
	}
	return last
}

// finish runs the middleware and the handler. A panic in either is an internal
// error.
func (e *Engine) finish(ctx context.Context, call *Call) (result *Result, failed *Error) {
	defer func() {
		if r := recover(); r != nil {
			result, failed = nil, internal(fmt.Errorf("panic: %v\n%s", r, debug.Stack()))
		}
	}()
	result, err := e.next(ctx, call)
	switch {
	case err != nil:
		return nil, asError(ctx, err)
	case result == nil:
		return nil, internal(errors.New("a middleware returned neither a result nor an error"))
	case call.bound.agent && len(e.config.Middleware) > 0:
		cleaned := *result // which may be one that the middleware keeps
		cleaned.clean()
		return &cleaned, nil
	}
	return result, nil
}

// log tells how a call ended: faults of the program as errors, all else for
// debugging.
func (e *Engine) log(ctx context.Context, call *Call, began time.Time, result *Result, failed *Error) {
	if e.config.Logger == nil {
		return
	}
	level, text := slog.LevelDebug, "function called"
	if failed != nil && failed.Code == CodeInternal {
		level, text = slog.LevelError, "function failed"
	}
	if !e.config.Logger.Enabled(ctx, level) {
		return
	}
	attrs := append(call.Attributes(), slog.Duration("took", e.config.Now().Sub(began)))
	if failed != nil {
		attrs = append(attrs, slog.Any("error", failed))
	} else {
		attrs = append(attrs, slog.Int("bytes", len(result.Data)), slog.Bool("truncated", result.Metadata.Truncated))
	}
	e.config.Logger.LogAttrs(ctx, level, text, attrs...)
}
