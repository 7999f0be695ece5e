package local

import (
	"bytes"
	"encoding/hex"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/ledongthuc/pdf"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// A pdfFont is what is known about a font, looked up once.
type pdfFont struct {
	wide      bool           // codes have two bytes
	codes     map[int]string // what each code stands for, as the font says itself
	table     [256]string    // of codes of one byte
	encoder   pdf.TextEncoding
	widths    map[int]float64
	otherwise float64
}

// fontOf looks a font up. One that cannot be read shows its bytes.
func (t *pdfText) fontOf(v pdf.Value) *pdfFont {
	if v.Kind() != pdf.Dict {
		return nil
	}
	name := v.String()
	if f := t.fonts[name]; f != nil {
		return f
	}
	f := &pdfFont{widths: map[int]float64{}, otherwise: 500}
	f.wide = v.Key("Subtype").Name() == "Type0"
	f.readCodes(v)
	if f.wide {
		f.otherwise = 1000
		d := v.Key("DescendantFonts").Index(0)
		if w := d.Key("DW"); w.Kind() != pdf.Null {
			f.otherwise = w.Float64()
		}
		f.readWide(d.Key("W"))
	} else {
		first := int(v.Key("FirstChar").Int64())
		for i, w := range (pdf.Font{V: v}).Widths() {
			if i < 65536 {
				f.widths[first+i] = w
			}
		}
		if w := v.Key("FontDescriptor").Key("MissingWidth"); w.Kind() != pdf.Null && w.Float64() > 0 {
			f.otherwise = w.Float64()
		}
	}
	if v.Key("Subtype").Name() == "Type3" { // its letters are drawings, with a scale of their own
		if m := v.Key("FontMatrix"); m.Len() == 6 {
			for code := range f.widths {
				f.widths[code] *= m.Index(0).Float64() * 1000
			}
		}
	}
	t.fonts[name] = f
	return f
}

// readCodes finds out what the codes of a font stand for. What the font says in
// ToUnicode counts most, whatever its encoding: that only says which letter is drawn.
func (f *pdfFont) readCodes(v pdf.Value) {
	func() {
		defer func() { _ = recover() }() // a broken font has no table
		font := pdf.Font{V: v}
		f.encoder = font.Encoder()
	}()
	func() {
		defer func() { _ = recover() }()
		if u := v.Key("ToUnicode"); u.Kind() == pdf.Stream {
			r := u.Reader()
			f.codes = readToUnicode(r)
			_ = r.Close() // it was read
		}
	}()
	if f.wide {
		return
	}
	encoding := v.Key("Encoding")
	base := charmap.Windows1252
	if encoding.Name() == "MacRomanEncoding" || encoding.Key("BaseEncoding").Name() == "MacRomanEncoding" {
		base = charmap.Macintosh
	}
	for code := range f.table {
		if r := base.DecodeByte(byte(code)); code < 0x20 || r == '\uFFFD' {
			f.table[code] = string(rune(code))
		} else {
			f.table[code] = string(r)
		}
	}
	if encoding.Kind() == pdf.Dict {
		differences := encoding.Key("Differences")
		for i, code := 0, 0; i < differences.Len() && i < 1000; i++ {
			switch x := differences.Index(i); x.Kind() {
			case pdf.Integer:
				code = int(x.Int64())
			case pdf.Name:
				if code >= 0 && code < 256 {
					f.table[code] = f.letter(x.Name(), code)
				}
				code++
			}
		}
	}
}

// letter returns what a glyph's name stands for: "uni00E9", "u1F600", "f_i", "a.alt",
// or one of Adobe's list, which the library knows.
func (f *pdfFont) letter(name string, code int) string {
	plain, _, _ := strings.Cut(name, ".")
	var b strings.Builder
	for part := range strings.SplitSeq(plain, "_") {
		digits, long := strings.CutPrefix(part, "uni")
		if !long {
			digits = strings.TrimPrefix(part, "u")
		}
		n, err := strconv.ParseUint(digits, 16, 32)
		switch {
		case len(part) == 1:
			b.WriteString(part)
		case err == nil && digits != part && len(digits) >= 4 && len(digits) <= 6 && n <= 0x10FFFF:
			b.WriteRune(rune(n))
		default:
			if f.encoder == nil {
				return f.table[code]
			}
			return f.encoder.Decode(string([]byte{byte(code)}))
		}
	}
	return b.String()
}

// maxCodes bounds the codes of a font.
const maxCodes = 70_000

// readToUnicode reads a table of codes: "bfchar" and "bfrange" of the PDF reference,
// 9.10.3. What cannot be read of it is left out.
func readToUnicode(r io.Reader) map[int]string {
	b, _ := io.ReadAll(io.LimitReader(r, 8<<20)) // what came before an error counts
	codes := map[int]string{}
	var items [][]string // each a text, or the texts of a list
	list := false
	put := func(texts ...string) {
		if list && len(items) > 0 {
			items[len(items)-1] = append(items[len(items)-1], texts...)
		} else if !list {
			items = append(items, texts)
		}
	}
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '<' && i+1 < len(b) && b[i+1] == '<':
			i++
		case c == '<':
			end := bytes.IndexByte(b[i:], '>')
			if end < 0 {
				return codes
			}
			put(unhex(b[i+1 : i+end]))
			i += end
		case c == '[':
			items, list = append(items, nil), true
		case c == ']':
			list = false
		case c >= 'a' && c <= 'z':
			word := i
			for i < len(b) && b[i] >= 'a' && b[i] <= 'z' {
				i++
			}
			switch string(b[word:i]) {
			case "beginbfchar", "beginbfrange":
				items, list = nil, false
			case "endbfchar":
				for ; len(items) > 1 && len(codes) < maxCodes; items = items[2:] {
					if from, to := items[0], items[1]; len(from) == 1 && len(to) == 1 {
						codes[codeOf(from[0])] = fromUTF16(to[0])
					}
				}
			case "endbfrange":
				for ; len(items) > 2 && len(codes) < maxCodes; items = items[3:] {
					if len(items[0]) == 1 && len(items[1]) == 1 {
						putRange(codes, codeOf(items[0][0]), codeOf(items[1][0]), items[2])
					}
				}
			}
			i--
		}
	}
	return codes
}

