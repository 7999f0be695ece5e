package export

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Reasons why an export is refused or its reading ends. They are wrapped in
// errors that name the file and say what to do.
var (
	ErrNotZip       = errors.New("not a zip file")
	ErrTruncated    = errors.New("cut short or damaged")
	ErrEncrypted    = errors.New("encrypted")
	ErrInsecure     = errors.New("insecure entry name")
	ErrTooLarge     = errors.New("over the limit")
	ErrNoObjects    = errors.New("no known CSV inside")
	ErrDuplicate    = errors.New("given twice")
	ErrForeign      = errors.New("parts of different organizations")
	ErrHeader       = errors.New("bad header")
	ErrEncoding     = errors.New("unknown encoding")
	ErrDateOrder    = errors.New("order of day and month is not settled")
	ErrPosition     = errors.New("position of another export")
	ErrRunaway      = errors.New("quoted field without end")
	ErrDateConflict = errors.New("dates contradict each other about the order of day and month")
)

// Reasons why one row cannot be used; see [Record.Err].
var (
	ErrFields  = errors.New("wrong number of fields")
	ErrQuote   = errors.New("stray quote, quotes in text must be doubled")
	ErrInvalid = errors.New("invalid bytes")
	ErrNUL     = errors.New("NUL byte")
	ErrTooLong = errors.New("too long")
)

// Error is a problem at a place of an export.
type Error struct {
	File   string // "WE_00D..._1.ZIP/Account.csv"
	Line   int    // physical line, from 1; 0 when no line is meant
	Column string // "" when no column is meant
	Value  string // valid UTF-8 of at most 100 characters; "" when no value is meant
	Err    error  // the reason; never nil
}

// Error gives one line: file, line, column, reason, value.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Place())
	b.WriteString(": ")
	b.WriteString(e.Err.Error())
	if e.Value != "" {
		fmt.Fprintf(&b, " %q", e.Value)
	}
	return b.String()
}

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Err }

// Place names the file, and the line and column when they are known.
func (e *Error) Place() string {
	s := e.File
	if e.Line > 0 {
		s += fmt.Sprintf(" line %d", e.Line)
	}
	if e.Column != "" {
		s += ", column " + e.Column
	}
	return s
}

// maxValue is the number of characters of a value that an error repeats.
const maxValue = 100

// clip makes a value fit for an error and for a database: at most 100
// characters, valid UTF-8, no NUL.
func clip(s string) string {
	if len(s) > maxValue*utf8.UTFMax {
		s = s[:maxValue*utf8.UTFMax]
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd")
	n := 0
	for i := range s {
		if n == maxValue {
			return s[:i]
		}
		n++
	}
	return s
}
