package functions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/curatore/curatore-go/content"
)

// A Code is the kind of an [Error], stable across versions.
type Code string

// The codes. A caller may try again unchanged after CodeBusy and CodeTimedOut,
// and after correcting the arguments where Error.Fields or the hint say how.
const (
	CodeUnknownFunction Code = "unknown_function"    // no such function, or not for this caller
	CodeMalformed       Code = "malformed_arguments" // not one complete JSON object
	CodeInvalid         Code = "invalid_arguments"   // the schema or the function refuses a value
	CodeNotFound        Code = "not_found"           // there is no such record for this caller
	CodeForbidden       Code = "forbidden"           // this caller may not do that
	CodeConfirmation    Code = "needs_confirmation"  // a person has to confirm it first; see Error.Confirmation
	CodeConflict        Code = "conflict"            // it contradicts what is stored
	CodeDisabled        Code = "disabled"            // switched off in this installation
	CodeBusy            Code = "busy"                // overloaded; later it may succeed
	CodeTooLarge        Code = "too_large"           // the result cannot be made short enough
	CodeCancelled       Code = "cancelled"           // the caller gave up
	CodeTimedOut        Code = "timed_out"           // the time of the call is over
	CodeInternal        Code = "internal"            // a fault of the program
)

// An Error is why a call gave no result. Code, Message, Hint and Fields are for
// the model: they name what to change and hold nothing of the system's inside.
// Cause is for the program alone: Error() and the JSON form leave it out,
// errors.Is, errors.As and slog see it.
//
// A handler that returns an *Error decides what the model reads. Of any other
// error the model only learns the kind, with one exception: the text of an
// error that wraps [content.ErrInvalid] is passed on, since it names a value of
// the caller.
type Error struct {
	Code    Code      `json:"code"`
	Message string    `json:"message"`
	Hint    string    `json:"hint,omitempty"`
	Fields  []Problem `json:"fields,omitempty"`
	Cause   error     `json:"-"`
	// Confirmation is what a person is to be asked, with [CodeConfirmation]. It
	// is for the program, like Cause.
	Confirmation *Confirmation `json:"-"`
}

// Errorf returns an Error whose message is for the model.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error returns what a model may read, in one line.
func (e *Error) Error() string {
	parts := []string{string(e.Code) + ": " + e.Message}
	for _, field := range e.Fields {
		parts = append(parts, stop(field.String()))
	}
	if e.Hint != "" {
		parts = append(parts, e.Hint)
	}
	return strings.Join(parts, " ")
}

// Unwrap returns the cause, which is not for models.
func (e *Error) Unwrap() error { return e.Cause }

// LogValue makes a log of the program show the cause too.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("code", string(e.Code)), slog.String("message", e.Error())}
	if e.Cause != nil {
		attrs = append(attrs, slog.String("cause", e.Cause.Error()))
	}
	return slog.GroupValue(attrs...)
}

// asError turns what a handler returned into what its caller gets.
func asError(ctx context.Context, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	e = &Error{Cause: err}
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		e.Code, e.Message = CodeTimedOut, "The call took too long and was stopped."
		e.Hint = "Ask for less at a time: a smaller limit or narrower filters."
	case errors.Is(err, context.Canceled), ctx.Err() != nil:
		e.Code, e.Message = CodeCancelled, "The call was cancelled."
	case errors.Is(err, content.ErrInvalid):
		e.Code, e.Message = CodeInvalid, sentence(err.Error())
	case errors.Is(err, content.ErrNotFound):
		e.Code, e.Message = CodeNotFound, "There is no such record."
	case errors.Is(err, content.ErrScope):
		e.Code, e.Message = CodeForbidden, "The call does not act for an organization of this database."
	case errors.Is(err, content.ErrConflict), errors.Is(err, content.ErrSuperseded):
		e.Code, e.Message = CodeConflict, "The change contradicts what is stored."
	case errors.Is(err, content.ErrDisabled):
		e.Code, e.Message = CodeDisabled, "This feature is switched off."
	case errors.Is(err, content.ErrBusy):
		e.Code, e.Message = CodeBusy, "The database is busy."
		e.Hint = "Try again in a moment."
	default:
		return internal(err)
	}
	return e
}

// internal hides a fault of the program behind a sentence that says whose it is.
func internal(cause error) *Error {
	return &Error{Code: CodeInternal, Cause: cause,
		Message: "The function failed for a reason of its own; the arguments are not at fault."}
}

// decodeError explains why validated arguments did not fit the Go type, such as
// 300 for a uint8: rules that the schema does not hold.
func decodeError(err error) *Error {
	e := &Error{Code: CodeInvalid, Message: "The arguments were refused.", Cause: err}
	var mismatch *json.UnmarshalTypeError
	if errors.As(err, &mismatch) {
		e.Fields = []Problem{{Path: mismatch.Field, Message: fmt.Sprintf("cannot hold %s", mismatch.Value)}}
		return e
	}
	e.Fields = []Problem{{Message: "cannot be read: " + err.Error()}}
	return e
}

// sentence gives a Go error text a capital and a full stop.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return stop(strings.ToUpper(text[:1]) + text[1:])
}

// stop ends a clause with a full stop unless it is a question.
func stop(text string) string {
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "?") {
		return text
	}
	return text + "."
}
