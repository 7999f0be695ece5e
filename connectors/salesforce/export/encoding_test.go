package export

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

func TestParseEncoding(t *testing.T) {
	for name, want := range map[string]encoding{
		"": "", "UTF-8": utf8Encoding, "utf8": utf8Encoding, "ISO-8859-1": windows1252, "Windows-1252": windows1252,
		"utf-16": utf16le, "utf-16be": utf16be,
	} {
		if got, err := parseEncoding(name); got != want || err != nil {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
	if _, err := parseEncoding("ebcdic"); !errors.Is(err, ErrEncoding) || !strings.Contains(err.Error(), `"ebcdic"`) {
		t.Error(err)
	}
}

func TestSniff(t *testing.T) {
	for head, want := range map[string]struct {
		e    encoding
		mark int
	}{
		"":                 {"", 0},
		"\"Id\"":           {"", 0},
		"\xef\xbb\xbfId":   {utf8Encoding, 3},
		"\xff\xfeI\x00":    {utf16le, 2},
		"\xfe\xff\x00I":    {utf16be, 2},
		"I\x00d\x00":       {utf16le, 0},
		"\x00I\x00d":       {utf16be, 0},
		"I\x00":            {"", 0},
		"\xe9\xe9\xe9\xe9": {"", 0},
	} {
		if e, mark := sniff([]byte(head)); e != want.e || mark != want.mark {
			t.Errorf("%q: %q, %d", head, e, mark)
		}
	}
}

func TestUTF8Share(t *testing.T) {
	text := strings.Repeat("plain ascii text ", 10) + strings.Repeat("é", 100) + "€𝄞"
	for _, tt := range []struct {
		name, in       string
		valid, invalid int64
		want           encoding
	}{
		{"ascii", "plain", 0, 0, utf8Encoding},
		{"valid", text, 102, 0, utf8Encoding},
		{"one of 103", text + "\xe9", 102, 1, utf8Encoding},
		{"one of 100", strings.Repeat("é", 99) + "\xe9x", 99, 1, windows1252},
		{"two of 104", text + "\xe9x\x81", 102, 2, windows1252},
		{"windows-1252", "caf\xe9 na\xefve", 0, 2, windows1252},
		{"cut at the end", "\xe2\x82", 0, 2, windows1252},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in)), iotest.HalfReader(strings.NewReader(tt.in))} {
				var u utf8Share
				if _, err := look(r, &u, true); err != nil {
					t.Fatal(err)
				}
				if u.valid != tt.valid || u.invalid != tt.invalid || u.encoding() != tt.want {
					t.Errorf("%+v, %s, want %d and %d, %s", u, u.encoding(), tt.valid, tt.invalid, tt.want)
				}
			}
		})
	}
}

func TestDecode1252(t *testing.T) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	want, err := charmap.Windows1252.NewDecoder().String(string(all))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []rune{0x81, 0x8d, 0x8f, 0x90, 0x9d} { // left out by the code page
		want = strings.Replace(want, "\ufffd", string(c), 1)
	}
	got := decode1252(string(all))
	if got != want || !utf8.ValidString(got) {
		t.Errorf("%q, want %q", got, want)
	}
	for in, want := range map[string]string{"caf\xe9": "café", "\x80 5": "€ 5", "\x81\x8d": "\u0081\u008d", "plain": "plain"} {
		if got := decode1252(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestUTF16(t *testing.T) {
	text := strings.Repeat("\"Id\",\"Zürich\",\"𝄞\"\n", 3000)
	for order, e := range map[binary.ByteOrder]unicode.Endianness{binary.LittleEndian: unicode.LittleEndian, binary.BigEndian: unicode.BigEndian} {
		data, err := unicode.UTF16(e, unicode.IgnoreBOM).NewEncoder().String(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, src := range []io.Reader{strings.NewReader(data), iotest.OneByteReader(strings.NewReader(data)), iotest.DataErrReader(strings.NewReader(data))} {
			got, err := io.ReadAll(&utf16Reader{src: src, order: order})
			if err != nil || string(got) != text {
				t.Fatalf("%v: %d bytes, %v", order, len(got), err)
			}
		}
	}
	// Lone surrogates and half units do not become legal text.
	for in, want := range map[string]string{
		"a\x00\x34\xd8b\x00": "a\xffb", "\x1e\xdda\x00": "\xffa", "a\x00\x34\xd8": "a\xff", "a\x00b": "a\xff", "\xfd\xff": "\ufffd",
	} {
		got, err := io.ReadAll(&utf16Reader{src: strings.NewReader(in), order: binary.LittleEndian})
		if err != nil || string(got) != want {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
	broken := errors.New("broken")
	_, err := io.ReadAll(&utf16Reader{src: iotest.ErrReader(broken), order: binary.LittleEndian})
	if err != broken {
		t.Error(err)
	}
}

func FuzzUTF8Share(f *testing.F) {
	f.Add([]byte("plain text, \xe9, é, €"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var want utf8Share
		for b := data; len(b) > 0; {
			r, n := utf8.DecodeRune(b)
			if r == utf8.RuneError && n == 1 {
				want.invalid++
			} else if n > 1 {
				want.valid++
			}
			b = b[n:]
		}
		for _, r := range []io.Reader{bytes.NewReader(data), iotest.OneByteReader(bytes.NewReader(data))} {
			var got utf8Share
			if _, err := look(r, &got, true); err != nil || got != want {
				t.Fatalf("%+v, %v, want %+v", got, err, want)
			}
		}
	})
}
