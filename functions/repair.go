package functions

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// parseArguments decodes what a caller sent. Nothing at all, blanks and null
// count as an empty object. Text that ends too early is an error of its own:
// taking it for {} would run the function with defaults nobody asked for.
func parseArguments(raw []byte) (any, *Error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" || string(raw) == `""` {
		return map[string]any{}, nil
	}
	var v any
	err := unmarshalNumber(raw, &v)
	if err == nil {
		return v, nil
	}
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, &Error{Code: CodeMalformed, Cause: err,
			Message: fmt.Sprintf("The arguments are truncated: the JSON ends after %d bytes, before it is complete.", len(raw)),
			Hint:    "Send the whole JSON object again."}
	case errors.As(err, &syntax):
		return nil, &Error{Code: CodeMalformed, Cause: err,
			Message: fmt.Sprintf("The arguments are not valid JSON: %s at byte %d.", syntax.Error(), syntax.Offset),
			Hint:    "Send one JSON object."}
	}
	return nil, &Error{Code: CodeMalformed, Cause: err,
		Message: "The arguments are not valid JSON: " + err.Error() + ".", Hint: "Send one JSON object."}
}

// maxNumber bounds the text of a number. Longer ones, and exponents beyond
// those of a float64, are refused before anything computes with them: 1e999999999
// is twelve bytes and would fill the memory as an exact number.
const maxNumber = 64

// repair changes what a model got wrong in form but not in meaning, and only
// towards what the schema asks for at that place:
//
//   - text that holds an array or object, where one is asked for and text is not;
//   - text that holds a number or boolean, likewise, and the other way round;
//   - an integer written as 5.0 or 1e2;
//   - a value of an enum in other case, when it can be only one;
//   - a list of {"name", "value"} where an object with any names is asked for;
//   - one value where a list of such values is asked for: a list of it;
//   - null for a parameter that is optional and cannot be null: it is left out.
//
// It returns the value, and the numbers it refuses as problems.
func (s *shape) repair(v any, at *place, bad *[]Problem) any {
	if s == nil {
		s = anyShape
	}
	if s.wantsList(v) {
		return []any{s.items.repair(v, &place{up: at}, bad)}
	}
	switch value := v.(type) {
	case string:
		return s.repairText(value, at, bad)
	case json.Number:
		return s.repairNumber(value, at, bad)
	case bool:
		if s.onlyText() {
			return strconv.FormatBool(value)
		}
	case []any:
		if object, ok := s.fromPairs(value); ok {
			return s.repair(object, at, bad)
		}
		for i, item := range value {
			value[i] = s.items.repair(item, &place{up: at, index: i}, bad)
		}
	case map[string]any:
		for name, item := range value {
			property, known := s.properties[name]
			if !known {
				property = s.values
			}
			if item == nil && known && !property.kinds.has(kindNull) && !s.required[name] {
				delete(value, name)
				continue
			}
			value[name] = property.repair(item, &place{up: at, name: name, named: true}, bad)
		}
	}
	return v
}

// wantsList reports whether a lone value stands where only a list of such values
// may. Text that begins like a list is one that went wrong, and no element.
func (s *shape) wantsList(v any) bool {
	if s.kinds&^kindNull != kindArray || s.items == nil {
		return false
	}
	switch v := v.(type) {
	case string:
		text := strings.TrimSpace(v)
		switch {
		case text == "" || text[0] == '[':
			return false
		case text[0] == '{':
			return s.items.kinds.has(kindObject | kindString)
		case text[0] == '-' || text[0] >= '0' && text[0] <= '9':
			return s.items.kinds.has(kindString | kindInteger | kindNumber)
		case strings.EqualFold(text, "true") || strings.EqualFold(text, "false"):
			return s.items.kinds.has(kindString | kindBoolean)
		}
		return s.items.kinds.has(kindString)
	case json.Number:
		return s.items.kinds.has(kindInteger|kindNumber) || s.items.onlyText()
	case bool:
		return s.items.kinds.has(kindBoolean) || s.items.onlyText()
	case map[string]any:
		return s.items.kinds.has(kindObject)
	}
	return false
}

