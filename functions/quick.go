package functions

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Most arguments are right as they come. A pass finds that out in one walk over
// their text, without making values of it: then they are decoded once, and
// neither repaired nor validated any further. It never lets through what the
// long way would refuse or change; whatever it is not sure of takes that.
type pass struct {
	kinds              kinds
	texts              map[string]bool // the enum of a text; nil for any text
	minText, maxText   int             // characters
	least, most        int64           // of an integer
	ranged             bool            // least or most say something
	items              *pass           // nil: any element is for the long way
	minItems, maxItems int
	unique             bool // each element once
	names              map[string]int
	properties         []*pass // by the index in names; nil: for the long way, when it is there
	required           uint64  // by index
	defaulted          uint64  // by index
	defaults           [][]byte
}

// quickKeywords are those that a pass knows. Any other makes it nil.
var quickKeywords = []string{"type", "properties", "required", "additionalProperties", "items", "enum", "minLength", "maxLength",
	"minimum", "maximum", "minItems", "maxItems", "uniqueItems", "default", "description", "title", "examples"}

// passOf returns the pass of a schema, or nil when it has rules that a pass does
// not know.
func passOf(raw json.RawMessage) *pass {
	var said map[string]json.RawMessage
	if json.Unmarshal(raw, &said) != nil {
		return nil
	}
	for word := range said {
		if !slices.Contains(quickKeywords, word) {
			return nil
		}
	}
	in := struct {
		Type                 json.RawMessage            `json:"type"`
		Properties           map[string]json.RawMessage `json:"properties"`
		Required             []string                   `json:"required"`
		AdditionalProperties json.RawMessage            `json:"additionalProperties"`
		Items                json.RawMessage            `json:"items"`
		Enum                 []*string                  `json:"enum"`
		MinLength            int                        `json:"minLength"`
		MaxLength            int                        `json:"maxLength"`
		Minimum              int64                      `json:"minimum"`
		Maximum              int64                      `json:"maximum"`
		MinItems             int                        `json:"minItems"`
		MaxItems             int                        `json:"maxItems"`
		UniqueItems          bool                       `json:"uniqueItems"`
	}{MaxLength: -1, MaxItems: -1, Minimum: minQuick, Maximum: maxQuick}
	if json.Unmarshal(raw, &in) != nil || in.Type == nil {
		return nil
	}
	p := &pass{kinds: readKinds(in.Type), minText: in.MinLength, maxText: in.MaxLength, least: in.Minimum, most: in.Maximum,
		minItems: in.MinItems, maxItems: in.MaxItems, unique: in.UniqueItems}
	p.ranged = said["minimum"] != nil || said["maximum"] != nil
	if said["enum"] != nil {
		p.kinds &= kindString // null among the values is for the long way
		p.texts = make(map[string]bool, len(in.Enum))
		for _, text := range in.Enum {
			if text != nil {
				p.texts[*text] = true
			}
		}
	}
	if in.Items != nil {
		p.items = passOf(in.Items)
	}
	if p.kinds.has(kindObject) && !p.object(in.Properties, in.Required, in.AdditionalProperties) {
		p.kinds &^= kindObject
	}
	return p
}

// The integers that a pass reads have at most 15 digits.
const maxQuick, minQuick = 999_999_999_999_999, -999_999_999_999_999

// object fills in the properties, and reports whether a pass can know them: they
// are few, and there are no others.
func (p *pass) object(properties map[string]json.RawMessage, required []string, others json.RawMessage) bool {
	if string(others) != "false" || len(properties) > 64 {
		return false
	}
	p.names = make(map[string]int, len(properties))
	for name, raw := range properties {
		i := len(p.properties)
		p.names[name] = i
		property := passOf(raw)
		p.properties, p.defaults = append(p.properties, property), append(p.defaults, nil)
		var said struct {
			Default json.RawMessage `json:"default"`
		}
		if json.Unmarshal(raw, &said) != nil {
			return false
		}
		if said.Default != nil {
			var value bytes.Buffer
			if json.Compact(&value, said.Default) != nil {
				return false
			}
			p.defaulted |= 1 << i
			p.defaults[i] = append(append(appendString(nil, name), ':'), value.Bytes()...)
		}
		if property != nil && property.fills() {
			p.properties[i] = nil // defaults inside are set on the long way
		}
	}
	for _, name := range required {
		i, known := p.names[name]
		if !known {
			return false
		}
		p.required |= 1 << i
	}
	return true
}

// fills reports whether there are defaults below.
func (p *pass) fills() bool {
	return p.defaulted != 0 || p.items != nil && p.items.fills()
}

// arguments returns arguments as they are to be decoded, with their defaults, and
// whether they could be let through. They may share memory with raw.
func (p *pass) arguments(raw []byte) ([]byte, bool) {
	if p == nil {
		return nil, false
	}
	if len(raw) == 0 {
		raw = []byte("{}")
	}
	t := &text{data: raw}
	t.space()
	begin := t.at
	seen, ok := p.walkObject(t)
	end := t.at
	t.space()
	if !ok || t.at != len(raw) {
		return nil, false
	}
	missing := p.defaulted &^ seen
	if missing == 0 {
		return raw[begin:end], true
	}
	out := append(make([]byte, 0, end-begin+64), raw[begin:end-1]...)
	for i, value := range p.defaults {
		if missing&(1<<i) == 0 {
			continue
		}
		if seen != 0 {
			out = append(out, ',')
		}
		out, seen = append(out, value...), seen|1<<i
	}
	return append(out, '}'), true
}

