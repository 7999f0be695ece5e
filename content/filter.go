package content

import (
	"fmt"
	"slices"
)

// An Op is the operator of a [Filter].
type Op string

// The operators. Values are compared in the field's kind: numbers as numbers,
// times as times. Contains and StartsWith ignore the case of A to Z. A record
// without a value matches only IsNull, NotEqual and NotIn.
const (
	Equal          Op = "eq"
	NotEqual       Op = "neq"
	Greater        Op = "gt"
	GreaterOrEqual Op = "gte"
	Less           Op = "lt"
	LessOrEqual    Op = "lte"
	In             Op = "in"
	NotIn          Op = "not_in"
	Contains       Op = "contains"
	StartsWith     Op = "starts_with"
	IsNull         Op = "is_null"
	NotNull        Op = "not_null"
	Exists         Op = "exists" // the same as NotNull, by the name that search engines give it
)

// Ops lists every operator in the order in which they are documented.
func Ops() []Op {
	return []Op{Equal, NotEqual, Greater, GreaterOrEqual, Less, LessOrEqual, In, NotIn, Contains, StartsWith, IsNull, NotNull, Exists}
}

// A Filter keeps the records whose field stands in a relation to values. Values
// are text and are read in the field's kind: "2026-01-31" or RFC 3339 for times,
// "true" and "false", numbers in decimal.
type Filter struct {
	Field  string   `json:"field"`
	Op     Op       `json:"op"`
	Values []string `json:"values,omitempty"`
}

// Check reports an unknown operator or a number of values that the operator
// does not take. It does not know fields.
func (f Filter) Check() error {
	n := len(f.Values)
	switch {
	case f.Field == "":
		return fmt.Errorf("%w filter: the field is missing", ErrInvalid)
	case !slices.Contains(Ops(), f.Op):
		return fmt.Errorf("%w filter on %q: unknown operator %q; use one of %v", ErrInvalid, f.Field, f.Op, Ops())
	case f.bare() && n != 0:
		return fmt.Errorf("%w filter on %q: %s takes no value, got %d", ErrInvalid, f.Field, f.Op, n)
	case (f.Op == In || f.Op == NotIn) && n == 0:
		return fmt.Errorf("%w filter on %q: %s needs at least one value", ErrInvalid, f.Field, f.Op)
	case f.Op != In && f.Op != NotIn && !f.bare() && n != 1:
		return fmt.Errorf("%w filter on %q: %s takes exactly one value, got %d", ErrInvalid, f.Field, f.Op, n)
	}
	return nil
}

// bare reports whether the operator takes no value.
func (f Filter) bare() bool { return f.Op == IsNull || f.Op == NotNull || f.Op == Exists }
