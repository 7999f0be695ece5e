package dialect

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Rule is what a schema breaks.
type Rule string

// The rules.
const (
	RuleJSON         Rule = "json"          // the schema is not a JSON object
	RuleName         Rule = "name"          // of the tool
	RuleDescription  Rule = "description"   // of the tool: missing or too long
	RulePropertyName Rule = "property-name" // has characters that are not accepted
	RuleRoot         Rule = "root"          // is not an object, or has combinators
	RuleKeyword      Rule = "keyword"       // is not accepted
	RuleFormat       Rule = "format"        // is not accepted
	RuleType         Rule = "type"          // is missing, unknown, or a list
	RuleRequired     Rule = "required"      // leaves a property out, or names one that there is not
	RuleClosed       Rule = "closed"        // other properties are accepted
	RuleProperties   Rule = "properties"    // there are none, or too many
	RuleEnum         Rule = "enum"          // is empty, not text, or has too many values
	RuleItems        Rule = "items"         // of an array are missing, or too many are demanded
	RuleReference    Rule = "reference"     // leads out of the schema, nowhere, or in a circle
	RuleDepth        Rule = "depth"
	RuleText         Rule = "text"  // of names and enums is too long
	RuleTools        Rule = "tools" // too many in one request
	RuleFallback     Rule = "fallback"
)

// A Problem says which rule a tool breaks, and where.
type Problem struct {
	Path    string // of the field: "filters[].op"; "" is the tool itself
	Rule    Rule
	Message string
}

// Error is the path and the message.
func (p Problem) Error() string {
	if p.Path == "" {
		return fmt.Sprintf("%s (rule %s)", p.Message, p.Rule)
	}
	return fmt.Sprintf("%s: %s (rule %s)", p.Path, p.Message, p.Rule)
}

// A Tool is what a provider is told of a function.
type Tool struct {
	Name        string
	Description string
	Input       json.RawMessage // the schema of the arguments, an object; nil for a dialect that takes none where there are no arguments
}

// Check holds a tool against the limits of a dialect, as it stands: it rewrites
// nothing. Nil means that the provider takes it.
func Check(d Dialect, t Tool) []Problem {
	limits, ok := d.Limits()
	if !ok {
		return []Problem{{Rule: RuleName, Message: fmt.Sprintf("there is no dialect %q", d)}}
	}
	return check(d, limits, t).problems
}

func check(d Dialect, limits Limits, t Tool) *checker {
	c := &checker{limits: limits, dialect: d}
	if !limits.Name.MatchString(t.Name) {
		c.problem("", RuleName, "the name %q does not match %s", t.Name, limits.Name)
	}
	switch n := utf8.RuneCountInString(t.Description); {
	case n == 0:
		c.problem("", RuleDescription, "the description is missing")
	case n > limits.MaxDescription:
		c.problem("", RuleDescription, "the description has %d characters, more than %d", n, limits.MaxDescription)
	}
	if t.Input == nil && limits.NeedsProperties {
		return c
	}
	root, err := parse(t.Input)
	if err != nil {
		c.problem("", RuleJSON, "%v", err)
		return c
	}
	c.checkRoot(root)
	return c
}

type checker struct {
	dialect  Dialect
	limits   Limits
	problems []Problem
	root     *object
	refs     []string // that led to where the walk is

	steps                   int // schemas looked at, references followed
	properties, enums, text int
	optional, unions        int // parameters
}

func (c *checker) problem(path string, rule Rule, format string, args ...any) {
	c.problems = append(c.problems, Problem{path, rule, fmt.Sprintf(format, args...)})
}