// walk goes over one value, and reports whether it can be let through.
func (p *pass) walk(t *text) bool {
	if p == nil || t.at >= len(t.data) {
		return false
	}
	switch c := t.data[t.at]; {
	case c == '"':
		inner, characters, plain, ok := t.quoted()
		switch {
		case !ok || !p.kinds.has(kindString):
			return false
		case p.texts != nil:
			return plain && p.texts[string(inner)]
		}
		return characters >= p.minText && (p.maxText < 0 || characters <= p.maxText)
	case c == '{':
		if !p.kinds.has(kindObject) {
			return false
		}
		_, ok := p.walkObject(t)
		return ok
	case c == '[':
		return p.kinds.has(kindArray) && p.walkArray(t)
	case c == '-' || c >= '0' && c <= '9':
		return p.walkNumber(t)
	}
	return p.kinds.has(kindBoolean) && (t.word("true") || t.word("false")) || p.kinds.has(kindNull) && t.word("null")
}

// walkObject goes over an object whose names are all known and come once, and
// returns those that were there.
func (p *pass) walkObject(t *text) (seen uint64, ok bool) {
	if !p.kinds.has(kindObject) || !t.sign('{') {
		return 0, false
	}
	t.space()
	for first := true; !t.sign('}'); first = false {
		if !first && !t.sign(',') {
			return 0, false
		}
		t.space()
		name, _, plain, ok := t.quoted()
		if !ok || !plain {
			return 0, false
		}
		i, known := p.names[string(name)]
		if !known || seen&(1<<i) != 0 {
			return 0, false
		}
		seen |= 1 << i
		t.space()
		if !t.sign(':') {
			return 0, false
		}
		t.space()
		if !p.properties[i].walk(t) {
			return 0, false
		}
		t.space()
	}
	return seen, p.required&^seen == 0
}

// maxUnique bounds the elements that are compared with each other here.
const maxUnique = 16

func (p *pass) walkArray(t *text) bool {
	t.at++ // of the bracket
	t.space()
	n := 0
	var elements [maxUnique][]byte
	for ; !t.sign(']'); n++ {
		if n > 0 && !t.sign(',') {
			return false
		}
		t.space()
		begin := t.at
		if !p.items.walk(t) {
			return false
		}
		if p.unique {
			element := t.data[begin:t.at]
			if n >= maxUnique || element[0] != '"' || bytes.IndexByte(element, '\\') >= 0 ||
				slices.ContainsFunc(elements[:n], func(other []byte) bool { return bytes.Equal(other, element) }) {
				return false
			}
			elements[n] = element
		}
		t.space()
	}
	return n >= p.minItems && (p.maxItems < 0 || n <= p.maxItems)
}

// walkNumber goes over a number that means the same however it is read: up to 15
// digits without an exponent.
func (p *pass) walkNumber(t *text) bool {
	begin := t.at
	t.sign('-')
	whole := t.digits()
	if whole == 0 || whole > 1 && t.data[t.at-whole] == '0' {
		return false
	}
	fraction := 0
	if t.sign('.') {
		if fraction = t.digits(); fraction == 0 {
			return false
		}
	}
	number := t.data[begin:t.at]
	if whole+fraction > 15 || t.at < len(t.data) && (t.data[t.at] == 'e' || t.data[t.at] == 'E') ||
		!bytes.ContainsAny(number, "123456789") && len(number) > 1 { // -0, 0.0
		return false
	}
	if fraction > 0 {
		return p.kinds&(kindNumber|kindInteger) == kindNumber && !p.ranged
	}
	if !p.kinds.has(kindNumber | kindInteger) {
		return false
	}
	if !p.ranged {
		return true
	}
	n, err := strconv.ParseInt(string(number), 10, 64)
	return err == nil && n >= p.least && n <= p.most
}

// A text is JSON that is being walked over.
type text struct {
	data []byte
	at   int
}

func (t *text) space() {
	for t.at < len(t.data) && (t.data[t.at] == ' ' || t.data[t.at] == '\n' || t.data[t.at] == '\t' || t.data[t.at] == '\r') {
		t.at++
	}
}

// sign goes over one character, if it is there.
func (t *text) sign(c byte) bool {
	if t.at >= len(t.data) || t.data[t.at] != c {
		return false
	}
	t.at++
	return true
}

// word goes over a word, if it is there.
func (t *text) word(word string) bool {
	if !bytes.HasPrefix(t.data[t.at:], []byte(word)) {
		return false
	}
	t.at += len(word)
	return true
}

func (t *text) digits() (n int) {
	for ; t.at < len(t.data) && t.data[t.at] >= '0' && t.data[t.at] <= '9'; t.at++ {
		n++
	}
	return n
}

// quoted goes over a string and returns what is between the quotation marks, its
// number of characters, and whether it is written without escapes. Characters
// written as \u, and bytes that are no UTF-8, are for the long way.
func (t *text) quoted() (inner []byte, characters int, plain, ok bool) {
	if !t.sign('"') {
		return nil, 0, false, false
	}
	begin, ascii := t.at, true
	plain = true
	for t.at < len(t.data) {
		switch c := t.data[t.at]; {
		case c == '"':
			inner = t.data[begin:t.at]
			t.at++
			if !ascii {
				if !utf8.Valid(inner) {
					return nil, 0, false, false
				}
				escapes := len(inner) - characters // each is two bytes and one character
				characters = utf8.RuneCount(inner) - escapes
			}
			return inner, characters, plain, true
		case c == '\\':
			if t.at+1 >= len(t.data) || bytes.IndexByte([]byte(`"\/bfnrt`), t.data[t.at+1]) < 0 {
				return nil, 0, false, false
			}
			plain = false
			t.at += 2
		case c < ' ':
			return nil, 0, false, false
		default:
			ascii = ascii && c < utf8.RuneSelf
			t.at++
		}
		characters++
	}
	return nil, 0, false, false
}
