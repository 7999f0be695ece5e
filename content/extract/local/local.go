// Package local reads files in this process: PDF, DOCX, PPTX, XLSX, CSV, HTML,
// Markdown, JSON, mail and plain text, without cgo and without a server.
//
// Each format has its own traps: a DOCX is a zip of XML in which deleted text
// still stands, a PDF places letters and knows no words, a spreadsheet of a few
// kilobytes may unpack to gigabytes, a mail has its text twice. An [Extractor]
// knows them, finds out by the content what a file is, and keeps each file within
// extract.Limits, so that files from anywhere can be given to it.
//
// The places of a text are the pages of a PDF, the slides of a PPTX, the sheets of an
// XLSX, and the pages of a DOCX as far as the program that wrote it has marked where
// they end. The other formats have no such places.
//
// The libraries behind it (excelize, pdf, html-to-markdown and what they need) are
// linked by those programs only that import this package.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/curatore/curatore-go/content/extract"
)

// Options for [New]. The zero value is right for most.
type Options struct {
	Limits extract.Limits
	// Parallel is how many files are read at the same time; others wait. With
	// the limits it bounds the memory. 0 is the number of processors.
	Parallel int
}

// An Extractor reads files in this process. It is safe for concurrent use.
type Extractor struct {
	limits extract.Limits
	places chan struct{}
}

var _ extract.Extractor = (*Extractor)(nil)

// New returns an Extractor. At most one Options is taken.
func New(options ...Options) *Extractor {
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	if o.Parallel <= 0 {
		o.Parallel = runtime.GOMAXPROCS(0)
	}
	return &Extractor{limits: o.Limits.WithDefaults(), places: make(chan struct{}, o.Parallel)}
}

// Name implements extract.Extractor.
func (e *Extractor) Name() string { return "local/3" }

// Extract implements extract.Extractor.
func (e *Extractor) Extract(ctx context.Context, f extract.File) (*extract.Result, error) {
	select {
	case e.places <- struct{}{}:
		defer func() { <-e.places }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if f.Size > e.limits.FileBytes {
		return nil, fmt.Errorf("%w: it has %d bytes; the limit is %d", extract.ErrTooLarge, f.Size, e.limits.FileBytes)
	}
	return extract.Guard(ctx, e.limits.Time, f, func(ctx context.Context, f extract.File) (*extract.Result, error) {
		return e.read(ctx, f, 0)
	})
}

// A reading is one file that is being read.
type reading struct {
	extract.File
	limits   extract.Limits
	budget   *extract.Budget
	depth    int // of messages inside each other
	nested   func(ctx context.Context, f extract.File, depth int) (*extract.Result, error)
	result   *extract.Result
	metadata map[string]string
}

// read reads a file, or one inside another.
func (e *Extractor) read(ctx context.Context, f extract.File, depth int) (*extract.Result, error) {
	r := &reading{File: f, limits: e.limits, budget: e.limits.NewBudget(), depth: depth, nested: e.read, result: &extract.Result{}, metadata: map[string]string{}}
	format, err := sniff(f)
	if err != nil {
		return nil, err
	}
	r.result.ContentType = format.mime
	if format.read == nil {
		return nil, fmt.Errorf("%w: %s is not among PDF, DOCX, PPTX, XLSX, CSV, HTML, Markdown, JSON, mail and text; a sidecar may read it", extract.ErrUnsupported, format.mime)
	}
	if err := format.read(ctx, r); err != nil {
		return nil, wrong(err)
	}
	r.finish()
	return r.result, nil
}

// wrong makes of an error in a file one that says what is wrong with it.
func wrong(err error) error {
	for _, known := range []error{extract.ErrUnsupported, extract.ErrEncrypted, extract.ErrBroken, extract.ErrTooLarge, extract.ErrTimeout, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("%w: %w", extract.ErrBroken, err)
}

// finish cleans and cuts the texts, and judges them.
func (r *reading) finish() {
	left := r.limits.TextBytes
	parts := r.result.Parts[:0]
	for _, p := range r.result.Parts {
		p.Text = clean(p.Text)
		if int64(len(p.Text)) > left {
			p.Text = strings.ToValidUTF8(p.Text[:left], "")
			r.note("the text is longer than %d bytes and was cut", r.limits.TextBytes)
		}
		left -= int64(len(p.Text))
		parts = append(parts, p)
		if left == 0 {
			break
		}
	}
	r.result.Parts = parts
	for _, s := range []*string{&r.result.Title, &r.result.Author} {
		*s = strings.Join(strings.Fields(clean(*s)), " ")
	}
	for k, v := range r.metadata {
		if v = strings.TrimSpace(clean(v)); v != "" {
			if r.result.Metadata == nil {
				r.result.Metadata = map[string]string{}
			}
			r.result.Metadata[k] = v
		}
	}
	sample := r.sample()
	r.result.Quality = extract.Judge(sample)
	if r.result.Language == "" {
		r.result.Language = language(sample)
	}
}

// sampleBytes is how much of a text is judged.
const sampleBytes = 64 << 10

func (r *reading) sample() string {
	var b strings.Builder
	share := max(sampleBytes/max(len(r.result.Parts), 1), 512)
	for _, p := range r.result.Parts {
		if b.Len() > sampleBytes {
			break
		}
		b.WriteString(strings.ToValidUTF8(p.Text[:min(len(p.Text), share)], "") + "\n")
	}
	return b.String()
}

func (r *reading) note(format string, args ...any) {
	if len(r.result.Notes) < 20 {
		r.result.Notes = append(r.result.Notes, fmt.Sprintf(format, args...))
	}
}

// add adds a part.
func (r *reading) add(kind extract.Kind, number int, name, text string) {
	r.result.Parts = append(r.result.Parts, extract.Part{Kind: kind, Number: number, Name: strings.Join(strings.Fields(clean(name)), " "), Text: text})
}

// all reads the whole file, which is not longer than the text may be decoded.
func (r *reading) all() ([]byte, error) {
	if r.Size > r.limits.DecodedBytes {
		return nil, fmt.Errorf("%w: it has %d bytes of text; the limit is %d", extract.ErrTooLarge, r.Size, r.limits.DecodedBytes)
	}
	return io.ReadAll(io.NewSectionReader(r.ReaderAt, 0, r.Size))
}

// clean drops what no database holds as text, and brings line ends to "\n".
func clean(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if !strings.ContainsFunc(s, unwanted) {
		return s
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\r' || c == '\f' || c == '\v' || c == 0x85 || c == 0x2028 || c == 0x2029:
			return '\n'
		case unwanted(c):
			return -1
		}
		return c
	}, s)
}

