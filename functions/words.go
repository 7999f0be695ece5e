package functions

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What messages are made of. A model reads them and acts on them, so they name
// values and alternatives, and stay short whatever a caller sent.

// listed quotes names, at most 30 of them, and says how many are left out.
func listed(names []string) string {
	const most = 30
	quoted := make([]string, 0, min(len(names), most))
	for _, name := range names[:min(len(names), most)] {
		quoted = append(quoted, strconv.Quote(name))
	}
	text := strings.Join(quoted, ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}

// show writes a value for a message: as JSON, shortened, and only the size of
// what has parts.
func show(v any) string {
	switch v := v.(type) {
	case []any:
		return "of " + count(len(v), "element")
	case map[string]any:
		return "of " + count(len(v), "property")
	case string:
		if short := clip(v); short != v {
			return strconv.Quote(strings.TrimSuffix(short, "…")) + "…"
		}
		return strconv.Quote(v)
	case nil:
		return "null"
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(raw)
}

// clip shortens what a caller wrote to 60 characters.
func clip(text string) string {
	const most = 60
	if len(text) <= most || utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}

func article(kind string) string {
	switch kind {
	case "null":
		return ""
	case "array", "object", "integer":
		return "an " + kind
	}
	return "a " + kind
}

func alternatives(wanted []string) string {
	words := make([]string, len(wanted))
	for i, kind := range wanted {
		words[i] = cmp.Or(article(kind), kind)
	}
	return strings.Join(words, " or ")
}

// count writes a number of things: "1 record", "2 records", "3 properties".
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return strconv.Itoa(n) + " " + strings.TrimSuffix(noun, "y") + "ies"
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

func decimal(r *big.Rat) string {
	if r.IsInt() {
		return r.RatString()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}
