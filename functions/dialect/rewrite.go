package dialect

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// A rewriter brings a schema into the limits of a dialect as far as its meaning
// allows. What remains is for the checker to report.
type rewriter struct {
	dialect Dialect
	limits  Limits
	changes []Problem
}

func (r *rewriter) change(path string, rule Rule, format string, args ...any) {
	r.changes = append(r.changes, Problem{path, rule, fmt.Sprintf(format, args...)})
}

func (r *rewriter) takes(word string) bool { return slices.Contains(r.limits.Keywords, word) }

// schema rewrites a schema in place, and what is below it.
func (r *rewriter) schema(s *object, path string) {
	r.oneOf(s, path)
	r.constant(s, path)
	r.maps(s, path)
	if properties := s.object("properties"); properties != nil {
		for _, name := range properties.names {
			if inner := properties.object(name); inner != nil {
				r.schema(inner, join(path, name))
			}
		}
	}
	for _, word := range []string{"items", "additionalProperties"} {
		if inner := s.object(word); inner != nil {
			r.schema(inner, path+"[]")
		}
	}
	for _, variant := range s.list("anyOf") {
		if inner, ok := variant.(*object); ok {
			r.schema(inner, path)
		}
	}
	for _, word := range []string{"$defs", "definitions"} {
		if defs := s.object(word); defs != nil {
			for _, name := range defs.names {
				if inner := defs.object(name); inner != nil {
					r.schema(inner, join(path, word+"."+name))
				}
			}
		}
	}
	r.required(s, path)
	r.nulls(s, path)
	r.enums(s, path)
	r.words(s, path)
}

// oneOf becomes anyOf, which takes at least as much.
func (r *rewriter) oneOf(s *object, path string) {
	if !s.has("oneOf") || r.takes("oneOf") || s.has("anyOf") {
		return
	}
	s.set("anyOf", s.values["oneOf"])
	s.delete("oneOf")
	r.change(path, RuleKeyword, "oneOf was written as anyOf")
}

// constant becomes an enum of one value where there are no constants.
func (r *rewriter) constant(s *object, path string) {
	if value, there := s.values["const"]; there && !r.takes("const") {
		s.set("enum", []any{value})
		s.delete("const")
		r.change(path, RuleKeyword, "const was written as an enum of one value")
	}
}

// maps writes an object with any names as what the dialect can say: a list of
// names and values, or text that holds JSON. Both are turned back when they
// arrive.
func (r *rewriter) maps(s *object, path string) {
	properties := s.object("properties")
	if !hasType(s, "object") || properties != nil && len(properties.names) > 0 {
		if properties != nil && r.limits.Closed && !s.has("additionalProperties") {
			s.set("additionalProperties", false)
		}
		return
	}
	if !r.limits.Closed && !r.limits.NeedsProperties || path == "" {
		return
	}
	values := s.object("additionalProperties")
	null := hasType(s, "null")
	switch {
	case values != nil:
		pair := newObject("type", "object",
			"properties", newObject("name", newObject("type", "string"), "value", values.clone()),
			"required", []any{"name", "value"}, "additionalProperties", false)
		r.become(s, "array", null)
		s.set("items", pair)
		describe(s, "A list of names and their values; each name once.")
		r.change(path, RuleClosed, "a map was written as a list of names and values")
	case s.values["additionalProperties"] == false:
		return // an empty struct
	case r.limits.NeedsProperties:
		r.become(s, "string", null)
		describe(s, "A JSON object, as text.")
		r.change(path, RuleProperties, "an object with any properties was written as text that holds JSON")
	}
}

// become turns a schema of an object into one of another type.
func (r *rewriter) become(s *object, name string, null bool) {
	for _, word := range []string{"properties", "required", "additionalProperties", "minProperties", "maxProperties", "propertyNames", "patternProperties", "default"} {
		s.delete(word)
	}
	if null {
		s.set("type", []any{name, "null"})
	} else {
		s.set("type", name)
	}
}

// required makes every property required, and those that were not may be null.
func (r *rewriter) required(s *object, path string) {
	properties := s.object("properties")
	if properties == nil || !r.limits.AllRequired {
		return
	}
	all := make([]any, len(properties.names))
	for i, name := range properties.names {
		all[i] = name
		if slices.Contains(s.list("required"), any(name)) {
			continue
		}
		inner := properties.object(name)
		if inner == nil {
			continue
		}
		if !nullable(inner) {
			addNull(inner)
		}
		r.change(join(path, name), RuleRequired, "an optional property was written as one that may be null")
	}
	s.set("required", all)
}

func nullable(s *object) bool {
	return hasType(s, "null") || slices.ContainsFunc(s.list("anyOf"), func(v any) bool {
		variant, ok := v.(*object)
		return ok && nullable(variant)
	})
}

// addNull makes a schema accept null, too.
func addNull(s *object) {
	if s.has("anyOf") {
		s.set("anyOf", append(s.list("anyOf"), newObject("type", "null")))
		return
	}
	if s.has("const") { // it would have to be equal to null, too
		s.set("enum", []any{s.values["const"]})
		s.delete("const")
	}
	switch t := s.values["type"].(type) {
	case string:
		s.set("type", []any{t, "null"})
	case []any:
		s.set("type", append(slices.Clone(t), "null"))
	}
	if s.has("enum") {
		s.set("enum", append(slices.Clone(s.list("enum")), nil))
	}
}

