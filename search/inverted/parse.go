package inverted

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxPhrases  = 8
	maxPrefixes = 4
	minPrefix   = 2 // characters
	maxPairs    = 16
	maxDistance = 4 // between words of the query that count as neighbours, for words that say little in between
)

// A parser collects what a query consists of.
type parser struct {
	query     *Query
	analyzers []*analyzer // of each language
	shouting  bool        // the query is in capitals
	stops     []queryWord // words that say little
	joined    []byte      // all words, to be compared with titles
}

// forms returns the terms of a token in each language, each once.
func (p *parser) forms(t token, text string) []string {
	var forms []string
	for _, a := range p.analyzers {
		if f := a.term(t, text); !slices.Contains(forms, f) {
			forms = append(forms, f)
		}
	}
	return forms
}

// says reports whether a token is worth looking up: not "it", but "IT".
func (p *parser) says(t token, text string) bool {
	if t.kind != plain || !slices.ContainsFunc(p.query.languages, func(l string) bool { return stopWords[l][string(t.word)] }) {
		return true
	}
	as := text[t.start:t.end]
	return !p.shouting && len(as) > 1 && as == strings.ToUpper(as) && as != "AND" && as != "OR" && as != "NOT"
}

func (p *parser) words(text string, last bool) {
	var tokens []token
	p.analyzers[0].each(text, func(t token) {
		p.join(t)
		t.word = slices.Clone(t.word)
		tokens = append(tokens, t)
	})
	before, at := -1, 0 // the last word that says something
	for i, t := range tokens {
		// the last character of a stretch stands in the pair before it
		if t.kind == tail {
			if i == 0 || tokens[i-1].kind != bigram || tokens[i-1].end != t.end {
				p.prefix(prefix{text: string(t.word), typed: text[t.start:t.end]})
			}
			continue
		}
		part := partOf(tokens, i)
		w := queryWord{text: text[t.start:t.end], folded: string(t.word), forms: p.forms(t, text), weight: 1, plain: t.kind == plain,
			identifier: !part && (t.kind == whole || t.kind == exact) && identifies(t.word)}
		says := p.says(t, text)
		n := p.word(w, says)
		if !says || n < 0 || t.kind == whole {
			continue
		}
		if t.kind == bigram { // it shares a character with the next one: where they stand says nothing more
			before = -1
			continue
		}
		if d := t.position - at; before >= 0 && before != n && d > 0 && d <= maxDistance && (!part || !partOf(tokens, i-1)) {
			p.pair(wordPair{before, n, d})
		}
		before, at = n, t.position
	}
	if n := len(tokens); last && n > 0 && tokens[n-1].end == len(text) {
		t := tokens[n-1] // an identifier as a whole stands behind its parts
		if t.kind != bigram && t.kind != tail && (n == 1 || p.says(t, text)) && utf8.RuneCount(t.word) >= minPrefix {
			x := newPrefix(string(t.word), p.forms(t, text), t.kind == plain && slices.Contains(p.query.languages, defaultLanguage))
			x.typed = text[t.start:t.end]
			p.prefix(x)
		}
	}
}

// partOf reports whether a token is a part of an identifier, which follows its
// parts.
func partOf(tokens []token, i int) bool {
	if i < 0 || tokens[i].kind != exact {
		return false
	}
	for _, t := range tokens[i+1 : min(len(tokens), i+maxWhole)] {
		if t.start > tokens[i].start {
			if t.kind == whole {
				return false
			}
			continue
		}
		return t.kind == whole
	}
	return false
}

// identifies reports whether a token is likely to name one thing: a number of
// some length, with or without letters, or an address.
func identifies(word []byte) bool {
	digits := 0
	for _, c := range word {
		if c >= '0' && c <= '9' {
			digits++
		}
		if c == '@' {
			return true
		}
	}
	return digits >= 3 && len(word) >= 5
}

// join adds a token to the words that may be a title.
func (p *parser) join(t token) {
	if len(p.joined) < maxQuery {
		p.joined = joinTitle(p.joined, t)
	}
}

// word adds a word and returns its number, or -1 for one that is not looked up.
func (p *parser) word(w queryWord, says bool) int {
	list := &p.query.words
	if !says {
		list = &p.stops
	}
	i := slices.IndexFunc(*list, func(o queryWord) bool { return o.forms[0] == w.forms[0] })
	switch {
	case i < 0 && len(*list) < maxTerms:
		i = len(*list)
		*list = append(*list, w)
	case i < 0:
		return -1
	case w.identifier:
		(*list)[i].identifier = true
	}
	if !says {
		return -1
	}
	return i
}

func (p *parser) pair(x wordPair) {
	if len(p.query.pairs) < maxPairs && !slices.Contains(p.query.pairs, x) {
		p.query.pairs = append(p.query.pairs, x)
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
	p.analyzers[0].each(text, func(t token) {
		p.join(t)
		if t.kind == whole || t.kind == tail && pair.kind == bigram && pair.end == t.end {
			return
		}
		forms := p.forms(t, text)
		if len(phrase) < maxTerms {
			phrase = append(phrase, placed{forms, uint32(t.position)})
		}
		p.word(queryWord{text: text[t.start:t.end], forms: forms, weight: 1}, p.says(t, text))
		pair = t
	})
	if len(phrase) > 0 && len(p.query.phrases) < maxPhrases {
		p.query.phrases = append(p.query.phrases, phrase)
	}
}

// finish takes the words that say little when there are no others.
func (p *parser) finish() {
	q := p.query
	if len(q.words)+len(q.prefixes) == 0 {
		q.words = p.stops
	}
	q.title = titleTerm(p.joined)
}