// putRange gives the codes of a range their texts: a list has one for each, a single
// text goes on by one.
func putRange(codes map[int]string, from, to int, texts []string) {
	for code := from; code <= to && code-from < maxCodes && len(codes) < maxCodes; code++ {
		switch n := code - from; {
		case len(texts) == 1:
			codes[code] = fromUTF16(plus(texts[0], n))
		case n < len(texts):
			codes[code] = fromUTF16(texts[n])
		}
	}
}

// unhex reads digits in pairs, whatever stands between them.
func unhex(b []byte) string {
	digits := make([]byte, 0, len(b)+1)
	for _, c := range b {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' {
			digits = append(digits, c)
		}
	}
	if len(digits)%2 == 1 {
		digits = append(digits, '0')
	}
	n, _ := hex.Decode(digits, digits) // they are digits
	return string(digits[:n])
}

func codeOf(s string) (code int) {
	for i := range min(len(s), 4) {
		code = code<<8 | int(s[i])
	}
	return code
}

// plus adds to the last unit of a text in UTF-16.
func plus(s string, n int) string {
	if len(s) < 2 || n == 0 {
		return s
	}
	last := (int(s[len(s)-2])<<8 | int(s[len(s)-1])) + n
	return s[:len(s)-2] + string([]byte{byte(last >> 8), byte(last)})
}

func fromUTF16(s string) string {
	units := make([]uint16, 0, len(s)/2)
	for i := 0; i+1 < len(s); i += 2 {
		units = append(units, uint16(s[i])<<8|uint16(s[i+1]))
	}
	return string(utf16.Decode(units))
}

// readWide reads the widths of a font with codes of two bytes: "c [w w]" and
// "from to w".
func (f *pdfFont) readWide(w pdf.Value) {
	for i := 0; i+1 < w.Len() && len(f.widths) < maxCodes; {
		from := int(w.Index(i).Int64())
		if list := w.Index(i + 1); list.Kind() == pdf.Array {
			for k := range list.Len() {
				f.widths[from+k] = list.Index(k).Float64()
			}
			i += 2
			continue
		}
		to := min(int(w.Index(i+1).Int64()), 65535)
		for c := from; c <= to && c >= 0; c++ {
			f.widths[c] = w.Index(i + 2).Float64()
		}
		i += 3
	}
}

// decode returns the text of a code. One that the font's own table lacks is left to
// its encoding.
func (f *pdfFont) decode(code int) string {
	if text, known := f.codes[code]; known {
		return text
	}
	switch {
	case !f.wide:
		return f.table[code]
	case f.codes == nil && f.encoder != nil:
		return f.encoder.Decode(string([]byte{byte(code >> 8), byte(code)}))
	}
	return "" // a letter without a meaning, such as a picture
}

// apart writes ligatures, and the forms that Arabic and Hebrew letters take in a
// word, as the letters that they stand for.
func apart(s string) string {
	form := func(r rune) bool { return r >= 0xFB00 && r <= 0xFDFF || r >= 0xFE70 && r <= 0xFEFC }
	if !strings.ContainsFunc(s, form) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if form(r) {
			b.WriteString(norm.NFKC.String(string(r)))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (f *pdfFont) width(code int) float64 {
	if w, ok := f.widths[code]; ok {
		return w
	}
	return f.otherwise
}

// each gives the codes of a text, and whether each is a blank of one byte.
func (f *pdfFont) each(raw string, do func(code int, space bool)) {
	if f.wide {
		for i := 0; i+1 < len(raw); i += 2 {
			do(int(raw[i])<<8|int(raw[i+1]), false)
		}
		return
	}
	for i := range len(raw) {
		do(int(raw[i]), raw[i] == ' ')
	}
}
