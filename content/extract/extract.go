// Package extract gets the text out of files, with its structure and the places
// where it stands.
//
// What a file holds is easily lost on the way into a search: the columns of a
// spreadsheet run together, the reader of a page cannot find the sentence again,
// a scan without any text counts as read, and one broken or hostile file takes
// the whole import, or the whole process, with it. Here each file gives a
// [Result] or an error that says what is wrong with it, within [Limits]: text as
// Markdown with headings, lists and tables, in parts that are pages, sheets or
// slides, a language, and a quality that tells text from noise.
//
// An [Extractor] is a value. Package local reads the usual formats in this
// process and without cgo; package sidecar asks a server of Tika or docling. This
// package links neither, nor any library: it is what connections and programs
// agree on. [First] puts extractors behind each other.
package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
)

// An Extractor reads files. It is safe for concurrent use.
type Extractor interface {
	// Name identifies the extractor and the version of what it gives, such as
	// "local/1". It is stored with each result: under another name, files are
	// read again.
	Name() string
	// Extract reads a file. A file that cannot be read gives an error of which
	// [StatusOf] says what is wrong; a file without text is not an error. It
	// does not keep the reader, unless a library does not come to its end after
	// the time is over.
	Extract(ctx context.Context, f File) (*Result, error)
}

// A File is what is to be read.
type File struct {
	Name        string // as people know it, perhaps with a folder; its extension is a hint
	ContentType string // what its source says it is, a MIME type; a hint, may be empty
	Size        int64  // bytes
	io.ReaderAt
}

// A Result is what a file holds.
type Result struct {
	ContentType string            // what the file was found to be: "application/pdf"
	Title       string            // as the file itself says; may be empty
	Author      string            // may be empty
	Created     time.Time         // as the file says, UTC; zero when it does not
	Modified    time.Time         // the same
	Language    string            // BCP 47, such as "en"; "" when it cannot be told
	Metadata    map[string]string // what else the file says of itself; nil for nothing
	Parts       []Part            // in order
	Scanned     bool              // it has pages without text that hold pictures
	Quality     float64           // 0 to 1, see [Judge]
	Notes       []string          // what was left out, a sentence each
}

// A Kind is what a part of a file is.
type Kind string

// The kinds of parts.
const (
	Page  Kind = "page"
	Sheet Kind = "sheet"
	Slide Kind = "slide"
	Body  Kind = "" // the whole of a file without such parts
)

// A Part is a piece of a file that people can find again.
type Part struct {
	Kind   Kind
	Number int    // from 1; 0 for a Body
	Name   string // of a sheet or an attachment; may be empty
	Text   string // Markdown
}

// Location names the part: "page 3", "sheet Budget", or "" for a Body without a
// name.
func (p Part) Location() string {
	switch {
	case p.Kind == Body:
		return p.Name
	case p.Name != "":
		return string(p.Kind) + " " + p.Name
	}
	return fmt.Sprintf("%s %d", p.Kind, p.Number)
}

// Text returns the text of all parts as one Markdown document. Parts without
// text are left out.
func (r *Result) Text() string {
	text, _ := r.join()
	return text
}

// Locations says where in [Result.Text] each part begins, in order. A file of
// one Body has none.
func (r *Result) Locations() []content.Location {
	_, locations := r.join()
	return locations
}

func (r *Result) join() (string, []content.Location) {
	var b strings.Builder
	var locations []content.Location
	for _, p := range r.Parts {
		text := strings.TrimSpace(p.Text)
		if text == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n\n")
		}
		if at := p.Location(); at != "" {
			locations = append(locations, content.Location{Offset: b.Len(), Label: at})
		}
		b.WriteString(text)
	}
	return b.String(), locations
}

// A Status says in one word how the extraction of a file went.
type Status string

// The statuses. Only OK, Partial and Empty come with a Result.
const (
	OK          Status = "ok"
	Partial     Status = "partial"     // there is text, and something was left out; see Result.Notes
	Empty       Status = "empty"       // the file holds no text
	Scanned     Status = "scanned"     // the file holds pictures of pages and no text
	Unsupported Status = "unsupported" // no extractor reads such files
	Encrypted   Status = "encrypted"   // it needs a password
	Broken      Status = "broken"      // it is not what it says, or damaged
	TooLarge    Status = "too_large"   // it exceeds one of the Limits
	TimedOut    Status = "timed_out"   // it took too long
	Failed      Status = "failed"      // anything else, such as a sidecar that does not answer; worth another try
)

// The errors of extractors, beside those of the context. They are wrapped with
// what was found.
var (
	ErrUnsupported = errors.New("unsupported file")
	ErrEncrypted   = errors.New("encrypted file")
	ErrBroken      = errors.New("broken file")
	ErrTooLarge    = errors.New("file too large")
	ErrTimeout     = errors.New("extraction took too long")
)

// StatusOf says how an extraction went. Both may be given as Extract returned
// them.
func StatusOf(r *Result, err error) Status {
	switch {
	case errors.Is(err, ErrUnsupported):
		return Unsupported
	case errors.Is(err, ErrEncrypted):
		return Encrypted
	case errors.Is(err, ErrBroken):
		return Broken
	case errors.Is(err, ErrTooLarge):
		return TooLarge
	case errors.Is(err, ErrTimeout):
		return TimedOut
	case err != nil || r == nil:
		return Failed
	}
	for _, p := range r.Parts {
		if strings.TrimSpace(p.Text) != "" {
			if len(r.Notes) > 0 {
				return Partial
			}
			return OK
		}
	}
	if r.Scanned {
		return Scanned
	}
	return Empty
}

// grace is how long a reader is waited for that should have seen that its time
// is over.
const grace = 2 * time.Second

// Guard runs the reader of one file: with a time limit, with a reader that fails
// once the time is over, and so that a panic becomes an [ErrBroken]. Extractors
// around a library call it; a limit of 0 is none.
//
// Go cannot end a library that computes for ever. Guard returns all the same, and
// leaves it behind: it can no longer read the file.
func Guard(ctx context.Context, limit time.Duration, f File, read func(ctx context.Context, f File) (*Result, error)) (*Result, error) {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("%w: more than %s", ErrTimeout, limit))
		defer cancel()
	}
	if f.ReaderAt == nil {
		return nil, fmt.Errorf("%w: the file has no reader", content.ErrInvalid)
	}
	source := f.ReaderAt
	f.ReaderAt = readerAt(func(p []byte, off int64) (int, error) {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		return source.ReadAt(p, off)
	})
	type outcome struct {
		r   *Result
		err error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if v := recover(); v != nil {
				o = outcome{nil, &PanicError{Value: v, Stack: debug.Stack()}}
			}
			done <- o
		}()
		o.r, o.err = read(ctx, f)
	}()
	var o outcome
	select {
	case o = <-done:
	case <-ctx.Done():
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case o = <-done:
		case <-timer.C:
			return nil, context.Cause(ctx)
		}
	}
	if o.err != nil && ctx.Err() != nil { // whatever the reader made of it
		return nil, context.Cause(ctx)
	}
	return o.r, o.err
}

// A PanicError is a panic of a library that read a broken file. It is an
// [ErrBroken].
type PanicError struct {
	Value any
	Stack []byte // for logs
}

// Error implements error.
func (e *PanicError) Error() string {
	return fmt.Sprintf("%v: its reader panicked: %v", ErrBroken, e.Value)
}

// Unwrap returns [ErrBroken].
func (e *PanicError) Unwrap() error { return ErrBroken }

type readerAt func(p []byte, off int64) (int, error)

func (r readerAt) ReadAt(p []byte, off int64) (int, error) { return r(p, off) }
