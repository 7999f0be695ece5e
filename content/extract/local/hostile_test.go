//go:build !race

package local_test

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"context"
	"crypto/md5" //nolint:gosec // that of old PDFs
	"crypto/rc4" //nolint:gosec // the same
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content/extract"
	"github.com/curatore/curatore-go/content/extract/local"
)

// pdfOf makes a PDF of the contents of its pages, each packed by zlib layers
// times.
func pdfOf(layers int, pages ...string) string { return pdfWith("", layers, pages...) }

// pdfWith is pdfOf with something more said of each page.
func pdfWith(more string, layers int, pages ...string) string {
	var b strings.Builder
	b.WriteString("%PDF-1.4\n")
	var offsets []int
	object := func(s string) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets), s)
	}
	object("<< /Type /Catalog /Pages 2 0 R >>")
	var kids strings.Builder
	for i := range pages {
		fmt.Fprintf(&kids, "%d 0 R ", 4+2*i)
	}
	object(fmt.Sprintf("<< /Type /Pages /Count %d /Kids [ %s] >>", len(pages), kids.String()))
	object("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
	for i, page := range pages {
		object(fmt.Sprintf("<< /Type /Page /Parent 2 0 R "+more+" /Contents %d 0 R /Resources << /Font << /F 3 0 R >> /XObject << /I << /Subtype /Image >> >> >> >>", 5+2*i))
		data, filter := []byte(page), ""
		for range layers {
			var packed bytes.Buffer
			z := zlib.NewWriter(&packed)
			_, _ = z.Write(data)
			_ = z.Close()
			data = packed.Bytes()
			filter += "/FlateDecode "
		}
		object(fmt.Sprintf("<< /Length %d /Filter [%s] >>\nstream\n%s\nendstream", len(data), filter, data))
	}
	at := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, at)
	return b.String()
}

