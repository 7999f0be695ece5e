package search

import (
	"html"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/search/inverted"
)

func TestFragments(t *testing.T) {
	filler := strings.Repeat("filler words ", 40) // 520 bytes
	for _, c := range []struct {
		name, query, text string
		highlight         Highlight
		want              []string
	}{
		{"the whole text when it is short", "cloud ", "A cloud passes.", Highlight{Fragments: 2, Size: 200}, []string{"A <mark>cloud</mark> passes."}},
		{"cut at words", "cloud ", filler + "a cloud passes " + filler, Highlight{Fragments: 2, Size: 40},
			[]string{"…filler words a <mark>cloud</mark> passes filler…"}},
		{"where most words are", "cloud migration agency ", "cloud " + filler + "the agency plans cloud migration " + filler, Highlight{Fragments: 1, Size: 60},
			[]string{"…words the <mark>agency</mark> plans <mark>cloud</mark> <mark>migration</mark> filler words…"}},
		{"a second one for other words", "cloud agency ", "A cloud. " + filler + "An agency. " + filler, Highlight{Fragments: 3, Size: 20},
			[]string{"A <mark>cloud</mark>. filler…", "…An <mark>agency</mark>.…"}},
		{"none for the same word", "cloud ", "A cloud. " + filler + "A cloud.", Highlight{Fragments: 3, Size: 20}, []string{"A <mark>cloud</mark>. filler…"}},
		{"a script without spaces", "京大 ", strings.Repeat("数据", 50) + "北京大学" + strings.Repeat("数据", 50), Highlight{Fragments: 1, Size: 30},
			[]string{"…据数据北<mark>京大</mark>学数据数…"}},
		{"a word longer than a fragment", strings.Repeat("x", 300) + " ", "a " + strings.Repeat("x", 300) + " b", Highlight{Fragments: 1, Size: 10},
			[]string{"…<mark>" + strings.Repeat("x", 300) + "</mark>…"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := inverted.Parse(c.query)
			if diff := cmp.Diff(c.want, fragments(c.text, q.Marks(c.text), c.highlight)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzHighlights holds that what is shown is a part of the text, escaped, with
// balanced marks, whatever text and query are.
func FuzzHighlights(f *testing.F) {
	f.Add("cloud", "a <mark>cloud</mark> & <script>", 20)
	f.Add(`"b c"`, strings.Repeat("a b c 数据 ", 30), 7)
	f.Add("é", "e\u0301 é É", 1)
	f.Fuzz(func(t *testing.T, query, text string, size int) {
		text = clean(text)
		shown := highlights(inverted.Parse(query), "<b>"+text, text, Highlight{Fragments: 3, Size: max(1, min(size, 1000))})
		for field, list := range shown {
			for _, s := range list {
				if !utf8.ValidString(s) || !strings.Contains(s, "<mark>") {
					t.Fatalf("%s: %q", field, s)
				}
				open := 0
				for _, part := range strings.SplitAfter(s, ">") {
					if i := strings.IndexByte(part, '<'); i >= 0 {
						switch part[i:] {
						case "<mark>":
							open++
						case "</mark>":
							open--
						default:
							t.Fatalf("%s: a tag %q in %q", field, part[i:], s)
						}
					}
					if open < 0 || open > 1 {
						t.Fatalf("%s: marks are not balanced in %q", field, s)
					}
				}
				bare := html.UnescapeString(strings.NewReplacer("<mark>", "", "</mark>", "").Replace(s))
				if !strings.Contains("…<b>"+text+"…", strings.Trim(bare, "…")) {
					t.Fatalf("%s: %q is not a part of %q", field, bare, text)
				}
			}
		}
	})
}
