package salesforcetest

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"io"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// unzip gives the files of a part by name, and their names in order.
func unzip(t testing.TB, data []byte) (map[string]string, []string) {
	t.Helper()
	zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	files, names := map[string]string{}, []string{}
	for _, f := range zr.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
		names = append(names, f.Name)
	}
	return files, names
}

func table(t testing.TB, text string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func generate(t testing.TB, o Options) ([]Part, Summary) {
	t.Helper()
	parts, sum, err := Parts(o)
	if err != nil {
		t.Fatal(err)
	}
	return parts, sum
}

func TestSample(t *testing.T) {
	parts, sum := generate(t, Sample())
	again, _ := generate(t, Sample())
	if d := cmp.Diff(parts, again); d != "" {
		t.Fatal("the same options give other bytes")
	}
	if d := cmp.Diff(map[string]int{"Account": 60, "Contact": 150, "Opportunity": 120}, sum.Rows); d != "" {
		t.Error(d)
	}
	size, rows := 0, map[string][][]string{}
	for i, p := range parts {
		size += len(p.Data)
		files, names := unzip(t, p.Data)
		if i == 0 && len(names) < 60 {
			t.Errorf("%d files in %s", len(names), p.Name)
		}
		for name, text := range files {
			if !strings.HasSuffix(name, ".csv") {
				continue
			}
			if !strings.HasPrefix(text, `"Id",`) || !utf8.ValidString(text) || strings.Contains(text, "\r") {
				t.Errorf("%s begins with %.20q", name, text)
			}
			records := table(t, text)
			object := strings.TrimSuffix(name, ".csv")
			if sum.Rows[object] > 0 {
				rows[object] = append(rows[object], records[1:]...)
			}
		}
	}
	if size > 150_000 || len(parts) != 2 {
		t.Errorf("%d parts of %d bytes", len(parts), size)
	}
	ids := map[string]bool{}
	for _, list := range rows {
		for _, r := range list {
			if ids[r[0]] || len(r[0]) != 18 {
				t.Errorf("id %q", r[0])
			}
			ids[r[0]] = true
		}
	}
	for object, want := range sum.Rows {
		deleted, dangling := 0, 0
		for _, r := range rows[object] {
			if r[1] == "1" {
				deleted++
			}
			link := map[string]int{"Account": 5, "Contact": 3, "Opportunity": 2}[object]
			if r[link] != "" && !ids[r[link]] {
				dangling++
			}
		}
		if len(rows[object]) != want || deleted != sum.Deleted[object] || deleted == 0 || dangling != sum.Dangling[object] {
			t.Errorf("%s: %d rows, %d deleted, %d dangling, the summary is %+v", object, len(rows[object]), deleted, dangling, sum)
		}
	}
	if sum.Dangling["Contact"] == 0 || sum.Dangling["Opportunity"] == 0 {
		t.Errorf("no dangling links: %+v", sum)
	}
	if n := len(rows["Account"][0]); n != 40 {
		t.Errorf("Account has %d columns", n)
	}
	// The parent of the fourth account is the last one.
	if rows["Account"][3][5] != rows["Account"][59][0] {
		t.Error("no parent behind its child")
	}
	text := ""
	for _, list := range rows {
		for _, r := range list {
			text += strings.Join(r, "|")
		}
	}
	for _, quirk := range []string{"|NA|", "é", `"big one"`, "<b>", "\n\n- scope", "|  "} {
		if !strings.Contains(text, quirk) {
			t.Errorf("no %q", quirk)
		}
	}
}

// A row does not depend on how many others there are, nor on the parts.
func TestRowsAreIndependent(t *testing.T) {
	small, _ := generate(t, Options{Contacts: 10, Accounts: 50})
	large, _ := generate(t, Options{Contacts: 90, Accounts: 50, Parts: 4})
	a, _ := unzip(t, small[0].Data)
	b, _ := unzip(t, large[0].Data)
	if !strings.HasPrefix(b["Contact.csv"], a["Contact.csv"]) {
		t.Error("rows differ")
	}
	if n := len(large); n != 4 {
		t.Errorf("%d parts", n)
	}
	rows := 0
	for _, p := range large {
		files, _ := unzip(t, p.Data)
		rows += len(table(t, files["Contact.csv"])) - 1
	}
	if rows != 90 {
		t.Errorf("%d rows", rows)
	}
}

func TestEdition(t *testing.T) {
	one, _ := generate(t, Options{Accounts: 40, Opportunities: 40})
	two, _ := generate(t, Options{Accounts: 40, Opportunities: 40, Edition: 1})
	a, _ := unzip(t, one[0].Data)
	b, _ := unzip(t, two[0].Data)
	for _, name := range []string{"Account.csv", "Opportunity.csv"} {
		x, y := table(t, a[name]), table(t, b[name])
		for i := range x {
			if changed := cmp.Diff(x[i], y[i]) != ""; changed != (i > 0 && (i-1)%10 == 0) {
				t.Errorf("%s row %d: changed is %t", name, i-1, changed)
			}
			if x[i][0] != y[i][0] {
				t.Errorf("%s row %d: another id", name, i-1)
			}
		}
	}
}

func TestEncodings(t *testing.T) {
	o := Options{Accounts: 30, Quirks: true}
	plain, _ := generate(t, o)
	want, _ := unzip(t, plain[0].Data)
	for name, decode := range map[string]func(string) (string, error){
		"utf-8-bom":    func(s string) (string, error) { return strings.TrimPrefix(s, "\ufeff"), nil },
		"windows-1252": charmap.Windows1252.NewDecoder().String,
		"utf-16le":     unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().String,
		"utf-16be":     unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().String,
	} {
		o.Encoding = name
		parts, _ := generate(t, o)
		got, _ := unzip(t, parts[0].Data)
		text, err := decode(got["Account.csv"])
		if err != nil || text != want["Account.csv"] || got["Account.csv"] == text {
			t.Errorf("%s: %v, %.60q", name, err, text)
		}
	}
}

func TestDates(t *testing.T) {
	for style, want := range map[DateStyle][3]string{
		Weekly:     {"2006-01-02 00:00:00", "2006-01-02 15:04:05", "01"},
		ISO:        {"2006-01-02", "2006-01-02T15:04:05.000Z", "falsetrue"},
		MonthFirst: {"01/02/06", "01/02/06 03:04 PM", "FALSETRUE"},
		DayFirst:   {"02/01/2006", "02/01/2006 15:04", "FALSETRUE"},
	} {
		parts, _ := generate(t, Options{Opportunities: 5, Dates: style})
		files, _ := unzip(t, parts[0].Data)
		for _, r := range table(t, files["Opportunity.csv"])[1:] {
			if _, err := time.Parse(want[0], r[8]); err != nil {
				t.Error(err)
			}
			if _, err := time.Parse(want[1], r[17]); err != nil {
				t.Error(err)
			}
			if !strings.Contains(want[2], r[12]) {
				t.Errorf("boolean %q", r[12])
			}
		}
	}
}

func TestOptions(t *testing.T) {
	parts, _ := generate(t, Options{Accounts: 3, Columns: 45, OrgID: "00Dbm00000XyZ9kEAF"})
	if want := "WE_00Dbm00000XyZ9kEAF_1.ZIP"; parts[0].Name != want {
		t.Error(parts[0].Name)
	}
	files, _ := unzip(t, parts[0].Data)
	rows := table(t, files["Account.csv"])
	if len(rows[0]) != 45 || rows[0][44] != "Custom_5__c" || len(rows) != 4 {
		t.Errorf("%d rows of %v", len(rows), rows[0])
	}
	for _, o := range []Options{{Columns: 39}, {Accounts: -1}, {Parts: -1}, {Encoding: "ebcdic"}} {
		if _, _, err := Parts(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

func TestWriteDir(t *testing.T) {
	paths, sum, err := WriteDir(t.TempDir(), Options{Accounts: 3, Parts: 2})
	if err != nil || len(paths) != 2 || len(sum.Files) != 2 {
		t.Fatal(paths, sum, err)
	}
	if info, err := os.Stat(paths[1]); err != nil || info.Name() != sum.Files[1] || info.Size() == 0 {
		t.Error(info, err)
	}
}

func TestID(t *testing.T) {
	if got := string(appendChecksum(nil, []byte("a0D30000001n7Pi"))); got != "EAI" { // from Salesforce's documentation
		t.Error(got)
	}
	seen := map[string]bool{}
	for i := range 10_000 {
		seen[ID(accountPrefix, i)] = true
	}
	if len(seen) != 10_000 {
		t.Errorf("%d ids", len(seen))
	}
}

// BenchmarkGenerate reports rows of Account a second.
func BenchmarkGenerate(b *testing.B) {
	const rows = 20_000
	for b.Loop() {
		if _, err := Generate(Options{Accounts: rows}, func(string) (io.WriteCloser, error) { return discard{}, nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) Close() error                { return nil }
