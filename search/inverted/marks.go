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
	type place struct {
		start, end int
		terms      []string
	}
	var marks []Mark
	var words []place       // by position
	if q.analyzers == nil { // the zero Query
		return nil
	}
	list := q.analyzers.Get().(*[]*analyzer)
	defer q.analyzers.Put(list)
	p := parser{query: q, analyzers: *list}
	p.analyzers[0].each(text, func(t token) {
		terms := p.forms(t, text)
		if i := q.matches(t, terms); i >= 0 {
			marks = append(marks, Mark{t.start, t.end, i})
		}
		if t.kind != whole {
			words = append(words, place{t.start, t.end, terms})
		}
	})
	for i, phrase := range q.phrases {
		for start := range words {
			last := start
			for _, p := range phrase {
				at := start + int(p.offset)
				if at >= len(words) || !sharesAny(words[at].terms, p.forms) {
					last = -1
					break
				}
				last = at
			}
			if last >= 0 {
				marks = append(marks, Mark{words[start].start, words[last].end, len(q.words) + len(q.prefixes) + i})
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
func (q *Query) matches(t token, terms []string) int {
	for i, w := range q.words {
		if sharesAny(w.forms, terms) || sharesAny(w.found, terms) {
			return i
		}
	}
	i := slices.IndexFunc(q.prefixes, func(p prefix) bool {
		return strings.HasPrefix(string(t.word), p.text) || sharesAny(p.terms, terms) ||
			slices.ContainsFunc(terms, func(term string) bool { return strings.HasPrefix(term, p.text) })
	})
	if i >= 0 {
		i += len(q.words)
	}
	return i
}

func sharesAny(a, b []string) bool {
	return slices.ContainsFunc(a, func(x string) bool { return slices.Contains(b, x) })
}
