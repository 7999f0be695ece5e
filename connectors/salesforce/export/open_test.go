package export_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors/salesforce/export"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
)

const (
	part1 = "WE_00Dbm00000QmZ4kEAF_1.ZIP"
	part2 = "WE_00Dbm00000QmZ4kEAF_2.ZIP"
)

func file(name string, data []byte) export.File {
	return export.File{Name: name, Size: int64(len(data)), ReaderAt: bytes.NewReader(data)}
}

type entry = salesforcetest.Entry

// zipped is a first part with these entries: name, content, name, content.
func zipped(entries ...string) export.File { return file(part1, packed(entries...)) }

func packed(entries ...string) []byte {
	var list []entry
	for i := 0; i < len(entries); i += 2 {
		list = append(list, entry{Name: entries[i], Content: entries[i+1]})
	}
	return salesforcetest.Zip(list...)
}

func open(t testing.TB, o export.Options, files ...export.File) *export.Export {
	t.Helper()
	e, err := export.Open(t.Context(), files, objects, o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// rows reads an object as "line: field|field" or "line: reason".
func rows(t testing.TB, e *export.Export, object string) []string {
	t.Helper()
	list := []string{}
	for r, err := range e.Records(t.Context(), object, export.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Err != nil {
			list = append(list, r.Err.Error())
			continue
		}
		list = append(list, fmt.Sprintf("%d: %s", r.Line, strings.Join(r.Fields, "|")))
	}
	return list
}

func TestOpenRefuses(t *testing.T) {
	account := entry{Name: "Account.csv", Content: "\"Id\"\n\"1\"\n"}
	good := salesforcetest.Zip(account)
	bomb := salesforcetest.Bomb("Account.csv", 200<<20, false)
	liar := salesforcetest.Bomb("Account.csv", 200<<20, true)
	if len(bomb) > 300<<10 {
		t.Fatalf("the bomb has %d bytes", len(bomb))
	}
	for _, tt := range []struct {
		name  string
		files []export.File
		o     export.Options
		is    error
		says  string
	}{
		{name: "nothing", says: "no files given"},
		{name: "not a zip", files: []export.File{file("x.zip", []byte("hello, world"))}, is: export.ErrNotZip, says: "x.zip is not a zip file: give the"},
		{name: "empty file", files: []export.File{file("x.zip", nil)}, is: export.ErrNotZip, says: "it is empty"},
		{name: "empty CSV", files: []export.File{file("Account.csv", nil)}, says: "it is empty"},
		{name: "truncated", files: []export.File{file(part1, salesforcetest.Truncated(good))}, is: export.ErrTruncated, says: "download it again"},
		{name: "checksum", files: []export.File{file(part1, salesforcetest.BadChecksum(account))}, is: export.ErrTruncated, says: part1 + "/Account.csv is cut short or damaged: it fails its checksum"},
		{name: "encrypted", files: []export.File{file(part1, salesforcetest.Encrypted(account))}, is: export.ErrEncrypted, says: "without a password"},
		{name: "no known CSV", files: []export.File{zipped("a.txt", "", "AccountContactRole.csv", "", "b/c.csv", "")}, is: export.ErrNoObjects,
			says: "want Account.csv or Contact.csv or Opportunity.csv, found AccountContactRole.csv, b/c.csv, a.txt"},
		{name: "many others", files: []export.File{zipped("1.csv", "", "2.csv", "", "3.csv", "", "4.csv", "", "5.csv", "", "6.csv", "", "7.csv", "", "8.csv", "", "9.csv", "", "10.csv", "", "11.csv", "", "12.csv", "")},
			is: export.ErrNoObjects, says: "9.csv, 10.csv and 2 others"},
		{name: "empty zip", files: []export.File{zipped()}, is: export.ErrNoObjects, says: "found nothing"},
		{name: "parent folder", files: []export.File{zipped("Account.csv", "Id\n", "../../etc/x", "")}, is: export.ErrInsecure, says: `"../../etc/x"`},
		{name: "parent inside", files: []export.File{zipped("a/../Account.csv", "Id\n")}, is: export.ErrInsecure},
		{name: "backslashes", files: []export.File{zipped(`..\Account.csv`, "Id\n")}, is: export.ErrInsecure},
		{name: "absolute", files: []export.File{zipped("/Account.csv", "Id\n")}, is: export.ErrInsecure},
		{name: "drive", files: []export.File{zipped(`C:\Account.csv`, "Id\n")}, is: export.ErrInsecure},
		{name: "bomb", files: []export.File{file(part1, bomb)}, is: export.ErrTooLarge, says: "looks like a zip bomb"},
		{name: "bomb that lies", files: []export.File{file(part1, liar)}, is: export.ErrTruncated, says: "does not fit the directory"},
		{name: "total", files: []export.File{file(part1, good)}, o: export.Options{Limits: export.Limits{Total: 5}}, is: export.ErrTooLarge},
		{name: "total of parts", files: []export.File{file(part1, good), file(part2, good)}, o: export.Options{Limits: export.Limits{Total: 15}}, is: export.ErrTooLarge, says: part2},
		{name: "entries", files: []export.File{zipped("Account.csv", "Id\n", "b", "", "c", "")}, o: export.Options{Limits: export.Limits{Entries: 2}}, is: export.ErrTooLarge, says: "3 entries"},
		{name: "same part twice", files: []export.File{file("a/"+part1, good), file("b/"+part1, good)}, is: export.ErrDuplicate},
		{name: "two organizations", files: []export.File{file(part1, good), file("WE_00Dbm00000XyZ9kEAF_2.ZIP", good)}, is: export.ErrForeign},
		{name: "object twice", files: []export.File{zipped("Account.csv", "Id\n", "old/account.CSV", "Id\n")}, is: export.ErrDuplicate, says: `"old/account.CSV"`},
		{name: "single CSV twice", files: []export.File{file("a/Account.csv", []byte("Id\n")), file("b/Account.csv", []byte("Id\n"))}, is: export.ErrDuplicate},
		{name: "empty header", files: []export.File{zipped("Account.csv", "")}, is: export.ErrHeader, says: part1 + "/Account.csv: bad header: the file is empty"},
		{name: "blank header", files: []export.File{zipped("Account.csv", "\n\n")}, is: export.ErrHeader},
		{name: "unnamed column", files: []export.File{zipped("Account.csv", "\"Id\",\" \",\"Name\"\n")}, is: export.ErrHeader, says: "line 1: bad header: column 2 has no name"},
		{name: "column twice", files: []export.File{zipped("Account.csv", "Id,Name,ID \n")}, is: export.ErrHeader, says: `columns 1 and 3 are both named "ID"`},
		{name: "binary header", files: []export.File{zipped("Account.csv", "\x01\x00\x02\n")}, is: export.ErrHeader, says: "not text in"},
		{name: "stray quote in header", files: []export.File{zipped("Account.csv", "\"Id\"x,b\n")}, is: export.ErrHeader, says: "stray quote"},
		{name: "semicolons", files: []export.File{zipped("Account.csv", "\"Id\";\"Name\"\n\"1\";\"a\"\n")}, is: export.ErrHeader, says: "commas stand between columns: \"Id\\\";"},
		{name: "semicolons without quotes", files: []export.File{zipped("Account.csv", "Id;Name\n1;a\n")}, is: export.ErrHeader, says: `"Id;Name"; export with commas`},
		{name: "tabs", files: []export.File{zipped("Account.csv", "Id\tName\n1\ta\n")}, is: export.ErrHeader, says: "export with commas"},
		{name: "too many columns", files: []export.File{zipped("Account.csv", strings.Repeat("a,", 10000)+"b\n")}, is: export.ErrHeader, says: "10001 columns"},
		{name: "unknown encoding", files: []export.File{file(part1, good)}, o: export.Options{Encoding: "ebcdic"}, is: export.ErrEncoding},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := export.Open(t.Context(), tt.files, objects, tt.o)
			runtime.ReadMemStats(&after)
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want %v with %q", err, tt.is, tt.says)
			}
			if strings.Contains(fmt.Sprint(err), "\n") {
				t.Errorf("%q has several lines", err)
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
				t.Errorf("%d bytes were allocated", used)
			}
		})
	}
}

