package inverted

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/curatore/curatore-go/content"
)

// A SuggestRequest asks how the last word of a text may go on.
type SuggestRequest struct {
	Text    string           // what has been typed; behind a space there is nothing to go on
	Filters []content.Filter // as those of a [Request]: only words of these documents are suggested
	Any     []content.Filter
	Limit   int // 0 means 10, more than 100 counts as 100
}

// A Suggestion is a text with its last word completed.
type Suggestion struct {
	Text  string // what was typed, up to the last word, and that word
	Word  string // in lower case and without accents, as most texts of a segment have it
	Count int    // documents that have it, or another form of it, under the filters
}

// Suggest completes the last word of a text, the most frequent word first. It
// knows only words of the organization. Of very many words the most frequent
// without regard to the filters are looked at.
func (v *View) Suggest(ctx context.Context, req SuggestRequest) ([]Suggestion, error) {
	typed, start := lastWord(req.Text)
	if utf8.RuneCountInString(typed) < minPrefix {
		return nil, nil
	}
	words, err := v.completions(ctx, typed)
	if err != nil || len(words) == 0 {
		return nil, err
	}
	r, err := v.open(ctx, Request{Filters: req.Filters, Any: req.Any}, termsColumn)
	if err != nil {
		return nil, err
	}
	m := &matcher{reading: r, query: &Query{}}
	if m.firsts, err = v.terms(ctx); err != nil {
		return nil, err
	}
	counts, err := m.documents(ctx, words, newCollector(r, Request{}))
	if err != nil {
		return nil, err
	}
	var list []Suggestion
	for i, w := range words {
		if counts[i] > 0 {
			list = append(list, Suggestion{Text: req.Text[:start] + w.surface, Word: w.surface, Count: counts[i]})
		}
	}
	slices.SortFunc(list, func(a, b Suggestion) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Word, b.Word))
	})
	return list[:min(len(list), min(cmp.Or(max(0, req.Limit), 10), 100))], nil
}

// lastWord returns the word at the end of a text, folded, and where it begins.
func lastWord(text string) (word string, start int) {
	if len(text) > maxQuery {
		return "", 0
	}
	newAnalyzer(defaultLanguage).each(text, func(t token) {
		if t.end == len(text) && t.kind != bigram && (word == "" || t.start <= start) {
			word, start = string(t.word), t.start
		}
	})
	return word, start
}

// maxCompletions bounds the words whose documents are counted.
const maxCompletions = 40

// completions returns words that begin as typed. A word's term may be shorter
// than what was typed of the word, so terms are looked for by their first letters
// and held against their spelling.
func (v *View) completions(ctx context.Context, typed string) ([]word, error) {
	n := 0
	for i := 0; i < 3 && n < len(typed); i++ {
		_, size := utf8.DecodeRuneInString(typed[n:])
		n += size
	}
	words, err := v.wordsLike(ctx, []string{typed[:n]}, func(_, surface []byte) bool { return hasPrefix(surface, typed) })
	if err != nil {
		return nil, err
	}
	words = slices.DeleteFunc(words, func(w word) bool { return !strings.HasPrefix(w.surface, typed) })
	slices.SortFunc(words, func(a, b word) int { return cmp.Or(cmp.Compare(b.count, a.count), strings.Compare(a.term, b.term)) })
	return words[:min(len(words), maxCompletions)], nil
}

// documents returns the number of documents that have each word, of those that
// the collector's filters leave.
func (m *matcher) documents(ctx context.Context, words []word, c *collector) ([]int, error) {
	counts := make([]int, len(words))
	for _, w := range words {
		m.clauses = append(m.clauses, &clause{terms: []string{w.term}})
	}
	for _, group := range m.groups() {
		if err := m.load(ctx, group, m.clauses); err != nil {
			return nil, err
		}
		for _, i := range group {
			valid := c.valid(i)
			for n, clause := range m.clauses {
				set := newBitset(m.tables[i].len())
				for _, e := range m.loaded.of(i, clause.terms) {
					if err := set.add(e, m.tables[i].len()); err != nil {
						return nil, m.unreadable(i, err)
					}
				}
				if valid != nil {
					set.and(valid)
				}
				before := c.total
				c.count(i, set)
				counts[n] += c.total - before
			}
		}
	}
	return counts, nil
}
