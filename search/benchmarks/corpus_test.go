package benchmarks

import (
	"math/rand/v2"
	"strings"
)

// A text is a document to be indexed.
type text struct{ title, body string }

// A corpus makes texts in which words are as frequent as in English: the few
// words that say nothing, then made-up ones by Zipf's law. It makes the same
// texts in each run.
type corpus struct {
	words []string
	rank  *rand.Zipf
	rnd   *rand.Rand
}

const vocabulary = 40_000

func newCorpus() *corpus {
	rnd := rand.New(rand.NewPCG(1, 2))
	c := &corpus{rnd: rnd, rank: rand.NewZipf(rnd, 1.07, 2.7, vocabulary-1)}
	c.words = strings.Fields(`the of and to in a is that for it as was with be by on not he his but at are this have from or
		had an they which one you were all her she there would their we him been has when who will no more if out so what
		up said its about than into them can only other time new some could these two may first then do`)
	seen := map[string]bool{}
	for _, w := range c.words {
		seen[w] = true
	}
	for len(c.words) < vocabulary {
		if w := c.madeUp(); !seen[w] {
			seen[w] = true
			c.words = append(c.words, w)
		}
	}
	return c
}

// madeUp returns a word of two to four syllables, often with an English ending.
func (c *corpus) madeUp() string {
	var b strings.Builder
	for range 2 + c.rnd.IntN(3) {
		b.WriteByte("bcdfghklmnprstvw"[c.rnd.IntN(16)])
		b.WriteByte("aeiou"[c.rnd.IntN(5)])
		if c.rnd.IntN(3) == 0 {
			b.WriteByte("lmnrst"[c.rnd.IntN(6)])
		}
	}
	return b.String() + []string{"", "", "", "s", "ing", "ed", "ation", "er"}[c.rnd.IntN(8)]
}

func (c *corpus) sentence(n int) string {
	words := make([]string, n)
	for i := range words {
		words[i] = c.words[c.rank.Uint64()]
	}
	return strings.Join(words, " ")
}

// text returns the next document: about a kilobyte, like an abstract.
func (c *corpus) text() text {
	var b strings.Builder
	for range 6 + c.rnd.IntN(5) {
		b.WriteString(c.sentence(12+c.rnd.IntN(12)) + ". ")
	}
	return text{c.sentence(6 + c.rnd.IntN(6)), b.String()}
}

// question returns what somebody might ask about a text: some of its words, in
// order.
func (c *corpus) question(t text) string {
	words := strings.Fields(strings.ReplaceAll(t.body, ".", ""))
	from := c.rnd.IntN(len(words) - 16)
	return strings.Join(words[from:from+8+c.rnd.IntN(9)], " ") + " ?"
}
