package connectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
)

// A jsonReader decodes JSON objects into structs of one type. Where encoding/json
// refuses one it goes through its fields, since sources write what they mean in more
// ways than one, and a value that means nothing should not cost the record.
type jsonReader struct {
	fields []jsonField
}

type jsonField struct {
	name  string // in JSON
	index []int
}

func newJSONReader(row any) jsonReader {
	var r jsonReader
	typ := reflect.TypeOf(row).Elem()
	if typ.Kind() != reflect.Struct {
		return r
	}
	for _, f := range reflect.VisibleFields(typ) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || f.Anonymous || !f.IsExported() || len(f.Index) > 1 {
			continue
		}
		if name == "" {
			name = f.Name
		}
		r.fields = append(r.fields, jsonField{name, f.Index})
	}
	return r
}

// into decodes an object. Values that cannot be read are returned, and their fields
// left empty. With an error the record cannot be without the first of them, or there
// is none and the object as a whole is at fault.
func (r jsonReader) into(row any, raw []byte) (bad []BadValue, err error) {
	if err = json.Unmarshal(raw, row); err == nil {
		return nil, nil
	}
	values := map[string]json.RawMessage{}
	if json.Unmarshal(raw, &values) != nil || len(r.fields) == 0 {
		return nil, fmt.Errorf("%w: it cannot be decoded: %w", content.ErrInvalid, err)
	}
	err = nil
	target := reflect.ValueOf(row).Elem()
	target.SetZero()
	for _, f := range r.fields {
		value, ok := values[f.name]
		if !ok { // in any case, as encoding/json reads names
			for _, name := range slices.Sorted(maps.Keys(values)) {
				if strings.EqualFold(name, f.name) {
					value, ok = values[name], true
					break
				}
			}
		}
		field := target.FieldByIndex(f.index)
		if !ok || json.Unmarshal(value, field.Addr().Interface()) == nil || soften(field, value) {
			continue
		}
		field.SetZero()
		wrong := BadValue{Column: f.name, Value: string(value), Err: errors.New(refusal(field.Type()))}
		if field.Kind() == reflect.Pointer || err != nil {
			bad = append(bad, wrong)
			continue
		}
		bad, err = slices.Insert(bad, 0, wrong), fmt.Errorf("%w: %s: %w", content.ErrInvalid, wrong.Column, wrong.Err)
	}
	return bad, err
}

// refusal says what a value would have to be, for people.
func refusal(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "it is no time in the form of RFC 3339, and no date"
	case t.Kind() == reflect.String:
		return "it is no text"
	case t.Kind() == reflect.Bool:
		return "it is neither true nor false"
	case reflect.Zero(t).CanInt():
		return "it is no whole number that fits " + t.String()
	case reflect.Zero(t).CanFloat():
		return "it is no number that fits " + t.String()
	}
	return "it does not fit " + t.String()
}

// soften reads a value that stands in another JSON type than its field, where it can
// mean only one thing: a number or a truth value in text, a number that is an
// identifier, an integer with a point, a date without a clock, an offset without a
// colon, empty text in place of null.
func soften(field reflect.Value, value json.RawMessage) bool {
	text := string(bytes.TrimSpace(value))
	quoted := json.Unmarshal(value, &text) == nil
	text = strings.TrimSpace(text)
	if field.Kind() == reflect.Pointer {
		if quoted && text == "" {
			field.SetZero()
			return true
		}
		inner := reflect.New(field.Type().Elem())
		if !soften(inner.Elem(), value) {
			return false
		}
		field.Set(inner)
		return true
	}
	if at, ok := field.Addr().Interface().(*time.Time); ok {
		for _, layout := range []string{time.DateOnly, "2006-01-02T15:04:05.999999999Z0700"} {
			if t, err := time.Parse(layout, text); err == nil && quoted {
				*at = t
				return true
			}
		}
		return false
	}
	switch kind := field.Kind(); {
	case kind == reflect.String && !quoted && json.Unmarshal(value, new(json.Number)) == nil && text != "null":
		field.SetString(text)
		return true
	case kind == reflect.Bool && quoted && (text == "true" || text == "false"):
		field.SetBool(text == "true")
		return true
	case field.CanFloat() && quoted:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || !json.Valid([]byte(text)) || field.OverflowFloat(n) {
			return false
		}
		field.SetFloat(n)
		return true
	case field.CanInt():
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			f, ferr := strconv.ParseFloat(text, 64)
			if ferr != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 || !json.Valid([]byte(text)) {
				return false
			}
			n = int64(f)
		}
		if field.OverflowInt(n) {
			return false
		}
		field.SetInt(n)
		return true
	}
	return false
}
