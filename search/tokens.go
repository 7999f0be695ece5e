package search

import (
	"unicode"
	"unicode/utf8"

	"github.com/curatore/curatore-go/search/internal/runetable"
)

// A tokenCounter estimates how many tokens a language model makes of a text.
// Vocabularies differ, and none is worth carrying along for a bound, so this
// counts what they have in common: a word of up to eight Latin letters is a
// token and each further eight are another, three digits are one, and so are two
// letters of other alphabets, one character of a script without spaces, and a
// mark. White space is free. On English prose that is within a tenth of the byte
// pair encodings in use; on other texts it errs on the high side.
type tokenCounter struct {
	tokens int
	class  runeClass
	left   int // characters of the class that the last token still takes
}

type runeClass uint8

const (
	classSpace runeClass = iota
	classLatin
	classDigit
	classLetter // of another alphabet
	classIdeograph
	classMark
)

// perToken is how many characters of a class in a row are one token.
var perToken = [...]int{classSpace: 1, classLatin: 8, classDigit: 3, classLetter: 2, classIdeograph: 1, classMark: 2}

// add counts a character.
func (c *tokenCounter) add(r rune) { c.addRun(lookUp(r), 1) }

// addRun counts n characters of a class.
func (c *tokenCounter) addRun(class runeClass, n int) {
	if class != c.class {
		c.class, c.left = class, 0
	}
	if class == classSpace {
		return
	}
	if c.left -= n; c.left < 0 {
		size := perToken[class]
		more := (size - 1 - c.left) / size
		c.tokens += more
		c.left += more * size
	}
}

// asciiClass holds the classes of the ASCII characters.
var asciiClass = func() (table [utf8.RuneSelf]runeClass) {
	for i := range table {
		switch r := rune(i); {
		case 'a' <= r|0x20 && r|0x20 <= 'z':
			table[i] = classLatin
		case '0' <= r && r <= '9':
			table[i] = classDigit
		case r > ' ':
			table[i] = classMark
		}
	}
	return table
}()

// classes holds the classes of all characters.
var classes = runetable.New(func(r rune) uint8 { return uint8(classOf(r)) })

func classOf(r rune) runeClass {
	switch {
	case r < utf8.RuneSelf:
		return asciiClass[r]
	case unicode.IsSpace(r):
		return classSpace
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
		return classIdeograph
	case unicode.In(r, unicode.Latin, unicode.Mn):
		return classLatin
	case unicode.IsLetter(r):
		return classLetter
	case unicode.IsNumber(r):
		return classDigit
	}
	return classMark
}

func lookUp(r rune) runeClass {
	if r < utf8.RuneSelf {
		return asciiClass[r]
	}
	return runeClass(classes.Of(r))
}

// isSpace is unicode.IsSpace.
func isSpace(r rune) bool {
	if r < utf8.RuneSelf {
		return r == ' ' || '\t' <= r && r <= '\r'
	}
	return runeClass(classes.Of(r)) == classSpace
}

// marks tells the characters that belong to the one before them.
var marks = runetable.New(func(r rune) uint8 {
	if unicode.Is(unicode.M, r) {
		return 1
	}
	return 0
})

// countTokens estimates the tokens of a text; see [tokenCounter].
func countTokens(text string) int {
	var c tokenCounter
	for i := 0; i < len(text); {
		start := i
		if text[i] >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(text[i:])
			c.add(r)
			i += n
			continue
		}
		class := asciiClass[text[i]]
		for i++; i < len(text) && text[i] < utf8.RuneSelf && asciiClass[text[i]] == class; i++ {
		}
		c.addRun(class, i-start)
	}
	return c.tokens
}
