package content

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"
)

// A Field is one column of a Type. Fields are made by [Define] and
// [DefineDynamic] and do not change afterwards.
type Field struct {
	Name        string // column name: lower case, digits, underscore
	Label       string // for people: "Billing city"
	Description string // for people and models; may be empty
	Kind        Kind
	Nullable    bool
	Roles       Role
	LinkType    string // the Type whose id a Parent or Link field holds
	LinkFrom    string // the field with that record's external key, from which an import resolves the id; "" when no import sets it

	get func(Row) any
	set func(Row, any)
}

// Has reports whether the field has any of the roles.
func (f *Field) Has(r Role) bool { return f.Roles&r != 0 }

// Readable reports whether the field may be shown and selected.
func (f *Field) Readable() bool { return !f.Has(Hidden) }

// Filterable reports whether lists and queries may filter by the field.
func (f *Field) Filterable() bool {
	return f.Readable() && f.Kind != JSON && f.Has(Key|Title|Facet|Filterable|Sortable|Category|Parent|Link|Group)
}

// Sortable reports whether lists and queries may be ordered by the field.
func (f *Field) Sortable() bool {
	return f.Readable() && f.Kind != JSON && f.Has(Key|Title|Sortable|Facet|Category)
}

// Aggregatable reports whether sums and averages of the field make sense.
func (f *Field) Aggregatable() bool { return f.Readable() && f.Kind.Numeric() }

// Indexed reports whether the column gets an index led by the organization.
func (f *Field) Indexed() bool {
	return f.Kind != JSON && f.Has(Facet|Filterable|Category|Parent|Link|Group)
}

// Imported reports whether an import writes the field: it is neither kept nor a
// link that is resolved from another field afterwards.
func (f *Field) Imported() bool { return !f.Has(Kept) && f.LinkFrom == "" }

// Value returns the field's value in a row: nil, or the Go type of its kind.
func (f *Field) Value(r Row) any { return f.get(r) }

// Set stores a value, nil or of the Go type of the kind, in a row. Nil in a
// field that cannot be null stores the zero value.
func (f *Field) Set(r Row, v any) { f.set(r, v) }

// Parse reads text as a value of the field's kind, as filters and spreadsheets
// write it. The empty text is an error except for strings.
func (f *Field) Parse(s string) (any, error) {
	v, err := f.Kind.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%w value for %s: %v", ErrInvalid, f.Name, err)
	}
	return v, nil
}

// Parse reads text as a value of the kind: decimal numbers, "true" and "false",
// times as RFC 3339 or "2006-01-02 15:04:05" (UTC) or a date, dates as
// "2006-01-02", JSON as it is.
func (k Kind) Parse(s string) (any, error) {
	switch k {
	case String:
		return s, nil
	case Int:
		v, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a whole number", s)
		}
		return v, nil
	case Float:
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || v != v || v > maxFinite || v < -maxFinite {
			return nil, fmt.Errorf("%q is not a number", s)
		}
		return v, nil
	case Bool:
		switch s {
		case "true", "1":
			return true, nil
		case "false", "0":
			return false, nil
		}
		return nil, fmt.Errorf("%q is not true or false", s)
	case Time, Date:
		layouts := []string{time.RFC3339Nano, time.DateOnly, time.DateTime}
		if len(s) == len(time.DateOnly) {
			layouts = layouts[1:2] // the others are longer
		}
		for _, layout := range layouts {
			if t, err := time.Parse(layout, s); err == nil {
				if t = k.normal(t); !Storable(t) {
					return nil, fmt.Errorf("%q is not between the years 1 and 9999", s)
				}
				return t, nil
			}
		}
		return nil, fmt.Errorf("%q is not a date such as 2026-01-31 or a time such as 2026-01-31T15:04:05Z", s)
	case JSON:
		if !json.Valid([]byte(s)) {
			return nil, fmt.Errorf("%.40q is not JSON", s)
		}
		return json.RawMessage(s), nil
	}
	return nil, fmt.Errorf("invalid kind %d", k)
}

const maxFinite = 1.7976931348623157e308