func (c *checker) checkRoot(root *object) {
	c.root = root
	if root.text("type") != "object" {
		c.problem("", RuleRoot, "the schema must have type object")
	}
	if !c.limits.RootCombinators {
		for _, word := range []string{"anyOf", "oneOf", "allOf"} {
			if root.has(word) {
				c.problem("", RuleRoot, "%s may not stand at the root", word)
			}
		}
	}
	c.walk(root, "", 1)
	if limit := c.limits.MaxProperties; limit > 0 && c.properties > limit {
		c.problem("", RuleProperties, "there are %d properties, more than %d", c.properties, limit)
	}
	if limit := c.limits.MaxEnum; limit > 0 && c.enums > limit {
		c.problem("", RuleEnum, "there are %d values of enums, more than %d", c.enums, limit)
	}
	if limit := c.limits.MaxText; limit > 0 && c.text > limit {
		c.problem("", RuleText, "names and enums have %d characters, more than %d", c.text, limit)
	}
	if limit := c.limits.MaxOptional; limit > 0 && c.optional > limit {
		c.problem("", RuleTools, "there are %d optional parameters, more than %d", c.optional, limit)
	}
	if limit := c.limits.MaxUnions; limit > 0 && c.unions > limit {
		c.problem("", RuleTools, "there are %d parameters of several types, more than %d", c.unions, limit)
	}
}

var typeNames = []string{"null", "boolean", "integer", "number", "string", "array", "object"}

// maxSteps bounds what references, followed, can make of a small schema.
const maxSteps = 50_000

// walk checks a schema and what is below it.
func (c *checker) walk(s *object, path string, depth int) {
	if c.steps++; c.steps > maxSteps {
		if c.steps == maxSteps+1 {
			c.problem("", RuleReference, "with its references followed it has more than %d parts", maxSteps)
		}
		return
	}
	if c.limits.MaxDepth > 0 && depth > c.limits.MaxDepth {
		c.problem(path, RuleDepth, "it is nested deeper than %d", c.limits.MaxDepth)
		return
	}
	for _, word := range s.names {
		if !slices.Contains(c.limits.Keywords, word) {
			c.problem(path, RuleKeyword, "%s is not accepted", word)
		}
	}
	c.text += utf8.RuneCountInString(s.text("const"))
	c.checkType(s, path)
	c.checkEnum(s, path)
	if format := s.text("format"); format != "" && c.limits.Formats != nil && !slices.Contains(c.limits.Formats, format) {
		c.problem(path, RuleFormat, "the format %s is not accepted", format)
	}
	c.checkReference(s, path, depth)
	if hasType(s, "object") || s.has("properties") {
		c.checkObject(s, path, depth)
	}
	if hasType(s, "array") {
		c.checkArray(s, path, depth)
	}
	for _, word := range []string{"anyOf", "oneOf", "allOf"} {
		if s.has(word) && len(s.list(word)) == 0 {
			c.problem(path, RuleType, "%s is empty", word)
		}
		for _, variant := range s.list(word) {
			if inner, ok := variant.(*object); ok {
				c.walk(inner, path, depth)
			} else {
				c.problem(path, RuleType, "a variant of %s is no schema", word)
			}
		}
	}
	for _, word := range []string{"$defs", "definitions"} {
		if defs := s.object(word); defs != nil {
			for _, name := range defs.names {
				c.text += utf8.RuneCountInString(name)
				if inner := defs.object(name); inner != nil {
					c.walk(inner, join(path, word+"."+name), depth)
				}
			}
		}
	}
}

func (c *checker) checkType(s *object, path string) {
	switch t := s.values["type"].(type) {
	case string:
		if !slices.Contains(typeNames, t) {
			c.problem(path, RuleType, "the type %q does not exist", t)
		}
		if t == "null" && c.limits.Nullable {
			c.problem(path, RuleType, "null is written as nullable")
		}
	case []any:
		if !c.limits.TypeLists {
			c.problem(path, RuleType, "a list of types is not accepted")
		}
		for _, one := range t {
			if name, _ := one.(string); !slices.Contains(typeNames, name) {
				c.problem(path, RuleType, "the type %v does not exist", one)
			}
		}
	case nil:
		if c.limits.NeedsType && !s.has("anyOf") && !s.has("enum") && !s.has("const") && !s.has("$ref") {
			c.problem(path, RuleType, "it does not say its type")
		}
	default:
		c.problem(path, RuleType, "the type is neither a name nor a list")
	}
}

