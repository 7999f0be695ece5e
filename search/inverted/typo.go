package inverted

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	minTypo      = 4 // characters of a word that may have a mistake
	minFirst     = 5 // of one that may have it in the first letter
	minTwoTypos  = 8 // and of one that may have two
	maxCorrected = 8 // words that are taken in place of one
	maxNearTerms = 64
)

// A word of the query that so few chunks have may be a mistake that somebody else
// made too. Words are then looked up beside it that are spelled nearly so and that
// at least usual times as many chunks have.
const (
	seldom      = 5
	seldomShare = 10_000 // or one chunk in so many
	usual       = 10
)

// respell looks for words that are spelled nearly like those of the query that
// no live chunk has, and puts them in their place, and for much more usual ones
// beside those that hardly any has. Others are taken as they are, and so are
// numbers and identifiers, where another digit is another thing.
func (m *matcher) respell(ctx context.Context) error {
	var query *Query
	for i, w := range m.query.words {
		n := m.clauses[i].n
		if n > max(seldom, m.live/seldomShare) || !w.plain || utf8.RuneCountInString(w.folded) < minTypo || n == 0 && m.goesOn(w) {
			continue
		}
		c, err := m.nearlySpelled(ctx, w, max(1, usual*n))
		if err != nil {
			return err
		}
		if c == nil {
			continue
		}
		if n == 0 {
			c.word = i
			m.clauses[i] = c // before it is counted: it may be one of a pair, whose positions are read with it
		} else {
			m.clauses = append(m.clauses, c)
		}
		if err := m.count(ctx, []*clause{c}); err != nil {
			return err
		}
		if query == nil {
			clone := *m.query
			clone.words = slices.Clone(clone.words)
			query = &clone
		}
		query.words[i].found = c.terms
	}
	if query != nil {
		m.query = query
	}
	return nil
}

// goesOn reports whether a word is the beginning of words that are there.
func (m *matcher) goesOn(w queryWord) bool {
	return slices.ContainsFunc(m.clauses, func(c *clause) bool {
		return c.kind == PrefixTerm && c.n > 0 && m.query.prefixes[c.word].text == w.folded
	})
}

// nearlySpelled returns a clause of the words with the fewest differences that a
// number of chunks have at least, or nil. The first letter of most is right, or has
// changed places with the second; a word that nobody has is looked for under other
// first letters when nothing else is found.
func (m *matcher) nearlySpelled(ctx context.Context, w queryWord, least float64) (*clause, error) {
	letters := []rune(w.folded)
	most := 1
	if len(letters) >= minTwoTypos {
		most = 2
	}
	forms := make([][]rune, len(w.forms))
	for i, f := range w.forms {
		forms[i] = []rune(f)
	}
	same := []string{string(letters[:1]), string(letters[1:2])}
	c, err := m.closest(ctx, w, least, same, most, func(term, surface []byte) int {
		if !hasPrefix(term, same...) {
			return most + 1
		}
		d := editDistance(letters, surface, most)
		for _, f := range forms {
			d = min(d, editDistance(f, term, most))
		}
		return d
	})
	if c != nil || err != nil || least > 1 || len(letters) < minFirst {
		return c, err
	}
	return m.closest(ctx, w, least, otherBeginnings(letters), 1, func(term, surface []byte) int {
		if differInFirst(w.folded, surface) || slices.ContainsFunc(w.forms, func(f string) bool { return differInFirst(f, term) }) {
			return 1
		}
		return 2
	})
}

// closest returns a clause of the words with the fewest mistakes, which are counted
// by mistakes, among those that begin with one of the prefixes.
func (m *matcher) closest(ctx context.Context, w queryWord, least float64, prefixes []string, most int, mistakes func(term, surface []byte) int) (*clause, error) {
	distances := map[string]int{}
	words, err := m.wordsLike(ctx, prefixes, func(term, surface []byte) bool {
		d := mistakes(term, surface)
		if d > most || bytes.ContainsAny(term, "0123456789") || slices.Contains(w.forms, string(term)) {
			return false
		}
		distances[string(term)] = min(d, cmp.Or(distances[string(term)], d))
		return true
	})
	if err != nil || len(words) == 0 {
		return nil, err
	}
	slices.SortFunc(words, func(a, b word) int {
		return cmp.Or(cmp.Compare(distances[a.term], distances[b.term]), cmp.Compare(b.count, a.count), strings.Compare(a.term, b.term))
	})
	words = words[:min(len(words), maxNearTerms)]
	single := make([]*clause, len(words))
	for i, x := range words {
		single[i] = &clause{terms: []string{x.term}}
	}
	if err := m.count(ctx, single); err != nil {
		return nil, err
	}
	single = slices.DeleteFunc(single, func(c *clause) bool { return c.n < least })
	slices.SortFunc(single, func(a, b *clause) int {
		return cmp.Or(cmp.Compare(distances[a.terms[0]], distances[b.terms[0]]), cmp.Compare(b.n, a.n), strings.Compare(a.terms[0], b.terms[0]))
	})
	if len(single) == 0 {
		return nil, nil
	}
	fewest := distances[single[0].terms[0]]
	c := &clause{kind: SpellingTerm, text: w.text, word: -1, weight: w.weight * m.ranking.misspelt / float64(max(1, fewest))}
	for _, x := range single {
		if distances[x.terms[0]] == fewest && len(c.terms) < maxCorrected {
			c.terms = append(c.terms, x.terms[0])
		}
	}
	return c, nil
}

// alphabets are the letters that may stand in place of a wrong one.
var alphabets = []string{"abcdefghijklmnopqrstuvwxyz", "абвгдежзийклмнопрстуфхцчшщъыьэюя", "αβγδεζηθικλμνξοπρστυφχψω"}

// otherBeginnings returns with what words can begin that differ from a word in its
// first letter alone: it is another one, or missing, or too much.
func otherBeginnings(letters []rune) []string {
	prefixes := []string{string(letters[1:4])}
	for _, alphabet := range alphabets {
		if !strings.ContainsRune(alphabet, letters[0]) && !strings.ContainsRune(alphabet, letters[1]) {
			continue
		}
		for _, r := range alphabet {
			prefixes = append(prefixes, string(r)+string(letters[1:3]), string(r)+string(letters[:2]))
		}
	}
	return prefixes
}

// differInFirst reports whether one word becomes the other when a letter is
// replaced, added or left out at its beginning.
func differInFirst(a string, b []byte) bool {
	_, n := utf8.DecodeRuneInString(a)
	_, o := utf8.DecodeRune(b)
	return a != string(b) && (a[n:] == string(b[o:]) || a == string(b[o:]) || a[n:] == string(b))
}

// editDistance returns the number of letters that were added, left out, replaced
// or swapped with their neighbour, or more than most when there are more.
func editDistance(a []rune, text []byte, most int) int {
	n := utf8.RuneCount(text)
	if d := n - len(a); d > most || -d > most {
		return most + 1
	}
	b := bytes.Runes(text)
	before, last, row := make([]int, n+1), make([]int, n+1), make([]int, n+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		least := i
		for j := 1; j <= n; j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > most {
			return most + 1
		}
		before, last, row = last, row, before
	}
	return last[n]
}
