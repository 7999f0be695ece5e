package functions

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/invopop/jsonschema"
)

var (
	timeType           = reflect.TypeFor[time.Time]()
	durationType       = reflect.TypeFor[time.Duration]()
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

// A typeChecker finds what makes a Go type impossible to describe by a schema.
// It runs before reflection, which does not end on a recursive type.
type typeChecker struct {
	stack []reflect.Type
	errs  []error
}

func (c *typeChecker) refuse(path, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if path != "" {
		err = fmt.Errorf("%s: %w", path, err)
	}
	c.errs = append(c.errs, err)
}

func (c *typeChecker) check(t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case slices.Contains(c.stack, t):
		c.refuse(path, "%v contains itself; a schema cannot nest without end, so cut the cycle with an id", t)
		return
	case implements(t, aliasType) || implements(t, propertyType):
		c.refuse(path, "%v: schema aliases are not supported; give the type a method JSONSchema() *jsonschema.Schema", t)
		return
	case t.Implements(schemaType):
		return // it says what it is
	case reflect.PointerTo(t).Implements(schemaType):
		c.refuse(path, "%v: JSONSchema must have a value receiver", t)
		return
	case t == timeType || t == numberType || isText(t):
		return
	case t == rawType:
		c.refuse(path, "json.RawMessage can hold anything; use a type that says what it holds")
		return
	case t == durationType:
		c.refuse(path, "time.Duration travels as nanoseconds, which no model guesses; use a number of seconds or text")
		return
	case implements(t, marshalerType) || implements(t, unmarshalerType):
		c.refuse(path, "%v has its own JSON form; give it a method JSONSchema() *jsonschema.Schema that describes it", t)
		return
	case implements(t, textMarshalerType) || implements(t, textUnmarshalerTyp):
		c.refuse(path, "%v is text in one direction only; give it both MarshalText and UnmarshalText", t)
		return
	}
	c.stack = append(c.stack, t)
	defer func() { c.stack = c.stack[:len(c.stack)-1] }()
	switch t.Kind() {
	case reflect.Struct:
		c.checkFields(t, path, map[string]string{})
	case reflect.Slice, reflect.Array:
		c.check(t.Elem(), path+"[]")
	case reflect.Map:
		if t.Key().Kind() != reflect.String || implements(t.Key(), textMarshalerType) {
			c.refuse(path, "%v: only maps with string keys can be described", t)
		}
		c.check(t.Elem(), path+"{}")
	case reflect.Bool, reflect.String, reflect.Float32, reflect.Float64,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
	case reflect.Interface:
		c.refuse(path, "%v can hold anything, which a schema cannot say; use a concrete type", t)
	default:
		c.refuse(path, "%v has no JSON form", t)
	}
}

// checkFields checks the fields of a struct and of those embedded in it. names
// maps a JSON name to the Go field that has it.
func (c *typeChecker) checkFields(t reflect.Type, path string, names map[string]string) {
	for i := range t.NumField() {
		field := t.Field(i)
		tag := fieldTag(field)
		at := join(path, tag.name)
		switch {
		case tag.skip:
			continue
		case field.Tag.Get("json") == "-,":
			c.refuse(at, "a field cannot be named -")
			continue
		case tag.has("inline"):
			c.refuse(at, "encoding/json does not know inline; embed the struct")
			continue
		case strings.Split(field.Tag.Get("jsonschema"), ",")[0] == "-":
			c.refuse(at, `is hidden from the schema but not from JSON; tag it json:"-"`)
			continue
		}
		if embedded := embeddedStruct(field); embedded != nil {
			if field.Type.Kind() == reflect.Pointer && !field.IsExported() {
				c.refuse(join(path, field.Name), "an embedded pointer to an unexported struct cannot be decoded")
				continue
			}
			if slices.Contains(c.stack, embedded) {
				c.refuse(join(path, field.Name), "%v contains itself; a schema cannot nest without end", embedded)
				continue
			}
			c.stack = append(c.stack, embedded)
			c.checkFields(embedded, path, names)
			c.stack = c.stack[:len(c.stack)-1]
			continue
		}
		if !field.IsExported() {
			continue
		}
		goName := t.String() + "." + field.Name
		if other, taken := names[tag.name]; taken {
			c.refuse(at, "%s and %s have the same JSON name", other, goName)
			continue
		}
		names[tag.name] = goName
		if word := unknownWord(field.Tag.Get("jsonschema")); word != "" {
			c.refuse(at, "unknown word %q in the jsonschema tag; a description with commas goes into a jsonschema_description tag", word)
		}
		c.check(field.Type, at)
	}
}

// tagWords are the words of a jsonschema tag. Reflection skips all others
// silently, and with them the end of a description that has a comma.
var tagWords = []string{"required", "nullable", "title", "description", "type", "anchor", "format", "pattern", "default",
	"example", "enum", "readOnly", "writeOnly", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "multipleOf",
	"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
	"oneof_required", "anyof_required", "oneof_ref", "anyof_ref", "oneof_type", "anyof_type"}

// unknownWord returns the first word of a jsonschema tag that means nothing, or "".
func unknownWord(tag string) string {
	if tag == "" {
		return ""
	}
	for part := range strings.SplitSeq(strings.ReplaceAll(tag, `\,`, " "), ",") {
		word, _, _ := strings.Cut(part, "=")
		if !slices.Contains(tagWords, word) {
			return part
		}
	}
	return ""
}

// A jsonTag is what a struct tag says about a field's JSON form.
type jsonTag struct {
	name    string
	options []string
	skip    bool
	named   bool
}

func fieldTag(field reflect.StructField) jsonTag {
	text := field.Tag.Get("json")
	if text == "-" {
		return jsonTag{name: field.Name, skip: true}
	}
	parts := strings.Split(text, ",")
	tag := jsonTag{name: parts[0], options: parts[1:], named: parts[0] != ""}
	if !tag.named {
		tag.name = field.Name
	}
	return tag
}

func (t jsonTag) has(option string) bool { return slices.Contains(t.options, option) }

// optional reports whether the property may be absent.
func (t jsonTag) optional() bool { return t.has("omitempty") || t.has("omitzero") }

// embeddedStruct returns the struct whose fields this one promotes in JSON, or nil.
func embeddedStruct(field reflect.StructField) reflect.Type {
	if !field.Anonymous || fieldTag(field).named {
		return nil
	}
	t := field.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == timeType || t.Implements(schemaType) || isText(t) {
		return nil
	}
	return t
}

// join extends the path of a field by a name.
func join(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
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
