package inverted

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// maxTerms bounds the different words of a query that are looked up. Of a longer
// query the first count.
const maxTerms = 128

// maxQuery bounds the bytes of a query that are read at all.
const maxQuery = 64 << 10

// A Query is a text made ready to be looked up. Words are joined by OR: every
// chunk that has one of them matches, and those with more and rarer ones, and
// with words that stand together as in the query, come first. A "quoted phrase"
// has to be there, word after word. The last word also matches longer words that
// begin with it, unless something follows it, be it a space. All other characters
// only separate words. A Query does not change and is safe for concurrent use.
type Query struct {
	words     []queryWord // of different terms, in order
	prefixes  []prefix    // words that may go on
	phrases   [][]placed  // each has to be there
	pairs     []wordPair
	title     string     // the term of a title that is exactly the query
	languages []string   // at least one
	analyzers *sync.Pool // of *[]*analyzer, one for each language, which know the words that were met
}

// A queryWord is a word that is looked up.
type queryWord struct {
	text       string // as it stands in the query
	folded     string
	forms      []string // its terms: one, or several in several languages
	found      []string // terms that were found in its place, as it is not there itself
	weight     float64  // 1, unless the query was made of a document
	plain      bool     // it may be spelled wrong
	identifier bool     // it is one as a whole
}

// A placed word is one of a phrase, with its distance from the first.
type placed struct {
	forms  []string
	offset uint32
}

// A wordPair is two neighbours in the query, by their numbers among the words,
// and how far the second stands behind the first.
type wordPair struct {
	first, second int
	distance      int
}

// Parse reads a query. No text is an error: what has no words gives a Query that
// nothing matches. Name the languages of the texts that are to be found, as BCP 47
// tags, at most eight; without any it is English.
func Parse(text string, languages ...string) *Query {
	if len(text) > maxQuery {
		text = text[:maxQuery]
	}
	q := &Query{}
	p := parser{query: q, shouting: text == strings.ToUpper(text)}
	var used []string
	for _, l := range languages {
		if l = baseLanguage(l); !slices.Contains(used, l) && len(used) < maxLanguages {
			used = append(used, l)
		}
	}
	if len(used) == 0 {
		used = []string{defaultLanguage}
	}
	q.use(used...)
	list := q.analyzers.Get().(*[]*analyzer)
	defer q.analyzers.Put(list)
	p.analyzers = *list
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

const maxLanguages = 8

// Empty reports whether the query has no words, so that nothing matches it.
func (q *Query) Empty() bool { return len(q.words)+len(q.prefixes)+len(q.phrases) == 0 }

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

// Equal reports whether two queries look up the same.
func (q *Query) Equal(o *Query) bool {
	if q == nil || o == nil {
		return q == o
	}
	a, b := *q, *o
	a.analyzers, b.analyzers = nil, nil
	return reflect.DeepEqual(a, b)
}

// use sets the languages of a query.
func (q *Query) use(languages ...string) {
	q.languages = languages
	q.analyzers = &sync.Pool{New: func() any {
		list := make([]*analyzer, len(languages))
		for i, l := range languages {
			list[i] = newAnalyzer(l)
		}
		return &list
	}}
}