// fromPairs turns a list of names and values into the map that it stands for: the
// form in which some providers are told of maps; see package dialect. A name that
// comes twice is left for validation to refuse.
func (s *shape) fromPairs(list []any) (map[string]any, bool) {
	if !s.kinds.has(kindObject) || s.kinds.has(kindArray) || s.values == nil || len(s.properties) > 0 {
		return nil, false
	}
	object := make(map[string]any, len(list))
	for _, item := range list {
		pair, ok := item.(map[string]any)
		name, isText := pair["name"].(string)
		value, has := pair["value"]
		if _, twice := object[name]; !ok || !isText || !has || twice || len(pair) != 2 {
			return nil, false
		}
		object[name] = value
	}
	return object, true
}

// onlyText reports whether a place takes text and nothing else but null.
func (s *shape) onlyText() bool { return s.kinds&^kindNull == kindString }

// A place is where a value stands in the arguments. Its path is only written
// out when there is something to say about it.
type place struct {
	up    *place
	name  string
	index int
	named bool
}

func (p *place) String() string {
	var steps []*place
	for ; p != nil; p = p.up {
		steps = append(steps, p)
	}
	var b strings.Builder
	for _, step := range slices.Backward(steps) {
		switch {
		case b.Len() > 200:
			return b.String() + "…"
		case !step.named:
			fmt.Fprintf(&b, "[%d]", step.index)
		case b.Len() > 0:
			b.WriteString("." + clip(step.name))
		default:
			b.WriteString(clip(step.name))
		}
	}
	return b.String()
}

// refuse records a problem, up to the number that is reported.
func refuse(bad *[]Problem, at *place, message string) {
	if len(*bad) < maxProblems {
		*bad = append(*bad, Problem{Path: at.String(), Message: message})
	}
}

var anyShape = &shape{kinds: kindAny}

func (s *shape) repairText(text string, at *place, bad *[]Problem) any {
	if strings.IndexByte(text, 0) >= 0 {
		refuse(bad, at, "contains a NUL character") // no database holds one
		return text
	}
	if s.kinds.has(kindString) {
		return s.spelled(text)
	}
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return text
	}
	var wanted kinds
	switch c := trimmed[0]; {
	case c == '[':
		wanted = kindArray
	case c == '{':
		wanted = kindObject
	case c == '-' || c >= '0' && c <= '9':
		wanted = kindInteger | kindNumber
	case strings.EqualFold(trimmed, "true") || strings.EqualFold(trimmed, "false"): // True is Python's
		wanted, trimmed = kindBoolean, strings.ToLower(trimmed)
	}
	if !s.kinds.has(wanted) {
		return text
	}
	var v any
	if unmarshalNumber([]byte(trimmed), &v) != nil {
		return text // validation will say what was expected here
	}
	return s.repair(v, at, bad)
}

// spelled returns the one value of an enum that a text is in other case, or the
// text as it is.
func (s *shape) spelled(text string) string {
	found := ""
	for _, value := range s.texts {
		switch {
		case value == text:
			return text
		case !strings.EqualFold(value, text):
		case found != "":
			return text
		default:
			found = value
		}
	}
	return cmp.Or(found, text)
}

func (s *shape) repairNumber(n json.Number, at *place, bad *[]Problem) any {
	text := string(n)
	if len(text) > maxNumber {
		refuse(bad, at, fmt.Sprintf("is a number of %d characters; at most %d are accepted", len(text), maxNumber))
		return json.Number("0")
	}
	if s.onlyText() {
		return text
	}
	if !strings.ContainsAny(text, ".eE") {
		return n
	}
	f, err := strconv.ParseFloat(text, 64)
	mantissa, _, _ := strings.Cut(strings.ToLower(text), "e")
	if err != nil || f == 0 && strings.ContainsAny(mantissa, "123456789") {
		refuse(bad, at, text+" is out of range")
		return json.Number("0")
	}
	const exact = 1 << 53 // from there on a float64 does not hold every integer
	if f > -exact && f < exact && f == float64(int64(f)) && (f == 0 || s.kinds.has(kindInteger)) {
		return json.Number(strconv.FormatInt(int64(f), 10))
	}
	return n
}
