package inverted

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTerms bounds the different words of a query that are looked up. Of a longer
// query the first count.
const maxTerms = 128

// maxQuery bounds the bytes of a query that are read at all.
const maxQuery = 64 << 10

// A Query is a text made ready to be looked up. Words are joined by OR: every
// chunk that has one of them matches, and those with more and rarer ones come
// first. A "quoted phrase" has to be there, word after word. The last word also
// matches longer words that begin with it, unless something follows it, be it a
// space. All other characters only separate words. A Query does not change and
// is safe for concurrent use.
type Query struct {
	terms    []string   // distinct, in order
	prefixes []prefix   // words that may go on
	phrases  [][]placed // each has to be there
}

// A placed term is one of a phrase, with its distance from the first.
type placed struct {
	term   string
	offset uint32
}

// Parse reads a query. No text is an error: what has no words gives a Query that
// nothing matches.
func Parse(text string) *Query {
	if len(text) > maxQuery {
		text = text[:maxQuery]
	}
	q := &Query{}
	p := parser{query: q, analyzer: newAnalyzer(), shouting: text == strings.ToUpper(text)}
	for at := 0; at < len(text); {
		open, close, next := quoted(text, at)
		p.words(text[at:open], open == len(text))
		if open < close {
			p.phrase(text[open:close])
		}
		at = next
	}
	p.finish()
	return q
}

// Empty reports whether the query has no words, so that nothing matches it.
func (q *Query) Empty() bool { return len(q.terms)+len(q.prefixes)+len(q.phrases) == 0 }

// quoted finds the next phrase from a byte on: where its quotation mark stands
// and where the text after the phrase begins. A mark opens a phrase at the
// beginning of a word only and closes it at the end of one: 24" is not a phrase.
// Without a phrase both are the end of the text.
func quoted(text string, at int) (open, close, next int) {
	open = -1
	for i, r := range text[at:] {
		i += at
		if !isQuote(r) {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+utf8.RuneLen(r):])
		switch {
		case open >= 0 && (after == utf8.RuneError || !isWord(after)):
			return open, i, i + utf8.RuneLen(r)
		case open < 0 && !isWord(before):
			open = i
		}
	}
	return len(text), len(text), len(text)
}

func isQuote(r rune) bool {
	switch r {
	case '"', '“', '”', '„', '‟', '«', '»', '＂':
		return true
	}
	return false
}

func isWord(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r)) }

// A parser collects what a query consists of.
type parser struct {
	query    *Query
	analyzer *analyzer
	shouting bool     // the query is in capitals
	stops    []string // words that say little
}

// says reports whether a token is worth looking up: not "it", but "IT".
func (p *parser) says(t token, text string) bool {
	if t.kind != plain || !stopWords[string(t.word)] {
		return true
	}
	as := text[t.start:t.end]
	return !p.shouting && len(as) > 1 && as == strings.ToUpper(as) && as != "AND" && as != "OR" && as != "NOT"
}

func (p *parser) words(text string, last bool) {
	type word struct {
		token
		term string
	}
	var words []word
	p.analyzer.each(text, func(t token) {
		term := p.analyzer.term(t)
		t.word = slices.Clone(t.word)
		words = append(words, word{t, term})
	})
	for i, w := range words {
		// the last character of a stretch stands in the pair before it
		if w.kind == tail {
			if i == 0 || words[i-1].kind != bigram || words[i-1].end != w.end {
				p.prefix(prefix{text: string(w.word)})
			}
			continue
		}
		p.term(w.term, p.says(w.token, text))
	}
	if n := len(words); last && n > 0 && words[n-1].end == len(text) {
		w := words[n-1] // an identifier as a whole stands behind its parts
		if w.kind != bigram && w.kind != tail && (n == 1 || p.says(w.token, text)) && utf8.RuneCount(w.word) >= minPrefix {
			p.prefix(newPrefix(string(w.word), w.term, w.kind == plain))
		}
	}
}

func (p *parser) term(term string, says bool) {
	list := &p.query.terms
	if !says {
		list = &p.stops
	}
	if len(*list) < maxTerms && !slices.Contains(*list, term) {
		*list = append(*list, term)
	}
}

func (p *parser) prefix(x prefix) {
	if len(p.query.prefixes) < maxPrefixes {
		p.query.prefixes = append(p.query.prefixes, x)
	}
}

func (p *parser) phrase(text string) {
	var phrase []placed
	var pair token
	p.analyzer.each(text, func(t token) {
		if t.kind == whole || t.kind == tail && pair.kind == bigram && pair.end == t.end {
			return
		}
		term := p.analyzer.term(t)
		if len(phrase) < maxTerms {
			phrase = append(phrase, placed{term, uint32(t.position)})
		}
		p.term(term, p.says(t, text))
		pair = t
	})
	if len(phrase) > 0 && len(p.query.phrases) < maxPhrases {
		p.query.phrases = append(p.query.phrases, phrase)
	}
}

const (
	maxPhrases  = 8
	maxPrefixes = 4
	minPrefix   = 2 // characters
)

// finish takes the words that say little when there are no others.
func (p *parser) finish() {
	if q := p.query; len(q.terms)+len(q.prefixes) == 0 {
		q.terms = p.stops
	}
}
