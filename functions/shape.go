package functions

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A shape is the part of an input schema that the steps around validation need:
// which JSON kinds a place accepts, which names an object has, and defaults. It
// is read from the schema that is published, so the two cannot disagree.
type shape struct {
	kinds      kinds
	properties map[string]*shape
	names      []string // of properties, sorted
	required   map[string]bool
	items      *shape
	values     *shape   // of properties that are not named
	texts      []string // the enum of a text
	hasDefault bool
	def        any
	defaults   bool   // there is a default here or below
	below      string // where in the schema properties and items stand, such as "/anyOf/0"
}

// kinds is a set of JSON kinds.
type kinds uint8

const (
	kindNull kinds = 1 << iota
	kindBoolean
	kindInteger
	kindNumber
	kindString
	kindArray
	kindObject
	kindAny = kindNull | kindBoolean | kindInteger | kindNumber | kindString | kindArray | kindObject
)

var kindNames = map[string]kinds{
	"null": kindNull, "boolean": kindBoolean, "integer": kindInteger, "number": kindNumber,
	"string": kindString, "array": kindArray, "object": kindObject,
}

func (k kinds) has(other kinds) bool { return k&other != 0 }

// rawSchema is the subset of JSON Schema that a shape is read from.
type rawSchema struct {
	Type                 json.RawMessage            `json:"type"`
	Properties           map[string]json.RawMessage `json:"properties"`
	Required             []string                   `json:"required"`
	Items                json.RawMessage            `json:"items"`
	AdditionalProperties json.RawMessage            `json:"additionalProperties"`
	AnyOf                []json.RawMessage          `json:"anyOf"`
	Enum                 []any                      `json:"enum"`
	Default              json.RawMessage            `json:"default"`
}

// shapeOf reads the shape of a schema without references.
func shapeOf(raw json.RawMessage) (*shape, error) {
	s := &shape{kinds: kindAny}
	if text := strings.TrimSpace(string(raw)); text == "true" || text == "false" {
		return s, nil
	}
	var in rawSchema
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fmt.Errorf("the schema cannot be read: %w", err)
	}
	if len(in.Type) > 0 {
		s.kinds = readKinds(in.Type)
	}
	if in.Default != nil {
		if err := unmarshalNumber(in.Default, &s.def); err != nil {
			return nil, err
		}
		s.hasDefault, s.defaults = true, true
	}
	for _, value := range in.Enum {
		if text, ok := value.(string); ok {
			s.texts = append(s.texts, text)
		}
	}
	if err := s.readObject(in); err != nil {
		return nil, err
	}
	if len(in.Items) > 0 {
		items, err := shapeOf(in.Items)
		if err != nil {
			return nil, err
		}
		s.items, s.defaults = items, s.defaults || items.defaults
	}
	if len(in.AnyOf) > 0 {
		return s, s.readVariants(in)
	}
	return s, nil
}

func (s *shape) readObject(in rawSchema) error {
	if in.Properties != nil {
		s.properties = make(map[string]*shape, len(in.Properties))
	}
	for name, raw := range in.Properties {
		property, err := shapeOf(raw)
		if err != nil {
			return err
		}
		s.properties[name] = property
		s.names = append(s.names, name)
		s.defaults = s.defaults || property.defaults
	}
	slices.Sort(s.names)
	s.required = make(map[string]bool, len(in.Required))
	for _, name := range in.Required {
		s.required[name] = true
	}
	if len(in.AdditionalProperties) > 0 {
		values, err := shapeOf(in.AdditionalProperties)
		if err != nil {
			return err
		}
		s.values = values
	}
	return nil
}

// readVariants merges anyOf. "This or null" is as good as this; of other
// variants only the kinds are known, so nothing inside them is repaired.
func (s *shape) readVariants(in rawSchema) error {
	var all kinds
	var only *shape
	others, at := 0, 0
	for i, raw := range in.AnyOf {
		variant, err := shapeOf(raw)
		if err != nil {
			return err
		}
		all |= variant.kinds
		if variant.kinds != kindNull {
			only, others, at = variant, others+1, i
		}
	}
	if len(in.Type) == 0 {
		s.kinds = all
	}
	if others == 1 {
		s.properties, s.names, s.required, s.items, s.values = only.properties, only.names, only.required, only.items, only.values
		s.defaults = s.defaults || only.defaults
		s.below = fmt.Sprintf("/anyOf/%d%s", at, only.below)
	}
	return nil
}

func readKinds(raw json.RawMessage) kinds {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return kindNames[one]
	}
	var many []string
	var k kinds
	if json.Unmarshal(raw, &many) == nil {
		for _, name := range many {
			k |= kindNames[name]
		}
	}
	return k
}

// fill sets the defaults of properties that are absent, in this object and in
// those below it. It reports whether it changed anything.
func (s *shape) fill(v any) bool {
	if s == nil || !s.defaults {
		return false
	}
	changed := false
	switch v := v.(type) {
	case map[string]any:
		for _, name := range s.names {
			property := s.properties[name]
			if value, present := v[name]; present {
				changed = property.fill(value) || changed
			} else if property.hasDefault {
				v[name] = property.def
				changed = true
			}
		}
	case []any:
		for _, item := range v {
			changed = s.items.fill(item) || changed
		}
	}
	return changed
}

// escapePointer escapes a name for use in a JSON pointer.
func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