// nulls writes null as "nullable" where there are no lists of types.
func (r *rewriter) nulls(s *object, path string) {
	if !r.limits.Nullable {
		return
	}
	null := false
	if types := s.list("type"); types != nil {
		kept := slices.DeleteFunc(slices.Clone(types), func(t any) bool { return t == any("null") })
		null = len(kept) < len(types)
		if len(kept) == 1 {
			s.set("type", kept[0])
		} else {
			var variants []any
			for _, t := range kept {
				variants = append(variants, newObject("type", t))
			}
			s.delete("type")
			s.set("anyOf", variants)
			r.change(path, RuleType, "several types were written as anyOf")
		}
	}
	if variants := s.list("anyOf"); variants != nil {
		kept := slices.DeleteFunc(slices.Clone(variants), func(v any) bool {
			variant, ok := v.(*object)
			return ok && variant.text("type") == "null"
		})
		null = null || len(kept) < len(variants)
		if len(kept) == 0 {
			return
		}
		s.set("anyOf", kept)
		if only, ok := kept[0].(*object); len(kept) == 1 && ok {
			s.delete("anyOf")
			for _, name := range only.names {
				if name != "description" || !s.has("description") {
					s.set(name, only.values[name])
				}
			}
		}
	}
	if s.has("enum") {
		s.set("enum", slices.DeleteFunc(slices.Clone(s.list("enum")), func(v any) bool { return v == nil }))
	}
	if null {
		s.set("nullable", true)
		r.change(path, RuleType, "null was written as nullable")
	}
}

// enums puts values that may not stand in an enum into words.
func (r *rewriter) enums(s *object, path string) {
	values := s.list("enum")
	if !r.limits.StringEnums || !slices.ContainsFunc(values, func(v any) bool { _, text := v.(string); return !text }) {
		return
	}
	shown := make([]string, len(values))
	for i, value := range values {
		raw, _ := marshal(value) // it was JSON
		shown[i] = string(raw)
		if s.has("type") {
			continue
		}
		switch value.(type) {
		case json.Number:
			s.set("type", "number")
		case bool:
			s.set("type", "boolean")
		}
	}
	s.delete("enum")
	describe(s, "One of "+strings.Join(shown, ", ")+".")
	r.change(path, RuleEnum, "an enum of other values than text was put into the description")
}

// words puts rules that the dialect does not take into the description. What is
// not here stays where it is, and the checker refuses it.
func (r *rewriter) words(s *object, path string) {
	if format := s.text("format"); format != "" && (!r.takes("format") || r.limits.Formats != nil && !slices.Contains(r.limits.Formats, format)) {
		s.delete("format")
		describe(s, "Format: "+format+".")
		r.change(path, RuleFormat, "the format %s was put into the description", format)
	}
	if least, ok := s.values["minItems"].(json.Number); ok && r.limits.MaxMinItems > 0 && least != "0" && least != "1" {
		s.set("minItems", json.Number("1"))
		describe(s, fmt.Sprintf("At least %s elements.", least))
		r.change(path, RuleItems, "minItems %s was put into the description", least)
	}
	for _, word := range slices.Clone(s.names) {
		form, known := inWords[word]
		if !known || r.takes(word) {
			continue
		}
		value, _ := marshal(s.values[word]) // it was JSON
		s.delete(word)
		if strings.Contains(form, "%s") {
			form = fmt.Sprintf(form, value)
		}
		switch {
		case form != "":
			describe(s, form)
			r.change(path, RuleKeyword, "%s was put into the description", word)
		case string(value) != "false":
			r.change(path, RuleKeyword, "%s was left out", word)
		}
	}
}

// inWords says rules in a description; "" is for those that need no words.
var inWords = map[string]string{
	"minLength": "At least %s characters.", "maxLength": "At most %s characters.", "pattern": "Matches the pattern %s.",
	"minimum": "At least %s.", "maximum": "At most %s.", "exclusiveMinimum": "More than %s.", "exclusiveMaximum": "Less than %s.", "multipleOf": "A multiple of %s.",
	"minItems": "At least %s elements.", "maxItems": "At most %s elements.", "uniqueItems": "Each element once.",
	"minProperties": "At least %s properties.", "maxProperties": "At most %s properties.",
	"default": "Default: %s.", "examples": "Examples: %s.", "contentEncoding": "Encoded as %s.", "contentMediaType": "Of the media type %s.",
	"readOnly": "", "writeOnly": "", "deprecated": "", "$comment": "", "$schema": "", "$id": "",
	"additionalProperties": "", // where objects cannot say it, they are closed in any case
}

// describe adds a sentence to a description.
func describe(s *object, sentence string) {
	text := s.text("description")
	if text != "" {
		if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "?") {
			text += "."
		}
		text += " "
	}
	s.set("description", text+sentence)
}
