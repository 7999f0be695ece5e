package inverted

import (
	"slices"
	"strings"
	"testing"
)

// While a word is being typed, its term must be among those looked up at every
// letter, although the term is a stem.
func TestPrefixFindsStems(t *testing.T) {
	words := strings.Fields(`migration migrations organization organizations organisation engineering management manager
		inventory invention studies studying companies procurement solicitation hubzone disabled veteran cybersecurity
		availability possibilities effectiveness usefully logically analytical mechanism specialists tourism
		communicating communicated communications responsibilities activities creative representative
		accelerating naturally assistance difference customers services agencies policies applied applies running`)
	tried, missed := 0, []string{}
	for _, w := range words {
		for n := minPrefix; n <= len(w); n++ {
			p := newPrefix(w[:n], []string{stem(w[:n])}, true)
			tried++
			if s := stem(w); !strings.HasPrefix(s, p.text) && s != p.whole[0] && !slices.Contains(p.terms, s) {
				missed = append(missed, w[:n]+"|"+w[n:])
			}
			if len(p.terms) > 8 {
				t.Errorf("%q leads to %d terms: %v", p.text, len(p.terms), p.terms)
			}
		}
	}
	if len(missed) > 0 {
		t.Errorf("%d of %d beginnings do not lead to their word: %v", len(missed), tried, missed)
	}
}

func BenchmarkPrefix(b *testing.B) {
	for b.Loop() {
		newPrefix("organizat", []string{"organizat"}, true)
	}
}
