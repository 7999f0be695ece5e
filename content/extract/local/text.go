package local

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/wlynxg/chardet"
	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"github.com/curatore/curatore-go/content/extract"
)

// decode reads bytes as UTF-8: by their mark, as UTF-8 when they are valid, as
// what is declared, else as what they look like.
func decode(b []byte, declared string) string {
	if bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) {
		return string(b[3:])
	}
	marked := bytes.HasPrefix(b, []byte{0xff, 0xfe}) || bytes.HasPrefix(b, []byte{0xfe, 0xff})
	e, name, certain := charset.DetermineEncoding(b[:min(len(b), 1024)], declared)
	switch wide := wideOrder(b); {
	case marked:
	case wide != nil:
		e = wide
	case bytes.Contains(b, []byte("\x1b$")) && (name == "iso-2022-jp" || !strings.Contains(declared, "charset")): // ASCII by its bytes
		e = japanese.ISO2022JP
	case utf8.Valid(b), mostlyUTF8(b) && (!certain || name == "utf-8"):
		return strings.ToValidUTF8(string(b), "\uFFFD")
	case (!certain || name == "windows-1252") && !strings.Contains(declared, "charset"):
		// Detect what else it may be, from where it is not ASCII.
		at := max(0, bytes.IndexFunc(b, func(r rune) bool { return r >= utf8.RuneSelf })-512)
		if found := chardet.Detect(b[at:min(len(b), at+64<<10)]); found.Confidence > .8 {
			if strings.HasPrefix(found.Encoding, "MacCyrillic") { // the small letters are the same, and few have that machine
				found.Encoding = "windows-1251"
			}
			if other, otherName := charset.Lookup(found.Encoding); other != nil && otherName != "replacement" && !strings.EqualFold(found.Encoding, "ascii") {
				e = other
			}
		}
	}
	text, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return strings.TrimPrefix(string(text), "\uFEFF")
}

// wideOrder tells UTF-16 without its mark, whose every second byte is mostly zero where
// the text is Latin; nil is another encoding.
func wideOrder(b []byte) encoding.Encoding {
	head := b[:min(len(b), 4096)&^1]
	var zeros, odd [2]int
	for i, c := range head {
		switch {
		case c == 0:
			zeros[i&1]++
		case c < ' ' && c != '\t' && c != '\n' && c != '\r':
			odd[i&1]++
		}
	}
	most := func(high, low int) bool {
		half := len(head) / 2
		return half > 1 && zeros[high]*10 > half*7 && zeros[low] == 0 && odd[low]*50 <= half
	}
	switch {
	case most(1, 0):
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case most(0, 1):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	return nil
}

// mostlyUTF8 reports whether bytes are UTF-8 with a few that are not: in other
// encodings hardly two letters in a row look like it.
func mostlyUTF8(b []byte) bool {
	good, bad := 0, 0
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, size := utf8.DecodeRune(b[i:])
		if size > 1 {
			good++
		} else {
			bad++
		}
		i += size
	}
	return good > 0 && good >= 4*bad
}

func readText(_ context.Context, r *reading) error {
	b, err := r.all()
	if err != nil {
		return err
	}
	r.add(extract.Body, 0, "", decode(b, r.ContentType))
	return nil
}

// readMarkdown takes a text as it is, and its title from a front matter or the
// first heading.
func readMarkdown(ctx context.Context, r *reading) error {
	if err := readText(ctx, r); err != nil {
		return err
	}
	part := &r.result.Parts[0]
	text := strings.ReplaceAll(part.Text, "\r\n", "\n")
	if rest, ok := strings.CutPrefix(text, "---\n"); ok {
		if head, body, ok := strings.Cut(rest, "\n---\n"); ok && len(head) < 16<<10 {
			for line := range strings.Lines(head) {
				name, value, ok := strings.Cut(line, ":")
				if ok && name != "" && !strings.ContainsAny(name[:1], " \t-#") {
					r.metadata[strings.ToLower(strings.TrimSpace(name))] = strings.Trim(strings.TrimSpace(value), `"'`)
				}
			}
			r.result.Title, r.result.Author = r.metadata["title"], r.metadata["author"]
			text = body
		}
	}
	part.Text = text
	if r.result.Title == "" {
		r.result.Title = firstHeading(text)
	}
	return nil
}

// firstHeading returns the first heading of the highest level that a text has at
// its beginning.
func firstHeading(text string) string {
	n, code := 0, false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "```") {
			code = !code
		}
		if title, ok := strings.CutPrefix(line, "# "); ok && !code {
			return strings.TrimSpace(strings.TrimRight(title, "# \n"))
		}
		if n++; n > 50 {
			break
		}
	}
	return ""
}

// readCSV reads a table. Which separator it has is the one that the most of its
// first lines have the same number of.
func readCSV(ctx context.Context, r *reading) error {
	b, err := r.all()
	if err != nil {
		return err
	}
	text := decode(b, r.ContentType)
	if !strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\r", "\n")
	}
	comma := separator(text)
	if line, rest, _ := strings.Cut(text, "\n"); len(line) < 8 && strings.HasPrefix(line, "sep=") && strings.ContainsAny(line[4:], ",;\t|") { // a line for Excel
		comma, text = rune(line[4]), rest
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.Comma, reader.FieldsPerRecord, reader.LazyQuotes, reader.ReuseRecord = comma, -1, true, false
	var t grid
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w", extract.ErrBroken, err)
		}
		t.add(row)
		if t.bytes > r.limits.TextBytes {
			r.note("the table is longer than %d bytes of text and was cut behind %d rows", r.limits.TextBytes, len(t.rows))
			break
		}
	}
	r.metadata["rows"] = fmt.Sprint(len(t.rows))
	r.add(extract.Body, 0, "", t.String())
	return nil
}

func separator(text string) rune {
	best, most := ',', 0
	for _, c := range []rune{',', ';', '\t', '|'} {
		counts := map[int]int{}
		n := 0
		for line := range strings.Lines(text) {
			if k := strings.Count(line, string(c)); k > 0 {
				counts[k]++
			}
			if n++; n == 20 {
				break
			}
		}
		score := 0
		for k, lines := range counts {
			score = max(score, lines*lines*min(k, 10))
		}
		if score > most {
			best, most = c, score
		}
	}
	return best
}
