package inverted

import (
	"slices"
	"strings"
)

// A prefix is a word that may go on. Terms are stems, so that "migrati" is not
// the beginning of the term of "migration", which is "migrat": the terms to
// which common endings lead are looked up beside those that begin with the text.
type prefix struct {
	text  string   // folded
	term  string   // the term of the text as a whole word
	terms []string // further terms, which do not begin with text
}

func newPrefix(word, term string, stemmed bool) prefix {
	p := prefix{text: word, term: term}
	if !stemmed {
		return p
	}
	for _, e := range endings {
		if t := stem(word + e); !strings.HasPrefix(t, word) && !slices.Contains(p.terms, t) {
			p.terms = append(p.terms, t)
		}
	}
	return p
}

// endings are the ends of English endings: what is missing when typing stopped
// within one.
var endings = func() []string {
	var list []string
	for _, ending := range strings.Fields(`s es ies ed ing ings er ers ion ions ation ations ator ators ment ments ness
		able ible ability ibility ive ivity al ally ly ize ized izing ization ise ised ising isation ous ance ence ity
		ities ative ful fully ic ical ically ism isms ist ists`) {
		for i := range ending {
			if !slices.Contains(list, ending[i:]) {
				list = append(list, ending[i:])
			}
		}
	}
	return list
}()
