package search

import (
	"strings"
	"testing"
	"unicode"
)

// What is looked up is what package unicode says.
func TestClasses(t *testing.T) {
	for r := range unicode.MaxRune + 1 {
		if got, want := runeClass(classes.Of(r)), classOf(r); got != want {
			t.Errorf("%U: class %d, want %d", r, got, want)
		}
		if got, want := isSpace(r), unicode.IsSpace(r); got != want {
			t.Errorf("%U: space %v, want %v", r, got, want)
		}
		if got, want := marks.Of(r) != 0, unicode.Is(unicode.M, r); got != want {
			t.Errorf("%U: mark %v, want %v", r, got, want)
		}
	}
}

// Megabytes a second of cutting a text into chunks, by script.
func BenchmarkSplit(b *testing.B) {
	for _, c := range []struct{ name, sentence string }{
		{"English", "A sentence that says something about nothing at all. "},
		{"Russian", "Предложение, которое ничего ни о чём не говорит. "},
		{"Chinese", "数据迁移到云端之后仍然可以搜索。"},
		{"Hindi", "यह एक वाक्य है जो कुछ नहीं कहता। "},
	} {
		b.Run(c.name, func(b *testing.B) {
			text := strings.Repeat(c.sentence, 1<<18/len(c.sentence))
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				split(text)
			}
		})
	}
}
