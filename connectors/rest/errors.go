package rest

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/curatore/curatore-go/content"
)

// What an error of a request is, for errors.Is.
var (
	// ErrUnauthorized: the service does not accept the credential, also after it
	// was refreshed once. Trying again is of no use.
	ErrUnauthorized = errors.New("the credential is refused")
	// ErrForbidden: the credential is known and lacks a permission.
	ErrForbidden = errors.New("a permission is missing")
	// ErrGone: a link, a token of a listing, is no longer valid.
	ErrGone = errors.New("gone")
	// ErrUnavailable: the service failed, as often as it was tried. Later it may
	// work.
	ErrUnavailable = errors.New("the service is unavailable")
	// ErrTooLarge: an answer is longer than was allowed.
	ErrTooLarge = errors.New("the answer is too long")
	// ErrUnreadable: an answer is not in the form that was asked for, such as the
	// page of a proxy in its place. See [Client.Decode].
	ErrUnreadable = errors.New("the answer cannot be read")
)

// A StatusError is an answer that is not what was asked for.
type StatusError struct {
	Method  string
	Address string // without the query
	Status  int
	Body    string // its beginning, for people; secrets are taken out
	Header  http.Header
}

// Error implements error.
func (e *StatusError) Error() string {
	s := fmt.Sprintf("%s %s: %d %s", e.Method, e.Address, e.Status, http.StatusText(e.Status))
	if e.Body != "" {
		s += ": " + e.Body
	}
	return s
}

// Is tells the errors of this package, and content.ErrNotFound, by the status.
func (e *StatusError) Is(target error) bool {
	switch target {
	case ErrUnauthorized:
		return e.Status == http.StatusUnauthorized
	case ErrForbidden:
		return e.Status == http.StatusForbidden
	case ErrGone:
		return e.Status == http.StatusGone
	case ErrUnavailable:
		return e.Status >= 500
	case content.ErrNotFound:
		return e.Status == http.StatusNotFound
	}
	return false
}

// A LimitError says that the service takes no more requests before a time that is
// too far away to wait for: a daily quota is used up, or it said when to come
// back. A run ends with it, or is parked, and goes on then; nothing is lost.
type LimitError struct {
	Service string
	Until   time.Time // UTC
	Reason  string
}

// Error implements error.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s takes no more requests until %s: %s", e.Service, e.Until.UTC().Format(time.RFC3339), e.Reason)
}

// RetryAt returns the time at which it is worth trying again.
func (e *LimitError) RetryAt() time.Time { return e.Until }

// A hidden error is one of the transport with the secrets taken out of its text.
// It can be asked what it is, but does not give out what it wraps, whose text
// may have the query.
type hidden struct {
	text string
	err  error
}

func (e *hidden) Error() string        { return e.text }
func (e *hidden) Is(target error) bool { return errors.Is(e.err, target) }

// Timeout reports whether it took too long.
func (e *hidden) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.err, &t) && t.Timeout()
}
