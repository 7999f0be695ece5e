package local

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/bidi"
)

// readable brings a line to the order in which it is read. PDF keeps letters in the
// order in which they stand on the page, from left to right, also those of Hebrew and
// Arabic: these words would be there backwards. Numbers and Latin words among them
// stand the right way round.
func readable(line string) string {
	right, left := 0, 0
	for _, r := range line {
		switch directionOf(r) {
		case toLeft:
			right++
		case toRight:
			left++
		}
	}
	if right == 0 {
		return line
	}
	letters := clusters(line)
	if right >= left {
		slices.Reverse(letters)
		reverseRuns(letters, toRight)
	} else {
		reverseRuns(letters, toLeft)
	}
	return strings.Join(letters, "")
}

// A direction is where a letter's writing goes.
type direction int

const (
	neither direction = iota
	toRight           // Latin and most others, numbers
	toLeft            // Hebrew, Arabic
)

func directionOf(r rune) direction {
	p, _ := bidi.LookupRune(r)
	switch p.Class() {
	case bidi.L, bidi.EN, bidi.AN:
		return toRight
	case bidi.R, bidi.AL:
		return toLeft
	}
	return neither
}

// clusters divides a text into letters, each with its marks.
func clusters(s string) (all []string) {
	for _, r := range s {
		if n := len(all); n > 0 && unicode.Is(unicode.Mn, r) {
			all[n-1] += string(r)
			continue
		}
		all = append(all, string(r))
	}
	return all
}

// reverseRuns turns each run of letters of a direction, with what stands between them.
func reverseRuns(letters []string, d direction) {
	begin, end := -1, -1
	flush := func() {
		if begin >= 0 {
			slices.Reverse(letters[begin : end+1])
		}
		begin = -1
	}
	for i, l := range letters {
		switch directionOf([]rune(l)[0]) {
		case d:
			if begin < 0 {
				begin = i
			}
			end = i
		case neither:
		default:
			flush()
		}
	}
	flush()
}