func TestPDF(t *testing.T) {
	page := "BT /F 24 Tf 72 700 Td (Statement of work) Tj /F 10 Tf 0 -40 Td (The contractor shall deliver a re-) Tj 0 -12 Td (port each month.) Tj 0 -40 Td [(Sec) 20 (ond) -400 (paragraph)] TJ ET"
	r := read(t, file("x.pdf", "\n"+pdfOf(1, page, "/I Do", "BT /F 10 Tf 72 700 Td (Page three.) Tj ET")+"\x00behind the end"))
	want := "# Statement of work\n\nThe contractor shall deliver a report each month.\n\nSecond paragraph\n\nPage three."
	if got := r.Text(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if l := r.Locations(); len(l) != 2 || l[1].Label != "page 3" || r.Scanned || len(r.Notes) != 1 {
		t.Errorf("%+v, notes %v", l, r.Notes)
	}
}

// What was filled into a form is read, drawn or not; what is hidden is not.
func TestForms(t *testing.T) {
	form := func(annotations string) string {
		return pdfWith("/Annots ["+annotations+"]", 1, "BT /F 10 Tf 72 700 Td (Name of the vendor:) Tj ET")
	}
	r := read(t, file("x.pdf", form(`<< /Subtype /Widget /FT /Tx /Rect [200 695 300 710] /V (Harbour Works) >> << /Subtype /Widget /FT /Tx /F 2 /Rect [200 600 300 610] /V (hidden) >>
		<< /Subtype /Widget /Parent << /FT /Ch /V [(red) (blue)] >> /Rect [72 650 300 660] >> << /Subtype /Widget /FT /Btn /Rect [0 0 9 9] /V (On) >>`)))
	if want := "Name of the vendor: Harbour Works\n\nred, blue"; r.Text() != want {
		t.Errorf("%q, want %q", r.Text(), want)
	}
}

func TestScan(t *testing.T) {
	r := read(t, file("x.pdf", pdfOf(1, "/I Do", "/I Do", "BT /F 10 Tf (  ) Tj ET /I Do")))
	if s := extract.StatusOf(r, nil); s != extract.Scanned || r.Quality != 0 {
		t.Error(s, r.Quality)
	}
}

// bomb makes an archive in which a file of many zeros pretends to be text.
func bomb(t testing.TB, name string, size int64, more ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err == nil {
		_, err = io.WriteString(w, wordRoot)
	}
	block := bytes.Repeat([]byte{' '}, 1<<20)
	for n := int64(0); n < size && err == nil; n += int64(len(block)) {
		_, err = w.Write(block)
	}
	for i := 0; i < len(more) && err == nil; i += 2 {
		if w, err = z.Create(more[i]); err == nil {
			_, err = io.WriteString(w, more[i+1])
		}
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// shortKey is the check of a PDF that the empty password opens, by algorithms 2 and 4 of
// its reference.
func shortKey(t *testing.T) string {
	t.Helper()
	pad := "\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A"
	sum := md5.Sum([]byte(pad + strings.Repeat("o", 32) + "\xfc\xff\xff\xff0123456789abcdef"))
	c, err := rc4.NewCipher(sum[:5])
	if err != nil {
		t.Fatal(err)
	}
	user := []byte(pad)
	c.XORKeyStream(user, user)
	return string(user)
}

// Each file that is broken, locked, too large or made to do harm gives an error
// that says so, soon.
func TestHostile(t *testing.T) {
	deep := strings.Repeat("<w:p>", 5000)
	ole := "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 2000)
	utf16 := func(s string) string { return strings.Join(strings.Split(s, ""), "\x00") + "\x00" }
	small := local.New(local.Options{Limits: extract.Limits{DecodedBytes: 64 << 20}})
	lock := func(user string) string {
		return strings.Replace(pdfOf(1, "x"), "/Root 1 0 R", fmt.Sprintf("/Root 1 0 R /ID [(0123456789abcdef)(0123456789abcdef)] /Encrypt << /Filter /Standard /V 1 /R 2 /O (%s) /U <%x> /P -4 >>", strings.Repeat("o", 32), user), 1)
	}
	for _, c := range []struct {
		name, text string
		want       extract.Status
		message    string
	}{
		{"half.pdf", pdfOf(1, "x")[:200], extract.Broken, "cut short"},
		{"garbled.pdf", strings.Replace(pdfOf(1, "x"), "xref\n0", "xrfe\nx", 1), extract.Broken, ""},
		{"locked.pdf", lock(strings.Repeat("u", 32)), extract.Encrypted, "password"},
		{"short key.pdf", lock(shortKey(t)), extract.Encrypted, "40 bits"},
		{"bomb.pdf", pdfOf(1, strings.Repeat(" ", 80<<20)), extract.TooLarge, "unpacks to more than"},
		{"double.pdf", pdfOf(2, strings.Repeat(" ", 80<<20)), extract.TooLarge, "unpacks to more than"},
		{"loop.pdf", strings.Replace(pdfOf(1, "x"), "/Kids [ 4 0 R ]", "/Kids [ 2 0 R ]", 1), extract.TooLarge, "tree of pages"},
		{"half.docx", word(t, p("x"))[:400], extract.Broken, "zip"},
		{"bomb.docx", bomb(t, "word/document.xml", 200<<20), extract.TooLarge, "unpack to more than 200 times"},
		{"bomb.xlsx", bomb(t, "xl/worksheets/sheet1.xml", 30<<20, "xl/workbook.xml", "<workbook/>"), extract.TooLarge, "unpack to more than 200 times"},
		{"bomb.pptx", bomb(t, "ppt/presentation.xml", 30<<20), extract.TooLarge, "unpack to more than 200 times"},
		{"deep.docx", word(t, deep), extract.TooLarge, "deep"},
		{"entity.docx", zipped(t, "word/document.xml", `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><w:document xmlns:w="w"><w:body><w:p><w:r><w:t>&e;</w:t></w:r></w:p></w:body></w:document>`), extract.Broken, "entity"},
		{"laughs.docx", zipped(t, "word/document.xml", `<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><w:document xmlns:w="w"><w:body><w:p><w:r><w:t>&b;</w:t></w:r></w:p></w:body></w:document>`), extract.Broken, "entity"},
		{"noxml.docx", zipped(t, "word/document.xml", "no xml"), extract.Broken, ""},
		{"empty.xlsx", zipped(t, "xl/workbook.xml", ""), extract.Broken, ""},
		{"locked.docx", ole + utf16("EncryptedPackage"), extract.Encrypted, "password"},
		{"old.doc", ole, extract.Unsupported, "sidecar"},
		{"a.zip", zipped(t, "a.txt", "x"), extract.Unsupported, "application/zip"},
		{"no sheets.xlsx", zipped(t, "xl/workbook.xml", `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>`, "[Content_Types].xml", `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`), extract.Broken, "workbook"},
		{"wide.csv", strings.Repeat("x,", 100_000) + "\n" + strings.Repeat("y\n", 100_000), extract.Partial, ""},
		{"old.rtf", `{\rtf1\ansi Hello}`, extract.Unsupported, "text/rtf"},
		{"a.png", "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00\x01", 100), extract.Unsupported, "image/png"},
		{"deep.json", strings.Repeat("[", 100_000), extract.TooLarge, "deep"},
		{"half.json", `{"a": [1, 2`, extract.Broken, "too early"},
		{"odd.json", `{"a": nonsense}`, extract.Broken, ""},
		{"deep.html", strings.Repeat("<div>", 100_000), extract.TooLarge, "deep"},
		{"wide.html", strings.Repeat("<p>", 2_100_000), extract.TooLarge, "elements"},
		{"huge.txt", strings.Repeat(" ", 300<<10), extract.Empty, ""},
		{"headless.eml", "no header at all\n\ntext", extract.Broken, "header"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r, err := small.Extract(ctx, file(c.name, c.text))
			if got := extract.StatusOf(r, err); got != c.want || err != nil && !strings.Contains(err.Error(), c.message) {
				t.Errorf("%s, %v; want %s, %q", got, err, c.want, c.message)
			}
			if err != nil && len(err.Error()) > 600 {
				t.Errorf("the error is %d bytes long", len(err.Error()))
			}
		})
	}
	t.Run("many entries", func(t *testing.T) {
		var entries []string
		for i := range 20 {
			entries = append(entries, fmt.Sprint("word/", i), "")
		}
		_, err := local.New(local.Options{Limits: extract.Limits{Entries: 10}}).Extract(t.Context(), file("x.docx", zipped(t, append(entries, "word/document.xml", "<x/>")...)))
		if s := extract.StatusOf(nil, err); s != extract.TooLarge {
			t.Error(s, err)
		}
	})
	t.Run("large file", func(t *testing.T) {
		f := extract.File{Name: "a.txt", Size: 1 << 40, ReaderAt: strings.NewReader("")}
		if _, err := local.New().Extract(t.Context(), f); extract.StatusOf(nil, err) != extract.TooLarge {
			t.Error(err)
		}
	})
	t.Run("shorter than said", func(t *testing.T) {
		f := extract.File{Name: "a.txt", Size: 100, ReaderAt: strings.NewReader("short")}
		if _, err := local.New().Extract(t.Context(), f); extract.StatusOf(nil, err) != extract.Broken {
			t.Error(err)
		}
	})
}

// A file that was cut anywhere has what came before, with a note, or says what is wrong
// with it.
func TestCutFiles(t *testing.T) {
	slides := zipped(t, "ppt/presentation.xml", `<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst><p:sldId r:id="rA"/></p:sldIdLst></p:presentation>`,
		"ppt/_rels/presentation.xml.rels", `<Relationships><Relationship Id="rA" Type="x/slide" Target="slides/slide1.xml"/></Relationships>`, "ppt/slides/slide1.xml", slide(shape("title", "x")))
	mail := "From: a@b\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/plain\n\n" + strings.Repeat("some text\n", 20) + "--x--\n"
	e := local.New()
	for name, c := range map[string]struct {
		data string
		want []extract.Status
	}{
		"a.docx": {word(t, strings.Repeat(p("some text"), 50)), []extract.Status{extract.Broken}},
		"a.pptx": {slides, []extract.Status{extract.Broken}},
		"a.xlsx": {workbook(t), []extract.Status{extract.Broken}},
		"a.pdf":  {pdfOf(1, strings.Repeat("BT /F 10 Tf (some text) Tj ET ", 50)), []extract.Status{extract.Broken}},
		"a.json": {"[" + strings.Repeat(`{"some": "text"},`, 20) + "1]", []extract.Status{extract.Broken}},
		"a.eml":  {mail, []extract.Status{extract.OK, extract.Partial, extract.Empty}},
		"a.html": {"<html><body><table>" + strings.Repeat("<tr><td>some<td>text", 20) + "</table></body></html>", []extract.Status{extract.OK, extract.Empty}},
		"a.csv":  {strings.Repeat("some,\"text\"\n", 20), []extract.Status{extract.OK}},
		"a.txt":  {strings.Repeat("größer ", 20), []extract.Status{extract.OK}},
	} {
		for i := 1; i < 10; i++ {
			r, err := e.Extract(t.Context(), file(name, c.data[:len(c.data)*i/10]))
			if s := extract.StatusOf(r, err); !slices.Contains(c.want, s) {
				t.Errorf("%s, cut at %d0 %%: %s, %v", name, i, s, err)
			}
		}
	}
}

// Whatever the bytes are, reading them ends with a result or with an error.
func FuzzExtract(f *testing.F) {
	f.Add("a.pdf", []byte(pdfOf(1, "BT /F 10 Tf (x) Tj ET")))
	f.Add("a.pdf", []byte(pdfOf(0, "q BT /F 10 Tf 1 0 0 1 0 0 Tm [(x) 10] TJ ET Q /I Do")))
	f.Add("a.docx", []byte(word(f, p("x")+`<w:tbl><w:tr><w:tc>`+p("y")+`</w:tc></w:tr></w:tbl>`)))
	f.Add("a.pptx", []byte(zipped(f, "ppt/presentation.xml", "<p/>", "ppt/slides/slide1.xml", slide(shape("title", "x")))))
	f.Add("a.xlsx", []byte(workbook(f)))
	f.Add("a.csv", []byte("a,b\n\"1\",2"))
	f.Add("a.json", []byte(`{"a": [1, {"b": null}]}`))
	f.Add("a.html", []byte("<html><body><table><tr><td rowspan=3>x<td>y</table><pre>z"))
	f.Add("a.eml", []byte("From: a@b\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\ny\n--x--"))
	f.Add("a.md", []byte("---\na: b\n---\n# x"))
	f.Add("a", []byte("\xff\xfex\x00"))
	matches, _ := filepath.Glob("testdata/*")
	for _, name := range matches {
		if b, err := os.ReadFile(name); err == nil && len(b) < 100<<10 {
			f.Add(filepath.Base(name), b)
		}
	}
	e := local.New(local.Options{Limits: extract.Limits{Time: 20 * time.Second, DecodedBytes: 16 << 20, TextBytes: 1 << 20, Pages: 50}})
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		r, err := e.Extract(t.Context(), extract.File{Name: name, Size: int64(len(b)), ReaderAt: bytes.NewReader(b)})
		switch s := extract.StatusOf(r, err); {
		case s == extract.TimedOut:
			t.Errorf("%q: %v", name, err)
		case err != nil && s == extract.Failed:
			t.Errorf("an error that says nothing: %v", err)
		case err == nil && (r.Quality < 0 || r.Quality > 1 || len(r.Text()) > 2<<20):
			t.Errorf("quality %v, %d bytes", r.Quality, len(r.Text()))
		}
	})
}

