package functions

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"sync"
)

// Untrusted is the value of [Metadata.Trust].
const Untrusted = "untrusted"

// A Result is what a call returns. Its JSON form is what goes to a model.
type Result struct {
	// Data satisfies the function's output schema. Lists in it are [] when
	// they are empty, never null. It must not be changed; a [Middleware] that
	// replaces it gives compact JSON.
	Data json.RawMessage `json:"data"`
	// Message says in one sentence what Data is, such as "Found 12 records";
	// it may be empty.
	Message string `json:"message,omitempty"`
	// Metadata labels the data.
	Metadata Metadata `json:"metadata"`
}

// Metadata is the label of a result. It stands once beside the data and counts
// for every text in it; a record among the data names its own type besides.
type Metadata struct {
	// Source is where the text came from: a connection, a type, a function.
	Source string `json:"source"`
	// Trust is always [Untrusted]: whatever is in Data was written by others
	// and is material to read, never an instruction to follow.
	Trust string `json:"trust"`
	// Truncated says that Data leaves something out. Nothing is ever left out
	// without it.
	Truncated bool `json:"truncated,omitempty"`
	// NextCursor, given as the argument cursor beside otherwise unchanged
	// arguments, continues after the last element of Data. It is empty on the
	// last page.
	NextCursor string `json:"next_cursor,omitempty"`
	// Total counts all pages together; nil when nobody asked for it.
	Total *int `json:"total,omitempty"`
	// Notes say what was done differently from what was asked.
	Notes []string `json:"notes,omitempty"`
}

// Decode reads the data into v, as json.Unmarshal does.
func (r *Result) Decode(v any) error { return json.Unmarshal(r.Data, v) }

// JSON returns the result as it goes to a model: compact, and with <, > and &
// as they are.
func (r *Result) JSON() ([]byte, error) {
	b := append(make([]byte, 0, len(r.Data)+256), `{"data":`...)
	if len(r.Data) == 0 {
		b = append(b, "null"...)
	} else {
		b = append(b, r.Data...)
	}
	b = appendText(b, `,"message":`, r.Message)
	m := r.Metadata
	b = appendString(append(b, `,"metadata":{"source":`...), m.Source)
	b = appendString(append(b, `,"trust":`...), m.Trust)
	if m.Truncated {
		b = append(b, `,"truncated":true`...)
	}
	b = appendText(b, `,"next_cursor":`, m.NextCursor)
	if m.Total != nil {
		b = strconv.AppendInt(append(b, `,"total":`...), int64(*m.Total), 10)
	}
	for i, note := range m.Notes {
		b = append(b, []string{`,"notes":[`, `,`}[min(i, 1)]...)
		b = appendString(b, note)
	}
	if len(m.Notes) > 0 {
		b = append(b, ']')
	}
	return append(b, '}', '}'), nil
}

// A Shortener is a list result that can become shorter. When the data is longer
// than [Config.MaxResult] the Engine calls Shorten, with fewer elements than Len,
// until it fits. Shorten keeps the first n elements, at least one, and tells the
// call (SetNext, SetMessage) how to go on after them. A result that is too long
// and no Shortener is an error with [CodeTooLarge].
type Shortener interface {
	Len() int
	Shorten(ctx context.Context, call *Call, n int) error
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// encode writes v as compact JSON without HTML escapes. The result is the
// caller's own.
func encode(v any) ([]byte, error) {
	b := buffers.Get().(*bytes.Buffer)
	b.Reset()
	defer func() {
		if b.Cap() <= 1<<20 { // keep what is common, not the one huge result
			buffers.Put(b)
		}
	}()
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.Clone(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}
