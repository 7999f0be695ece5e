package local

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A pdfLine is what stands on one line of a page.
type pdfLine struct {
	x, y, end, size float64
	text            strings.Builder
	last            span
	forth, back     int // how often it goes on to the right, and to the left
}

// layout makes lines of spans, and paragraphs and headings of lines. The order in
// which a page draws its texts is mostly the one in which they are read, columns
// included; where it jumps up too often, the places have the say.
func layout(spans []span) string {
	spans = slices.DeleteFunc(spans, func(s span) bool { return s.text == "" || s.size == 0 || s.x != s.x || s.y != s.y })
	up := 0
	for i := 1; i < len(spans); i++ {
		if spans[i].y > spans[i-1].y+spans[i-1].size {
			up++
		}
	}
	if up > 20 && up*3 > len(spans) {
		slices.SortStableFunc(spans, func(a, b span) int {
			if d := abs(a.y - b.y); d > 0.3*min(a.size, b.size) {
				return cmp.Compare(b.y, a.y)
			}
			return cmp.Compare(a.x, b.x)
		})
	}
	lines := linesOf(spans)
	body := bodySize(lines)
	var b []byte
	for i, l := range lines {
		text := strings.TrimSpace(l.text.String())
		if text == "" {
			continue
		}
		if len(b) > 0 && i > 0 {
			before := lines[i-1]
			gap := before.y - l.y
			switch {
			case gap < 0 || gap > 1.7*max(before.size, l.size) || abs(before.size-l.size) > 0.15*body:
				b = append(b, "\n\n"...)
			case joins(b, text):
				b = b[:len(b)-1]
			default:
				b = append(b, '\n')
			}
		}
		if l.size >= 1.2*body && len(text) < 150 && strings.ContainsFunc(text, unicode.IsLetter) && (len(b) == 0 || bytes.HasSuffix(b, []byte("\n\n"))) {
			if l.size >= 1.5*body {
				b = append(b, "# "...)
			} else {
				b = append(b, "## "...)
			}
		}
		b = append(b, text...)
	}
	return string(b)
}

// linesOf puts together what stands on one line, with blanks where there is
// room for them.
func linesOf(spans []span) (lines []*pdfLine) {
	for _, s := range spans {
		var l *pdfLine
		if n := len(lines); n > 0 {
			l = lines[n-1]
		}
		if l == nil || abs(l.y-s.y) > 0.5*max(l.size, s.size) || s.x < l.end-2*max(l.size, s.size) && s.end < l.last.x-2*max(l.size, s.size) {
			l = &pdfLine{x: s.x, y: s.y, end: s.x, size: s.size, last: span{x: s.x, end: s.x}}
			lines = append(lines, l)
		}
		size := max(l.size, s.size)
		if s.text == l.last.text && abs(s.x-l.last.x) < 0.2*size && abs(s.y-l.last.y) < 0.2*size {
			continue // drawn twice, to look bold
		}
		gap := s.x - l.last.end // to the right, or to the left of it
		if back := l.last.x - s.end; l.text.Len() > 0 && abs(back) < abs(gap) {
			gap = back
			l.back++
		} else {
			l.forth++
		}
		if (gap > 0.15*size || gap < -0.5*size) && l.text.Len() > 0 {
			l.text.WriteString(" ")
		}
		l.text.WriteString(s.text)
		l.end, l.last = max(s.end, s.x), s
		if strings.TrimSpace(s.text) != "" {
			l.size = max(l.size, s.size)
		}
	}
	for _, l := range lines {
		text := strings.Join(strings.Fields(l.text.String()), " ")
		if l.back <= l.forth { // else it was drawn in the order in which it is read
			text = readable(text)
		}
		l.text.Reset()
		l.text.WriteString(text)
	}
	return lines
}

// bodySize is the size of most letters.
func bodySize(lines []*pdfLine) float64 {
	count := map[int]int{}
	best, most := 10.0, 0
	for _, l := range lines {
		k := int(l.size*4 + .5)
		count[k] += l.text.Len()
		if count[k] > most || count[k] == most && float64(k)/4 < best {
			best, most = float64(k)/4, count[k]
		}
	}
	return best
}

// joins reports whether a line goes on with a word that the one before has
// divided.
func joins(before []byte, line string) bool {
	rest, divided := bytes.CutSuffix(before, []byte("-"))
	last, _ := utf8.DecodeLastRune(rest)
	first, _ := utf8.DecodeRuneInString(line)
	return divided && unicode.IsLetter(last) && unicode.IsLower(first)
}