// What stands inside of archives and pages is reached by few changes of their
// bytes, so it is changed before they are made.
func FuzzInside(f *testing.F) {
	f.Add(0, p("x")+`<w:tbl><w:tr><w:tc>`+p("y")+`</w:tc></w:tr></w:tbl><w:p><w:r><w:br w:type="page"/></w:r></w:p>`)
	f.Add(1, shape("body", "x")+`<a:tbl><a:tr><a:tc><a:txBody><a:p/></a:txBody></a:tc></a:tr></a:tbl>`)
	f.Add(2, `<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c><c r="XFD1"><v>1e300</v></c></row>`)
	f.Add(3, "q 1 0 0 1 0 0 cm BT /F 12 Tf 1 0 0 1 72 700 Tm [(a) -300 (b)] TJ T* (c) ' 1 2 (d) \" ET Q /I Do BI ID x EI")
	f.Add(4, "--x\nContent-Type: multipart/alternative; boundary=y\n\n--y\nContent-Transfer-Encoding: base64\n\neA==\n--y--\n--x--")
	e := local.New(local.Options{Limits: extract.Limits{Time: 20 * time.Second, DecodedBytes: 16 << 20, TextBytes: 1 << 20, Pages: 50}})
	f.Fuzz(func(t *testing.T, kind int, inside string) {
		var data string
		switch kind % 5 {
		case 0:
			data = word(t, inside)
		case 1:
			data = zipped(t, "ppt/presentation.xml", `<p xmlns:r="r"><sldIdLst><sldId r:id="rA"/></sldIdLst></p>`, "ppt/_rels/presentation.xml.rels",
				`<Relationships><Relationship Id="rA" Type="x/slide" Target="slides/slide1.xml"/></Relationships>`, "ppt/slides/slide1.xml", slide(inside))
		case 2:
			data = book(t, inside)
		case 3:
			data = pdfOf(0, inside)
		default:
			data = "From: a@b\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n" + inside
		}
		r, err := e.Extract(t.Context(), file("", data))
		if s := extract.StatusOf(r, err); s == extract.TimedOut || s == extract.Failed {
			t.Errorf("%s: %v", s, err)
		}
	})
}
