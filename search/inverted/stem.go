package inverted

import (
	"slices"
	"strings"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/arabic"
	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/irish"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/russian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/tamil"
	"github.com/blevesearch/snowballstem/turkish"
	"golang.org/x/text/unicode/norm"
)

// defaultLanguage is that of texts and queries that name none.
const defaultLanguage = "en"

// stemmers take the endings off words, by the language that a BCP 47 tag begins
// with. Words of other languages stay as they are.
var stemmers = map[string]func(*snowballstem.Env) bool{
	"ar": arabic.Stem, "da": danish.Stem, "de": german.Stem, "en": english.Stem, "es": spanish.Stem, "fi": finnish.Stem,
	"fr": french.Stem, "ga": irish.Stem, "hu": hungarian.Stem, "it": italian.Stem, "nb": norwegian.Stem, "nl": dutch.Stem,
	"nn": norwegian.Stem, "no": norwegian.Stem, "pt": portuguese.Stem, "ro": romanian.Stem, "ru": russian.Stem,
	"sv": swedish.Stem, "ta": tamil.Stem, "tr": turkish.Stem,
}

// Languages returns the languages whose words are stemmed, as the first parts of
// BCP 47 tags, in order.
func Languages() []string {
	list := make([]string, 0, len(stemmers))
	for l := range stemmers {
		list = append(list, l)
	}
	slices.Sort(list)
	return list
}

// elisions are languages that join a short word to the next by an apostrophe:
// l'avion, dell'arte.
var elisions = map[string]bool{"fr": true, "it": true, "ga": true}

// baseLanguage returns the part of a tag that decides about stems.
func baseLanguage(tag string) string {
	base, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
	if base == "" {
		return defaultLanguage
	}
	return base
}

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

// An analyzer turns text of one language into terms: a tokenizer and the stems
// that it has met. Words repeat, so nearly every stem is a look-up. Each
// goroutine uses its own.
type analyzer struct {
	tokenizer
	language string
	stems    map[string]string
}

// maxStems bounds the memory of an analyzer that lives long.
const maxStems = 1 << 16

func newAnalyzer(language string) *analyzer {
	return &analyzer{language: baseLanguage(language), stems: map[string]string{}}
}

// term returns the term under which a token of a text is indexed.
func (a *analyzer) term(t token, text string) string {
	if t.kind != plain {
		return string(t.word)
	}
	key := t.word
	if a.language != defaultLanguage { // its rules may need the accents that are folded
		key = []byte(text[t.start:t.end])
	}
	if s, ok := a.stems[string(key)]; ok {
		return s
	}
	word := string(key)
	if len(a.stems) >= maxStems {
		clear(a.stems)
	}
	s := a.stem(word, t)
	a.stems[word] = s
	return s
}

func (a *analyzer) stem(word string, t token) string {
	if a.language == defaultLanguage {
		return stem(word)
	}
	algorithm := stemmers[a.language]
	if algorithm == nil || len(word) > 2*maxWord {
		return string(t.word)
	}
	word = strings.ToLower(norm.NFC.String(word))
	if i := strings.LastIndexAny(word, "'’"); elisions[a.language] && i >= 0 {
		word = strings.TrimLeft(word[i:], "'’")
	}
	env := snowballstem.NewEnv(word)
	algorithm(env)
	var f folder
	if s := string(cut(f.fold(nil, env.Current(), false))); s != "" {
		return s
	}
	return string(t.word)
}
