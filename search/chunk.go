package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// chunkSize is the number of bytes that a chunk should not exceed: about 300
// tokens of a model in English, a good page for a score, and short enough to be
// shown. A text that is a little longer stays in one piece.
const (
	chunkSize  = 1200
	chunkSlack = chunkSize / 4
)

// split cuts a text into chunks: between paragraphs when it can, else between
// lines, sentences, words, and inside a word only when there is no other way.
// Nothing is lost but white space between chunks. An empty text is one empty
// chunk.
func split(text string) []string {
	text = strings.TrimSpace(text)
	var chunks []string
	for len(text) > chunkSize+chunkSlack {
		n := cutAt(text)
		chunks = append(chunks, strings.TrimRightFunc(text[:n], unicode.IsSpace))
		text = strings.TrimLeftFunc(text[n:], unicode.IsSpace)
	}
	return append(chunks, text)
}

// cutAt returns where the first chunk of a long text ends. Of each kind of place
// the last one within the size is taken, if it lies in the second half.
func cutAt(text string) int {
	window := text[:chunkSize]
	for _, boundary := range []func(string) int{paragraphEnd, lineEnd, sentenceEnd} {
		if n := boundary(window); n > chunkSize/2 {
			return n
		}
	}
	if n := strings.LastIndexFunc(window, unicode.IsSpace); n > 0 {
		return n
	}
	n := chunkSize
	for n > chunkSize-utf8.UTFMax && !utf8.RuneStart(text[n]) {
		n--
	}
	return n
}

func paragraphEnd(s string) int {
	return max(strings.LastIndex(s, "\n\n"), strings.LastIndex(s, "\n\r\n"))
}

func lineEnd(s string) int { return strings.LastIndexByte(s, '\n') }

// sentenceEnd returns where the last sentence ends: behind a mark that white
// space follows, or a mark of a script that does without.
func sentenceEnd(s string) int {
	for i := len(s); i > 0; {
		r, n := utf8.DecodeLastRuneInString(s[:i])
		switch r {
		case '.', '!', '?', ';', ':':
			if next, _ := utf8.DecodeRuneInString(s[i:]); i < len(s) && unicode.IsSpace(next) {
				return i
			}
		case '。', '！', '？', '；':
			return i
		}
		i -= n
	}
	return 0
}
