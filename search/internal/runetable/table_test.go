package runetable

import (
	"sync"
	"testing"
	"unicode"
)

func TestTable(t *testing.T) {
	letter := func(r rune) uint8 {
		if unicode.IsLetter(r) {
			return 1
		}
		return 0
	}
	table := New(letter)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			for r := range unicode.MaxRune + 1 {
				if got, want := table.Of(r), letter(r); got != want {
					t.Errorf("%U: %d, want %d", r, got, want)
				}
			}
		})
	}
	both.Wait()
}
