package functions

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
)

// selfEvident reports whether every value of t satisfies its schema by
// construction, so that checking what a handler returns could find nothing.
// It is false as soon as a rule of a tag (an enum, a range, a pattern) or a
// schema written by hand says more than the Go type does.
func selfEvident(t reflect.Type, s *jsonschema.Schema) bool {
	raw, err := json.Marshal(s)
	if err != nil {
		return false
	}
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return false
	}
	return noRules(v) && plainType(t)
}

var plainKeywords = []string{"type", "properties", "required", "additionalProperties", "items", "anyOf",
	"description", "title", "default", "examples", "contentEncoding"}

// noRules reports whether a schema only describes structure.
func noRules(v any) bool {
	s, ok := v.(map[string]any)
	if !ok {
		return true
	}
	for keyword, value := range s {
		switch keyword {
		case "properties":
			properties, _ := value.(map[string]any)
			for _, property := range properties {
				if !noRules(property) {
					return false
				}
			}
		case "items", "additionalProperties":
			if !noRules(value) {
				return false
			}
		case "anyOf":
			variants, _ := value.([]any)
			for _, variant := range variants {
				if !noRules(variant) {
					return false
				}
			}
		case "format":
			if value != "date-time" {
				return false
			}
		case "minimum":
			if value != float64(0) { // of an unsigned number
				return false
			}
		default:
			if !slices.Contains(plainKeywords, keyword) {
				return false
			}
		}
	}
	return true
}

// plainType reports whether the JSON form of a type is the one its Go kind has.
func plainType(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == timeType || isText(t):
		return true
	case t.Implements(schemaType):
		// An open map is encoded as an object whatever it holds.
		return t.Kind() == reflect.Map && !implements(t, marshalerType) && !implements(t, textMarshalerType)
	case t == numberType:
		return true
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return t.Elem().Kind() != reflect.Pointer && plainType(t.Elem()) // a nil element would be null
	case reflect.Struct:
		for i := range t.NumField() {
			field := t.Field(i)
			tag := fieldTag(field)
			if tag.skip || !field.IsExported() && embeddedStruct(field) == nil {
				continue
			}
			tags := field.Tag.Get("jsonschema") + field.Tag.Get("jsonschema_extras")
			if strings.Contains(tags, "required") || strings.Contains(tags, "format") || strings.Contains(tags, "minimum") {
				return false
			}
			if !plainType(field.Type) {
				return false
			}
		}
	}
	return true
}
