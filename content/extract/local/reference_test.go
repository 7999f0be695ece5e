//go:build !race

package local_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/xuri/excelize/v2"

	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/extract/local"
)

// A sample is a file, and what a reference extractor reads in it.
type sample struct {
	name string
	data []byte
	want string
}

// need skips when a program of Debian's packages is not installed.
func need(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed; apt-get install pandoc poppler-utils html2text xlsx2csv", p)
		}
	}
}

func run(t *testing.T, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, stderr.Bytes())
	}
	return out
}

// texts returns Markdown files that the modules of this one ship: real texts
// with headings, lists, tables, links and code.
func markdownFiles(t *testing.T, most int) (names []string) {
	t.Helper()
	dirs := strings.Fields(string(run(t, nil, "go", "list", "-m", "-f", "{{.Dir}}", "all")))
	for _, dir := range dirs {
		found, _ := filepath.Glob(filepath.Join(dir, "*.md"))
		for _, name := range found {
			if info, err := os.Stat(name); err == nil && info.Size() > 2000 && info.Size() < 100_000 {
				names = append(names, name)
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Compare(filepath.Base(filepath.Dir(a)), filepath.Base(filepath.Dir(b)))
	})
	if len(names) < 10 {
		t.Fatalf("only %d Markdown files among the modules", len(names))
	}
	return names[:min(len(names), most)]
}

// words counts the words of a text: runs of letters and digits, without case.
func words(text string) map[string]int {
	count := map[string]int{}
	for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		count[w]++
	}
	return count
}

// recall returns the share of the words of want that stand in got, each as often,
// and some that do not.
func recall(want, got string) (share float64, total int, lost []string) {
	w, g := words(want), words(got)
	found := 0
	for word, n := range w {
		total += n
		found += min(n, g[word])
		if g[word] < n && len(lost) < 20 {
			lost = append(lost, fmt.Sprintf("%s %d/%d", word, g[word], n))
		}
	}
	if total == 0 {
		return 1, 0, nil
	}
	slices.Sort(lost)
	return float64(found) / float64(total), total, lost
}

// link is one in Markdown: a word that goes on behind it is one word to the references.
var link = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// compare extracts samples and holds their words against those of the reference.
func compare(t *testing.T, least float64, samples []sample) {
	t.Helper()
	e := local.New()
	var all, found float64
	withText := 0
	var took time.Duration
	for _, s := range samples {
		began := time.Now()
		r, err := e.Extract(t.Context(), extract.File{Name: s.name, Size: int64(len(s.data)), ReaderAt: bytes.NewReader(s.data)})
		took += time.Since(began)
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		share, n, lost := recall(s.want, link.ReplaceAllString(r.Text(), "$1"))
		all, found = all+float64(n), found+share*float64(n)
		if strings.TrimSpace(r.Text()) != "" {
			withText++
		}
		if share < least {
			t.Logf("%s: %.4f of %d words; lost %v", s.name, share, n, lost)
		}
	}
	t.Logf("%d files, %d with text, %.0f words, recall %.4f, %.0f files/s", len(samples), withText, all, found/all, float64(len(samples))/took.Seconds())
	if found/all < least {
		t.Errorf("%.4f of the reference's words, want %v", found/all, least)
	}
}

const files = 20

var picture = regexp.MustCompile(`!\[[^\]]*\](\([^)]*\)|\[[^\]]*\])|<img[^>]*>`)

// The words of DOCX files are those that pandoc reads in them.
func TestWordAgainstPandoc(t *testing.T) {
	need(t, "pandoc")
	var samples []sample
	for _, name := range markdownFiles(t, files) {
		docx := run(t, nil, "pandoc", "-f", "gfm", "-t", "docx", "-o", "-", name)
		samples = append(samples, sample{filepath.Base(filepath.Dir(name)) + ".docx", docx, string(run(t, docx, "pandoc", "-f", "docx", "-t", "plain", "--wrap=none"))})
	}
	compare(t, .98, samples)
}

// What Word and other programs have written, too.
func TestShippedWordAgainstPandoc(t *testing.T) {
	need(t, "pandoc")
	var samples []sample
	for name, data := range filesOf(t, ".docx", directories(t, wordCorpus)) {
		pandoc := exec.CommandContext(t.Context(), "pandoc", "-f", "docx", "-t", "plain", "--wrap=none")
		pandoc.Stdin = bytes.NewReader(data)
		want, err := pandoc.Output()
		if err == nil && len(words(string(want))) > 0 { // it does not read the strict form
			samples = append(samples, sample{name, data, string(want)})
		}
	}
	compare(t, .98, samples)
}

// Pandoc does not read slides, so those that it has made are held against what it
// made them from.
func TestSlidesAgainstPandoc(t *testing.T) {
	need(t, "pandoc")
	var samples []sample
	for _, name := range markdownFiles(t, files) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text = picture.ReplaceAll(text, nil) // pandoc would fetch them
		pptx := run(t, text, "pandoc", "-f", "gfm", "-t", "pptx", "-o", "-")
		samples = append(samples, sample{filepath.Base(filepath.Dir(name)) + ".pptx", pptx, string(run(t, text, "pandoc", "-f", "gfm", "-t", "plain", "--wrap=none"))})
	}
	compare(t, .98, samples)
}

