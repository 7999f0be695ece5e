package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits on the JSON that a run stores: its arguments, its result, the data of each
// of its events. SQLite reads no more than 1000 levels, of which some are of the
// lists in which the JSON travels; Postgres keeps 16383 places of a number.
const (
	maxJSON     = 1 << 20 // bytes; what is larger belongs into an object store
	maxDepth    = 900
	maxNumber   = 1000 // characters
	maxExponent = 3    // digits
)

// encode returns a value as JSON that both databases store; nil for nil.
func encode(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	b, err := json.Marshal(v)
	switch {
	case err != nil:
		return nil, err
	case bytes.Equal(b, []byte("null")): // a nil map, pointer or RawMessage
		return nil, nil
	case len(b) > maxJSON:
		return nil, fmt.Errorf("it is %d bytes of JSON; keep what is larger than %d elsewhere", len(b), maxJSON)
	}
	return cleanJSON(b)
}

// cleanJSON replaces text that is valid in JSON and refused by the JSONB of Postgres,
// such as the escape of NUL, and refuses what cannot be replaced. What json.Marshal
// makes of Go's values is clean; it also passes on raw JSON.
func cleanJSON(b json.RawMessage) (json.RawMessage, error) {
	if !utf8.Valid(b) {
		b = bytes.ToValidUTF8(b, []byte("\ufffd"))
	}
	if err := checkShape(b); err != nil {
		return nil, err
	}
	if !bytes.Contains(b, []byte(`\u0000`)) && !bytes.Contains(b, []byte(`\ud`)) && !bytes.Contains(b, []byte(`\uD`)) {
		return b, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber() // a number stays as it is written
	var v any
	if err := d.Decode(&v); err != nil { // replaces the halves of surrogate pairs
		return nil, err
	}
	return json.Marshal(withoutNUL(v))
}

// checkShape refuses valid JSON that one of the databases cannot read.
func checkShape(b json.RawMessage) error {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				return fmt.Errorf("it is nested more than %d deep", maxDepth)
			}
		case c == ']' || c == '}':
			depth--
		case c == '-' || '0' <= c && c <= '9':
			n := len(b[i:]) - len(bytes.TrimLeft(b[i:], "+-.0123456789eE"))
			if number := string(b[i : i+n]); !storableNumber(number) {
				return fmt.Errorf("the number %.20s… has too many places", number)
			}
			i += n - 1
		}
	}
	return nil
}

func storableNumber(s string) bool {
	_, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	return len(s) <= maxNumber && len(strings.TrimLeft(exponent, "+-0")) <= maxExponent
}

func withoutNUL(v any) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "\x00", "\ufffd")
	case []any:
		for i := range v {
			v[i] = withoutNUL(v[i])
		}
	case map[string]any:
		clean := make(map[string]any, len(v))
		for k, x := range v {
			clean[strings.ReplaceAll(k, "\x00", "\ufffd")] = withoutNUL(x)
		}
		return clean
	}
	return v
}
