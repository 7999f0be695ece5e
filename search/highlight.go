package search

import (
	"cmp"
	"html"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/curatore/curatore-go/search/inverted"
)

// highlights shows where a hit matches. It works on places in the original text:
// each piece is escaped by itself before the marks go between, so that nothing in
// the text can become HTML or look like a mark.
func highlights(q *inverted.Query, title, text string, h Highlight) map[string][]string {
	shown := map[string][]string{}
	if marks := q.Marks(title); len(marks) > 0 {
		shown["title"] = []string{markup(title, marks)}
	}
	if marks := q.Marks(text); len(marks) > 0 {
		shown["content"] = fragments(text, marks, h)
	}
	if len(shown) == 0 {
		return nil
	}
	return shown
}

// markup escapes a text and puts <mark> around the marks.
func markup(text string, marks []inverted.Mark) string {
	var b strings.Builder
	at := 0
	for _, m := range marks {
		b.WriteString(html.EscapeString(text[at:m.Start]))
		b.WriteString("<mark>")
		b.WriteString(html.EscapeString(text[m.Start:m.End]))
		b.WriteString("</mark>")
		at = m.End
	}
	b.WriteString(html.EscapeString(text[at:]))
	return b.String()
}

// A fragment is a part of a text that begins and ends at words.
type fragment struct{ start, end int }

// fragments chooses the parts of a text that show most different words of the
// query, and returns them in the order of the text.
func fragments(text string, marks []inverted.Mark, h Highlight) []string {
	var chosen []fragment
	shown := map[int]bool{}
	for len(chosen) < h.Fragments {
		best, bestScore := -1, 0
		for i, m := range marks {
			if slices.ContainsFunc(chosen, func(f fragment) bool { return m.End > f.start && m.Start < f.end }) {
				continue
			}
			if score := worth(marks[i:], h.Size, shown); score > bestScore {
				best, bestScore = i, score
			}
		}
		if best < 0 || len(chosen) > 0 && bestScore < newWord {
			break // a further fragment would show nothing new
		}
		f := around(text, marks[best:], h.Size, chosen)
		for _, m := range marks {
			if m.Start >= f.start && m.End <= f.end {
				shown[m.Term] = true
			}
		}
		chosen = append(chosen, f)
	}
	slices.SortFunc(chosen, func(a, b fragment) int { return cmp.Compare(a.start, b.start) })
	list := make([]string, len(chosen))
	for i, f := range chosen {
		list[i] = show(text, marks, f)
	}
	return list
}

// newWord is what a word that no fragment shows yet is worth against one that is
// shown.
const newWord = 100

// worth says how much there is to see in a fragment that begins at the first
// mark.
func worth(marks []inverted.Mark, size int, shown map[int]bool) int {
	score := 0
	seen := map[int]bool{}
	for _, m := range marks {
		if m.End > marks[0].Start+size && m != marks[0] {
			break
		}
		if seen[m.Term] || shown[m.Term] {
			score++
		} else {
			seen[m.Term] = true
			score += newWord
		}
	}
	return score
}

// around returns a fragment that holds the first mark, as many of the others as
// fit, and the words before and behind, without running into others.
func around(text string, marks []inverted.Mark, size int, others []fragment) fragment {
	from, to := 0, len(text)
	for _, o := range others {
		if o.end <= marks[0].Start {
			from = max(from, o.end)
		} else {
			to = min(to, o.start)
		}
	}
	f := fragment{marks[0].Start, min(marks[0].End, to)}
	for _, m := range marks[1:] {
		if m.End > f.start+size || m.End > to {
			break
		}
		f.end = m.End
	}
	spare := max(0, size-(f.end-f.start))
	start, end := max(from, f.start-spare/2), f.end
	end = min(to, end+spare-(f.start-start))
	start = max(from, start-max(0, size-(end-start))) // what the end does not need
	if start > 0 {
		start = wordStart(text, start, f.start)
	}
	if end < len(text) {
		end = wordEnd(text, end, f.end)
	}
	return fragment{start, end}
}

// wordStart returns the first beginning of a word from a place on, at the latest
// that of the mark.
func wordStart(text string, at, mark int) int {
	if r, _ := utf8.DecodeLastRuneInString(text[:at]); at < mark && unicode.IsSpace(r) && utf8.RuneStart(text[at]) {
		return at
	}
	i := strings.IndexFunc(text[at:mark], unicode.IsSpace)
	if i < 0 { // a script without spaces
		for at < mark && !utf8.RuneStart(text[at]) {
			at++
		}
		return at
	}
	rest := text[at+i : mark]
	return mark - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
}

// wordEnd returns the last end of a word up to a place, at the earliest that of
// the mark.
func wordEnd(text string, at, mark int) int {
	i := strings.LastIndexFunc(text[mark:at], unicode.IsSpace)
	if i < 0 { // a script without spaces
		for at > mark && !utf8.RuneStart(text[at]) {
			at--
		}
		return at
	}
	return mark + len(strings.TrimRightFunc(text[mark:mark+i], unicode.IsSpace))
}

// show marks a fragment up, with dots where text is left out.
func show(text string, marks []inverted.Mark, f fragment) string {
	var inside []inverted.Mark
	for _, m := range marks {
		if m.Start >= f.start && m.End <= f.end {
			m.Start, m.End = m.Start-f.start, m.End-f.start
			inside = append(inside, m)
		}
	}
	s := markup(text[f.start:f.end], inside)
	if f.start > 0 {
		s = "…" + s
	}
	if f.end < len(text) {
		s += "…"
	}
	return s
}
