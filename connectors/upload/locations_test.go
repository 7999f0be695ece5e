package upload_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/connectors/upload"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search"
)

// filler is more text than stands in one chunk, so that the next word comes into
// another one.
func filler(word string) string { return strings.Repeat("The "+word+" committee met again. ", 120) }

// A page number leads from the file through the import to the hit, for each format
// that has pages, slides or sheets; the others have none, and say nothing.
func TestLocations(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			org := openOn(t, kind, upload.New())
			add(t, org, connectors.Options{},
				file("report.pdf", pdf(filler("first"), "The quokka stands here.", filler("third")+" And the numbat at the end.")),
				zipped(t, "talk.pptx", "ppt/presentation.xml", `<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst><p:sldId id="256" r:id="r1"/><p:sldId id="257" r:id="r2"/></p:sldIdLst></p:presentation>`,
					"ppt/_rels/presentation.xml.rels", `<Relationships><Relationship Id="r1" Type="x/slide" Target="slides/slide1.xml"/><Relationship Id="r2" Type="x/slide" Target="slides/slide2.xml"/></Relationships>`,
					"ppt/slides/slide1.xml", slide(filler("first")), "ppt/slides/slide2.xml", slide("Here is the wombat.")),
				file("budget.xlsx", workbook(t)),
				zipped(t, "plan.docx", "[Content_Types].xml", "<Types/>", "word/document.xml",
					`<w:document xmlns:w="w"><w:body><w:p><w:r><w:t>`+filler("first")+`</w:t></w:r></w:p><w:p><w:r><w:lastRenderedPageBreak/><w:t>Word has put the bilby on page two.</w:t></w:r></w:p></w:body></w:document>`),
				zipped(t, "letter.docx", "[Content_Types].xml", "<Types/>", "word/document.xml", `<w:document xmlns:w="w"><w:body><w:p><w:r><w:t>A possum in a file without page breaks.</w:t></w:r></w:p></w:body></w:document>`),
				file("page.html", "<title>Page</title><p>An echidna on a web page."),
				file("mail.eml", "From: a@example.org\r\nTo: b@example.org\r\nSubject: Mail\r\n\r\nA dingo in a message.\r\n"),
				file("notes.md", "# Notes\n\nA galah in Markdown."),
				file("list.csv", "animal,count\nkookaburra,3\n"))
			got := map[string]string{}
			for _, word := range []string{"quokka", "numbat", "wombat", "platypus", "bilby", "possum", "echidna", "dingo", "galah", "kookaburra"} {
				found, err := org.Search(t.Context(), search.Query{Text: word, Types: []string{"asset"}, Passages: 1})
				if err != nil {
					t.Fatal(err)
				}
				if len(found.Hits) != 1 || len(found.Hits[0].Passages) != 1 {
					t.Errorf("%s: %d hits", word, len(found.Hits))
					continue
				}
				h := found.Hits[0]
				if p := h.Passages[0]; p.Location != h.Location || !strings.Contains(p.Text, word) {
					t.Errorf("%s: the hit is on %q, its passage on %q: %s", word, h.Location, p.Location, p.Text)
				}
				got[word] = h.Title + ", " + h.Location
			}
			want := map[string]string{"quokka": "report.pdf, page 2", "numbat": "report.pdf, page 3", "wombat": "talk.pptx, slide 2", "platypus": "budget.xlsx, sheet Notes", "bilby": "plan.docx, page 2",
				"possum": "letter.docx, ", "echidna": "page.html, ", "dingo": "mail.eml, ", "galah": "notes.md, ", "kookaburra": "list.csv, "}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// pdf makes a PDF of pages of text.
func pdf(pages ...string) string {
	var b strings.Builder
	b.WriteString("%PDF-1.4\n")
	var offsets []int
	object := func(format string, args ...any) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets), fmt.Sprintf(format, args...))
	}
	object("<< /Type /Catalog /Pages 2 0 R >>")
	kids := ""
	for i := range pages {
		kids += fmt.Sprintf("%d 0 R ", 4+2*i)
	}
	object("<< /Type /Pages /Count %d /Kids [ %s] >>", len(pages), kids)
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
	for i, page := range pages {
		lines := "BT /F 10 Tf 72 750 Td "
		for sentence := range strings.SplitSeq(page, ". ") {
			lines += "(" + sentence + ".) Tj 0 -5 Td "
		}
		lines += "ET"
		object("<< /Type /Page /Parent 2 0 R /Contents %d 0 R /Resources << /Font << /F 3 0 R >> >> >>", 5+2*i)
		object("<< /Length %d >>\nstream\n%s\nendstream", len(lines), lines)
	}
	at := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, at)
	return b.String()
}

func slide(text string) string {
	return `<p:sld xmlns:p="p" xmlns:a="a"><p:cSld><p:spTree><p:sp><p:nvSpPr><p:nvPr><p:ph type="body"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>` + text + `</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>`
}

func workbook(t *testing.T) string {
	t.Helper()
	f := excelize.NewFile()
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	check(f.SetSheetName("Sheet1", "Budget"))
	for i := range 300 {
		check(f.SetSheetRow("Budget", fmt.Sprintf("A%d", i+1), &[]any{fmt.Sprintf("Item %d of the committee", i), i * 3}))
	}
	_, err := f.NewSheet("Notes")
	check(err)
	check(f.SetCellValue("Notes", "A1", "a platypus on the second sheet"))
	var b bytes.Buffer
	check(f.Write(&b))
	check(f.Close())
	return b.String()
}
