package local

import (
	"unicode"
	"unicode/utf8"

	"github.com/abadojack/whatlanggo"
)

// language tells the language of a text, as its two letters, or "" when it
// cannot be told.
func language(text string) string {
	const enough = 4 << 10
	if len(text) > enough {
		n := enough
		for !utf8.RuneStart(text[n]) {
			n--
		}
		text = text[:n]
	}
	letters := 0
	for _, r := range text {
		if unicode.IsLetter(r) {
			letters++
		}
	}
	if letters < 40 {
		return ""
	}
	info := whatlanggo.Detect(text)
	if !info.IsReliable() {
		return ""
	}
	return info.Lang.Iso6391()
}
