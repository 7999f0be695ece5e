package inverted

import (
	"fmt"
	"strings"
	"testing"
)

func TestWordIDs(t *testing.T) {
	w := newWordIDs("en")
	numbers := map[string]uint32{}
	for i := range 30_000 {
		word := fmt.Sprintf("%x", i%10_000)
		if i%3 == 0 {
			word += strings.Repeat("long", i%7)
		}
		s, known := w.find([]byte(word))
		number, seen := numbers[word]
		if known != seen || known && (s.number != number || s.term != number+1) {
			t.Fatalf("%q: known %v, want %v, as %d, term %d; want %d", word, known, seen, s.number, s.term, number)
		}
		if !known {
			s.term = s.number + 1
			numbers[word] = s.number
		}
		s.times++
		if w.keys[s.number] != word {
			t.Fatalf("%q is kept as %q", word, w.keys[s.number])
		}
	}
	count := func() (n uint32) {
		for _, s := range w.slots {
			n += s.times
		}
		return n
	}
	if len(w.keys) != len(numbers) || count() != 30_000 {
		t.Errorf("%d words, %d times; want %d and 30,000", len(w.keys), count(), len(numbers))
	}
	if w.forget(); count() != 0 {
		t.Errorf("%d times are left", count())
	}
}
