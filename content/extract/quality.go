package extract

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Judge returns how much a text looks like one that somebody wrote, from 0 (it
// holds nothing to read) to 1: the share of characters that are letters, digits,
// punctuation or white space, times the share of words that look like words.
// Fonts without a table of characters, text that was read as another encoding,
// and binary data bring it below a half; tables of numbers do not.
func Judge(text string) float64 {
	var plain, odd int
	var words, strange int
	for word := range strings.FieldsSeq(text) {
		good, letters, vowels := true, 0, 0
		length, changes := 0, 0
		var last int
		for i, r := range word {
			if i > 4096 {
				break
			}
			length++
			class := 0
			switch {
			case r == utf8.RuneError || unicode.Is(unicode.Co, r) || unicode.IsControl(r):
				odd++
				good = false
				continue
			case unicode.IsLetter(r) || unicode.IsMark(r):
				class = 1
				letters++
				if r > unicode.MaxLatin1 || strings.ContainsRune("aeiouyAEIOUYàáâãäåæèéêëìíîïòóôõöøùúûüýÿÀÁÂÃÄÅÆÈÉÊËÌÍÎÏÒÓÔÕÖØÙÚÛÜÝ", r) {
					vowels++
				}
			case unicode.IsDigit(r) || unicode.IsNumber(r):
				class = 2
			case unicode.IsPunct(r) || unicode.IsSymbol(r):
				class = 3
			default:
				odd++
				continue
			}
			plain++
			if last != 0 && class != last {
				changes++
			}
			last = class
		}
		words++
		if !good || letters > 12 && vowels*8 < letters || letters > 3 && changes > 6 && changes*2 > length {
			strange++
		}
	}
	if words == 0 || plain == 0 {
		return 0
	}
	return float64(plain) / float64(plain+odd) * float64(words-strange) / float64(words)
}