func TestOpenAccepts(t *testing.T) {
	const csv = "\"Id\",\"Name\"\n\"1\",\"a\"\n"
	for _, tt := range []struct {
		name string
		file export.File
		want string // place of the file
	}{
		{"as usual", zipped("Account.csv", csv), part1 + "/Account.csv"},
		{"in a folder", zipped("export/2026/Account.csv", csv), part1 + "/Account.csv"},
		{"in a folder of Windows", zipped(`export\Account.csv`, csv), part1 + "/Account.csv"},
		{"other case", zipped("ACCOUNT.CSV", csv), part1 + "/ACCOUNT.CSV"},
		{"decoys", zipped("AccountContactRole.csv", "x\n", "Account.csv", csv, "MyAccount.csv", "y\n", "__MACOSX/._Account.csv", "\x00"), part1 + "/Account.csv"},
		{"attachments", zipped("ContentVersion/068bm", "\x00\x01", "Account.csv", csv, "Documents/015bm", "%PDF"), part1 + "/Account.csv"},
		{"single CSV", file("/tmp/Account.csv", []byte(csv)), "Account.csv"},
		{"a zip named as CSV", file("Account.csv", packed("Account.csv", csv)), "Account.csv/Account.csv"},
		{"unusual name", file("export.zip", packed("Account.csv", csv)), "export.zip/Account.csv"},
		{"byte-order mark", zipped("Account.csv", "\ufeff"+csv), part1 + "/Account.csv"},
		{"header with spaces", zipped("Account.csv", "\" Id \",\"Name \"\n\"1\",\"a\"\n"), part1 + "/Account.csv"},
		{"lines that end with CR", zipped("Account.csv", strings.ReplaceAll(csv, "\n", "\r")), part1 + "/Account.csv"},
		{"lines that end with CR, without quotes", zipped("Account.csv", "Id,Name\r1,a"), part1 + "/Account.csv"},
		{"dots in a name", zipped("Account.csv", csv, "a..b", "", "c/...", ""), part1 + "/Account.csv"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := open(t, export.Options{}, tt.file)
			if d := cmp.Diff([]string{tt.want}, e.Files()); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff([]string{"Id", "Name"}, e.Header("account")); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff([]string{"2: 1|a"}, rows(t, e, "Account")); d != "" {
				t.Error(d)
			}
			if !e.Has("Account") || e.Has("Contact") || e.Has("Lead") || e.Header("Contact") != nil {
				t.Errorf("has Account %t, Contact %t, Lead %t", e.Has("Account"), e.Has("Contact"), e.Has("Lead"))
			}
			if n := len(rows(t, e, "Contact")); n != 0 {
				t.Errorf("%d contacts", n)
			}
			if e.Column("Account", "NAME") != 1 || e.Column("Account", "x") != -1 || e.Column("Contact", "Id") != -1 {
				t.Error("columns")
			}
		})
	}
}

