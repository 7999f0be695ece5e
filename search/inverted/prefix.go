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
	typed string   // as it stands in the query
	whole []string // the terms of the text as a whole word
	terms []string // further terms, which do not begin with text
}

func newPrefix(word string, whole []string, english bool) prefix {
	p := prefix{text: word, whole: whole}
	if !english {
		return p
	}
	for _, ending := range endings {
		for i := range ending {
			if !strings.HasSuffix(word, ending[:i]) {
				continue // typing did not stop inside this ending
			}
			if t := stem(word + ending[i:]); !strings.HasPrefix(t, word) && !slices.Contains(p.terms, t) {
				p.terms = append(p.terms, t)
			}
		}
	}
	return p
}

// endings are those that the stems of English words lose.
var endings = strings.Fields(`s es ies ed ing ings er ers ion ions ation ations ator ators ment ments ness able ible
	ability ibility ive ative ivity al ally ly ize ized izing ization ise ised ising isation ous ance ence ity ities
	ful fully ic ical ically ism isms ist ists`)
