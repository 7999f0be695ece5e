package inverted

import (
	"unicode"
	"unicode/utf8"

	"github.com/curatore/curatore-go/search/internal/runetable"
)

// maxRun bounds a stretch of text without spaces that is looked at as one
// piece; longer ones (encoded binary data) are cut.
const maxRun = 4096

// A token is one occurrence of a word in a text.
type token struct {
	word       []byte // folded, not stemmed; valid until the tokenizer goes on
	start, end int    // the bytes of the text that it stands for
	position   int    // counted in words from the start of the text
	kind       tokenKind
}

// A tokenKind says what becomes of a token.
type tokenKind uint8

const (
	plain  tokenKind = iota // a word: it is stemmed
	exact                   // has digits, or is part of an identifier: it is kept as it is
	whole                   // an identifier as a whole, at the position of its first part
	bigram                  // two neighbouring characters of a script without spaces
	tail                    // the last character of such a stretch
)

// A tokenizer splits text into tokens. It keeps buffers between texts, so each
// goroutine uses its own. The zero value is ready to use.
type tokenizer struct {
	parts  []part
	word   []byte // the token at hand
	joined []byte // the identifier at hand
	folder folder
}

// A part is a piece of a run that is a word by itself.
type part struct {
	start, end int  // bytes of the text
	cut        int  // where the word ends when it is before end: the s of a possessive is not part of it
	kind       form // what it consists of
}

// A form tells what a part consists of.
type form uint8

const (
	letters form = iota
	digits
	mixed
	ideograph // one character of a script without spaces
	acronym   // single letters with dots
)

// each calls emit for every token of a text, in order. Any bytes are accepted:
// what is not UTF-8 separates words. It returns the number of positions.
func (t *tokenizer) each(text string, emit func(token)) int {
	position := 0
	for i := 0; i < len(text); {
		if end, next := t.asciiWord(text, i); end > i {
			emit(token{cut(t.word), i, end, position, plain})
			position, i = position+1, next
			continue
		}
		start, ascii := i, true
	run:
		for i < len(text) && i-start < maxRun {
			switch c := text[i]; {
			case c <= ' ' || c == 0x7f:
				break run
			case c < utf8.RuneSelf:
				i++
			default:
				r, n := utf8.DecodeRuneInString(text[i:])
				if runes.Of(r) == separatorClass {
					break run
				}
				ascii = false
				i += n
			}
		}
		if i == start { // a separator
			_, n := utf8.DecodeRuneInString(text[i:])
			i += n
			continue
		}
		t.parts = t.parts[:0]
		if !ascii {
			t.splitUnicode(text, start, i)
		} else if t.splitASCII(text, start, i); len(t.parts) == 1 { // most words, without further ado
			p := t.parts[0]
			t.word = t.folder.fold(t.word[:0], text[p.start:p.end], false)
			kind := plain
			if p.kind != letters {
				kind = exact
			}
			emit(token{cut(t.word), p.start, p.end, position, kind})
			position++
			continue
		}
		position = t.emitParts(text, position, emit)
	}
	return position
}

// asciiWord looks whether nothing but ASCII letters stand at a place, up to white
// space with at most one mark before it, as most words do. It folds them, and
// returns where they end and where to go on; the place itself when it is otherwise.
func (t *tokenizer) asciiWord(text string, start int) (end, next int) {
	i, upper := start, byte(0x20)
	for i < len(text) && class[text[i]] == letterClass {
		upper &= text[i]
		i++
	}
	end = i
	if i < len(text) && text[i] > ' ' && text[i] < utf8.RuneSelf && class[text[i]] == 0 {
		i++
	}
	if i < len(text) && text[i] > ' ' || end-start >= maxRun {
		return start, start
	}
	t.word = append(t.word[:0], text[start:end]...)
	if upper == 0 {
		for j, c := range t.word {
			t.word[j] = c | 0x20
		}
	}
	return end, i
}

// splitASCII finds the parts of a run of ASCII, which Unicode's rules and these
// agree on: stretches of letters and digits.
func (t *tokenizer) splitASCII(text string, i, end int) {
	for i < end {
		if class[text[i]] == 0 {
			i++
			continue
		}
		start, seen := i, uint8(0)
		for i < end && class[text[i]] != 0 {
			seen |= class[text[i]]
			i++
		}
		t.parts = append(t.parts, part{start, i, i, formOf(seen)})
	}
}

// Classes of characters; a word with letters and digits has both bits.
const (
	letterClass    = 1
	digitClass     = 2
	joinerClass    = 4 // accents, joiners, soft hyphens
	unspacedClass  = 8 // of a script without spaces
	separatorClass = 16
)

// lower holds the ASCII bytes in lower case.
var lower = func() (l [utf8.RuneSelf]byte) {
	for b := range l {
		l[b] = byte(unicode.ToLower(rune(b)))
	}
	return l
}()

// class tells letters and digits among the ASCII bytes.
var class = func() (c [256]uint8) {
	for b := range c {
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z':
			c[b] = letterClass
		case b >= '0' && b <= '9':
			c[b] = digitClass
		}
	}
	return c
}()

func formOf(seen uint8) form {
	switch seen {
	case letterClass:
		return letters
	case digitClass:
		return digits
	}
	return mixed
}

// splitUnicode finds the parts of any other run: stretches of letters, numbers
// and the marks on them, and single characters of scripts without spaces. That
// is what Unicode's word boundaries (UAX #29) come to once words are also cut at
// the connectors of identifiers.
func (t *tokenizer) splitUnicode(text string, i, end int) {
	word, seen := -1, uint8(0)
	for i < end {
		r, n := utf8.DecodeRuneInString(text[i:end])
		kind := runes.Of(r)
		switch kind {
		case joinerClass: // part of what is before it
			if p := len(t.parts) - 1; word < 0 && p >= 0 && t.parts[p].end == i {
				t.parts[p].end, t.parts[p].cut = i+n, i+n
			}
		case letterClass, digitClass:
			if word < 0 {
				word = i
			}
			seen |= kind
		default:
			if word >= 0 {
				t.parts = append(t.parts, part{word, i, i, formOf(seen)})
				word, seen = -1, 0
			}
			if kind == unspacedClass {
				t.parts = append(t.parts, part{i, i + n, i + n, ideograph})
			}
		}
		i += n
	}
	if word >= 0 {
		t.parts = append(t.parts, part{word, end, end, formOf(seen)})
	}
}

// runes holds the class of each character, 0 for all others.
var runes = runetable.New(func(r rune) uint8 {
	switch {
	case unicode.IsSpace(r), r == utf8.RuneError:
		return separatorClass
	case unspaced(r):
		return unspacedClass
	case unicode.IsLetter(r):
		return letterClass
	case unicode.IsNumber(r):
		return digitClass
	case unicode.In(r, unicode.M, unicode.Cf):
		return joinerClass
	}
	return 0
})

// scripts that are written without spaces between words; Hangul has them but
// puts endings onto its words, which pairs of characters see through.
var scripts = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

func unspaced(r rune) bool {
	switch {
	case r < 0x0e00:
		return false
	case r == 0x30fc, r == 0xff70: // the long-vowel mark belongs to two scripts
		return true
	}
	return unicode.IsLetter(r) && unicode.In(r, scripts...)
}
