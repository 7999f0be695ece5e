package functions

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

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
	case t == urlType:
		c.refuse(path, "url.URL travels as its parts, which no model guesses; use a string, tagged jsonschema:\"format=uri\"")
		return
	case t == durationType:
		c.refuse(path, "time.Duration travels as nanoseconds, which no model guesses; use functions.Duration")
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
		case strings.ContainsFunc(tag.name, ignoredInNames):
			c.refuse(at, "encoding/json takes no such name, and uses %s instead", field.Name)
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

// ignoredInNames reports a character for which encoding/json leaves the whole name of
// a tag aside without a word.
func ignoredInNames(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r)
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
