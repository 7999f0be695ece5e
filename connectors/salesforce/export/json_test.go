package export

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestRaw(t *testing.T) {
	o := &object{sources: []*source{{header: []string{"Id", `Odd "name"`, "Note", "Empty"}}}}
	o.unite()
	r := &Record{object: o, Fields: []string{"1", "<b>&é\u2028", "a\"b\\c\n\r\t\x01\x7f", ""}}
	want := `{"Id":"1","Odd \"name\"":"<b>&é` + "\u2028" + `","Note":"a\"b\\c\n\r\t\u0001` + "\x7f" + `"}`
	if d := cmp.Diff(want, string(r.Raw())); d != "" {
		t.Error(d)
	}
	if raw := r.Raw(); cap(raw) > 2*len(raw) {
		t.Errorf("%d bytes for %d", cap(raw), len(raw))
	}
	if d := cmp.Diff("x"+want, string(r.AppendRaw([]byte("x")))); d != "" {
		t.Error(d)
	}
	r.Fields = []string{"", "", "", ""}
	if got := string(r.Raw()); got != "{}" {
		t.Error(got)
	}
	r.Fields[2] = "a\xff\xfe\x00b"
	r.Err = &Error{Err: ErrInvalid}
	if got := string(r.Raw()); got != `{"Note":"a��b"}` {
		t.Error(got)
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\"b\\c\n\x01 and some more text é\u2028")
	f.Add("\x1f\x20\x21\x22\x23")
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil || got != s {
			t.Fatalf("%q: %q, %v", s, got, err)
		}
	})
}

func TestPlainFindsTheFirst(t *testing.T) {
	text := strings.Repeat("abcdefgé", 4)
	for i := range len(text) {
		for _, c := range "\"\\\n\x00\x1f" {
			s := text[:i] + string(c) + text[i:]
			if got := plain(s); got != i {
				t.Errorf("%q: %d, want %d", s, got, i)
			}
		}
	}
}
