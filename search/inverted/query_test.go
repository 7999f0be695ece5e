package inverted

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// describe writes a query as its terms, phrases in quotes, prefixes with a star.
func describe(q *Query) string {
	var parts []string
	for _, w := range q.words {
		parts = append(parts, strings.Join(w.forms, "|"))
	}
	for _, p := range q.phrases {
		var words []string
		for _, w := range p {
			words = append(words, fmt.Sprintf("%s@%d", strings.Join(w.forms, "|"), w.offset))
		}
		parts = append(parts, fmt.Sprintf("%q", strings.Join(words, " ")))
	}
	for _, p := range q.prefixes {
		parts = append(parts, p.text+"*")
	}
	return strings.Join(parts, " ")
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"cloud migrations ", "cloud migrat"},
		{"cloud migrations", "cloud migrat migrations*"},
		{"cloud migrations.", "cloud migrat"},
		{"the cloud of the", "cloud"},
		{"to be or not to be ", "not"},
		{"of the ", "of the"},
		{"IT services ", "it servic"},
		{"it services ", "servic"},
		{"THE IT SERVICES ", "servic"},
		{"cloud AND servers ", "cloud server"},
		{`"state of the art"`, `state art "state@0 of@1 the@2 art@3"`},
		{`cloud "state of" x`, `cloud state x "state@0 of@1"`},
		{`"unbalanced phrase `, "unbalanc phrase"},
		{`24" monitor 30" `, "24 monitor 30"},
		{`say "a "b" c" `, `say b c "a@0 b@1"`},
		{`""`, ""},
		{`"?"`, ""},
		{"«état major»", `etat major "etat@0 major@1"`},
		{"FA8750-24-R-00", "fa8750 24 r 00 fa875024r00 fa875024r00*"},
		{`"FA8750-24 now"`, `fa8750 24 now "fa8750@0 24@1 now@2"`},
		{"北京大学", "北京 京大 大学"},
		{"北", "北*"},
		{`"北京大"`, `北京 京大 "北京@0 京大@1"`},
		{"a", "a"},
		{"x", "x"},
		{"x y x y ", "x y"},
		{"?!", ""},
		{"", ""},
	} {
		if diff := cmp.Diff(c.want, describe(Parse(c.text))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.text, diff)
		}
	}
}

func TestParseIsBounded(t *testing.T) {
	var words []string
	for i := range 50_000 {
		words = append(words, fmt.Sprintf("word%d", i))
	}
	for _, text := range []string{strings.Join(words, " "), `"` + strings.Join(words, `" "`) + `"`, strings.Repeat("北 ", 5000)} {
		q := Parse(text)
		if len(q.words) > maxTerms || len(q.phrases) > maxPhrases || len(q.prefixes) > maxPrefixes || q.Empty() {
			t.Errorf("%.20s…: %d terms, %d phrases, %d prefixes", text, len(q.words), len(q.phrases), len(q.prefixes))
		}
	}
}

func TestMarks(t *testing.T) {
	for _, c := range []struct{ query, text, want string }{
		{"cloud migration ", "Migrating clouds, the cloudy migrants", "[Migrating] [clouds], the cloudy migrants"},
		{"the cloud ", "the cloud", "the [cloud]"},
		{"inv", "An inventor invents; vinegar", "An [inventor] [invents]; vinegar"},
		{"inventi", "An invention, an inventor", "An [invention], an inventor"},
		{`"state of the art"`, "the art of state: state of the art", "the [art] of [state]: [state of the art]"},
		{"FA8750-24-R-0001", "See FA8750-24-R-0001, 24", "See [FA8750-24-R-0001], [24]"},
		{"cafe ", "Café Cafe\u0301", "[Café] [Cafe\u0301]"},
		{"company ", "The company’s companies", "The [company’s] [companies]"},
		{"京大", "北京大学", "北[京大]学"},
		{"", "text", "text"},
	} {
		var b strings.Builder
		at := 0
		for _, m := range Parse(c.query).Marks(c.text) {
			b.WriteString(c.text[at:m.Start] + "[" + c.text[m.Start:m.End] + "]")
			at = m.End
		}
		b.WriteString(c.text[at:])
		if diff := cmp.Diff(c.want, b.String()); diff != "" {
			t.Errorf("%q in %q (-want +got):\n%s", c.query, c.text, diff)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{`a "b c" d`, "北京", `"`, "x-1", "the", "\xff", "İ", `“a”b"`} {
		f.Add(s, s)
	}
	m := newMemoryIndex()
	m.build(f, Document{Title: "alpha 北京大学", Chunks: []string{"alpha beta x-1 the", "second"}, Values: map[string]any{"n": 1}}, Document{Chunks: []string{"gamma"}})
	f.Fuzz(func(t *testing.T, query, text string) {
		q := Parse(query)
		at := 0
		for _, mark := range q.Marks(text) {
			if mark.Start < at || mark.End <= mark.Start || mark.End > len(text) {
				t.Fatalf("mark %+v in %d bytes, after %d", mark, len(text), at)
			}
			at = mark.End
		}
		res := m.search(t, Request{Query: q, Limit: 5, Facets: []string{"n"}})
		if res.Total < len(res.Hits) || q.Empty() && res.Total > 0 {
			t.Fatalf("%d hits of %d", len(res.Hits), res.Total)
		}
	})
}
