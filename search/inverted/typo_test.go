package inverted

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSpelling(t *testing.T) {
	m := newMemoryIndex()
	m.build(t,
		Document{Title: "One", Chunks: []string{"the migration of data"}},
		Document{Title: "Two", Chunks: []string{"procurement of helicopters"}},
		Document{Title: "Three", Chunks: []string{"solicitation FA8750-24-R-0001, item 123456"}})
	m.build(t, Document{Title: "Four", Chunks: []string{"migrations of birds and a migraine"}}, Document{Title: "Five", Chunks: []string{"plain words"}})
	gone := m.build(t, Document{Title: "Six", Chunks: []string{"halicopter"}}) // deleted
	m.remove(t, gone)
	find := func(text string) *Result { return m.search(t, Request{Query: Parse(text), Limit: 10}) }
	for text, want := range map[string][]int64{
		"migratoin ":         {1, 4},
		"migratoin":          {1, 4}, // the last word may go on, but nothing does
		"migrtion ":          {1, 4},
		"imgration ":         {1, 4}, // the first two letters swapped
		"procuremant ":       {2},
		"prokuremant ":       {2}, // two mistakes in a long word
		"halicopter ":        {2}, // what is deleted is no word
		"solicitatoin data ": {1, 3},
		"plane ":             {},
		"wrods ":             {5},
		"date ":              {1},
		"dat ":               {},  // short words are taken as they are
		"fa8750-24-r-0002 ":  {3}, // by its other parts: an identifier has no typos
		"123457 ":            {},
		"xigration ":         {1, 4}, // another first letter
		"elicopter ":         {2},    // the first one is missing
		"xhelicopters ":      {2},    // or too much
		"xigratoin ":         {},     // and nothing else may be wrong
		"vords ":             {5},
		`"migratoin of"`:     {},
	} {
		got := []int64{}
		res := find(text)
		for _, h := range res.Hits {
			got = append(got, h.Document)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
	// a word that is there is not corrected, and one that was corrected counts less
	if right, wrong := find("migration "), find("migratoin "); right.Hits[0].Score <= wrong.Hits[0].Score {
		t.Errorf("right %v, wrong %v", right.Hits, wrong.Hits)
	}
	res := find("migratoin of data ")
	if marks := res.Query.Marks("Data and migrations"); len(marks) != 2 {
		t.Errorf("the words that were found are not marked: %v", marks)
	}
	if marks := Parse("migratoin ").Marks("migrations"); len(marks) != 0 {
		t.Errorf("marks without a search: %v", marks)
	}
}

// A word that hardly any chunk has may be somebody else's mistake: what is much
// more usual is found behind it. Words that are rare beside each other stay apart.
func TestSpellingOfWordsThatAreThere(t *testing.T) {
	m := newMemoryIndex()
	docs := []Document{{Title: "Typist", Chunks: []string{"a helicoptr of the navy"}}, {Title: "Kowalcyzk", Chunks: []string{"once"}}}
	for range 12 {
		docs = append(docs, Document{Title: "Kowalczyk Industries", Chunks: []string{"helicopter parts, mariners"}})
	}
	for range 2 {
		docs = append(docs, Document{Title: "Boats", Chunks: []string{"the marina"}})
	}
	m.build(t, docs...)
	for text, want := range map[string]struct {
		total int
		first int64
	}{
		"helicoptr ":  {13, 1},
		"helicoptr":   {13, 1},
		"kowalcyzk ":  {13, 2},
		"kowalzcyk":   {12, 3}, // nobody has it
		"helicopter ": {12, 3}, // is usual itself
		"marina ":     {2, 15}, // mariners are not ten times as many
	} {
		res := m.search(t, Request{Query: Parse(text), Limit: 20, Explain: true})
		if res.Total != want.total || res.Hits[0].Document != want.first {
			t.Errorf("%q: total %d, first %d; want %+v", text, res.Total, res.Hits[0].Document, want)
		}
	}
	res := m.search(t, Request{Query: Parse("helicoptr "), Limit: 20, Explain: true})
	if marks := res.Query.Marks("a helicoptr or a helicopter"); len(marks) != 2 {
		t.Errorf("marks %v", marks)
	}
	if x := res.Hits[1].Terms; len(x) != 1 || x[0].Kind != SpellingTerm || x[0].Found[0] != "helicopt" {
		t.Errorf("explained as %+v", x)
	}
}

// What a phrase counts for does not depend on how often words were looked up to
// correct another one.
func TestSpellingLeavesPhrasesAlone(t *testing.T) {
	m := newMemoryIndex()
	m.build(t, Document{Title: "One", Chunks: []string{"the migration of data to the cloud"}}, Document{Title: "Two", Chunks: []string{"data and clouds"}}, Document{Title: "Three", Chunks: []string{"x"}})
	phrase := func(text string) float64 {
		for _, x := range m.search(t, Request{Query: Parse(text), Limit: 1, Explain: true}).Hits[0].Terms {
			if x.Kind == PhraseTerm {
				return x.Score
			}
		}
		t.Fatalf("%q: no phrase", text)
		return 0
	}
	if right, wrong := phrase(`"of data" cloud `), phrase(`"of data" clowd migartion `); right != wrong {
		t.Errorf("the phrase counts for %v, and beside misspelt words for %v", right, wrong)
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b       string
		most, want int
	}{
		{"", "", 2, 0}, {"abc", "abc", 2, 0}, {"abc", "abd", 2, 1}, {"abc", "acb", 2, 1}, {"abc", "ab", 2, 1}, {"abc", "xabc", 2, 1},
		{"abcd", "badc", 2, 2}, {"abc", "cab", 2, 2}, {"abc", "xyz", 2, 3}, {"abc", "abcdefg", 2, 3}, {"kitten", "sitting", 3, 3}, {"Ёлка", "Елка", 1, 1}, {"abc", "xyz", 1, 2},
	} {
		if got := editDistance([]rune(c.a), []byte(c.b), c.most); got != c.want {
			t.Errorf("%q and %q: %d, want %d", c.a, c.b, got, c.want)
		}
		if got := editDistance([]rune(c.b), []byte(c.a), c.most); got != c.want {
			t.Errorf("%q and %q: %d, want %d", c.b, c.a, got, c.want)
		}
	}
}

func FuzzEditDistance(f *testing.F) {
	f.Add("migration", "migratoin")
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.ToValidUTF8(a, ""), strings.ToValidUTF8(b, "")
		x, y := editDistance([]rune(a), []byte(b), 2), editDistance([]rune(b), []byte(a), 2)
		if x != y || (x == 0) != (a == b) || x < 0 || x > 3 {
			t.Errorf("%q and %q: %d and %d", a, b, x, y)
		}
	})
}
