package dialect_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	validation "github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions/dialect"
)

// sample uses everything that each dialect can be told of in some form.
const sample = `{"type":"object","properties":{
	"text":{"type":"string","minLength":1,"maxLength":9,"pattern":"^a","format":"uri","description":"A text"},
	"stage":{"type":"string","enum":["open","closed"],"default":"open"},
	"level":{"type":"integer","enum":[1,2,3]},
	"kind":{"const":"fixed"},
	"when":{"type":"string","format":"date-time"},
	"maybe":{"type":["string","null"]},
	"address":{"anyOf":[{"type":"object","properties":{"street":{"type":"string"}},"additionalProperties":false,"required":["street"]},{"type":"null"}],"description":"Where"},
	"either":{"oneOf":[{"type":"string"},{"type":"integer"}]},
	"list":{"type":"array","items":{"type":"number","minimum":0,"exclusiveMaximum":5},"minItems":2,"maxItems":4,"uniqueItems":true},
	"scores":{"type":"object","additionalProperties":{"type":"number"}},
	"data":{"type":"string","contentEncoding":"base64"}
},"required":["text","when","scores"],"additionalProperties":false}`

func compile(t testing.TB, d dialect.Dialect, schema string) dialect.Compiled {
	t.Helper()
	tool, err := dialect.Compile(d, dialect.Tool{Name: "tool", Description: "A tool.", Input: json.RawMessage(schema)})
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

func TestSampleIsWrittenInItsOwnDialect(t *testing.T) {
	for _, d := range dialect.All() {
		tool := compile(t, d, sample)
		limits, _ := d.Limits()
		if tool.Dialect != d || tool.Strict != limits.Strict {
			t.Errorf("%s: written as %s: %v", d, tool.Dialect, tool.Changes)
		}
		if problems := dialect.Check(d, tool.Tool); problems != nil {
			t.Errorf("%s: %v\n%s", d, problems, tool.Input)
		}
		doc, err := validation.UnmarshalJSON(bytes.NewReader(tool.Input))
		if err != nil {
			t.Fatal(err)
		}
		c := validation.NewCompiler()
		c.DefaultDraft(validation.Draft2020)
		if err := c.AddResource("mem://s", doc); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Compile("mem://s"); err != nil {
			t.Errorf("%s: %v", d, err)
		}
		again := compile(t, d, string(tool.Input))
		if d != dialect.Gemini && string(again.Input) != string(tool.Input) {
			t.Errorf("%s: compiled again it differs:\n%s\n%s", d, tool.Input, again.Input)
		}
		if d == dialect.OpenAI || d == dialect.Anthropic || d == dialect.MCP {
			if len(tool.Changes) > 0 {
				t.Errorf("%s: changed: %v", d, tool.Changes)
			}
		}
	}
}

// TestTableHasSources holds that each row says where it comes from.
func TestTableHasSources(t *testing.T) {
	for _, d := range dialect.All() {
		limits, ok := d.Limits()
		if checked, err := time.Parse("2006-01", limits.Checked); err != nil || checked.Year() < 2026 {
			t.Errorf("%s was checked %q", d, limits.Checked)
		}
		if !ok || len(limits.Sources) == 0 || limits.Name == nil || limits.MaxDescription == 0 || limits.Keywords == nil {
			t.Errorf("%s: %+v", d, limits)
		}
		for _, source := range limits.Sources {
			if !strings.HasPrefix(source, "https://") {
				t.Errorf("%s: %s is no source", d, source)
			}
		}
		if limits.Fallback != "" {
			if fallback, ok := limits.Fallback.Limits(); !ok || fallback.Strict || !limits.Strict {
				t.Errorf("%s falls back to %s", d, limits.Fallback)
			}
		}
	}
}

// at finds a schema in a decoded one by names and indexes.
func at(t *testing.T, root map[string]any, path string) map[string]any {
	t.Helper()
	var v any = root
	for _, step := range strings.Fields(path) {
		switch inner := v.(type) {
		case map[string]any:
			v = inner[step]
		case []any:
			v = inner[0]
		}
	}
	m, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("there is no %s", path)
	}
	return m
}