func (c *checker) checkEnum(s *object, path string) {
	if !s.has("enum") {
		return
	}
	values := s.list("enum")
	if len(values) == 0 {
		c.problem(path, RuleEnum, "the enum has no values")
	}
	c.enums += len(values)
	before := c.text
	defer func() {
		if long := c.limits.LongEnum; long > 0 && len(values) > long && c.text-before > c.limits.LongEnumText {
			c.problem(path, RuleText, "an enum of more than %d values may have %d characters, not %d", long, c.limits.LongEnumText, c.text-before)
		}
	}()
	for _, value := range values {
		text, isText := value.(string)
		c.text += utf8.RuneCountInString(text)
		if c.limits.StringEnums && !isText {
			c.problem(path, RuleEnum, "an enum of text alone is accepted")
			break
		}
		switch value.(type) {
		case *object, []any:
			c.problem(path, RuleEnum, "an enum of lists or objects is not accepted")
		}
	}
}

// checkReference follows a $ref inside the schema.
func (c *checker) checkReference(s *object, path string, depth int) {
	ref := s.text("$ref")
	if ref == "" {
		return
	}
	if !strings.HasPrefix(ref, "#") {
		c.problem(path, RuleReference, "%q leads out of the schema", ref)
		return
	}
	target := c.root
	for _, step := range strings.Split(strings.Trim(ref[1:], "/"), "/") {
		if step == "" || target == nil {
			continue
		}
		target = target.object(strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
	}
	switch {
	case target == nil:
		c.problem(path, RuleReference, "%q leads nowhere", ref)
	case slices.Contains(c.refs, ref) || target == c.root:
		if !c.limits.Recursion {
			c.problem(path, RuleReference, "%q leads in a circle", ref)
		}
	case !c.limits.Recursion:
		c.refs = append(c.refs, ref)
		c.walk(target, path, depth)
		c.refs = c.refs[:len(c.refs)-1]
	}
}

func (c *checker) checkObject(s *object, path string, depth int) {
	properties := s.object("properties")
	if properties == nil {
		properties = newObject()
	}
	if c.limits.NeedsProperties && path != "" && len(properties.names) == 0 {
		c.problem(path, RuleProperties, "an object without properties is not accepted")
	}
	if other, said := s.values["additionalProperties"]; c.limits.Closed && (!said || other != false) {
		c.problem(path, RuleClosed, "the object must refuse other properties")
	} else if inner, ok := other.(*object); ok {
		c.walk(inner, path+"{}", depth+1)
	}
	c.properties += len(properties.names)
	required := map[string]bool{}
	for _, name := range s.list("required") {
		text, _ := name.(string)
		required[text] = true
		if !properties.has(text) {
			c.problem(join(path, text), RuleRequired, "it is required and there is no such property")
		}
	}
	for _, name := range properties.names {
		at := join(path, name)
		c.text += utf8.RuneCountInString(name)
		if c.limits.PropertyName != nil && !c.limits.PropertyName.MatchString(name) {
			c.problem(at, RulePropertyName, "the name does not match %s", c.limits.PropertyName)
		}
		if !required[name] {
			c.optional++
			if c.limits.AllRequired {
				c.problem(at, RuleRequired, "every property must be required")
			}
		}
		inner := properties.object(name)
		if inner == nil {
			if c.limits.NeedsType {
				c.problem(at, RuleType, "it does not say its type")
			}
			continue
		}
		if inner.has("anyOf") || len(inner.list("type")) > 1 {
			c.unions++
		}
		c.walk(inner, at, depth+1)
	}
}

func (c *checker) checkArray(s *object, path string, depth int) {
	items := s.object("items")
	switch {
	case items != nil:
		c.walk(items, path+"[]", depth+1)
	case c.limits.NeedsType:
		c.problem(path, RuleItems, "the array does not say what it holds")
	}
	if n, _ := s.values["minItems"].(json.Number); c.limits.MaxMinItems > 0 && n != "" {
		if least, err := strconv.Atoi(string(n)); err != nil || least > c.limits.MaxMinItems {
			c.problem(path, RuleItems, "minItems may be at most %d", c.limits.MaxMinItems)
		}
	}
}

// hasType reports whether a schema names a type, alone or in a list.
func hasType(s *object, name string) bool {
	return s.text("type") == name || slices.ContainsFunc(s.list("type"), func(t any) bool { return t == any(name) })
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
