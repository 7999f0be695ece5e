package rest

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strings"
)

// A Page is one part of a listing, and where the next one is.
type Page[T any] struct {
	Items []T
	Link  string // of this page
	Next  string // "" on the last
}

// Pages goes through a listing whose pages name the next one, from a first link
// on. A page that names one which came before would go on for ever: it is an
// error. The listing ends with its first error.
func Pages[T any](ctx context.Context, first string, fetch func(ctx context.Context, link string) (Page[T], error)) iter.Seq2[Page[T], error] {
	return func(yield func(Page[T], error) bool) {
		seen := map[string]bool{}
		for link := first; ; {
			if seen[link] {
				yield(Page[T]{}, fmt.Errorf("the listing leads in a circle after %d pages", len(seen)))
				return
			}
			seen[link] = true
			page, err := fetch(ctx, link)
			page.Link = link
			if !yield(page, err) || err != nil || page.Next == "" {
				return
			}
			link = page.Next
		}
	}
}

// Items goes through the items of pages.
func Items[T any](pages iter.Seq2[Page[T], error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for page, err := range pages {
			if err != nil {
				yield(*new(T), err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// NextLink returns the link with rel="next" of a Link header (RFC 8288), or "".
func NextLink(h http.Header) string {
	for _, line := range h.Values("Link") {
		for line != "" {
			open := strings.IndexByte(line, '<')
			end := strings.IndexByte(line, '>')
			if open < 0 || end < open {
				break
			}
			target := line[open+1 : end]
			params, rest := line[end+1:], ""
			if next := strings.IndexByte(params, '<'); next >= 0 {
				params, rest = params[:next], params[next:]
			}
			for param := range strings.SplitSeq(params, ";") {
				name, value, _ := strings.Cut(strings.Trim(param, " ,\t"), "=")
				if strings.EqualFold(strings.TrimSpace(name), "rel") {
					for rel := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
						if strings.EqualFold(rel, "next") {
							return target
						}
					}
				}
			}
			line = rest
		}
	}
	return ""
}
