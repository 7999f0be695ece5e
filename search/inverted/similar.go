package inverted

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
)

const (
	likeTerms = 25       // words that a [View.Like] query consists of
	likeText  = 64 << 10 // bytes of a document that are looked at
	likeWords = 1000     // different words whose frequency is looked up
	likeFew   = 10       // chunks that may have a telling word, also when they are most of all
)

// Like returns a query for documents like the given one: its most telling words,
// those that it has often and that less than half of the others have, each weighted
// by how telling it is. A word that is nowhere else tells nothing. Of a long document the
// beginning counts. A document without telling words gives an empty query. To
// leave the document itself out, name it in [Request.Without].
func (v *View) Like(ctx context.Context, d Document) (*Query, error) {
	words, q := telling(d), &Query{}
	q.use(baseLanguage(d.Language))
	if len(words) == 0 {
		return q, nil
	}
	r, err := v.open(ctx, Request{}, termsColumn)
	if err != nil {
		return nil, err
	}
	m := &matcher{reading: r, query: &Query{}}
	for _, s := range v.segments {
		m.live += float64(s.chunks - s.deleted)
	}
	if m.firsts, err = v.terms(ctx); err != nil {
		return nil, err
	}
	for _, w := range words {
		m.clauses = append(m.clauses, &clause{terms: w.forms})
	}
	if err := m.count(ctx, m.clauses); err != nil {
		return nil, err
	}
	var usual []queryWord
	for i, w := range words {
		n := m.clauses[i].n
		w.weight *= m.idf(n)
		switch {
		case n > 1 && n < max(m.live/2, likeFew):
			q.words = append(q.words, w)
		case n > 1:
			usual = append(usual, w)
		}
	}
	if len(q.words) == 0 { // better than nothing: documents that are nearly the same
		q.words = usual
	}
	slices.SortStableFunc(q.words, func(a, b queryWord) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), strings.Compare(a.forms[0], b.forms[0]))
	})
	q.words = q.words[:min(len(q.words), likeTerms)]
	for i := range slices.Backward(q.words) { // the first one last
		q.words[i].weight /= q.words[0].weight
	}
	return q, nil
}

// telling returns the words of a document that may tell something, with how much
// their number says. A word in the title counts as several.
func telling(d Document) []queryWord {
	a := newAnalyzer(d.Language)
	times, words := map[string]float64{}, map[string]queryWord{}
	left := likeText
	collect := func(text string, weight float64) {
		text = strings.ToValidUTF8(text[:min(len(text), left)], "")
		left -= len(text)
		a.each(text, func(t token) {
			if t.kind == whole || t.kind == tail || len(t.word) < 2 || t.kind == plain && stopWords[a.language][string(t.word)] {
				return
			}
			term := a.term(t, text)
			if _, ok := words[term]; !ok {
				words[term] = queryWord{text: text[t.start:t.end], folded: string(t.word), forms: []string{term}}
			}
			times[term] += weight
		})
	}
	collect(d.Title, 3)
	for _, text := range d.Chunks {
		collect(text, 1)
	}
	list := make([]queryWord, 0, len(words))
	for term, w := range words {
		w.weight = 1 + math.Log(times[term])
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b queryWord) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), strings.Compare(a.forms[0], b.forms[0]))
	})
	return list[:min(len(list), likeWords)]
}