// normal brings a time to what both databases hold. The day of a date is the
// one that the time shows in its own zone.
func (k Kind) normal(t time.Time) time.Time {
	if k == Date {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return t.UTC().Truncate(time.Microsecond)
}

// Storable reports whether a time, in UTC, lies between the years 1 and 9999:
// what both databases hold, and as text in the order of time.
func Storable(t time.Time) bool {
	year := t.UTC().Year()
	return 1 <= year && year <= 9999
}

var (
	timeType = reflect.TypeFor[time.Time]()
	rawType  = reflect.TypeFor[json.RawMessage]()
	textType = reflect.TypeFor[encoding.TextMarshaler]()
)

// kindOf tells how a Go type is held, and whether it can be null. Structs, maps
// and slices are held as JSON. ok is false for what no database can hold.
func kindOf(t reflect.Type) (k Kind, nullable, ok bool) {
	if t.Kind() == reflect.Pointer {
		t, nullable = t.Elem(), true
		if t.Kind() == reflect.Pointer {
			return 0, false, false
		}
	}
	switch {
	case t == timeType:
		return Time, true, true // the zero time is no value
	case t == rawType:
		return JSON, true, true
	}
	switch t.Kind() {
	case reflect.String:
		return String, nullable, true
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return Int, nullable, true
	case reflect.Float32, reflect.Float64:
		return Float, nullable, true
	case reflect.Bool:
		return Bool, nullable, true
	case reflect.Struct:
		return JSON, nullable, encodable(t, nil)
	case reflect.Map, reflect.Slice:
		return JSON, true, encodable(t, nil)
	}
	return 0, false, false
}

// encodable reports whether encoding/json can hold a type.
func encodable(t reflect.Type, seen []reflect.Type) bool {
	for _, s := range seen {
		if s == t {
			return true
		}
	}
	seen = append(seen, t)
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer, reflect.Uintptr:
		return false
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return encodable(t.Elem(), seen)
	case reflect.Map:
		switch k := t.Key().Kind(); {
		case k == reflect.String, reflect.Int <= k && k <= reflect.Uintptr, t.Key().Implements(textType):
			return encodable(t.Elem(), seen)
		}
		return false
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() && f.Tag.Get("json") != "-" && !encodable(f.Type, seen) {
				return false
			}
		}
	}
	return true
}

// access makes the functions that read and write a struct field. The field is
// found by index from the struct that the Row points to.
func access(index []int, t reflect.Type, k Kind) (get func(Row) any, set func(Row, any)) {
	elem, pointer := t, t.Kind() == reflect.Pointer
	if pointer {
		elem = t.Elem()
	}
	read, write := convert(elem, k)
	get = func(r Row) any {
		v := reflect.ValueOf(r).Elem().FieldByIndex(index)
		if pointer {
			if v.IsNil() {
				return nil
			}
			v = v.Elem()
		}
		return read(v)
	}
	set = func(r Row, x any) {
		v := reflect.ValueOf(r).Elem().FieldByIndex(index)
		if x == nil {
			v.SetZero()
			return
		}
		if pointer {
			p := reflect.New(elem)
			write(p.Elem(), x)
			v.Set(p)
			return
		}
		write(v, x)
	}
	return get, set
}

// convert makes the functions between a Go value and the Go type of its kind.
func convert(t reflect.Type, k Kind) (read func(reflect.Value) any, write func(reflect.Value, any)) {
	switch k {
	case String:
		return func(v reflect.Value) any { return v.String() }, func(v reflect.Value, x any) { v.SetString(x.(string)) }
	case Int:
		if t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64 {
			return func(v reflect.Value) any { return int64(v.Uint()) }, func(v reflect.Value, x any) { v.SetUint(uint64(x.(int64))) }
		}
		return func(v reflect.Value) any { return v.Int() }, func(v reflect.Value, x any) { v.SetInt(x.(int64)) }
	case Float:
		return func(v reflect.Value) any { return v.Float() }, func(v reflect.Value, x any) { v.SetFloat(x.(float64)) }
	case Bool:
		return func(v reflect.Value) any { return v.Bool() }, func(v reflect.Value, x any) { v.SetBool(x.(bool)) }
	case Time, Date:
		return func(v reflect.Value) any {
			at := *v.Addr().Interface().(*time.Time)
			if at.IsZero() {
				return nil
			}
			return k.normal(at)
		}, func(v reflect.Value, x any) { *v.Addr().Interface().(*time.Time) = x.(time.Time) }
	}
	if t == rawType {
		return func(v reflect.Value) any {
			if v.Len() == 0 {
				return nil
			}
			return json.RawMessage(v.Bytes())
		}, func(v reflect.Value, x any) { v.SetBytes(x.(json.RawMessage)) }
	}
	return func(v reflect.Value) any {
			if (v.Kind() == reflect.Map || v.Kind() == reflect.Slice) && v.IsNil() {
				return nil
			}
			b, err := json.Marshal(v.Interface())
			if err != nil {
				return nil // kindOf admits only types that encode; a NaN inside is no value
			}
			return json.RawMessage(b)
		}, func(v reflect.Value, x any) {
			v.SetZero()
			_ = json.Unmarshal(x.(json.RawMessage), v.Addr().Interface()) // written by read; what an older declaration left is dropped
		}
}