func TestStoredEntriesAndHeaderOnly(t *testing.T) {
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	w, err := zw.CreateHeader(&zip.FileHeader{Name: "Account.csv", Method: zip.Store})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, "Id,Name")
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	e := open(t, export.Options{}, file("x.zip", b.Bytes()))
	if !e.Has("Account") || len(rows(t, e, "Account")) != 0 {
		t.Error("header only")
	}
}

// Spreadsheets write columns without a name behind the others. What stands in them
// is kept.
func TestUnnamedColumns(t *testing.T) {
	e := open(t, export.Options{}, zipped("Account.csv", "Id,Name,,\n1,a,,\n2,b,x,\n"))
	if d := cmp.Diff([]string{"Id", "Name", "#3", "#4"}, e.Header("Account")); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"2: 1|a||", "3: 2|b|x|"}, rows(t, e, "Account")); d != "" {
		t.Error(d)
	}
}

// In a file whose lines end with CR, dates are found, and positions are those of
// the file.
func TestLinesThatEndWithCR(t *testing.T) {
	const text = "Id,Made,Name\r1,02/03/24,\"a\rb\"\r2,12/25/23,c\r"
	e := open(t, export.Options{}, zipped("Account.csv", text))
	if order, err := e.DateOrder(nil); err != nil || order != export.MonthFirst {
		t.Error(order, err)
	}
	if d := cmp.Diff([]string{"2: 1|02/03/24|a\nb", "4: 2|12/25/23|c"}, rows(t, e, "Account")); d != "" {
		t.Error(d)
	}
	for first, err := range e.Records(t.Context(), "Account", export.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		for second, err := range e.Records(t.Context(), "Account", first.Next) {
			if err != nil || second.Fields[0] != "2" || second.Line != 4 {
				t.Error(second, err)
			}
		}
		break
	}
}

func TestUnknownCompression(t *testing.T) {
	data := packed("Account.csv", "Id\n")
	at := bytes.Index(data, []byte("PK\x01\x02"))
	data[8], data[at+10] = 9, 9
	_, err := export.Open(t.Context(), []export.File{file(part1, data)}, objects, export.Options{})
	if err == nil || !strings.Contains(err.Error(), "compression method 9 is not known: pack") {
		t.Error(err)
	}
}

func TestParts(t *testing.T) {
	a := packed("Account.csv", "Id,Name\n1,a\n2,b\n", "Contact.csv", "Id\n")
	b := packed("Account.csv", "Name,Id,Extra\nc,3,x\n")
	c := packed("Account.csv", "Id,Name\n4,d\n")
	part3 := strings.Replace(part1, "_1", "_3", 1)

	e := open(t, export.Options{}, file(part3, c), file(part2, b), file(part1, a))
	if d := cmp.Diff([]string{"Id", "Name", "Extra"}, e.Header("Account")); d != "" {
		t.Error(d)
	}
	want := []string{"2: 1|a|", "3: 2|b|", "2: 3|c|x", "2: 4|d|"}
	if d := cmp.Diff(want, rows(t, e, "Account")); d != "" {
		t.Error(d)
	}
	if ok, reason := e.Complete(); !ok || reason != "" || e.OrgID() != "00Dbm00000QmZ4kEAF" {
		t.Error(ok, reason, e.OrgID())
	}
	if d := cmp.Diff([]int{1, 2, 3}, e.Parts()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{part1 + "/Account.csv", part1 + "/Contact.csv", part2 + "/Account.csv", part3 + "/Account.csv"}, e.Files()); d != "" {
		t.Error(d)
	}

	e = open(t, export.Options{}, file(part1, a), file(part3, c))
	if ok, reason := e.Complete(); ok || reason != "part 2 is missing (given: 1, 3)" {
		t.Error(ok, reason)
	}
	e = open(t, export.Options{}, file("a.zip", a), file("b.zip", b))
	if ok, _ := e.Complete(); ok || len(rows(t, e, "Account")) != 3 {
		t.Error("two zips of any name")
	}
}

func TestOpenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if _, err := export.Open(ctx, []export.File{zipped("Account.csv", "Id\n1\n")}, objects, export.Options{}); !errors.Is(err, cause) {
		t.Error(err)
	}
	e := open(t, export.Options{}, zipped("Account.csv", "Id\n1\n"))
	n := 0
	for _, err := range e.Records(ctx, "Account", export.Position{}) {
		if n++; !errors.Is(err, cause) {
			t.Error(err)
		}
	}
	if n != 1 {
		t.Errorf("%d steps", n)
	}
}

func TestEncodings(t *testing.T) {
	const text = "Id,Name\n1,Café Zürich €\n2,plain\n"
	latin := strings.NewReplacer("é", "\xe9", "ü", "\xfc", "€", "\x80").Replace(text)
	wide := func(order string) string {
		b := []byte{}
		for _, r := range "\ufeff" + text {
			if order == "le" {
				b = append(b, byte(r), byte(r>>8))
			} else {
				b = append(b, byte(r>>8), byte(r))
			}
		}
		return string(b)
	}
	good := []string{"2: 1|Café Zürich €", "3: 2|plain"}
	for _, tt := range []struct {
		name, in, option, want string
		rows                   []string
	}{
		{"utf-8", text, "", "utf-8", good},
		{"utf-8 with a mark", "\ufeff" + text, "", "utf-8", good},
		{"ascii", "Id,Name\n1,a\n", "", "utf-8", []string{"2: 1|a"}},
		{"windows-1252", latin, "", "windows-1252", good},
		{"windows-1252, overridden", latin, "latin1", "windows-1252", good},
		{"utf-16le", wide("le"), "", "utf-16le", good},
		{"utf-16be", wide("be"), "", "utf-16be", good},
		{"utf-16le without a mark", wide("le")[2:], "", "utf-16le", good},
		{"utf-16le, overridden", wide("le"), "utf-16", "utf-16le", good},
		{"marked windows-1252, overridden", "\ufeff" + latin, "windows-1252", "windows-1252", good},
		{"one bad byte of many", text + strings.Repeat("3,é\n", 200) + "4,\xe9\n", "", "utf-8",
			append(append(good[:2:2], repeat("%d: 3|é", 4, 200)...), part1+`/Account.csv line 204, column Name: invalid bytes in utf-8 "�"`)},
		{"bad bytes, overridden", latin, "utf-8", "utf-8",
			[]string{part1 + `/Account.csv line 2, column Name: invalid bytes in utf-8 "Caf� Z�rich �"`, "3: 2|plain"}},
		{"bad surrogate", wide("le") + "3\x00,\x00\x00\xd8\n\x00", "", "utf-16le",
			append(good[:2:2], part1+`/Account.csv line 4, column Name: invalid bytes in utf-16le "�"`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := open(t, export.Options{Encoding: tt.option}, zipped("Account.csv", tt.in))
			if e.Encoding() != tt.want {
				t.Errorf("%s, want %s", e.Encoding(), tt.want)
			}
			if d := cmp.Diff(tt.rows, rows(t, e, "Account")); d != "" {
				t.Error(d)
			}
		})
	}
}

func repeat(format string, from, n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf(format, from+i))
	}
	return list
}

// The encoding is one for the export: a file that says nothing by itself
// follows the others.
func TestEncodingOfWholeExport(t *testing.T) {
	e := open(t, export.Options{}, zipped("Account.csv", "Id,Name\n1,caf\xe9\n2,caf\xe9\n", "Contact.csv", "Id,Name\n1,na\xc3\xafve\n"))
	if e.Encoding() != "windows-1252" {
		t.Error(e.Encoding())
	}
	if d := cmp.Diff([]string{"2: 1|naÃ¯ve"}, rows(t, e, "Contact")); d != "" {
		t.Error(d)
	}
	e = open(t, export.Options{}, zipped("Account.csv", "\ufeffId,Name\n1,a\n", "Contact.csv", "Id,Name\n1,caf\xe9\n"))
	if e.Encoding() != "utf-8" {
		t.Error(e.Encoding())
	}
}
