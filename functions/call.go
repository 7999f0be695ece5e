package functions

import (
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
)

// A Call is one invocation, as its handler sees it: on whose behalf it is made,
// and the envelope of the result. It belongs to the handler's goroutine and
// ends with it.
type Call struct {
	scope    content.Scope
	function *Function
	message  string
	metadata Metadata
}

// Scope returns on whose behalf the function runs. It is never the zero Scope.
func (c *Call) Scope() content.Scope { return c.scope }

// Function returns the function that is being called.
func (c *Call) Function() *Function { return c.function }

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
