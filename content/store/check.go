package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/curatore/curatore-go/content"
)

// MaxKey and MaxValue bound what stands in an index, in bytes: Postgres cannot
// index long values, and both databases shall behave alike.
const (
	MaxKey   = 255
	MaxValue = 1024
	maxTitle = 512
)

// maxDepth is how deep JSON may be nested, far below what either database takes.
const maxDepth = 200

// Check reports why a row cannot be stored, or nil; what it lets pass both
// databases take. The errors wrap content.ErrInvalid and name the field.
//
// A key has 1 to 255 bytes, a value to filter or sort by at most 1 kB; only a title
// to sort by may be longer, it is sorted by its first 256 characters. Text is
// UTF-8 without NUL, also inside JSON. Numbers are finite, times lie in the years
// 1 to 9999. A value of a dynamic row has the Go type of its kind.
func Check(typ *content.Type, row content.Row) error {
	if !typ.Holds(row) {
		return fmt.Errorf("%w row: %T is not one of %s", content.ErrInvalid, row, typ.Name())
	}
	if err := CheckKey(typ, typ.KeyOf(row)); err != nil {
		return err
	}
	for _, f := range typ.Fields() {
		if !f.Imported() {
			continue
		}
		if err := checkValue(f, f.Value(row)); err != nil {
			return err
		}
	}
	return nil
}

// CheckKey reports why a key cannot be one of a Type's records, or nil.
func CheckKey(typ *content.Type, key string) error {
	switch at := badText(key); {
	case key == "":
		return fmt.Errorf("%w: the key %s is empty", content.ErrInvalid, typ.Key().Name)
	case len(key) > MaxKey:
		return fmt.Errorf("%w: the key %s has %d bytes, at most %d are kept: %.40q…", content.ErrInvalid, typ.Key().Name, len(key), MaxKey, key)
	case at >= 0:
		return fmt.Errorf("%w: the key %s has a byte that no database takes as text at position %d: %.40q", content.ErrInvalid, typ.Key().Name, at, key)
	}
	return nil
}

// CheckValue reports why a field cannot hold a value, or nil; see [Check]. The
// value is nil or has the Go type of the field's kind.
func CheckValue(f *content.Field, v any) error { return checkValue(f, v) }

// checkValue reports why a field cannot hold a value.
func checkValue(f *content.Field, v any) error {
	fits := false
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		if bounded(f) && len(v) > MaxValue {
			return fmt.Errorf("%w: %s has %d bytes; a field to filter or sort by takes at most %d", content.ErrInvalid, f.Name, len(v), MaxValue)
		}
		if at := badText(v); at >= 0 {
			return fmt.Errorf("%w: %s has a byte that no database takes as text at position %d", content.ErrInvalid, f.Name, at)
		}
		fits = f.Kind == content.String
	case int64:
		fits = f.Kind == content.Int
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: %s is %v, which is no number", content.ErrInvalid, f.Name, v)
		}
		fits = f.Kind == content.Float
	case bool:
		fits = f.Kind == content.Bool
	case time.Time:
		if !content.Storable(v) {
			return fmt.Errorf("%w: %s is in the year %d; years from 1 to 9999 can be stored", content.ErrInvalid, f.Name, v.Year())
		}
		fits = f.Kind == content.Time || f.Kind == content.Date
	case json.RawMessage:
		if why := badJSON(v); why != "" {
			return fmt.Errorf("%w: %s %s", content.ErrInvalid, f.Name, why)
		}
		fits = f.Kind == content.JSON
	}
	if !fits {
		return fmt.Errorf("%w: %s holds %T %.40v, but its kind is %s", content.ErrInvalid, f.Name, v, v, f.Kind)
	}
	return nil
}

// bounded reports whether a column's values stand whole in an index or a cursor.
// Of a title that is in no index the beginning does; see plan.order.
func bounded(f *content.Field) bool {
	return f.Indexed() || f.Has(content.Sortable) && !f.Has(content.Title)
}

// storable checks what else an import brings into a row.
func storable(instance string, at time.Time) error {
	switch {
	case len(instance) > MaxKey || badText(instance) >= 0:
		return fmt.Errorf("%w instance %.40q: it takes at most %d bytes of text", content.ErrInvalid, instance, MaxKey)
	case !content.Storable(at):
		return fmt.Errorf("%w: the time of the batch is in the year %d", content.ErrInvalid, at.Year())
	}
	return nil
}

// badText returns the position of a NUL or of invalid UTF-8, or -1.
func badText(s string) int {
	if utf8.ValidString(s) {
		return strings.IndexByte(s, 0)
	}
	for i, r := range s {
		if r == 0 {
			return i
		}
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return -1
}

// badJSON tells what keeps JSON out of a JSONB column, or "". Go and SQLite
// accept more than Postgres does.
func badJSON(v json.RawMessage) string {
	switch {
	case !utf8.Valid(v):
		return "holds JSON that is not UTF-8"
	case !json.Valid(v):
		return fmt.Sprintf("holds %.40q, which is not JSON", v)
	case bytes.Contains(v, []byte(`\u`)) && badEscape(v):
		return `holds JSON with \u0000 or half a surrogate pair in a text`
	}
	depth, quoted := 0, false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				return fmt.Sprintf("holds JSON nested deeper than %d levels", maxDepth)
			}
		case c == ']' || c == '}':
			depth--
		case c == '-' || c >= '0' && c <= '9':
			n := number(v[i:])
			if f, err := json.Number(n).Float64(); err != nil || len(n) > 1000 || f == 0 && strings.ContainsAny(mantissa(n), "123456789") {
				return fmt.Sprintf("holds JSON with the number %.40s, which is too long, too large or too small", n)
			}
			i += len(n) - 1
		}
	}
	return ""
}

// number returns the JSON number at the start of b.
func number(b []byte) string {
	for i, c := range b {
		if !(c >= '0' && c <= '9') && !strings.ContainsRune("+-.eE", rune(c)) {
			return string(b[:i])
		}
	}
	return string(b)
}

// mantissa is a number without its exponent.
func mantissa(n string) string {
	if e := strings.IndexAny(n, "eE"); e >= 0 {
		return n[:e]
	}
	return n
}

// badEscape finds \u0000 and lone surrogates among the escapes of valid JSON.
func badEscape(v []byte) bool {
	for i := 0; i < len(v)-1; i++ {
		if v[i] != '\\' {
			continue
		}
		i++
		if v[i] != 'u' {
			continue
		}
		r := hex4(v[i+1:])
		i += 4
		switch {
		case r == 0, 0xDC00 <= r && r < 0xE000:
			return true
		case 0xD800 <= r && r < 0xDC00:
			if i+6 >= len(v) || v[i+1] != '\\' || v[i+2] != 'u' {
				return true
			}
			if low := hex4(v[i+3:]); low < 0xDC00 || low >= 0xE000 {
				return true
			}
			i += 6
		}
	}
	return false
}

// hex4 reads the four digits of an escape.
func hex4(b []byte) (r rune) {
	for _, c := range b[:4] {
		r <<= 4
		switch {
		case c >= 'a':
			r += rune(c-'a') + 10
		case c >= 'A':
			r += rune(c-'A') + 10
		default:
			r += rune(c - '0')
		}
	}
	return r
}
