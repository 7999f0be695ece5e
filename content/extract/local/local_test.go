package local_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/extract/local"
)

func file(name, text string) extract.File {
	return extract.File{Name: name, Size: int64(len(text)), ReaderAt: strings.NewReader(text)}
}

func read(t *testing.T, f extract.File) *extract.Result {
	t.Helper()
	r, err := local.New().Extract(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// zipped makes an archive of names and texts in turn.
func zipped(t testing.TB, entries ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(entries); i += 2 {
		w, err := z.Create(entries[i])
		if err == nil {
			_, err = w.Write([]byte(entries[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const wordRoot = `<?xml version="1.0"?><w:document xmlns:w="w" xmlns:r="r" xmlns:mc="mc" xmlns:wps="wps"><w:body>`

// word makes a DOCX of what stands in its body.
func word(t testing.TB, body string) string {
	return zipped(t,
		"[Content_Types].xml", `<Types/>`,
		"word/document.xml", wordRoot+body+`</w:body></w:document>`,
		"word/styles.xml", `<w:styles xmlns:w="w"><w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/></w:style>
			<w:style w:type="paragraph" w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="H1"/></w:style>
			<w:style w:type="paragraph" w:styleId="Item"><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style><w:style w:type="paragraph" w:styleId="MyItem"><w:basedOn w:val="Item"/></w:style></w:styles>`,
		"word/numbering.xml", `<w:numbering xmlns:w="w"><w:abstractNum w:abstractNumId="0"><w:lvl><w:start w:val="1"/><w:numFmt w:val="decimal"/></w:lvl><w:lvl><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum>
			<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="0"/></w:num>
			<w:num w:numId="3"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num></w:numbering>`,
		"word/comments.xml", `<w:comments xmlns:w="w"><w:comment w:id="0" w:author="Eve"><w:p><w:r><w:t>Really?</w:t></w:r></w:p></w:comment></w:comments>`,
		"word/_rels/document.xml.rels", `<Relationships><Relationship Id="r1" Type="x/hyperlink" Target="https://example.org/a" TargetMode="External"/><Relationship Id="r2" Type="x/header" Target="header1.xml"/></Relationships>`,
		"word/header1.xml", `<w:hdr xmlns:w="w"><w:p><w:r><w:t>Acme Corporation</w:t></w:r></w:p></w:hdr>`,
		"word/footnotes.xml", `<w:footnotes xmlns:w="w"><w:footnote w:type="separator" w:id="0"/><w:footnote w:id="2"><w:p><w:r><w:t>A note.</w:t></w:r></w:p></w:footnote></w:footnotes>`,
		"docProps/core.xml", `<cp:coreProperties xmlns:cp="cp" xmlns:dc="dc" xmlns:dcterms="t"><dc:title>Plan</dc:title><dc:creator>Ann</dc:creator><dcterms:created>2026-01-31T10:00:00Z</dcterms:created></cp:coreProperties>`)
}

// margins is what word has in its header.
const margins = "\n\nHeaders and footers:\nAcme Corporation"

func p(text string) string { return `<w:p><w:r><w:t>` + text + `</w:t></w:r></w:p>` }

func TestWord(t *testing.T) {
	const list = `<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>`
	for _, c := range []struct{ name, body, want string }{
		{"paragraphs", p("One &amp; two.") + p("Three."), "One & two.\n\nThree."},
		{"headings", `<w:p><w:pPr><w:pStyle w:val="H1"/></w:pPr><w:r><w:t>Scope</w:t></w:r></w:p><w:p><w:pPr><w:pStyle w:val="Mine"/></w:pPr><w:r><w:t>Of </w:t></w:r><w:r><w:t>work</w:t></w:r></w:p>`, "# Scope\n\n# Of work"},
		{"lists", list + `first</w:t></w:r></w:p>` + `<w:p><w:pPr><w:numPr><w:ilvl w:val="1"/><w:numId w:val="1"/></w:numPr></w:pPr><w:r><w:t>inside</w:t></w:r></w:p>` + list + `second</w:t></w:r></w:p>` + p("Behind."),
			"1. first\n   - inside\n2. second\n\nBehind."},
		{"list by style", item("Item", "one") + item("MyItem", "two") + `<w:p><w:pPr><w:pStyle w:val="Item"/><w:numPr><w:numId w:val="0"/></w:numPr></w:pPr><w:r><w:t>none</w:t></w:r></w:p>`, "1. one\n2. two\n\nnone"},
		{"lists of one definition", strings.Replace(list, `numId w:val="1"`, `numId w:val="2"`, 1) + "a</w:t></w:r></w:p>" + list + "b</w:t></w:r></w:p>" + strings.Replace(list, `numId w:val="1"`, `numId w:val="3"`, 1) + "c</w:t></w:r></w:p>" + list + "d</w:t></w:r></w:p>", "1. a\n2. b\n7. c\n8. d"},
		{"table in a table", `<w:tbl><w:tr><w:tc>` + p("a") + `</w:tc><w:tc><w:tbl><w:tr><w:tc>` + p("b") + `</w:tc><w:tc>` + p("c") + `</w:tc></w:tr><w:tr><w:tc>` + p("d") + `</w:tc></w:tr></w:tbl>` + p("e") + `</w:tc></w:tr></w:tbl>`, "| a | b, c<br>d<br>e |\n| --- | --- |"},
		{"comment", `<w:p><w:commentRangeStart w:id="0"/><w:r><w:t>Text</w:t></w:r><w:commentRangeEnd w:id="0"/><w:r><w:commentReference w:id="0"/></w:r></w:p>`, "Text[^comment-0]\n\n[^comment-0]: Eve: Really?"},
		{"table", `<w:tbl><w:tr><w:tc>` + p("Name") + `</w:tc><w:tc>` + p("Price") + `</w:tc></w:tr><w:tr><w:tc>` + p("a|b") + `</w:tc><w:tc>` + p("1") + p("2") + `</w:tc></w:tr></w:tbl>`,
			"| Name | Price |\n| --- | --- |\n| a\\|b | 1<br>2 |"},
		{"link", `<w:p><w:hyperlink r:id="r1"><w:r><w:t>here</w:t></w:r></w:hyperlink></w:p>`, "[here](https://example.org/a)"},
		{"note", `<w:p><w:r><w:t>Text</w:t><w:footnoteReference w:id="2"/></w:r></w:p>`, "Text[^footnote-2]\n\n[^footnote-2]: A note."},
		{"tracked changes", `<w:p><w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:ins><w:r><w:t>new</w:t></w:r></w:ins></w:p>`, "new"},
		{"field", `<w:p><w:r><w:instrText>PAGE</w:instrText></w:r><w:fldSimple><w:r><w:t>7</w:t></w:r></w:fldSimple></w:p>`, "7"},
		{"text box once", `<w:p><w:r><mc:AlternateContent><mc:Choice><wps:txbx><w:txbxContent>` + p("boxed") + `</w:txbxContent></wps:txbx></mc:Choice><mc:Fallback><w:pict><w:txbxContent>` + p("boxed") + `</w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r></w:p>`, "boxed"},
		{"control characters", p("one\x1ftwo"), "one two"},
		{"tab and break", `<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:noBreakHyphen/><w:t>d</w:t></w:r></w:p>`, "a b\nc-d"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := read(t, file("x.docx", word(t, c.body)))
			if diff := cmp.Diff(c.want+margins, r.Text()); diff != "" {
				t.Error(diff)
			}
			if r.Title != "Plan" || r.Author != "Ann" || r.Created.Year() != 2026 {
				t.Errorf("properties: %+v", r)
			}
			if r.Locations() != nil {
				t.Errorf("pages without any page break: %v", r.Locations())
			}
		})
	}
}

func item(style, text string) string {
	return `<w:p><w:pPr><w:pStyle w:val="` + style + `"/></w:pPr><w:r><w:t>` + text + `</w:t></w:r></w:p>`
}

// An Office document may name its main file as it likes.
func TestMainFile(t *testing.T) {
	for _, c := range []struct{ folder, text, want string }{
		{"word", `<w:document xmlns:w="w"><w:body>` + p("A letter.") + `</w:body></w:document>`, "A letter."},
		{"ppt", `<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst><p:sldId r:id="rA"/></p:sldIdLst></p:presentation>`, "A slide."},
	} {
		r := read(t, file("x", zipped(t, "[Content_Types].xml", "<Types/>",
			"_rels/.rels", `<Relationships><Relationship Id="r1" Type="x/core-properties" Target="docProps/core.xml"/><Relationship Id="r2" Type="http://x/officeDocument" Target="`+c.folder+`/b.xml"/></Relationships>`,
			c.folder+"/b.xml", c.text,
			"ppt/_rels/b.xml.rels", `<Relationships><Relationship Id="rA" Type="x/slide" Target="slides/one.xml"/></Relationships>`, "ppt/slides/one.xml", slide(shape("body", "A slide.")))))
		if r.Text() != c.want {
			t.Errorf("%s: %q", c.folder, r.Text())
		}
	}
}

// The pages of a Word document are those that Word has made.
func TestWordPages(t *testing.T) {
	r := read(t, file("x.docx", word(t, p("one")+`<w:p><w:r><w:br w:type="page"/></w:r></w:p><w:p><w:r><w:lastRenderedPageBreak/><w:t>two</w:t></w:r></w:p>`+
		`<w:p><w:r><w:t>begins on two</w:t></w:r><w:r><w:lastRenderedPageBreak/><w:t> ends on three</w:t></w:r></w:p>`+p("three"))))
	want := []content.Location{{Offset: 0, Label: "page 1"}, {Offset: 5, Label: "page 2"}, {Offset: 39, Label: "page 3"}}
	if diff := cmp.Diff(want, r.Locations()); diff != "" {
		t.Error(r.Text(), diff)
	}
	if at := content.LocationAt(r.Locations(), strings.Index(r.Text(), "three")); at != "page 2" {
		t.Errorf("what begins on page 2 is on %q", at)
	}
}

func slide(shapes string) string {
	return `<p:sld xmlns:p="p" xmlns:a="a"><p:cSld><p:spTree>` + shapes + `</p:spTree></p:cSld></p:sld>`
}

func shape(kind string, lines ...string) string {
	s := `<p:sp><p:nvSpPr><p:nvPr><p:ph type="` + kind + `"/></p:nvPr></p:nvSpPr><p:txBody>`
	for _, l := range lines {
		s += `<a:p><a:r><a:t>` + l + `</a:t></a:r></a:p>`
	}
	return s + `</p:txBody></p:sp>`
}

func TestSlides(t *testing.T) {
	r := read(t, file("x.pptx", zipped(t,
		"ppt/presentation.xml", `<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst><p:sldId id="256" r:id="rB"/><p:sldId id="257" r:id="rA"/></p:sldIdLst></p:presentation>`,
		"ppt/_rels/presentation.xml.rels", `<Relationships><Relationship Id="rA" Type="x/slide" Target="slides/slide1.xml"/><Relationship Id="rB" Type="x/slide" Target="/ppt/slides/slide2.xml"/></Relationships>`,
		"ppt/slides/slide1.xml", slide(`<p:graphicFrame><a:graphic><a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>Year</a:t></a:r></a:p></a:txBody></a:tc><a:tc><a:txBody><a:p><a:r><a:t>2026</a:t></a:r></a:p></a:txBody></a:tc></a:tr></a:tbl></a:graphic></p:graphicFrame>`+shape("sldNum", "9")),
		"ppt/slides/slide2.xml", slide(shape("title", "Roadmap")+shape("body", "now", "later")+`<p:grpSp>`+shape("", "single")+`</p:grpSp>`),
		"ppt/slides/_rels/slide2.xml.rels", `<Relationships><Relationship Id="r1" Type="x/notesSlide" Target="../notesSlides/notesSlide1.xml"/></Relationships>`,
		"ppt/notesSlides/notesSlide1.xml", slide(shape("sldImg")+shape("body", "Say hello.")))))
	want := "# Roadmap\n\n- now\n- later\n\nsingle\n\nNotes:\n\nSay hello.\n\n| Year | 2026 |\n| --- | --- |"
	if diff := cmp.Diff(want, r.Text()); diff != "" {
		t.Error(diff)
	}
	if l := r.Locations(); len(l) != 2 || l[0].Label != "slide 1" || l[1].Label != "slide 2" {
		t.Errorf("locations: %v", l)
	}
}

func workbook(t testing.TB) string {
	t.Helper()
	f := excelize.NewFile()
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	check(f.SetSheetName("Sheet1", "Budget"))
	check(f.SetSheetRow("Budget", "B3", &[]any{"Item", "", "Cost"}))
	check(f.SetSheetRow("Budget", "B4", &[]any{"Paper", "", 12.5}))
	check(f.SetSheetRow("Budget", "B6", &[]any{"Ink|toner", "", 1e6}))
	_, err := f.NewSheet("Notes")
	check(err)
	check(f.SetCellValue("Notes", "A1", "only one column"))
	check(f.SetDocProps(&excelize.DocProperties{Title: "Costs", Creator: "Ann"}))
	var b bytes.Buffer
	check(f.Write(&b))
	check(f.Close())
	return b.String()
}

func TestSheets(t *testing.T) {
	r := read(t, file("x.bin", workbook(t))) // the name says nothing
	want := "## Budget\n\n| Item | Cost |\n| --- | --- |\n| Paper | 12.5 |\n| Ink\\|toner | 1000000 |\n\n## Notes\n\nonly one column"
	if diff := cmp.Diff(want, r.Text()); diff != "" {
		t.Error(diff)
	}
	if l := r.Locations(); len(l) != 2 || l[0].Label != "sheet Budget" || l[1].Label != "sheet Notes" || r.Title != "Costs" {
		t.Errorf("locations %v, title %q", l, r.Title)
	}
}

// book makes a workbook of the rows of its one sheet; the style 1 is a day.
func book(t testing.TB, rows string) string {
	t.Helper()
	const formats = "http://schemas.openxmlformats.org/"
	const office = `xmlns="` + formats + `spreadsheetml/2006/main" xmlns:r="` + formats + `officeDocument/2006/relationships"`
	const relation = `<Relationship Id="%s" Type="` + formats + `officeDocument/2006/relationships/%s" Target="%s"/>`
	return zipped(t, "[Content_Types].xml", `<Types xmlns="`+formats+`package/2006/content-types"/>`,
		"_rels/.rels", `<Relationships xmlns="`+formats+`package/2006/relationships">`+fmt.Sprintf(relation, "r1", "officeDocument", "xl/workbook.xml")+`</Relationships>`,
		"xl/workbook.xml", `<workbook `+office+`><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels", `<Relationships xmlns="`+formats+`package/2006/relationships">`+
			fmt.Sprintf(relation+relation, "r1", "worksheet", "worksheets/sheet1.xml", "r2", "styles", "styles.xml")+`</Relationships>`,
		"xl/styles.xml", `<styleSheet `+office+`><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>`,
		"xl/worksheets/sheet1.xml", `<worksheet `+office+`><sheetData>`+rows+`</sheetData></worksheet>`)
}

// Days are written so that nobody has to guess which number is the month, whatever is
// the order of the machine; a sheet may be as wide as it likes where nothing stands.
func TestOddSheets(t *testing.T) {
	rows := `<row r="1"><c r="A1" s="1"><v>46085</v></c></row>`
	for i := 2; i < 200; i++ {
		rows += fmt.Sprintf(`<row r="%d"><c r="XFD%d"><v>%d</v></c></row>`, i, i, i)
	}
	r := read(t, file("x.xlsx", book(t, rows)))
	if s := extract.StatusOf(r, nil); s != extract.OK || !strings.Contains(r.Text(), "| 2026-03-04 |") || !strings.HasSuffix(r.Text(), "|  | 199 |") {
		t.Errorf("%s: %.200s", s, r.Text())
	}
}

func TestTexts(t *testing.T) {
	mail := "From: =?utf-8?q?J=C3=B6rg?= <j@example.org>\r\nTo: a@example.org\r\nDate: Mon, 02 Mar 2026 10:00:00 +0100\r\nSubject: =?iso-8859-1?Q?Gr=FC=DFe?=\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=X\r\n\r\n--X\r\nContent-Type: multipart/alternative; boundary=Y\r\n\r\n--Y\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSch=F6n hier.\r\n" +
		"--Y\r\nContent-Type: text/html\r\n\r\n<p>Sch&ouml;n hier.</p>\r\n--Y--\r\n--X\r\nContent-Type: text/csv; name=prices.csv\r\nContent-Disposition: attachment; filename=prices.csv\r\nContent-Transfer-Encoding: base64\r\n\r\nYSxiCjEs\r\nMg==\r\n--X--\r\n"
	for _, c := range []struct{ name, file, text, mime, want, title string }{
		{"text", "a.txt", "\xef\xbb\xbfPlain\r\nte\u00adxt", "text/plain", "Plain\ntext", ""},
		{"latin 1", "a.txt", "Stra\xdfe nach K\xf6ln", "text/plain", "Straße nach Köln", ""},
		{"utf-16", "a.txt", "\xff\xfeH\x00i\x00", "text/plain", "Hi", ""},
		{"markdown", "a.md", "---\ntitle: \"Read me\"\n---\n# Hello\n\n- x", "text/markdown", "# Hello\n\n- x", "Read me"},
		{"markdown heading", "a.md", "# Hello #\n\nx", "text/markdown", "# Hello #\n\nx", "Hello"},
		{"csv", "a.csv", "a,b\n1,\"x, y\"\n", "text/csv", "| a | b |\n| --- | --- |\n| 1 | x, y |", ""},
		{"csv with semicolons", "a.csv", "a;b;c\n1,5;2,5;3\n", "text/csv", "| a | b | c |\n| --- | --- | --- |\n| 1,5 | 2,5 | 3 |", ""},
		{"tsv", "a.tsv", "a\tb\n1\t2", "text/csv", "| a | b |\n| --- | --- |\n| 1 | 2 |", ""},
		{"json", "a.json", `{"name": "Acme", "tags": ["x", {"y": 1.50}], "none": null, "deep": {"er": true}}`, "application/json", "- name: Acme\n- tags: \n  - x\n  - \n    - y: 1.50\n- deep: \n  - er: true", ""},
		{"json lines", "a.jsonl", "{\"a\":1}\n{\"a\":2}\n", "application/json", "- a: 1\n- a: 2", ""},
		{"json without a name", "", `{"a":1}`, "application/json", "- a: 1", ""},
		{"html", "a.html", `<html lang="de"><head><title> Seite </title><style>x{}</style><script>alert(1)</script></head><body><h1>Kopf</h1><p>Ein <b>Wort</b> <a href="/x">Verweis</a></p><ul><li>eins<li>zwei</ul><table><tr><td>a<td>b</table><img alt="Bild" src="data:x"></body></html>`,
			"text/html", "# Kopf\n\nEin **Wort** [Verweis](/x)\n\n- eins\n- zwei\n\n| a | b |\n|---|---|\n\nBild", "Seite"},
		{"html in windows-1252", "a.htm", "<html><head><meta charset=windows-1252></head><body>Stra\xdfe</body></html>", "text/html", "Straße", ""},
		{"mail", "a.eml", mail, "message/rfc822", "From: Jörg <j@example.org>\nTo: a@example.org\nDate: Mon, 02 Mar 2026 10:00:00 +0100\nSubject: Grüße\n\nSchön hier.\n\n## prices.csv\n\n| a | b |\n| --- | --- |\n| 1 | 2 |", "Grüße"},
		{"mail without a name", "", mail, "message/rfc822", "From: Jörg <j@example.org>\nTo: a@example.org\nDate: Mon, 02 Mar 2026 10:00:00 +0100\nSubject: Grüße\n\nSchön hier.\n\n## prices.csv\n\n| a | b |\n| --- | --- |\n| 1 | 2 |", "Grüße"},
		{"utf-16 without a mark", "a.txt", "H\x00i\x00!\x00\n\x00", "text/plain", "Hi!", ""},
		{"utf-16 the other way round", "", "\x00H\x00i\x00!\x00\n", "text/plain", "Hi!", ""},
		{"cyrillic", "a.txt", "\xdd\xf2\xee \xf0\xf3\xf1\xf1\xea\xe8\xe9 \xf2\xe5\xea\xf1\xf2 \xe4\xeb\xff \xef\xf0\xee\xe2\xe5\xf0\xea\xe8", "text/plain", "Это русский текст для проверки", ""},
		{"japanese of seven bits", "a.txt", "\x1b$BF|K\\8l\x1b(B", "text/plain", "日本語", ""},
		{"utf-8 with a broken letter", "a.txt", "Größe, Übermaß, Äther und Stra\xdfe", "text/plain", "Größe, Übermaß, Äther und Stra\uFFFDe", ""},
		{"csv for Excel", "a.csv", "sep=;\na,b;c\n1;2\n", "text/csv", "| a,b | c |\n| --- | --- |\n| 1 | 2 |", ""},
		{"csv of old Macs", "a.csv", "a,b\r1,2\r", "text/csv", "| a | b |\n| --- | --- |\n| 1 | 2 |", ""},
		{"heading in code", "a.md", "```\n# no heading\n```\n# Real", "text/markdown", "```\n# no heading\n```\n# Real", "Real"},
		{"empty", "a.txt", "", "text/plain", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := read(t, file(c.file, c.text))
			if diff := cmp.Diff(c.want, r.Text()); diff != "" {
				t.Error(diff)
			}
			if r.ContentType != c.mime || r.Title != c.title {
				t.Errorf("%s %q, want %s %q", r.ContentType, r.Title, c.mime, c.title)
			}
		})
	}
}

func TestLanguageAndQuality(t *testing.T) {
	english := strings.Repeat("The agency intends to award a contract for the maintenance of its data centers. ", 5)
	german := strings.Repeat("Die Behörde beabsichtigt, einen Vertrag über die Wartung ihrer Rechenzentren zu vergeben. ", 5)
	for _, c := range []struct {
		text, language string
		min, max       float64
	}{
		{english, "en", .95, 1}, {german, "de", .95, 1}, {"", "", 0, 0}, {"12 13 14 15,5 100 USD", "", .9, 1},
		{strings.Repeat("\uf0b7\uf0c8x\ufffd\ufffd q\uf000z ", 50), "", 0, .4},
	} {
		r := read(t, file("a.txt", c.text))
		if r.Language != c.language || r.Quality < c.min || r.Quality > c.max {
			t.Errorf("%.30q: language %q, quality %v; want %q, %v to %v", c.text, r.Language, r.Quality, c.language, c.min, c.max)
		}
	}
}

func TestStatus(t *testing.T) {
	if s := extract.StatusOf(read(t, file("a.txt", " \n")), nil); s != extract.Empty {
		t.Error(s)
	}
	if s := extract.StatusOf(read(t, file("a.txt", "x")), nil); s != extract.OK {
		t.Error(s)
	}
	r, err := local.New(local.Options{Limits: extract.Limits{TextBytes: 10}}).Extract(t.Context(), file("a.txt", strings.Repeat("é", 20)))
	if s := extract.StatusOf(r, err); s != extract.Partial || r.Text() != "ééééé" || len(r.Notes) != 1 {
		t.Error(s, r, err)
	}
}

// A file that is cancelled, or that takes too long, ends with the cause.
func TestTime(t *testing.T) {
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	if _, err := local.New().Extract(ctx, file("a.txt", "x")); !errors.Is(err, enough) {
		t.Error(err)
	}
	_, err := local.New(local.Options{Limits: extract.Limits{Time: time.Nanosecond}}).Extract(t.Context(), file("a.txt", "x"))
	if s := extract.StatusOf(nil, err); s != extract.TimedOut {
		t.Error(s, err)
	}
}
