//go:build !race

package local_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/extract/local"
)

// Files a second of each format, about ten thousand words each where the format is
// one of prose.
func BenchmarkExtract(b *testing.B) {
	paragraph := strings.Repeat("The contractor shall deliver a report each month to the contracting officer. ", 10)
	var body, page strings.Builder
	for range 80 {
		body.WriteString(p(paragraph))
		page.WriteString("<p>" + paragraph + "</p>")
	}
	pages := make([]string, 20)
	for i := range pages {
		pages[i] = "BT /F 10 Tf 12 TL 72 700 Td" + strings.Repeat(" (The contractor shall deliver a report each month to the contracting officer.) Tj T*", 40) + " ET"
	}
	for name, data := range map[string]string{
		"docx": word(b, body.String()), "html": page.String(), "pdf": pdfOf(1, pages...), "xlsx": workbook(b),
		"md": strings.Repeat(paragraph+"\n\n", 80), "csv": strings.Repeat("item,price,when\npaper,12,2026-01-31\n", 2000),
	} {
		b.Run(name, func(b *testing.B) {
			e := local.New()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := e.Extract(b.Context(), file("a."+name, data)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "files/s")
		})
	}
}

// Files that modules of this one ship for their own tests: whatever they are, each
// gives a result or says what is wrong with it, and most have text.
func TestShippedFiles(t *testing.T) {
	var names []string
	for _, module := range []string{"github.com/gabriel-vasile/mimetype", "github.com/xuri/excelize/v2", "github.com/ledongthuc/pdf"} {
		dir := strings.TrimSpace(string(run(t, nil, "go", "list", "-m", "-f", "{{.Dir}}", module)))
		for _, pattern := range []string{"testdata/*", "test/*.xlsx"} {
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, found...)
		}
	}
	e := local.New()
	statuses := map[extract.Status]int{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			continue // a folder
		}
		r, err := e.Extract(t.Context(), extract.File{Name: filepath.Base(name), Size: int64(len(data)), ReaderAt: bytes.NewReader(data)})
		s := extract.StatusOf(r, err)
		statuses[s]++
		if s == extract.Failed || s == extract.TimedOut {
			t.Errorf("%s: %s, %v", name, s, err)
		}
		for _, must := range []string{"Book1.xlsx", "SharedStrings.xlsx", "utf8.txt"} {
			if filepath.Base(name) == must && s != extract.OK && s != extract.Empty {
				t.Errorf("%s: %s, %v", name, s, err)
			}
		}
		if strings.HasPrefix(filepath.Base(name), "encrypt") && s != extract.Encrypted {
			t.Errorf("%s: %s, %v", name, s, err)
		}
	}
	t.Logf("%d files: %v", len(names), statuses)
	if len(names) < 10 {
		t.Errorf("only %d files", len(names))
	}
}
