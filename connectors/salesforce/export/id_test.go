package export

import (
	"strings"
	"testing"
)

func TestParseID(t *testing.T) {
	for in, want := range map[string]string{
		"a0D30000001n7Pi":      "a0D30000001n7PiEAI", // from Salesforce's documentation
		"a0D30000001n7PiEAI":   "a0D30000001n7PiEAI",
		" 001bm00001ZL8U9AAL ": "001bm00001ZL8U9AAL",
		"001bm00001ZL8UAAA1":   "001bm00001ZL8UAAA1",
		"001bm00001ZL8UA":      "001bm00001ZL8UAAA1",
		"000000000000000":      "000000000000000AAA",
		"AAAAAAAAAAAAAAA":      "AAAAAAAAAAAAAAA555",
	} {
		if got, err := ParseID(in); got != want || err != nil {
			t.Errorf("%q: %q and %v, want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"":                    "empty",
		"  ":                  "empty",
		"001":                 "15 or 18",
		"001bm00001ZL8U9A":    "15 or 18",
		"001bm00001ZL8U9AALx": "15 or 18",
		"001bm00001ZL8U-":     "15 or 18",
		"001bm00001ZL8Ü":      "15 or 18",
		"001bm00001ZL8U9AAM":  "checksum is AAM where AAL is expected",
		"001BM00001ZL8U9AAL":  "checksum is AAL where YAL is expected",
		"001bm00001zl8u9aal":  "checksum",
	} {
		if got, err := ParseID(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q and %v, want an error with %q", in, got, err, want)
		}
	}
}

func TestKeyPrefix(t *testing.T) {
	if got := KeyPrefix("001bm00001ZL8U9AAL"); got != "001" {
		t.Errorf("%q", got)
	}
	if got := KeyPrefix("00"); got != "" {
		t.Errorf("%q", got)
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("a0D30000001n7Pi")
	f.Add("001bm00001ZL8U9AAM")
	f.Fuzz(func(t *testing.T, in string) {
		id, err := ParseID(in)
		if err != nil {
			return
		}
		if len(id) != 18 || !strings.Contains(in, id[:15]) {
			t.Fatalf("%q became %q", in, id)
		}
		if again, err := ParseID(id); again != id || err != nil {
			t.Fatalf("%q became %q, and then %q and %v", in, id, again, err)
		}
		// The checksum is there to find letters whose case was changed.
		if other := swapCase(id[:15]) + id[15:]; other[:15] != id[:15] {
			if _, err := ParseID(other); err == nil {
				t.Fatalf("%q and %q have one checksum", id, other)
			}
		}
	})
}

func swapCase(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' {
			b[i] = c ^ 0x20
			break
		}
	}
	return string(b)
}
