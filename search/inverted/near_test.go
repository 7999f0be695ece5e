package inverted

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// first returns the number of the best document.
func first(t *testing.T, m *memoryIndex, text string) int64 {
	t.Helper()
	res := m.search(t, Request{Query: Parse(text), Limit: 3})
	if len(res.Hits) == 0 {
		t.Errorf("%q finds nothing", text)
		return 0
	}
	return res.Hits[0].Document
}

func TestWordsThatStandTogetherComeFirst(t *testing.T) {
	m := newMemoryIndex()
	filler := " and many other words of the kind that reports are full of "
	far := m.build(t, Document{Title: "A", Chunks: []string{"boundary" + filler + "layer"}})
	near := m.build(t, Document{Title: "B", Chunks: []string{filler + "the boundary of a layer"}})
	swapped := m.build(t, Document{Title: "C", Chunks: []string{"layer boundary" + filler}})
	next := m.build(t, Document{Title: "D", Chunks: []string{filler + "boundary layer"}})
	res := m.search(t, Request{Query: Parse("boundary layer "), Limit: 4})
	var got []int64
	for _, h := range res.Hits {
		got = append(got, h.Document)
	}
	if want := []int64{next, swapped, near, far}; fmt.Sprint(got) != fmt.Sprint(want) && got[0] != next || got[3] != far {
		t.Errorf("order %v, want %v", got, want)
	}
}

// More of the words win against one of them many times.
func TestCoverage(t *testing.T) {
	m := newMemoryIndex()
	m.build(t, Document{Title: "A", Chunks: []string{strings.Repeat("cloud ", 20)}})
	both := m.build(t, Document{Title: "B", Chunks: []string{"a cloud of dust, whatever its migration may be for the birds of passage in these days"}})
	for range 20 {
		m.build(t, Document{Title: "Other", Chunks: []string{"something else altogether, and as long as the others are, so that no text is shorter than most of them"}})
	}
	if got := first(t, m, "cloud migration "); got != both {
		t.Errorf("first is %d", got)
	}
}

func TestExactTitlesAndIdentifiersComeFirst(t *testing.T) {
	m := newMemoryIndex()
	var docs []Document
	for i := range 300 {
		docs = append(docs, Document{Title: fmt.Sprintf("Cloud services cloud services %d", i),
			Chunks: []string{strings.Repeat("cloud services award notice contract of the cloud ", 3) + fmt.Sprint("W911NF-23-R-", 1000+i)}})
	}
	m.build(t, docs...)
	exact := m.build(t, Document{Title: "The Cloud: Services", Chunks: []string{"nothing to see"}}, Document{Title: "About it", Chunks: []string{"once FA8750-24-R-0017 in a long text " + strings.Repeat("filler words ", 200)}},
		Document{Title: "Mail", Chunks: []string{strings.Repeat("filler words ", 200) + "ann.lee@example.com"}}, Document{Title: "北京大学", Chunks: []string{"x"}}, Document{Title: "C", Chunks: []string{"y"}})
	for text, want := range map[string]int64{
		"the cloud services":                                 exact,
		"The Cloud services?":                                exact,
		`"the cloud services"`:                               exact,
		"cloud services award notice FA8750-24-R-0017":       exact + 1,
		"cloud award contract fa875024r0017 services notice": exact + 1,
		"who is ann.lee@example.com in cloud services":       exact + 2,
		"北京大学":                                               exact + 3,
		"c":                                                  exact + 4,
	} {
		if got := first(t, m, text); got != want {
			t.Errorf("%q: first is %d, want %d", text, got, want)
		}
	}
}

// A chunk that has none of the words which were scored can get something only
// from the pairs of the others.
func TestWhatPairsCanStillGive(t *testing.T) {
	var pairs []*pair
	for i, most := range []uint32{60, 50, 40, 30, 20, 10} { // of the words 0 and 1, 1 and 2, ...
		pairs = append(pairs, &pair{wordPair: wordPair{first: i, second: i + 1}, most: most})
	}
	n := &nearness{pairs: pairs, ahead: slices.Clone(pairs)}
	var got []uint32
	for _, word := range []int{6, 3, 1, 4, 5, 0} {
		got = append(got, n.left())
		n.scored(word)
	}
	if want := []uint32{180, 180, 130, 20, 0, 0}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(n.pairs) != 6 || (*nearness)(nil).left() != 0 {
		t.Error("pairs were lost, or come from nowhere")
	}
}