// bullet is what html2text writes before an item.
var bullet = regexp.MustCompile(`(?m)^ *[o*#] `)

func TestPagesAgainstHTML2Text(t *testing.T) {
	need(t, "pandoc", "html2text")
	var samples []sample
	for _, name := range markdownFiles(t, files) {
		page := run(t, nil, "pandoc", "-s", "--metadata", "title= ", "-f", "gfm", "-t", "html", name)
		want := run(t, page, "html2text", "-utf8", "-nobs", "-width", "10000")
		samples = append(samples, sample{filepath.Base(filepath.Dir(name)) + ".html", page, bullet.ReplaceAllString(string(want), "")})
	}
	compare(t, .98, samples)
}

// The workbooks of excelize's own tests, and one with many sorts of values.
func TestSheetsAgainstXLSX2CSV(t *testing.T) {
	need(t, "xlsx2csv")
	dir := strings.TrimSpace(string(run(t, nil, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/xuri/excelize/v2")))
	names := []string{filepath.Join(dir, "test", "Book1.xlsx"), filepath.Join(dir, "test", "SharedStrings.xlsx"), filepath.Join(dir, "test", "MergeCell.xlsx")}
	f := excelize.NewFile()
	for row := range 2000 {
		if err := f.SetSheetRow("Sheet1", fmt.Sprintf("A%d", row+1), &[]any{fmt.Sprintf("Item number %d of the list", row), row, float64(row) / 4, row%2 == 0, "Straße, größer; \"quoted\"", "two\nlines"}); err != nil {
			t.Fatal(err)
		}
	}
	made := filepath.Join(t.TempDir(), "made.xlsx")
	if err := f.SaveAs(made); err != nil {
		t.Fatal(err)
	}
	var samples []sample
	for _, name := range append(names, made) {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, sample{filepath.Base(name), data, string(run(t, nil, "xlsx2csv", "-a", name))})
	}
	compare(t, .98, samples)
}

// pdfCorpus are modules that ship PDFs of their tests. CURATORE_TEST_PDFS names
// directories to be measured in their place, such as those of larger modules.
var pdfCorpus = []string{"github.com/jung-kurt/gofpdf@v1.16.2", "codeberg.org/go-pdf/fpdf@v0.12.0"}

// wordCorpus are modules that ship DOCX files.
var wordCorpus = []string{"github.com/unidoc/unioffice@v1.4.0", "code.sajari.com/docconv@v1.3.8", "github.com/gen2brain/go-fitz@v1.24.15"}

// directories returns where modules stand; the test is skipped when one cannot be had.
func directories(t *testing.T, modules []string) (dirs []string) {
	t.Helper()
	for _, m := range modules {
		out, err := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", m).Output()
		var module struct{ Dir string }
		if err == nil {
			err = json.Unmarshal(out, &module)
		}
		if err != nil || module.Dir == "" {
			t.Skipf("%s, whose files are read, cannot be downloaded: %v", m, err)
		}
		dirs = append(dirs, module.Dir)
	}
	return dirs
}

// filesOf returns the files below directories with an extension, up to 6 MB, each content
// once.
func filesOf(t *testing.T, extension string, dirs []string) map[string][]byte {
	t.Helper()
	files, seen := map[string][]byte{}, map[[32]byte]bool{}
	for _, dir := range dirs {
		if err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.EqualFold(filepath.Ext(name), extension) {
				return err
			}
			data, err := os.ReadFile(name)
			if sum := sha256.Sum256(data); err == nil && len(data) < 6<<20 && !seen[sum] {
				seen[sum], files[name] = true, data
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// The words of PDFs are those that pdftotext reads in them. What needs a password is
// read by neither.
func TestPDFAgainstPdftotext(t *testing.T) {
	need(t, "pdftotext")
	var samples []sample
	locked := 0
	dirs := filepath.SplitList(os.Getenv("CURATORE_TEST_PDFS"))
	if len(dirs) == 0 {
		dirs = directories(t, pdfCorpus)
	}
	for name, data := range filesOf(t, ".pdf", dirs) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		want, err := exec.CommandContext(ctx, "pdftotext", "-q", name, "-").Output()
		cancel()
		if err != nil { // it is broken or locked
			locked++
			if r, err := local.New().Extract(t.Context(), extract.File{Name: name, Size: int64(len(data)), ReaderAt: bytes.NewReader(data)}); err == nil && r.Text() != "" {
				t.Logf("%s has a text that pdftotext does not find", name)
			}
			continue
		}
		if len(words(string(want))) > 0 {
			samples = append(samples, sample{name, data, string(want)})
		}
	}
	t.Logf("%d files that pdftotext cannot read", locked)
	compare(t, .98, samples)
}
