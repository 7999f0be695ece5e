package local

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// narrowTree is the number of elements up to which a page is small, whatever is in it.
const narrowTree = 4000

// tooWide reports whether a page would have more than maxTree elements. A tag is not
// one element only: those of letters (b, font, a) that were not closed are opened again
// in each paragraph behind them, so that a page of a megabyte can become gigabytes.
func tooWide(text string) bool {
	tags := strings.Count(text, "<")
	if tags <= narrowTree || tags > maxTree {
		return tags > maxTree
	}
	z := html.NewTokenizer(strings.NewReader(text))
	open := map[string]int{} // by the whole tag: the parser keeps three that are alike
	var order []string
	elements := 0
	for {
		switch z.Next() {
		case html.ErrorToken:
			return false
		case html.StartTagToken:
			raw := string(z.Raw())
			name, _ := z.TagName()
			if formatting(string(name)) && open[raw] < 3 && len(order) < 512 {
				open[raw]++
				order = append(order, raw)
			}
			if elements += 1 + len(order); elements > maxTree {
				return true
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			if !formatting(string(name)) {
				continue
			}
			tag := "<" + string(name)
			for i, raw := range slices.Backward(order) {
				if len(raw) > len(tag) && strings.EqualFold(raw[:len(tag)], tag) && !isLetter(rune(raw[len(tag)])) {
					open[raw]--
					order = slices.Delete(order, i, i+1)
					break
				}
			}
		}
	}
}

// formatting reports whether an element is one that the parser opens again.
func formatting(name string) bool {
	switch name {
	case "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u":
		return true
	}
	return false
}
