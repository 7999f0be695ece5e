package content

import (
	"errors"
	"fmt"
)

// A Scope says on whose behalf a call is made: one organization and one
// principal (a user, a program, an agent). Everything that reads or writes
// records takes one.
//
// Only an [Authority] makes a Scope, and only that Authority reads it back, so
// a Scope cannot be forged, cannot be empty by accident, and cannot be carried
// from one database to another. The zero Scope is refused everywhere. A Scope
// is a value: copy it freely, use it from many goroutines. It does not travel:
// encoding it as JSON is an error.
type Scope struct {
	authority    *Authority
	organization string
	principal    string
}

// Principal names who acts, as given to [Authority.Mint]. It is for audit and
// display; it is empty for the zero Scope.
func (s Scope) Principal() string { return s.principal }

// String is for logs: it names the principal and hides the organization's id.
func (s Scope) String() string {
	if s.authority == nil {
		return "Scope(none)"
	}
	return fmt.Sprintf("Scope(%s)", s.principal)
}

// GoString is String, so that %#v shows no more.
func (s Scope) GoString() string { return s.String() }

// MarshalJSON always fails: a Scope is permission, and permission is minted
// anew where it is needed.
func (s Scope) MarshalJSON() ([]byte, error) {
	return nil, errors.New("content: a Scope cannot be encoded; mint one where it is needed")
}

// An Authority mints and verifies the Scopes of one opened database. Whoever
// holds it can act for every organization, so it stays with the program that
// opened the database and is never handed to code that serves one caller.
// It is safe for concurrent use. The zero Authority is ready to use; do not
// copy it.
type Authority struct {
	_ [1]byte // two Authorities never share an address
}

// NewAuthority returns an Authority that accepts only its own Scopes.
func NewAuthority() *Authority { return new(Authority) }

// Mint returns the Scope of a principal in an organization, given by id. It
// panics when the organization is empty: that is a mistake in the program, and
// a Scope without an organization must not exist.
func (a *Authority) Mint(organizationID, principal string) Scope {
	if organizationID == "" {
		panic("content: Mint needs an organization")
	}
	return Scope{authority: a, organization: organizationID, principal: principal}
}

// Organization returns the id of the Scope's organization. It returns
// [ErrScope] for the zero Scope and for one that another Authority minted.
func (a *Authority) Organization(s Scope) (string, error) {
	switch {
	case s.authority == nil:
		return "", fmt.Errorf("%w: it is empty; take one from an organization of this database", ErrScope)
	case s.authority != a:
		return "", fmt.Errorf("%w: it belongs to another database", ErrScope)
	}
	return s.organization, nil
}