func unwanted(c rune) bool {
	return c < ' ' && c != '\n' && c != '\t' || 0x7f <= c && c < 0xa0 || c == 0xad || c == 0xfeff || c == 0x200b || c == 0x2028 || c == 0x2029
}

// A grid is rows of cells, to be written as Markdown. Cells without text take no room:
// sheets have many.
type grid struct {
	rows  [][]gridCell
	used  map[int]bool // columns with text
	bytes int64        // of the text that it makes, about
}

type gridCell struct {
	column int
	text   string
}

func (t *grid) add(row []string) {
	var cells []gridCell
	if t.used == nil {
		t.used = map[int]bool{}
	}
	for i, text := range row {
		if strings.TrimSpace(text) == "" {
			continue
		}
		cells = append(cells, gridCell{i, text})
		t.bytes += int64(len(text))
		if !t.used[i] {
			t.used[i] = true
			t.bytes += 3 * int64(len(t.rows))
		}
	}
	if len(cells) == 0 {
		return
	}
	t.rows = append(t.rows, cells)
	t.bytes += 3 * int64(len(t.used))
}

// String writes the rows as a Markdown table whose head is the first row.
// Columns without any text are left out, and a table of one column is lines.
func (t *grid) String() string {
	columns := slices.Sorted(maps.Keys(t.used))
	var b strings.Builder
	for n, row := range t.rows {
		if len(columns) == 1 {
			b.WriteString(cellText(row[0].text) + "\n")
			continue
		}
		b.WriteString("|")
		for _, i := range columns {
			text := ""
			if len(row) > 0 && row[0].column == i {
				text, row = cellText(row[0].text), row[1:]
			}
			b.WriteString(" " + text + " |")
		}
		b.WriteString("\n")
		if n == 0 {
			b.WriteString("|" + strings.Repeat(" --- |", len(columns)) + "\n")
		}
	}
	return b.String()
}

// lines writes each row on one line, for a table inside a cell.
func (t *grid) lines() string {
	var b strings.Builder
	for _, row := range t.rows {
		for i, cell := range row {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(strings.TrimSpace(cell.text))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// cellText writes the text of a cell on one line.
func cellText(s string) string {
	if strings.ContainsAny(s, "\n\r|") {
		s = strings.ReplaceAll(strings.ReplaceAll(s, "\r", "\n"), "|", `\|`)
		lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' })
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		s = strings.Join(lines, "<br>")
	}
	return strings.TrimSpace(s)
}

// attribute returns an attribute of an HTML element.
func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
