package jobs

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestCleanText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"héllo", "héllo"},
		{"a\x00b", "a\ufffdb"},
		{"a\xffb", "a\ufffdb"},
		{strings.Repeat("é", 10), "ééé… (14 bytes more)"},
	} {
		if got := cleanText(c.in, 7); got != c.want {
			t.Errorf("cleanText(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// Whatever a job tells, what is stored is text and JSON that Postgres takes.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "a", "\x00", "\xff\xfe", `\u0000`, `{"a\u0000":"\ud800","b":[1e5,"\\u0000"]}`, `"\uDC00"`, `"\ud83d\ude00"`, "null"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := cleanText(s, 20); !utf8.ValidString(got) || strings.Contains(got, "\x00") || cleanText(got, 1<<20) != got {
			t.Errorf("cleanText(%q) = %q", s, got)
		}
		for _, v := range []any{s, map[string]any{s: []any{s}}, json.RawMessage(s)} {
			b, err := encode(v)
			if err != nil || b == nil {
				continue
			}
			if !json.Valid(b) || hasEscapedNUL(b) {
				t.Errorf("encode(%#v) = %s", v, b)
			}
			again, err := encode(b)
			if err != nil || string(again) != string(b) {
				t.Errorf("encode is not stable: %s, then %s (%v)", b, again, err)
			}
		}
	})
}

// hasEscapedNUL finds the escape by reading, not by looking for its text.
func hasEscapedNUL(b []byte) bool {
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		if strings.HasPrefix(string(b[i:]), `\u0000`) {
			return true
		}
		i++
	}
	return false
}

// A cursor is read back as written, and nothing else is taken for one.
func FuzzCursor(f *testing.F) {
	f.Add("", int64(0), "0198c0de")
	f.Add("bm90IGEgY3Vyc29y", int64(1_700_000_000_123_456), "x")
	f.Fuzz(func(t *testing.T, raw string, micros int64, id string) {
		if _, at, id, err := parseCursor(raw); err == nil && (at.Location() != time.UTC || id == "") {
			t.Errorf("parseCursor(%q) = %v, %q", raw, at, id)
		}
		want := time.UnixMicro(micros % 250_000_000_000_000_000).UTC()
		if want.Year() < 0 || want.Year() > 9999 || id == "" || cleanText(id, maxName) != id {
			return
		}
		digest, at, got, err := parseCursor(cursor("digest", want, id))
		if err != nil || digest != "digest" || !at.Equal(want) || got != id {
			t.Errorf("cursor(%v, %q) reads back as %q, %v, %q, %v", want, id, digest, at, got, err)
		}
	})
}
