package functions

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"

	"github.com/curatore/curatore-go/content"
)

// A Call is one invocation, as its handler and middleware see it: on whose
// behalf it is made, and the envelope of the result. It belongs to the
// goroutine of the call and ends with it.
type Call struct {
	bound     Bound
	function  *Function
	request   Request
	args      json.RawMessage
	asSent    bool // args are in the order in which they were sent
	budget    Budget
	message   string
	metadata  Metadata
	done      float64 // the last progress
	told      bool    // there was one
	written   int     // transactions of Write that were committed
	digest    []byte  // of the name and the arguments of a function that Writes
	confirmed bool    // by a person
}

// Scope returns on whose behalf the function runs. It is never the zero Scope.
func (c *Call) Scope() content.Scope { return c.bound.scope }

// Agent reports whether a language model makes the call.
func (c *Call) Agent() bool { return c.bound.agent }

// Functions returns the functions as this caller sees them.
func (c *Call) Functions() Bound { return c.bound }

// Function returns the function that is being called.
func (c *Call) Function() *Function { return c.function }

// Arguments returns the arguments after repair, validation and defaults, as a
// JSON object sorted by name. It must not be changed.
func (c *Call) Arguments() json.RawMessage {
	if c.asSent {
		var values map[string]any
		if err := unmarshalNumber(c.args, &values); err == nil { // it was validated
			if sorted, err := encode(values); err == nil {
				c.args = sorted
			}
		}
		c.asSent = false
	}
	return c.args
}

// Decode reads the arguments into v, which is of the function's input type, as
// the handler gets them but for bound parameters. It is for [Spec.Check].
func (c *Call) Decode(v any) error {
	if err := json.Unmarshal(c.args, v); err != nil {
		return decodeError(err)
	}
	return nil
}

// SetMessage says in one sentence what the result is: "Found 12 records".
func (c *Call) SetMessage(format string, args ...any) { c.message = fmt.Sprintf(format, args...) }

// SetSource names where the text of the result came from, for this call.
func (c *Call) SetSource(source string) { c.metadata.Source = source }

// SetTotal says how many records there are in all, on every page together.
func (c *Call) SetTotal(total int) { c.metadata.Total = &total }

// SetNext says that the result is not complete and how to go on: with the same
// arguments and this cursor. An empty cursor says that this was the last page.
func (c *Call) SetNext(cursor string) {
	c.metadata.NextCursor, c.metadata.Truncated = cursor, cursor != ""
}

// Truncate says that the result leaves something out that no cursor leads to,
// such as the end of a long text. Say what with Note.
func (c *Call) Truncate() { c.metadata.Truncated = true }

// Note adds a remark that the caller should know: a limit that was lowered, a
// text that was shortened. Saying the same twice is saying it once.
func (c *Call) Note(format string, args ...any) {
	note := fmt.Sprintf(format, args...)
	if !slices.Contains(c.metadata.Notes, note) {
		c.metadata.Notes = append(c.metadata.Notes, note)
	}
}

// Progress tells the caller how far the function is. What does not go beyond the
// last report is left out, since clients take that for an error.
func (c *Call) Progress(p Progress) {
	if c.request.Progress == nil || c.told && p.Done <= c.done {
		return
	}
	c.done, c.told = p.Done, true
	c.request.Progress(p)
}

// Attributes describe the call in a log or a span. They hold no values of
// arguments.
func (c *Call) Attributes() []slog.Attr {
	caller := "program"
	if c.bound.agent {
		caller = "agent"
	}
	return []slog.Attr{slog.String("function", c.function.Name()), slog.String("effect", c.function.spec.Effect.String()),
		slog.String("principal", c.bound.scope.Principal()), slog.String("caller", caller), slog.Int("arguments_bytes", len(c.args))}
}
