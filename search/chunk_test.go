package search

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// texts returns the chunks of a text.
func texts(text string) []string {
	var list []string
	for _, s := range split(text) {
		list = append(list, text[s.start:s.end])
	}
	return list
}

func TestSplit(t *testing.T) {
	sentence := "A sentence that says something about nothing. " // 9 tokens
	for _, c := range []struct {
		name, text         string
		chunks             int
		ends, begins, next string // of the first chunk; the second chunk; what the second has behind what it repeats
	}{
		{"empty", "", 1, "", "", ""},
		{"blank", " \n\t ", 1, "", "", ""},
		{"short", " A word.\n", 1, "A word.", "", ""},
		{"a little longer than a chunk", strings.Repeat(sentence, 41), 1, "nothing.", "", ""},
		{"headings", "# One\n\n" + strings.Repeat(sentence, 15) + "\n\n" + strings.Repeat(sentence, 8) + "\n## Two\n" + strings.Repeat(sentence, 30), 2, "nothing.", "## Two\nA sentence", ""},
		{"paragraphs", strings.Repeat("First. "+strings.Repeat(sentence, 10)+"\n\n", 6), 2, "nothing.", "A sentence", "nothing. \n\nFirst."},
		{"lines", strings.Repeat(strings.Repeat("word ", 20)+"end\n", 40), 3, "end", "word", "end\nword"},
		{"sentences", strings.Repeat(sentence, 60), 2, "nothing.", "A sentence", "nothing. A"},
		{"words", strings.Repeat("word ", 800), 3, "word", "word", "word"},
		{"no spaces", strings.Repeat("x", 6000), 3, "x", "x", ""},
		{"Chinese", strings.Repeat("数据迁移到云端。", 200), 6, "。", "数据", "。数据"},
		{"Windows lines", strings.Repeat("First. "+strings.Repeat(sentence, 10)+"\r\n\r\n", 6), 2, "nothing.", "A sentence", "First."},
	} {
		t.Run(c.name, func(t *testing.T) {
			chunks := texts(c.text)
			if len(chunks) != c.chunks || !strings.HasSuffix(chunks[0], c.ends) {
				t.Fatalf("%d chunks, the first ends in %q", len(chunks), chunks[0][max(0, len(chunks[0])-20):])
			}
			if c.begins != "" && !strings.HasPrefix(chunks[1], c.begins) || !strings.Contains(chunks[min(1, len(chunks)-1)], c.next) {
				t.Errorf("the second begins with %.200q", chunks[1])
			}
			covers(t, c.text)
		})
	}
}

func TestOverlap(t *testing.T) {
	var b strings.Builder
	for i := range 200 {
		b.WriteString("Number " + strings.Repeat("i", i%7+1) + " is a sentence of its own. ")
	}
	spans := split(b.String())
	for i := 1; i < len(spans); i++ {
		shared := b.String()[spans[i].start:spans[i-1].end]
		if n := countTokens(shared); n == 0 || n > overlapTokens || !strings.HasPrefix(shared, "Number") {
			t.Errorf("chunk %d repeats %q", i, shared)
		}
	}
	if len(spans) < 4 {
		t.Errorf("%d chunks", len(spans))
	}
}

// covers checks that the chunks go through the text in order, leave out nothing
// but white space, are as large as they should be, and cut no character.
func covers(t *testing.T, text string) {
	t.Helper()
	chunks := split(text)
	end := 0
	for i, s := range chunks {
		c := text[s.start:s.end]
		if i > 0 && (s.start <= chunks[i-1].start || s.end <= end) {
			t.Errorf("chunk %d does not go on: %v behind %v", i, s, chunks[i-1])
		}
		if s.start > end && strings.TrimSpace(text[end:s.start]) != "" {
			t.Errorf("%q is in no chunk", text[end:s.start])
		}
		if i < len(chunks)-1 && countTokens(c) <= chunkTokens/2-1 || countTokens(c) > chunkTokens+chunkSlack || c == "" && len(chunks) > 1 || !utf8.ValidString(c) || c != strings.TrimSpace(c) {
			t.Errorf("chunk %d has %d tokens: %.40q", i, countTokens(c), c)
		}
		end = s.end
	}
	if strings.TrimSpace(text[end:]) != "" {
		t.Errorf("%q is in no chunk", text[end:])
	}
}

func TestSplitLosesNothing(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"word", "a", "数据", " ", " ", " ", ". ", "\n", "\n\n", "\r\n\r\n", "。", "\u00a0", "é", "e\u0301", strings.Repeat("long", 200), "! ", "🚀", "\n# Heading ", "\n####### no ", "1234567", "|---|", "слово"}
	for range 150 {
		var b strings.Builder
		for range rnd.IntN(1500) {
			b.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		covers(t, b.String())
	}
}

func TestCountTokens(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "  \n": 0, "word": 1, "two words": 2, "internationalization": 3, "2026-01-31": 6, "e-mail!": 4,
		"数据迁移": 4, "слово": 3, "café": 1, "----------": 5, "a1b2": 4, "👩‍🚀": 2,
	} {
		if got := countTokens(text); got != want {
			t.Errorf("%q has %d tokens, want %d", text, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	if d := cmp.Diff("ab\uFFFDc", clean("a\x00b\xff\xfec")); d != "" {
		t.Error(d)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("a b. c\n\nd", 400)
	f.Add("数据。", 999)
	f.Add("\n# x\u0301", 999)
	f.Fuzz(func(t *testing.T, text string, n int) {
		if !utf8.ValidString(text) || len(text) > 2000 {
			return
		}
		text = strings.Repeat(text, max(1, min(n, 500)))
		if strings.TrimFunc(text, unicode.IsSpace) == "" {
			return
		}
		covers(t, text)
	})
}
