package inverted

import (
	"cmp"
	"slices"
	"strings"
)

// A Mark is a place in a text that a query matches, as a range of bytes.
type Mark struct {
	Start, End int
	Term       int // the same number for the same word of the query
}

// Marks returns where a text matches the query, in order and without overlaps:
// the words with the same stem as one of the query, words that go on behind a
// prefix, and phrases as a whole. The text may be any, also one that is not in
// the index.
func (q *Query) Marks(text string) []Mark {
	type word struct {
		token
		term string
	}
	var marks []Mark
	var words []word // by position
	a := newAnalyzer()
	a.each(text, func(t token) {
		term := a.term(t)
		if i := q.matches(t, term); i >= 0 {
			marks = append(marks, Mark{t.start, t.end, i})
		}
		if t.kind != whole {
			words = append(words, word{token{start: t.start, end: t.end}, term})
		}
	})
	for i, phrase := range q.phrases {
		for start := range words {
			last := start
			for _, p := range phrase {
				at := start + int(p.offset)
				if at >= len(words) || words[at].term != p.term {
					last = -1
					break
				}
				last = at
			}
			if last >= 0 {
				marks = append(marks, Mark{words[start].start, words[last].end, len(q.terms) + len(q.prefixes) + i})
			}
		}
	}
	slices.SortFunc(marks, func(a, b Mark) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End)) })
	joined := marks[:0]
	for _, m := range marks {
		if n := len(joined); n > 0 && m.Start < joined[n-1].End {
			joined[n-1].End = max(joined[n-1].End, m.End)
			continue
		}
		joined = append(joined, m)
	}
	return joined
}

// matches returns the number of the query's word that a token matches, or -1.
func (q *Query) matches(t token, term string) int {
	if i := slices.Index(q.terms, term); i >= 0 {
		return i
	}
	return slices.IndexFunc(q.prefixes, func(p prefix) bool {
		return strings.HasPrefix(string(t.word), p.text) || strings.HasPrefix(term, p.text) || slices.Contains(p.terms, term)
	})
}