// A mutation breaks one rule of a tool that the checker accepts.
type mutation struct {
	name   string
	rule   dialect.Rule
	only   []dialect.Dialect // nil: all
	tool   func(*dialect.Tool)
	schema func(t *testing.T, root map[string]any)
}

func property(path, word string, value any) func(*testing.T, map[string]any) {
	return func(t *testing.T, root map[string]any) { at(t, root, path)[word] = value }
}

func mutations() []mutation {
	strict := []dialect.Dialect{dialect.OpenAIStrict, dialect.AnthropicStrict}
	typed := append(strict, dialect.Gemini)
	some := func(ds ...dialect.Dialect) []dialect.Dialect { return ds }
	return []mutation{
		{name: "a name with a space", rule: dialect.RuleName, tool: func(t *dialect.Tool) { t.Name = "a tool" }},
		{name: "a long name", rule: dialect.RuleName, tool: func(t *dialect.Tool) { t.Name = strings.Repeat("a", 65) }},
		{name: "no name", rule: dialect.RuleName, tool: func(t *dialect.Tool) { t.Name = "" }},
		{name: "a name that begins with a digit", rule: dialect.RuleName, only: some(dialect.Gemini), tool: func(t *dialect.Tool) { t.Name = "1tool" }},
		{name: "a name with a full stop", rule: dialect.RuleName, only: some(dialect.OpenAI, dialect.OpenAIStrict, dialect.Anthropic), tool: func(t *dialect.Tool) { t.Name = "a.tool" }},
		{name: "no description", rule: dialect.RuleDescription, tool: func(t *dialect.Tool) { t.Description = "" }},
		{name: "a long description", rule: dialect.RuleDescription, tool: func(t *dialect.Tool) { t.Description = strings.Repeat("ä", 1025) }},
		{name: "no JSON", rule: dialect.RuleJSON, tool: func(t *dialect.Tool) { t.Input = []byte(`{"type":`) }},
		{name: "a list", rule: dialect.RuleJSON, tool: func(t *dialect.Tool) { t.Input = []byte(`[]`) }},
		{name: "two values", rule: dialect.RuleJSON, tool: func(t *dialect.Tool) { t.Input = append(t.Input, []byte(`{}`)...) }},
		{name: "a root that is a list", rule: dialect.RuleRoot, schema: property("", "type", "array")},
		{name: "alternatives at the root", rule: dialect.RuleRoot, only: some(dialect.OpenAI, dialect.OpenAIStrict, dialect.Anthropic, dialect.AnthropicStrict, dialect.Gemini),
			schema: property("", "anyOf", []any{map[string]any{"type": "object", "properties": map[string]any{"x": map[string]any{"type": "string"}}, "required": []any{"x"}, "additionalProperties": false}})},
		{name: "an unknown type", rule: dialect.RuleType, schema: property("properties text", "type", "text")},
		{name: "a type that is a number", rule: dialect.RuleType, schema: property("properties text", "type", 7)},
		{name: "no type", rule: dialect.RuleType, only: typed, schema: func(t *testing.T, root map[string]any) { delete(at(t, root, "properties when"), "type") }},
		{name: "an unknown type in a list", rule: dialect.RuleType, only: some(dialect.OpenAI, dialect.OpenAIStrict, dialect.Anthropic, dialect.AnthropicStrict, dialect.MCP),
			schema: property("properties text", "type", []any{"string", "nil"})},
		{name: "a list of types", rule: dialect.RuleType, only: some(dialect.Gemini), schema: property("properties text", "type", []any{"string", "null"})},
		{name: "null as a type", rule: dialect.RuleType, only: some(dialect.Gemini), schema: property("properties text", "type", "null")},
		{name: "no alternatives", rule: dialect.RuleType, schema: property("properties either", "anyOf", []any{})},
		{name: "an alternative that is no schema", rule: dialect.RuleType, schema: property("properties either", "anyOf", []any{7})},
		{name: "a keyword that nobody knows", rule: dialect.RuleKeyword, schema: property("properties text", "minimalLength", 1)},
		{name: "a length", rule: dialect.RuleKeyword, only: strict, schema: property("properties text", "minLength", 1)},
		{name: "a default", rule: dialect.RuleKeyword, only: some(dialect.OpenAIStrict), schema: property("properties stage", "default", "open")},
		{name: "a minimum", rule: dialect.RuleKeyword, only: some(dialect.AnthropicStrict), schema: property("properties list items", "minimum", 0)},
		{name: "an exclusive maximum", rule: dialect.RuleKeyword, only: some(dialect.Gemini), schema: property("properties list items", "exclusiveMaximum", 0)},
		{name: "unique elements", rule: dialect.RuleKeyword, only: typed, schema: property("properties list", "uniqueItems", true)},
		{name: "not", rule: dialect.RuleKeyword, only: typed, schema: property("properties text", "not", map[string]any{"type": "null"})},
		{name: "allOf", rule: dialect.RuleKeyword, only: typed, schema: property("properties text", "allOf", []any{map[string]any{"type": "string"}})},
		{name: "oneOf", rule: dialect.RuleKeyword, only: typed, schema: property("properties text", "oneOf", []any{map[string]any{"type": "string"}})},
		{name: "if", rule: dialect.RuleKeyword, only: typed, schema: property("properties text", "if", map[string]any{"type": "string"})},
		{name: "dependencies", rule: dialect.RuleKeyword, only: typed, schema: property("", "dependentRequired", map[string]any{})},
		{name: "other properties named", rule: dialect.RuleKeyword, only: some(dialect.Gemini), schema: property("", "additionalProperties", false)},
		{name: "a format", rule: dialect.RuleFormat, only: some(dialect.OpenAIStrict, dialect.Gemini), schema: property("properties when", "format", "uri")},
		{name: "an unknown format", rule: dialect.RuleFormat, only: typed, schema: property("properties when", "format", "phone")},
		{name: "an enum without values", rule: dialect.RuleEnum, schema: property("properties stage", "enum", []any{})},
		{name: "an enum of lists", rule: dialect.RuleEnum, schema: property("properties stage", "enum", []any{[]any{"a"}})},
		{name: "an enum of numbers", rule: dialect.RuleEnum, only: some(dialect.Gemini), schema: property("properties level", "enum", []any{1})},
		{name: "too many values", rule: dialect.RuleEnum, only: some(dialect.OpenAIStrict), schema: func(t *testing.T, root map[string]any) { at(t, root, "properties stage")["enum"] = many(1001, "v") }},
		{name: "a long enum of long values", rule: dialect.RuleText, only: some(dialect.OpenAIStrict), schema: func(t *testing.T, root map[string]any) {
			at(t, root, "properties stage")["enum"] = many(251, strings.Repeat("v", 60))
		}},
		{name: "long values", rule: dialect.RuleText, only: some(dialect.OpenAIStrict), schema: func(t *testing.T, root map[string]any) {
			at(t, root, "properties stage")["enum"] = many(900, strings.Repeat("v", 150))
		}},
		{name: "a required property that is not there", rule: dialect.RuleRequired, schema: func(t *testing.T, root map[string]any) {
			root["required"] = append(root["required"].([]any), "ghost")
		}},
		{name: "a property that is optional", rule: dialect.RuleRequired, only: some(dialect.OpenAIStrict), schema: func(t *testing.T, root map[string]any) {
			root["required"] = slices.DeleteFunc(root["required"].([]any), func(v any) bool { return v == "stage" })
		}},
		{name: "other properties", rule: dialect.RuleClosed, only: strict, schema: property("", "additionalProperties", true)},
		{name: "other properties below", rule: dialect.RuleClosed, only: strict, schema: func(t *testing.T, root map[string]any) {
			delete(at(t, root, "properties address anyOf 0"), "additionalProperties")
		}},
		{name: "other properties of a kind", rule: dialect.RuleClosed, only: strict, schema: property("", "additionalProperties", map[string]any{"type": "string"})},
		{name: "an object without properties", rule: dialect.RuleProperties, only: some(dialect.Gemini), schema: property("properties data", "type", "object")},
		{name: "too many properties", rule: dialect.RuleProperties, only: some(dialect.OpenAIStrict), schema: func(t *testing.T, root map[string]any) {
			for i := range 5001 {
				name := fmt.Sprint("p", i)
				at(t, root, "properties")[name] = map[string]any{"type": "string"}
				root["required"] = append(root["required"].([]any), name)
			}
		}},
		{name: "a property name with a space", rule: dialect.RulePropertyName, only: some(dialect.Anthropic, dialect.AnthropicStrict), schema: property("properties", "a name", map[string]any{"type": "string"})},
		{name: "a property name with a dash", rule: dialect.RulePropertyName, only: some(dialect.Gemini), schema: property("properties", "a-name", map[string]any{"type": "string"})},
		{name: "a long property name", rule: dialect.RulePropertyName, only: some(dialect.Anthropic), schema: property("properties", strings.Repeat("n", 65), map[string]any{"type": "string"})},
		{name: "a list of anything", rule: dialect.RuleItems, only: typed, schema: func(t *testing.T, root map[string]any) { delete(at(t, root, "properties list"), "items") }},
		{name: "at least two elements", rule: dialect.RuleItems, only: some(dialect.AnthropicStrict), schema: property("properties list", "minItems", 2)},
		{name: "too deep", rule: dialect.RuleDepth, only: some(dialect.OpenAIStrict), schema: func(t *testing.T, root map[string]any) {
			inner := map[string]any{"type": "string"}
			for range 10 {
				inner = map[string]any{"type": "array", "items": inner}
			}
			at(t, root, "properties")["text"] = inner
		}},
		{name: "a reference to another document", rule: dialect.RuleReference, schema: property("properties text", "$ref", "https://example.com/schema")},
		{name: "a reference to nothing", rule: dialect.RuleReference, schema: property("properties text", "$ref", "#/$defs/ghost")},
		{name: "a circle through the root", rule: dialect.RuleReference, only: some(dialect.AnthropicStrict, dialect.Gemini), schema: property("properties text", "$ref", "#")},
		{name: "a circle", rule: dialect.RuleReference, only: some(dialect.AnthropicStrict), schema: func(t *testing.T, root map[string]any) {
			root["$defs"] = map[string]any{"node": map[string]any{"type": "object", "additionalProperties": false, "required": []any{"next"},
				"properties": map[string]any{"next": map[string]any{"$ref": "#/$defs/node"}}}}
			at(t, root, "properties")["text"] = map[string]any{"$ref": "#/$defs/node"}
		}},
		{name: "too many optional parameters", rule: dialect.RuleTools, only: some(dialect.AnthropicStrict), schema: func(t *testing.T, root map[string]any) {
			for i := range 25 {
				at(t, root, "properties")[fmt.Sprint("p", i)] = map[string]any{"type": "string"}
			}
		}},
		{name: "too many parameters of several types", rule: dialect.RuleTools, only: some(dialect.AnthropicStrict), schema: func(t *testing.T, root map[string]any) {
			for i := range 17 {
				name := fmt.Sprint("p", i)
				at(t, root, "properties")[name] = map[string]any{"type": []any{"string", "null"}}
				root["required"] = append(root["required"].([]any), name)
			}
		}},
	}
}

