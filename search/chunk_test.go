package search

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSplit(t *testing.T) {
	sentence := "A sentence that says something about nothing. " // 47 bytes
	for _, c := range []struct {
		name, text string
		chunks     int
		ends       string // of the first chunk
	}{
		{"empty", "", 1, ""},
		{"blank", " \n\t ", 1, ""},
		{"short", "A word.", 1, "A word."},
		{"a little longer than a chunk", strings.Repeat("x", chunkSize+chunkSlack), 1, ""},
		{"paragraphs", strings.Repeat(strings.Repeat(sentence, 10)+"\n\n", 6), 3, "nothing."},
		{"lines", strings.Repeat(strings.Repeat("word ", 20)+"end\n", 40), 4, "end"},
		{"sentences", strings.Repeat(sentence, 60), 3, "nothing."},
		{"words", strings.Repeat("word ", 600), 3, "word"},
		{"no spaces", strings.Repeat("x", 3000), 3, "x"},
		{"Chinese", strings.Repeat("数据迁移到云端。", 200), 4, "。"},
		{"Windows lines", strings.Repeat(strings.Repeat(sentence, 10)+"\r\n\r\n", 6), 3, "nothing."},
	} {
		t.Run(c.name, func(t *testing.T) {
			chunks := split(c.text)
			if len(chunks) != c.chunks || !strings.HasSuffix(chunks[0], c.ends) {
				t.Errorf("%d chunks, the first ends in %q", len(chunks), chunks[0][max(0, len(chunks[0])-20):])
			}
			holdsAll(t, c.text, chunks)
		})
	}
}

// holdsAll checks that the chunks are the text without white space between them.
func holdsAll(t *testing.T, text string, chunks []string) {
	t.Helper()
	squeeze := func(s string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}, s)
	}
	if squeeze(text) != squeeze(strings.Join(chunks, "")) {
		t.Error("the chunks do not hold the whole text")
	}
	for i, c := range chunks {
		if len(c) > chunkSize+chunkSlack || c == "" && len(chunks) > 1 || !utf8.ValidString(c) || c != strings.TrimSpace(c) {
			t.Errorf("chunk %d has %d bytes: %.40q", i, len(c), c)
		}
		if at := strings.Index(text, c); at < 0 {
			t.Errorf("chunk %d is not a part of the text", i)
		}
	}
}

func TestSplitLosesNothing(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"word", "a", "数据", " ", " ", " ", ". ", "\n", "\n\n", "\r\n\r\n", "。", "\u00a0", "é", strings.Repeat("long", 200), "! ", "🚀"}
	for range 500 {
		var b strings.Builder
		for range rnd.IntN(1500) {
			b.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		holdsAll(t, b.String(), split(b.String()))
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("a b. c\n\nd", 400)
	f.Add("数据。", 999)
	f.Fuzz(func(t *testing.T, text string, n int) {
		if !utf8.ValidString(text) || len(text) > 2000 {
			return
		}
		text = strings.Repeat(text, max(1, min(n, 500)))
		holdsAll(t, text, split(text))
	})
}
