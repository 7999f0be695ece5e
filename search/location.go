package search

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/search/inverted"
)

// maxLabel is the number of bytes of a location's label that are stored.
const maxLabel = 200

// cleaned returns a text as it is stored, and its locations there, in order.
func cleaned(text string, locations []content.Location) (string, []content.Location) {
	stored := clean(text)
	list := make([]content.Location, 0, len(locations))
	for _, l := range locations {
		at := min(max(0, l.Offset), len(text))
		if len(stored) != len(text) {
			at = len(clean(text[:at]))
		}
		label := clean(l.Label)
		if len(label) > maxLabel {
			label = strings.ToValidUTF8(label[:maxLabel], "")
		}
		list = append(list, content.Location{Offset: min(at, len(stored)), Label: label})
	}
	slices.SortStableFunc(list, func(a, b content.Location) int { return cmp.Compare(a.Offset, b.Offset) })
	return stored, list
}

// locationsIn returns the locations of a part of a text, from the beginning of
// the part, as they are stored with a chunk; "" for none.
func locationsIn(locations []content.Location, s span) string {
	var list []content.Location
	if label := content.LocationAt(locations, s.start); label != "" {
		list = append(list, content.Location{Label: label})
	}
	for _, l := range locations {
		if l.Offset > s.start && l.Offset < s.end {
			list = append(list, content.Location{Offset: l.Offset - s.start, Label: l.Label})
		}
	}
	if len(list) == 0 {
		return ""
	}
	data, err := json.Marshal(list)
	if err != nil {
		panic(err) // numbers and texts always encode
	}
	return string(data)
}

// where returns the label of the place in which a chunk matches a query: of those
// that it reaches over, the one with most different words of the query, else the
// first. It is "" for a chunk without locations.
func where(q *inverted.Query, row hitRow) string {
	var list []content.Location
	if row.locations == "" || json.Unmarshal([]byte(row.locations), &list) != nil || len(list) == 0 {
		return ""
	}
	best, most := list[0].Label, 0
	if len(list) == 1 && list[0].Offset == 0 {
		return best
	}
	marks := q.Marks(row.text)
	for i, l := range list {
		words := map[int]bool{}
		for _, m := range marks {
			if m.Start >= l.Offset && (i+1 == len(list) || m.Start < list[i+1].Offset) {
				words[m.Term] = true
			}
		}
		if len(words) > most {
			best, most = l.Label, len(words)
		}
	}
	return best
}