func many(n int, prefix string) []any {
	values := make([]any, n)
	for i := range values {
		values[i] = fmt.Sprint(prefix, i)
	}
	return values
}

// TestMutationsAreRefused breaks one rule of an accepted tool at a time. Each
// rule of each dialect is broken by some mutation, and refused under its name.
func TestMutationsAreRefused(t *testing.T) {
	for _, d := range dialect.All() {
		seen := map[dialect.Rule]bool{}
		for _, m := range mutations() {
			if m.only != nil && !slices.Contains(m.only, d) {
				continue
			}
			t.Run(string(d)+"/"+m.name, func(t *testing.T) {
				tool := compile(t, d, sample).Tool
				if m.tool != nil {
					m.tool(&tool)
				}
				if m.schema != nil {
					var root map[string]any
					if err := json.Unmarshal(tool.Input, &root); err != nil {
						t.Fatal(err)
					}
					m.schema(t, root)
					var err error
					if tool.Input, err = json.Marshal(root); err != nil {
						t.Fatal(err)
					}
				}
				problems := dialect.Check(d, tool)
				if !slices.ContainsFunc(problems, func(p dialect.Problem) bool { return p.Rule == m.rule }) {
					t.Errorf("rule %s: got %v", m.rule, problems)
				}
				seen[m.rule] = true
			})
		}
		if len(seen) < 9 {
			t.Errorf("%s: only %v were broken", d, seen)
		}
	}
	if problems := dialect.Check("nobody", dialect.Tool{}); len(problems) != 1 {
		t.Errorf("an unknown dialect: %v", problems)
	}
	if _, err := dialect.Compile("nobody", dialect.Tool{}); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("an unknown dialect: %v", err)
	}
}

