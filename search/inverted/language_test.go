package inverted

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A word is found in its other forms, in each language by the rules of that
// language, and in one index beside each other.
func TestLanguages(t *testing.T) {
	m := newMemoryIndex()
	m.build(t,
		Document{Language: "en", Title: "One", Chunks: []string{"migrating clouds"}},
		Document{Language: "de-AT", Title: "Zwei", Chunks: []string{"Die Häuser der Verträge"}},
		Document{Language: "fr", Title: "Trois", Chunks: []string{"l’avion est arrivé à l'école"}},
		Document{Language: "es", Title: "Cuatro", Chunks: []string{"las organizaciones nacionales"}},
		Document{Language: "ru", Title: "Пять", Chunks: []string{"договоры и облака"}},
		Document{Language: "tlh", Title: "Six", Chunks: []string{"FA8750-24 unstemmed organizations"}},
		Document{Language: "ja", Title: "七", Chunks: []string{"データ移行"}})
	for _, c := range []struct {
		query     string
		languages []string
		want      []int64
	}{
		{"cloud migration ", nil, []int64{1}},
		{"Haus ", []string{"de"}, []int64{2}},
		{"HAUS Vertrag ", []string{"en", "de"}, []int64{2}},
		{"avions ", []string{"fr"}, []int64{3}},
		{"écoles ", []string{"fr", "en"}, []int64{3}},
		{"organización nacional ", []string{"es"}, []int64{4}},
		{"договор облако ", []string{"ru"}, []int64{5}},
		{"organizations ", []string{"tlh"}, []int64{6}},
		{"fa875024 ", []string{"de"}, []int64{6}},
		{"移行 ", []string{"ja"}, []int64{7}},
		{"移行 ", []string{"de", "fr"}, []int64{7}},
		{`"die Haus der"`, []string{"en", "de"}, []int64{2}},
		{"die der ", []string{"de"}, []int64{2}}, // only words that say little
		{"die der cloud ", []string{"de", "en"}, []int64{1}},
	} {
		q := Parse(c.query, c.languages...)
		var got []int64
		for _, h := range m.search(t, Request{Query: q, Limit: 10}).Hits {
			got = append(got, h.Document)
		}
		slices.Sort(got)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%q in %v (-want +got):\n%s", c.query, c.languages, d)
		}
	}
	if marks := Parse("Haus ", "en", "de").Marks("viele Häuser"); len(marks) != 1 || marks[0].Start != 6 {
		t.Errorf("marks %v", marks)
	}
	if !slices.Contains(Languages(), "pt") || !slices.IsSorted(Languages()) {
		t.Errorf("languages %v", Languages())
	}
}

func TestNoLanguageIsRefused(t *testing.T) {
	long := make([]string, 100)
	for i := range long {
		long[i] = string(rune('a'+i%26)) + string(rune('a'+i/26))
	}
	if q := Parse("some words", append(long, "", "-", "\x00", "EN-us")...); len(q.languages) != maxLanguages || q.Empty() {
		t.Errorf("%d languages", len(q.languages))
	}
}
