package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/curatore/curatore-go/search/inverted"
)

// Sizes of chunks in tokens, as [countTokens] estimates them. A chunk is about a
// good paragraph or two: enough for a score, short enough to be shown, and below
// the limit of every embedding model. A text that is a little longer stays in one
// piece. What a chunk repeats of the one before it keeps together what a cut
// would part.
const (
	chunkTokens   = 300
	chunkSlack    = chunkTokens / 4
	overlapTokens = 30
)

// shortText is the number of bytes up to which a text is likely to be one chunk.
const shortText = 8 * chunkTokens

// A span is a part of a text, in bytes.
type span struct{ start, end int }

// split cuts a text into chunks: before headings when it can, else between
// paragraphs, lines, sentences, words, and inside a word only when there is no
// other way. A chunk begins with the last sentence, or the last words, of the one
// before it, unless a heading begins it. Nothing is in no chunk but white space.
// An empty text is one empty chunk. Of a text that makes too many chunks it returns
// one more than there may be.
func split(text string) []span {
	at, end := trim(text, 0, len(text))
	if at == end {
		return []span{{}}
	}
	var chunks []span
	for {
		cut, by := cutAt(text[:end], at)
		from, to := trim(text, at, cut)
		chunks = append(chunks, span{from, to})
		if cut == end || len(chunks) > inverted.MaxChunks {
			return chunks
		}
		next, _ := trim(text, cut, end)
		if by != headings {
			if back := overlapFrom(text, at, cut); back > at {
				next = back
			}
		}
		at = next
	}
}

// trim takes the white space off both ends of a part of a text.
func trim(text string, start, end int) (int, int) {
	end = start + len(strings.TrimRightFunc(text[start:end], unicode.IsSpace))
	start = end - len(strings.TrimLeftFunc(text[start:end], unicode.IsSpace))
	return start, end
}

// A boundary is a kind of place to cut at, the best first.
type boundary int

const (
	headings boundary = iota
	paragraphs
	lines
	sentences
	words
	anywhere
	boundaries
)

// cutAt returns where the chunk that begins at a byte ends. Of the best kind of
// boundary in the second half of the chunk it takes the last.
func cutAt(text string, start int) (int, boundary) {
	if len(text)-start < shortText && countTokens(text[start:]) <= chunkTokens+chunkSlack { // nearly always, when it is short
		return len(text), anywhere
	}
	var last [boundaries]int
	var counter tokenCounter
	var before rune // the character before the one at hand that is no space
	newlines := 0   // between the two
	for i, r := range text[start:] {
		i += start
		space := isSpace(r)
		if !space && counter.tokens > chunkTokens/2 && counter.tokens <= chunkTokens && i > start {
			spaced := counter.class == classSpace
			switch {
			case newlines > 0 && isHeading(text[i:]):
				last[headings] = i
			case newlines > 1:
				last[paragraphs] = i
			case newlines == 1:
				last[lines] = i
			case spaced && endsSentence(before) || endsUnspaced(before):
				last[sentences] = i
			case spaced:
				last[words] = i
			case marks.Of(r) == 0:
				last[anywhere] = i
			}
		}
		counter.add(r)
		switch {
		case !space:
			before, newlines = r, 0
		case r == '\n' || r == '\u2029':
			newlines++
		}
		if counter.tokens > chunkTokens+chunkSlack {
			for b, at := range last {
				if at > 0 {
					return at, boundary(b)
				}
			}
			return i, anywhere // nothing but combining marks
		}
	}
	return len(text), anywhere
}

// isHeading reports whether a line is a heading of Markdown.
func isHeading(line string) bool {
	rest := strings.TrimLeft(line, "#")
	level := len(line) - len(rest)
	return level > 0 && level <= 6 && strings.HasPrefix(rest, " ")
}

// endsSentence reports whether a sentence ends with a mark when white space
// follows it.
func endsSentence(r rune) bool {
	switch r {
	case '.', '!', '?', ';', ':', '…', '؟', '۔', '।':
		return true
	}
	return false
}

// endsUnspaced reports whether a sentence ends with a mark of a script that does
// without spaces.
func endsUnspaced(r rune) bool {
	switch r {
	case '。', '！', '？', '；', '｡':
		return true
	}
	return false
}

// overlapFrom returns where the chunk behind a cut begins: with the last
// sentences of this one that are small enough, else with its last words, else at
// the cut.
func overlapFrom(text string, start, cut int) int {
	from := cut
	sentence := false
	for i := cut; i > start; {
		r, n := utf8.DecodeLastRuneInString(text[start:i])
		i -= n
		if unicode.IsSpace(r) {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(text[start:i])
		if i == start || !unicode.IsSpace(before) && !endsUnspaced(before) {
			continue // inside a word
		}
		if countTokens(text[i:cut]) > overlapTokens {
			break
		}
		mark, _ := utf8.DecodeLastRuneInString(strings.TrimRightFunc(text[start:i], unicode.IsSpace))
		switch {
		case endsSentence(mark) || endsUnspaced(mark):
			from, sentence = i, true
		case !sentence:
			from = i
		}
	}
	return from
}
