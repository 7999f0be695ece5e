package inverted

import (
	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/english"
)

// stem returns the term of a folded word: English words lose their endings
// (Porter's second algorithm), everything else stays as it is.
func stem(word string) string {
	if len(word) < 3 || len(word) > maxWord {
		return word
	}
	for i := range len(word) {
		if word[i] < 'a' || word[i] > 'z' {
			return word
		}
	}
	env := snowballstem.NewEnv(word)
	english.Stem(env)
	return env.Current()
}

// An analyzer turns text into terms: a tokenizer and the stems that it has met.
// Words repeat, so nearly every stem is a look-up. Each goroutine uses its own.
type analyzer struct {
	tokenizer
	stems map[string]string
}

// maxStems bounds the memory of an analyzer that lives long.
const maxStems = 1 << 16

func newAnalyzer() *analyzer { return &analyzer{stems: map[string]string{}} }

// term returns the term under which a token is indexed.
func (a *analyzer) term(t token) string {
	if t.kind != plain {
		return string(t.word)
	}
	if s, ok := a.stems[string(t.word)]; ok {
		return s
	}
	word := string(t.word)
	s := stem(word)
	if len(a.stems) >= maxStems {
		clear(a.stems)
	}
	a.stems[word] = s
	return s
}
