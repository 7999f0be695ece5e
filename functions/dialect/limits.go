package dialect

import (
	"regexp"
	"slices"
)

// A Dialect names the form of schema that a provider takes.
type Dialect string

// The dialects. The strict ones make the provider hold its model to the schema
// while it writes.
const (
	OpenAI          Dialect = "openai"
	OpenAIStrict    Dialect = "openai-strict"
	Anthropic       Dialect = "anthropic"
	AnthropicStrict Dialect = "anthropic-strict"
	Gemini          Dialect = "gemini"
	MCP             Dialect = "mcp"
)

// All returns every dialect, in a fixed order.
func All() []Dialect {
	return []Dialect{OpenAI, OpenAIStrict, Anthropic, AnthropicStrict, Gemini, MCP}
}

// Limits are what a dialect takes: one row of the table. A zero number means no
// limit, a nil list means anything.
type Limits struct {
	Sources  []string // where the provider says so
	Checked  string   // the month in which somebody last looked there: "2026-11"
	Strict   bool     // the provider enforces the schema
	Fallback Dialect  // for what cannot be written in this one; "" when there is none

	Name           *regexp.Regexp // of a tool
	PropertyName   *regexp.Regexp
	MaxDescription int // characters of a tool's description

	Keywords        []string // that may stand in a schema
	Formats         []string // of text
	RootCombinators bool     // anyOf, oneOf and allOf may stand at the root
	TypeLists       bool     // "type" may be a list
	Nullable        bool     // null is written as "nullable": true
	NeedsType       bool     // every schema says its type, or has anyOf, enum or const
	AllRequired     bool     // every property is required
	Closed          bool     // every object has "additionalProperties": false
	NeedsProperties bool     // an object below the root has at least one property
	StringEnums     bool     // only text may be an enum
	Recursion       bool     // a schema may refer to one that it stands in
	MaxMinItems     int      // the highest minItems; 0 for any

	MaxDepth      int // objects and arrays inside each other, the root counted
	MaxProperties int // of all objects of a tool together
	MaxEnum       int // values of all enums of a tool together
	LongEnum      int // values from above which an enum is long
	LongEnumText  int // characters of all values of a long enum together
	MaxText       int // characters of all names of properties and definitions, enums and constants of a tool together

	// Of all tools of a request together.
	MaxTools    int // that are strict
	MaxOptional int // parameters of strict tools
	MaxUnions   int // parameters of strict tools with several types
}

// annotations describe and never restrict.
var annotations = []string{"title", "description"}

// vocabulary is what schemas made from Go types consist of.
var vocabulary = []string{"type", "properties", "required", "additionalProperties", "items", "prefixItems", "anyOf", "oneOf", "allOf", "not", "if", "then", "else",
	"enum", "const", "default", "examples", "format", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
	"minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains", "minProperties", "maxProperties", "propertyNames", "patternProperties",
	"dependentRequired", "dependentSchemas", "unevaluatedItems", "unevaluatedProperties", "contentEncoding", "contentMediaType", "contentSchema",
	"readOnly", "writeOnly", "deprecated", "$ref", "$defs", "$id", "$schema", "$anchor", "$comment", "definitions"}

func with(list []string, more ...string) []string { return append(slices.Clone(list), more...) }

// The table. Providers change their limits: a row is corrected here, and the
// golden files show what that changes.
var table = map[Dialect]Limits{
	OpenAI: {
		Sources:        []string{"https://platform.openai.com/docs/guides/function-calling", "https://platform.openai.com/docs/api-reference/chat/create#chat-create-tools"},
		Checked:        "2026-11",
		Name:           regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`),
		MaxDescription: 1024,
		Keywords:       with(vocabulary, annotations...),
		TypeLists:      true,
		Recursion:      true,
	},
	OpenAIStrict: {
		Sources:        []string{"https://platform.openai.com/docs/guides/structured-outputs#supported-schemas"},
		Checked:        "2026-11",
		Strict:         true,
		Fallback:       OpenAI,
		Name:           regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`),
		MaxDescription: 1024,
		Keywords: with(annotations, "type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const", "format", "pattern",
			"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "$ref", "$defs"),
		Formats:       []string{"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"},
		TypeLists:     true,
		NeedsType:     true,
		AllRequired:   true,
		Closed:        true,
		Recursion:     true,
		MaxDepth:      10,
		MaxProperties: 5000,
		MaxEnum:       1000,
		LongEnum:      250,
		LongEnumText:  15_000,
		MaxText:       120_000,
	},
	Anthropic: {
		Sources:        []string{"https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools", "https://platform.claude.com/docs/en/api/messages"},
		Checked:        "2026-11",
		Name:           regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`), // the desktop client refuses the whole list for a longer one
		PropertyName:   regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`),
		MaxDescription: 1024,
		Keywords:       with(vocabulary, annotations...),
		TypeLists:      true,
		Recursion:      true,
	},
	AnthropicStrict: {
		Sources:        []string{"https://platform.claude.com/docs/en/build-with-claude/structured-outputs"},
		Checked:        "2026-11",
		Strict:         true,
		Fallback:       Anthropic,
		Name:           regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`),
		PropertyName:   regexp.MustCompile(`^[a-zA-Z0-9_.-]{1,64}$`),
		MaxDescription: 1024,
		Keywords: with(annotations, "type", "properties", "required", "additionalProperties", "items", "anyOf", "enum", "const", "default", "format", "pattern",
			"minItems", "$ref", "$defs", "definitions"),
		Formats:     []string{"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"},
		TypeLists:   true,
		NeedsType:   true,
		Closed:      true,
		MaxMinItems: 1,
		// "Schema complexity limits" on that page: 20 strict tools in a request, 24
		// parameters that are not required, 16 with anyOf or a list of types. What the
		// schemas come to when they are compiled is bounded as well, by a measure that
		// nobody publishes.
		MaxTools:    20,
		MaxOptional: 24,
		MaxUnions:   16,
	},
	Gemini: {
		Sources: []string{"https://ai.google.dev/api/caching#Schema", "https://ai.google.dev/gemini-api/docs/function-calling",
			"https://docs.cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/FunctionDeclaration"},
		Checked:        "2026-11",
		Name:           regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$`), // some versions take 128
		PropertyName:   regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]{0,63}$`),
		MaxDescription: 1024,
		Keywords: with(annotations, "type", "properties", "required", "items", "anyOf", "enum", "format", "pattern", "nullable", "default",
			"minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength"),
		Formats:         []string{"date-time", "enum"},
		Nullable:        true,
		NeedsType:       true,
		NeedsProperties: true,
		StringEnums:     true,
	},
	MCP: {
		Sources:         []string{"https://modelcontextprotocol.io/specification/2026-07-28/server/tools", "https://modelcontextprotocol.io/specification/2025-11-25/basic#json-schema-usage"},
		Checked:         "2026-11",
		Name:            regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`), // 128 in the specification; see Anthropic
		MaxDescription:  1024,
		Keywords:        with(vocabulary, annotations...),
		RootCombinators: true,
		TypeLists:       true,
		Recursion:       true,
	},
}

// Limits returns what a dialect takes, and false for one that does not exist.
// The lists must not be changed.
func (d Dialect) Limits() (Limits, bool) {
	l, ok := table[d]
	return l, ok
}
