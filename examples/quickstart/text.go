package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
)

// oneLine returns a text without line breaks and without control characters, also
// those that turn the direction of text, which data from elsewhere may hold and a
// terminal would obey. It keeps an indent.
func oneLine(text string) string {
	indent := text[:len(text)-len(strings.TrimLeft(text, " "))]
	text = strings.Join(strings.Fields(text), " ")
	return indent + strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// width is the number of columns that JSON is laid out in.
const width = 100

// pretty indents JSON as a person would: what fits stands on one line, and plain
// values stand side by side.
func pretty(raw json.RawMessage) string {
	var indented bytes.Buffer
	if err := json.Indent(&indented, raw, "", "  "); err != nil {
		return string(raw)
	}
	var lines []string
	var open []int // where the objects and arrays begin that have not ended
	for l := range strings.Lines(indented.String()) {
		l = strings.TrimRight(l, "\n")
		lines = append(lines, l)
		switch text := strings.TrimLeft(l, " "); {
		case strings.HasSuffix(text, "{") || strings.HasSuffix(text, "["):
			open = append(open, len(lines)-1)
		case text[0] == '}' || text[0] == ']':
			begin := open[len(open)-1]
			open = open[:len(open)-1]
			lines = append(lines[:begin], layOut(lines[begin:])...)
		}
	}
	return strings.Join(lines, "\n")
}

// layOut returns the lines of an object or array as one, if that fits, or with
// plain values side by side.
func layOut(lines []string) []string {
	first, members, last := lines[0], lines[1:len(lines)-1], lines[len(lines)-1]
	whole, indent := first, ""
	for _, l := range members {
		whole += indent + strings.TrimLeft(l, " ")
		indent = " "
	}
	if whole += strings.TrimLeft(last, " "); len(whole) <= width {
		return []string{whole}
	}
	out := []string{first}
	for i, l := range members {
		before := out[len(out)-1]
		if text := strings.TrimLeft(l, " "); i > 0 && plain(before) && plain(text) && len(before)+1+len(text) <= width {
			out[len(out)-1] = before + " " + text
		} else {
			out = append(out, l)
		}
	}
	return append(out, last)
}

// plain reports whether a line ends with a value that is no object or array.
func plain(line string) bool {
	line = strings.TrimRight(line, ",")
	return !strings.ContainsRune("{}[]", rune(line[len(line)-1]))
}

// shortened cuts a text that would fill several screens.
func shortened(text string) string {
	const most, widest = 60, 160
	lines := strings.Split(text, "\n")
	left := len(lines) - most
	if left > 0 {
		lines = lines[:most]
	}
	for i, l := range lines {
		if runes := []rune(l); len(runes) > widest {
			lines[i] = string(runes[:widest]) + "…"
		}
	}
	if left > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more lines", left))
	}
	return strings.Join(lines, "\n")
}
