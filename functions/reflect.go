package functions

import (
	"encoding"
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"time"

	"github.com/invopop/jsonschema"
)

var (
	timeType           = reflect.TypeFor[time.Time]()
	durationType       = reflect.TypeFor[time.Duration]()
	urlType            = reflect.TypeFor[url.URL]()
	rawType            = reflect.TypeFor[json.RawMessage]()
	numberType         = reflect.TypeFor[json.Number]()
	schemaType         = reflect.TypeFor[interface{ JSONSchema() *jsonschema.Schema }]()
	aliasType          = reflect.TypeFor[interface{ JSONSchemaAlias() any }]()
	propertyType       = reflect.TypeFor[interface{ JSONSchemaProperty(string) any }]()
	marshalerType      = reflect.TypeFor[json.Marshaler]()
	unmarshalerType    = reflect.TypeFor[json.Unmarshaler]()
	textMarshalerType  = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshalerTyp = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// reflectSchema makes the schema of a Go type, or says what is wrong with it.
// Everything is inlined: there is no $ref, so a type used twice is written
// twice, and two types of the same name in different packages do not collide.
func reflectSchema(t reflect.Type, input bool) (*jsonschema.Schema, []error) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var c typeChecker
	c.check(t, "")
	if len(c.errs) > 0 {
		return nil, c.errs
	}
	r := &jsonschema.Reflector{DoNotReference: true, Anonymous: true, Mapper: mapType}
	s := r.ReflectFromType(t)
	s.Version = "" // every provider assumes 2020-12, and some refuse the keyword
	refine(t, s, input)
	return s, nil
}

// mapType gives the types that travel as text their schema.
func mapType(t reflect.Type) *jsonschema.Schema {
	switch {
	case t == timeType || t.Implements(schemaType):
		return nil
	case t == numberType:
		return &jsonschema.Schema{Type: "number"}
	case isText(t):
		return &jsonschema.Schema{Type: "string"}
	}
	return nil
}

func isText(t reflect.Type) bool {
	return implements(t, textMarshalerType) && implements(t, textUnmarshalerTyp) &&
		!implements(t, marshalerType) && !implements(t, unmarshalerType)
}

// implements reports whether a value of t, or a pointer to one, has the methods.
func implements(t, methods reflect.Type) bool {
	return t.Implements(methods) || reflect.PointerTo(t).Implements(methods)
}

// refine corrects what reflection leaves out: a pointer that is always present
// may be null, an unsigned number is not negative, and in an input a default
// makes its property optional.
func refine(t reflect.Type, s *jsonschema.Schema, input bool) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == timeType || t.Implements(schemaType) || isText(t) {
		return
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		if s.Items != nil {
			refineValue(t.Elem(), &s.Items, input, true)
		}
	case reflect.Map:
		if s.AdditionalProperties != nil {
			refineValue(t.Elem(), &s.AdditionalProperties, input, true)
		}
	case reflect.Struct:
		refineFields(t, s, input)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if s.Type == "integer" && s.Minimum == "" && s.ExclusiveMinimum == "" {
			s.Minimum = "0"
		}
	}
}

func refineFields(t reflect.Type, s *jsonschema.Schema, input bool) {
	for i := range t.NumField() {
		field := t.Field(i)
		tag := fieldTag(field)
		if tag.skip {
			continue
		}
		if embedded := embeddedStruct(field); embedded != nil {
			refineFields(embedded, s, input)
			continue
		}
		property, ok := s.Properties.Get(tag.name)
		if !ok {
			continue
		}
		refineValue(field.Type, &property, input, tag.optional())
		s.Properties.Set(tag.name, property)
		if input && hasDefault(property) {
			s.Required = slices.DeleteFunc(s.Required, func(name string) bool { return name == tag.name })
		}
	}
}

// refineValue refines the schema of a field, an element or a map value, and
// replaces it where it may be null. A pointer that is an element or a map value
// is not meant to be nil, so it is treated like an optional one.
func refineValue(t reflect.Type, s **jsonschema.Schema, input, optional bool) {
	inner := *s
	nullable := t.Kind() == reflect.Pointer && !optional
	if len(inner.OneOf) == 2 && inner.OneOf[1].Type == "null" { // from the nullable tag
		inner, nullable = inner.OneOf[0], true
	}
	refine(t, inner, input)
	if nullable {
		inner = orNull(inner)
	}
	*s = inner
}

// orNull returns a schema that also accepts null: a type array where that says
// it all, otherwise anyOf with the description kept outside.
func orNull(s *jsonschema.Schema) *jsonschema.Schema {
	if s.Type != "" && s.Type != "object" && s.Enum == nil && s.Const == nil {
		both := *s
		both.Type = ""
		both.Extras = map[string]any{"type": []string{s.Type, "null"}}
		for key, value := range s.Extras {
			both.Extras[key] = value
		}
		return &both
	}
	inner := *s
	outer := &jsonschema.Schema{
		AnyOf:       []*jsonschema.Schema{&inner, {Type: "null"}},
		Description: s.Description,
		Default:     s.Default,
	}
	inner.Description, inner.Default = "", nil
	return outer
}

func hasDefault(s *jsonschema.Schema) bool { return s.Default != nil }
