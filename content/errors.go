package content

import "errors"

// The errors that callers tell apart with errors.Is. Packages of this module
// wrap them with what happened, to which value, and what to do.
var (
	// ErrNotFound: there is no such record, run or organization, or it belongs
	// to another organization; the two are never told apart.
	ErrNotFound = errors.New("not found")
	// ErrScope: the Scope is empty or of another database.
	ErrScope = errors.New("scope refused")
	// ErrInvalid: a value, filter, option or declaration is wrong; the message
	// names it. Trying again unchanged fails again.
	ErrInvalid = errors.New("invalid")
	// ErrConflict: the change contradicts what is stored, such as a key that
	// is already taken.
	ErrConflict = errors.New("conflict")
	// ErrSuperseded: another process has taken over this run; stop working on
	// it. Nothing of the refused transaction was stored.
	ErrSuperseded = errors.New("superseded")
	// ErrDisabled: the feature is switched off in Config.
	ErrDisabled = errors.New("disabled")
	// ErrBusy: the database is locked or overloaded; trying again may succeed.
	ErrBusy = errors.New("database busy")
	// ErrNoWrites: the database takes no writes for now, since its disk is full or
	// it is read-only. It is an ErrBusy too: once there is room it may succeed.
	ErrNoWrites error = noWrites{}
)

type noWrites struct{}

func (noWrites) Error() string { return "the database takes no writes" }
func (noWrites) Unwrap() error { return ErrBusy }
