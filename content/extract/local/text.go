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

	"github.com/curatore/curatore-go/content/extract"
)

// decode reads bytes as UTF-8: by their mark, as UTF-8 when they are valid, as
// what is declared, else as what they look like.
func decode(b []byte, declared string) string {
	if bytes.HasPrefix(b, []byte("\xef\xbb\xbf")) {
		return string(b[3:])
	}
	marked := bytes.HasPrefix(b, []byte{0xff, 0xfe}) || bytes.HasPrefix(b, []byte{0xfe, 0xff})
	if !marked && utf8.Valid(b) {
		return string(b)
	}
	e, name, certain := charset.DetermineEncoding(b[:min(len(b), 1024)], declared)
	if !marked && (!certain || name == "windows-1252") && !strings.Contains(declared, "charset") {
		// Detect what else it may be, from where it is not ASCII.
		at := max(0, bytes.IndexFunc(b, func(r rune) bool { return r >= utf8.RuneSelf })-512)
		if found := chardet.Detect(b[at:min(len(b), at+64<<10)]); found.Confidence > .8 {
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
	n := 0
	for line := range strings.Lines(text) {
		if title, ok := strings.CutPrefix(line, "# "); ok {
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
	reader := csv.NewReader(strings.NewReader(text))
	reader.Comma, reader.FieldsPerRecord, reader.LazyQuotes, reader.ReuseRecord = separator(text), -1, true, false
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
