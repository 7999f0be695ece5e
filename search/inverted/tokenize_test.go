package inverted

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// terms writes tokens as "position:term", an identifier as a whole with "=".
func terms(text string) string {
	var out []string
	a := newAnalyzer(defaultLanguage)
	a.each(text, func(t token) {
		mark := map[tokenKind]string{whole: "=", bigram: "+", tail: "~"}[t.kind]
		out = append(out, fmt.Sprintf("%d:%s%s", t.position, mark, a.term(t, text)))
	})
	return strings.Join(out, " ")
}

func TestTokenize(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"words are stemmed", "Cloud Migrations, migrating (migrated)!", "0:cloud 1:migrat 2:migrat 3:migrat"},
		{"stop words stay", "the state of the art", "0:the 1:state 2:of 3:the 4:art"},
		{"hyphenated words are words", "high-speed and/or low", "0:high 1:speed 2:and 3:or 4:low"},
		{"apostrophes", "O'Brien's company's don’t dogs'", "0:obrien 1:compani 2:dont 3:dog"},
		{"accents", "Café Müller naïve Łódź straße", "0:cafe 1:muller 2:naiv 3:lodz 4:strass"},
		{"decomposed accents", "Cafe\u0301", "0:cafe"},
		{"full width", "ＦＡ８７５０", "0:fa8750"},
		{"soft hyphen", "mig\u00adration", "0:migrat"},
		{"record id", "001bm00001ZL8U9AAL", "0:001bm00001zl8u9aal"},
		{"solicitation number", "FA8750-24-R-0001", "0:fa8750 1:24 2:r 3:0001 0:=fa875024r0001"},
		{"solicitation number in brackets", "(FA8750-24-R-0001).", "0:fa8750 1:24 2:r 3:0001 0:=fa875024r0001"},
		{"e-mail", "ann.lee@example.com", "0:ann 1:lee 2:example 3:com 0:=ann.lee@example.com"},
		{"URL", "https://www.example.com/a?b=1", "0:https 1:www 2:example 3:com 4:a 1:=www.example.com/a 5:b 6:1"},
		{"file name", "report_v2.pdf", "0:report 1:v2 2:pdf 0:=report_v2.pdf"},
		{"acronym", "U.S. Army, e.g. a U.S.-based firm", "0:us 1:armi 2:eg 3:a 4:us 5:base 6:firm"},
		{"ampersand", "AT&T", "0:at 1:t 0:=at&t"},
		{"thousands", "$1,234,567.50 and 12,34", "0:1234567 1:50 0:=1234567.50 2:and 3:12 4:34"},
		{"date", "2026-01-31", "0:2026 1:01 2:31 0:=2026-01-31"},
		{"version", "v2.6.3", "0:v2 1:6 2:3 0:=v2.6.3"},
		{"Chinese", "北京大学 abc", "0:+北京 1:+京大 2:+大学 3:~学 4:abc"},
		{"one character", "京", "0:~京"},
		{"Japanese", "データ移行です", "0:+デー 1:+ータ 2:+タ移 3:+移行 4:+行で 5:+です 6:~す"},
		{"Korean", "대학교에서", "0:+대학 1:+학교 2:+교에 3:+에서 4:~서"},
		{"Thai", "ภาษา", "0:+ภา 1:+าษ 2:+ษา 3:~า"},
		{"mixed scripts", "NASAの月", "0:nasa 1:+の月 2:~月"},
		{"Arabic marks", "مُحَمَّد", "0:محمد"},
		{"Hindi vowels stay", "हिन्दी", "0:हिन्दी"},
		{"Russian", "Ёлка", "0:елка"},
		{"emoji", "🚀 launch 👩‍🚀", "0:launch"},
		{"NUL and broken bytes", "a\x00b\xffc \xf0\x9f", "0:a 1:b 2:c"},
		{"punctuation only", `"(*) -- && || ~ \ / ' : ; <>`, ""},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, terms(c.text)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", c.text, diff)
			}
		})
	}
}

func TestLongTermsAreBounded(t *testing.T) {
	text := strings.Repeat("a", 3*maxRun) + " " + strings.Repeat("é", 200) + " " + strings.Repeat("a1-", 100)
	newAnalyzer(defaultLanguage).each(text, func(tok token) {
		if len(tok.word) > maxWhole || tok.kind != whole && len(tok.word) > maxWord || !utf8.Valid(tok.word) {
			t.Errorf("term %.20q… of kind %d has %d bytes", tok.word, tok.kind, len(tok.word))
		}
	})
}

func FuzzTokenize(f *testing.F) {
	for _, s := range []string{"U.S.A. o'neil's 1,000", "a-1@b.c/d", "北京 ｶﾞ", "e\u0301\u0301", "\xff\xfe", "👩‍🚀", "ﷺ", "İI"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		next, last := 0, 0
		n := newAnalyzer(defaultLanguage).each(text, func(tok token) {
			switch {
			case tok.start < 0 || tok.start >= tok.end || tok.end > len(text):
				t.Fatalf("offsets %d-%d in a text of %d bytes", tok.start, tok.end, len(text))
			case len(tok.word) == 0 || len(tok.word) > maxWhole || !utf8.Valid(tok.word):
				t.Fatalf("term %q", tok.word)
			case tok.kind != whole && (tok.position != next || tok.start < last):
				t.Fatalf("token %q at position %d, byte %d after position %d, byte %d", tok.word, tok.position, tok.start, next-1, last)
			}
			if tok.kind != whole {
				next, last = next+1, tok.start
			}
		})
		if n != next {
			t.Fatalf("%d positions, said %d", next, n)
		}
	})
}