// What a request takes altogether is kept by falling back, the last tools first.
func TestTogether(t *testing.T) {
	var tools []dialect.Tool
	for i := range 25 {
		tools = append(tools, dialect.Tool{Name: fmt.Sprint("tool_", i), Description: "d", Input: []byte(`{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`)})
	}
	compiled, err := dialect.CompileAll(dialect.AnthropicStrict, tools...)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range compiled {
		if c.Name != tools[i].Name || c.Strict != (i < 20) || c.Strict != (len(c.Changes) == 0) {
			t.Errorf("tool %d: %+v", i, c)
		}
	}
	wide := dialect.Tool{Name: "wide", Description: "d", Input: []byte(`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"},"c":{"type":"string"},"d":{"type":"string"},"e":{"type":"string"},"f":{"type":"string"},"g":{"type":"string"},"h":{"type":"string"},"i":{"type":"string"},"j":{"type":"string"}},"additionalProperties":false}`)}
	compiled, err = dialect.CompileAll(dialect.AnthropicStrict, wide, wide, wide, tools[0])
	if err != nil || !compiled[0].Strict || !compiled[1].Strict || compiled[2].Strict || !compiled[3].Strict {
		t.Errorf("optional parameters: %+v, %v", compiled, err)
	}
	_, err = dialect.CompileAll(dialect.Gemini, wide, dialect.Tool{Name: "1", Description: "d", Input: []byte(`{"type":"object"}`)}, dialect.Tool{Name: "x", Input: []byte(`7`)})
	if err == nil || !strings.Contains(err.Error(), "tool 1") || !strings.Contains(err.Error(), "tool x") {
		t.Errorf("all mistakes: %v", err)
	}
}

// FuzzCompile holds that no schema crashes the compiler, and that what it
// returns passes the checker.
func FuzzCompile(f *testing.F) {
	f.Add(sample)
	f.Add(`{"type":"object","properties":{"a":{"anyOf":[{"type":"null"}]},"b":{"type":["null"]},"c":{"enum":[null]},"d":true}}`)
	f.Add(`{"type":"object","properties":{"a":{"$ref":"#/properties/a"}}}`)
	f.Add(`{"type":["object","null"],"additionalProperties":{"type":"string"},"required":[1,null]}`)
	f.Fuzz(func(t *testing.T, schema string) {
		for _, d := range dialect.All() {
			tool, err := dialect.Compile(d, dialect.Tool{Name: "t", Description: "d", Input: []byte(schema)})
			if err != nil {
				continue
			}
			if problems := dialect.Check(tool.Dialect, tool.Tool); problems != nil {
				t.Errorf("%s: %v: %s", d, problems, tool.Input)
			}
		}
	})
}
