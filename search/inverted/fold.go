package inverted

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A folder brings the spellings of a word together: lower case, compatibility
// forms (full-width letters, ligatures, superscripts) resolved, accents off.
// Marks stay in scripts where they are not accents but vowels.
type folder struct {
	decomposed, folded []byte
}

// fold appends the folded word to dst. Apostrophes and thousands commas inside
// the word are dropped, and with dots also full stops.
func (f *folder) fold(dst []byte, word string, dots bool) []byte {
	for i := 0; i < len(word); i++ {
		c := word[i]
		switch {
		case c >= utf8.RuneSelf:
			return f.foldUnicode(dst, word[i:], dots)
		case class[c] != 0:
			dst = append(dst, lower[c])
		case c == '\'' || c == ',' || dots && c == '.':
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

func (f *folder) foldUnicode(dst []byte, word string, dots bool) []byte {
	f.decomposed = norm.NFKD.AppendString(f.decomposed[:0], word)
	f.folded = f.folded[:0]
	accented := len(dst) > 0 // what came before is ASCII
	for i := 0; i < len(f.decomposed); {
		r, n := utf8.DecodeRune(f.decomposed[i:])
		i += n
		switch {
		case unicode.Is(unicode.Mn, r):
			if !accented {
				f.folded = utf8.AppendRune(f.folded, r)
			}
			continue
		case r == '\'', r == '’', r == 'ʼ', r == ',', r == ' ', dots && r == '.', unicode.Is(unicode.Cf, r):
			continue
		}
		accented = unicode.In(r, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Hebrew, unicode.Arabic)
		if s, ok := spelled[unicode.ToLower(r)]; ok {
			f.folded = append(f.folded, s...)
		} else {
			f.folded = utf8.AppendRune(f.folded, unicode.ToLower(r))
		}
	}
	return norm.NFC.Append(dst, f.folded...)
}

// spelled holds letters that do not decompose but have a common spelling.
var spelled = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i", 'ħ': "h", 'ŧ': "t",
	'ς': "σ", 'ـ': "",
}
