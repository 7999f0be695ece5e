package inverted

import "unicode/utf8"

// Limits of terms in bytes. A longer word is cut, in texts and queries alike; a
// longer identifier is found by its parts only.
const (
	maxWord  = 64
	maxWhole = 128
)

// emitParts turns the parts of one run into tokens. Parts that a connector
// joins (FA8750-24-R-0001, ann@example.com) are an identifier: each part is a
// token, and so is the whole, so that the exact identifier is found first and a
// part of it is found too.
func (t *tokenizer) emitParts(text string, position int, emit func(token)) int {
	parts := t.join(text)
	for i := 0; i < len(parts); {
		n := 1
		for i+n < len(parts) && connected(text, parts[i+n-1], parts[i+n]) {
			n++
		}
		if parts[i].kind == ideograph {
			position = t.emitUnspaced(text, parts[i:i+n], position, emit)
		} else {
			position = t.emitGroup(text, parts[i:i+n], position, emit)
		}
		i += n
	}
	return position
}

// join undoes splits inside words: o'brien, company's, U.S., 1,200.
func (t *tokenizer) join(text string) []part {
	parts := t.parts
	if len(parts) < 2 {
		return parts
	}
	out := parts[:0]
	for i := 0; i < len(parts); i++ {
		p := parts[i]
		if n := acronymLength(text, parts[i:]); n > 1 {
			p.end, p.kind = parts[i+n-1].end, acronym
			p.cut = p.end
			out = append(out, p)
			i += n - 1
			continue
		}
		if len(out) > 0 {
			last := &out[len(out)-1]
			switch gap := text[last.end:p.start]; {
			case (gap == "'" || gap == "’") && last.kind == letters && p.kind == letters && last.cut == last.end:
				last.end = p.end
				if s := text[p.start:p.end]; s != "s" && s != "S" {
					last.cut = p.end
				}
				continue
			case gap == "," && last.kind == digits && p.kind == digits && p.end-p.start == 3 &&
				(last.end-last.start <= 3 || text[last.end-4] == ','):
				last.end, last.cut = p.end, p.end
				continue
			}
		}
		out = append(out, p)
	}
	return out
}

// acronymLength returns how many single letters with dots between them the
// parts begin with.
func acronymLength(text string, parts []part) int {
	n := 0
	for n < len(parts) && parts[n].kind == letters && utf8.RuneCountInString(text[parts[n].start:parts[n].end]) == 1 &&
		(n == 0 || text[parts[n-1].end:parts[n].start] == ".") {
		n++
	}
	if n < len(parts) && n > 0 && text[parts[n-1].end:parts[n].start] == "." {
		return 1 // a.b.example is no acronym
	}
	return n
}

// connected reports whether two neighbouring parts belong to one identifier or
// to one stretch of a script without spaces.
func connected(text string, a, b part) bool {
	if (a.kind == ideograph) != (b.kind == ideograph) {
		return false
	}
	gap := text[a.end:b.start]
	if a.kind == ideograph {
		return gap == ""
	}
	if len(gap) != 1 {
		return false
	}
	switch gap[0] {
	case '-', '_', '.', '/', '@', ':', '+', '#', '&':
		return true
	}
	return false
}

// emitGroup emits the parts of an identifier, or a single word.
func (t *tokenizer) emitGroup(text string, group []part, position int, emit func(token)) int {
	var digit, letter, marked, dashes = false, false, false, true
	for i, p := range group {
		digit = digit || p.kind == digits || p.kind == mixed
		letter = letter || p.kind != digits
		if i > 0 {
			c := text[group[i-1].end]
			dashes = dashes && c == '-'
			marked = marked || c == '@' || c == '_' || c == '.' || c == '+' || c == '#' || c == '&'
		}
	}
	first := position
	identifier := len(group) > 1 && (digit || marked) // high-speed and and/or are only words
	t.joined = t.joined[:0]
	for i, p := range group {
		t.word = t.folder.fold(t.word[:0], text[p.start:p.cut], p.kind == acronym)
		if identifier {
			// F-16 and F16, FA8750-24-R-0001 and FA875024R0001 are the same
			if i > 0 && !(dashes && digit && letter) {
				t.joined = append(t.joined, text[group[i-1].end])
			}
			t.joined = append(t.joined, t.word...)
		}
		if len(t.word) == 0 {
			continue
		}
		kind := plain
		if identifier || p.kind != letters {
			kind = exact
		}
		emit(token{cut(t.word), p.start, p.end, position, kind})
		position++
	}
	if identifier && len(t.joined) <= maxWhole && position > first {
		emit(token{t.joined, group[0].start, group[len(group)-1].end, first, whole})
	}
	return position
}

// emitUnspaced emits a stretch of a script without spaces: each pair of
// neighbouring characters, and the last character, so that any single character
// is found as the beginning of a term.
func (t *tokenizer) emitUnspaced(text string, chars []part, position int, emit func(token)) int {
	for i, c := range chars {
		t.word = t.folder.fold(t.word[:0], text[c.start:c.end], false)
		kind, end := tail, c.end
		if i+1 < len(chars) {
			next := chars[i+1]
			t.word = t.folder.fold(t.word, text[next.start:next.end], false)
			kind, end = bigram, next.end
		}
		if len(t.word) == 0 {
			continue
		}
		emit(token{cut(t.word), c.start, end, position, kind})
		position++
	}
	return position
}

// cut bounds a term at the end of a character.
func cut(word []byte) []byte {
	if len(word) <= maxWord {
		return word
	}
	n := maxWord
	for n > 0 && !utf8.RuneStart(word[n]) {
		n--
	}
	return word[:n]
}
