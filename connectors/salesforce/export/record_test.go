package export_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/curatore/curatore-go/connectors/salesforce/export"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
)

func TestBadRows(t *testing.T) {
	const place = part1 + "/Account.csv"
	long := strings.Repeat("x", 130)
	for _, tt := range []struct {
		name, in string
		is       error
		want     string
	}{
		{"too few", "1,a\n", export.ErrFields, ` line 2: wrong number of fields: 2, the header has 3 "1,a"`},
		{"too many", "1,a,b,c\n", export.ErrFields, ` line 2: wrong number of fields: 4, the header has 3 "1,a,b,c"`},
		{"stray quote", "\"1\",\"a\"b\",\"c\"\n", export.ErrQuote, ` line 2, column Name: stray quote, quotes in text must be doubled "a\"b\",\"c\""`},
		{"never closed", "1,\"a,b\n", export.ErrQuote, ` line 2, column Name: stray quote, quotes in text must be doubled "a,b"`},
		{"NUL", "1,a\x00b,c\n", export.ErrNUL, ` line 2, column Name: NUL byte "a�b"`},
		{"invalid", "1,é" + strings.Repeat("é", 200) + ",a\xffb\n", export.ErrInvalid, ` line 2, column Note: invalid bytes in utf-8 "a�b"`},
		{"too long", "1," + long + ",c\n", export.ErrTooLong, ` line 2, column Name: too long "` + long[:100] + `"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := open(t, export.Options{Limits: export.Limits{Field: 128 + 300}}, zipped("Account.csv", "Id,Name,Note\n"+strings.Replace(tt.in, long, strings.Repeat(long, 4), 1)+"9,y,z\n"))
			var got []*export.Error
			good := 0
			for r, err := range e.Records(t.Context(), "Account", export.Position{}) {
				if err != nil {
					t.Fatal(err)
				}
				if !json.Valid(r.Raw()) {
					t.Errorf("%s", r.Raw())
				}
				if r.Err == nil {
					good++
					if d := cmp.Diff([]string{"9", "y", "z"}, r.Fields); d != "" || r.Line != 3 {
						t.Error(r.Line, d)
					}
					continue
				}
				if got = append(got, r.Err); r.Fields[0] != "1" {
					t.Errorf("the id was lost: %q", r.Fields)
				}
			}
			if good != 1 || len(got) != 1 {
				t.Fatalf("%d good rows, faults %v", good, got)
			}
			if !errors.Is(got[0], tt.is) || got[0].Error() != place+tt.want {
				t.Errorf("%v, want %s", got[0], tt.want)
			}
		})
	}
}

// A field of 10 MB is a value, as text and as raw data.
func TestGiantField(t *testing.T) {
	giant := strings.Repeat("line of \"text\""+strings.Repeat(" more", 200)+"\n", 10<<10)
	csv := salesforcetest.CSV([]string{"Id", "Body"}, []string{"1", giant}, []string{"2", "b"})
	for _, name := range []string{"utf-8", "windows-1252"} {
		e := open(t, export.Options{Encoding: name}, file("Account.csv", []byte(csv)))
		n := 0
		for r, err := range e.Records(t.Context(), "Account", export.Position{}) {
			if err != nil || r.Err != nil {
				t.Fatal(err, r.Err)
			}
			if n++; n == 1 {
				var raw map[string]string
				if err := json.Unmarshal(r.Raw(), &raw); err != nil || raw["Body"] != giant || r.Get("body") != giant {
					t.Errorf("%v, %d bytes", err, len(r.Get("body")))
				}
			}
		}
		if n != 2 {
			t.Errorf("%d rows", n)
		}
	}
}

// Values in errors are in the encoding of the export, too.
func TestValuesOfErrorsAreDecoded(t *testing.T) {
	e := open(t, export.Options{Encoding: "latin1"}, zipped("Account.csv", "Id,Name\n1,caf\xe9\"x\n2,caf\xe9,3\n"))
	want := []string{
		part1 + `/Account.csv line 2, column Name: stray quote, quotes in text must be doubled "café\"x"`,
		part1 + `/Account.csv line 3: wrong number of fields: 3, the header has 2 "2,café,3"`,
	}
	if d := cmp.Diff(want, rows(t, e, "Account")); d != "" {
		t.Error(d)
	}
}

func TestRunawayIsFatal(t *testing.T) {
	csv := "Id,Name\n1,\"a\n" + strings.Repeat("2,b\n", 200_000)
	e := open(t, export.Options{Limits: export.Limits{Record: 300 << 10}}, zipped("Account.csv", csv))
	var fatal error
	for r, err := range e.Records(t.Context(), "Account", export.Position{}) {
		if err == nil {
			t.Fatalf("row %q", r.Fields)
		}
		fatal = err
	}
	if !errors.Is(fatal, export.ErrRunaway) || !strings.Contains(fatal.Error(), "Account.csv line 2: quoted field without end") {
		t.Error(fatal)
	}
}

// Damage that only reading finds ends the iteration.
func TestDamagedWhileReading(t *testing.T) {
	o := export.Options{Encoding: "utf-8", DateOrder: export.MonthFirst} // Open reads the headers only
	csv := salesforcetest.CSV([]string{"Id"}, []string{"1"})
	for name, data := range map[string][]byte{
		"checksum": salesforcetest.BadChecksum(entry{Name: "Account.csv", Content: strings.Repeat(csv, 50_000)}),
		"deflate":  damaged(t),
		"bomb":     salesforcetest.Bomb("Account.csv", 200<<20, true),
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			e, err := export.Open(t.Context(), []export.File{file(part1, data)}, objects, o)
			if err == nil {
				for _, ferr := range e.Records(t.Context(), "Account", export.Position{}) {
					err = ferr
				}
			}
			if !errors.Is(err, export.ErrTruncated) || !strings.Contains(err.Error(), "Account.csv is cut short or damaged") {
				t.Error(err)
			}
		})
	}
}

func damaged(t *testing.T) []byte {
	parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: 5000})
	if err != nil {
		t.Fatal(err)
	}
	data := parts[0].Data
	for i := range 100 {
		data[300_000+i] = 0xff
	}
	return data
}

// Every position resumes with the rows behind it, in all encodings.
func TestResume(t *testing.T) {
	for _, encoding := range []string{"utf-8", "utf-8-bom", "windows-1252", "utf-16le"} {
		t.Run(encoding, func(t *testing.T) {
			parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: 30, Parts: 3, Quirks: true, Encoding: encoding})
			if err != nil {
				t.Fatal(err)
			}
			var files []export.File
			for _, p := range parts {
				files = append(files, file(p.Name, p.Data))
			}
			e := open(t, export.Options{}, files...)
			var all, places []string
			var next []export.Position
			var done int64
			for r, err := range e.Records(t.Context(), "Account", export.Position{}) {
				if err != nil || r.Err != nil {
					t.Fatal(err, r.Err)
				}
				all = append(all, strings.Clone(r.Fields[0]))
				places = append(places, fmt.Sprint(r.File, r.Line))
				next = append(next, r.Next)
				now, total := e.Progress("Account", r.Next)
				if now <= done || now > total {
					t.Errorf("progress %d after %d of %d", now, done, total)
				}
				done = now
			}
			if len(all) != 30 {
				t.Fatalf("%d rows", len(all))
			}
			for i, p := range next {
				text, err := p.MarshalText()
				if err != nil {
					t.Fatal(err)
				}
				var from export.Position
				if err := from.UnmarshalText(text); err != nil {
					t.Fatal(err)
				}
				var ids, at []string
				for r, err := range e.Records(t.Context(), "Account", from) {
					if err != nil {
						t.Fatal(err)
					}
					ids = append(ids, r.Fields[0])
					at = append(at, fmt.Sprint(r.File, r.Line))
				}
				if d := cmp.Diff(all[i+1:], append([]string{}, ids...)); d != "" {
					t.Fatalf("after row %d: %s", i, d)
				}
				if d := cmp.Diff(places[i+1:], append([]string{}, at...)); d != "" {
					t.Fatalf("after row %d: %s", i, d)
				}
			}
		})
	}
}

func TestPositionOfAnotherExport(t *testing.T) {
	var at export.Position
	for r, err := range open(t, export.Options{}, zipped("Account.csv", "Id\n1\n2\n")).Records(t.Context(), "Account", at) {
		if err != nil {
			t.Fatal(err)
		}
		at = r.Next
		break
	}
	far, err := export.ParsePosition("1:7:10:2:00000000")
	if err != nil {
		t.Fatal(err)
	}
	e := open(t, export.Options{}, zipped("Account.csv", "Id\n1\n2\n3\n"))
	for _, p := range []export.Position{at, far} {
		for _, err := range e.Records(t.Context(), "Account", p) {
			if !errors.Is(err, export.ErrPosition) {
				t.Errorf("%v: %v", p, err)
			}
		}
	}
	for _, s := range []string{"x", "2:0:0:1:00", "1:0:0:1", "1:-1:0:1:0", "1:0:-1:1:0", "1:0:0:0:0", "1:0:0:1:123456789"} {
		if p, err := export.ParsePosition(s); err == nil {
			t.Errorf("%q: %v", s, p)
		}
	}
	if p, err := export.ParsePosition(""); err != nil || p != (export.Position{}) || p.String() != "" {
		t.Error(p, err)
	}
}

func TestLeavingTheLoopEndsUnpacking(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: 3000})
	if err != nil {
		t.Fatal(err)
	}
	e := open(t, export.Options{}, file(parts[0].Name, parts[0].Data))
	for _, err := range e.Records(t.Context(), "Account", export.Position{}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
}

// One Export serves several loops at a time.
func TestConcurrentLoops(t *testing.T) {
	parts, sum, err := salesforcetest.Parts(salesforcetest.Options{Accounts: 300, Contacts: 300, Parts: 2})
	if err != nil {
		t.Fatal(err)
	}
	e := open(t, export.Options{}, file(parts[0].Name, parts[0].Data), file(parts[1].Name, parts[1].Data))
	var wg sync.WaitGroup
	for _, object := range []string{"Account", "Contact", "Account", "Opportunity"} {
		wg.Go(func() {
			n := 0
			for r, err := range e.Records(t.Context(), object, export.Position{}) {
				if err != nil || r.Err != nil {
					t.Errorf("%s: %v, %v", object, err, r)
					return
				}
				n++
			}
			if n != sum.Rows[object] {
				t.Errorf("%s: %d rows, want %d", object, n, sum.Rows[object])
			}
		})
	}
	wg.Wait()
}

// Strings may be kept; the slice of fields may not.
func TestStringsMayBeKept(t *testing.T) {
	e := open(t, export.Options{}, zipped("Account.csv", "Id,Name\n1,first\n2,second\n"))
	var names []string
	for r, err := range e.Records(t.Context(), "Account", export.Position{}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, r.Fields[1])
	}
	if d := cmp.Diff([]string{"first", "second"}, names); d != "" {
		t.Error(d)
	}
}

func FuzzExport(f *testing.F) {
	f.Add("Id,Name\n1,a\n", "", byte(0))
	f.Add("\ufeff\"Id\"\n\"1\"\n", "\"Id\",\"x\"\n", byte(1))
	f.Add("\xff\xfeI\x00d\x00\n\x001\x00\n\x00", "I\x00d\x00", byte(2))
	f.Fuzz(func(t *testing.T, a, b string, option byte) {
		o := export.Options{
			Encoding: []string{"", "utf-8", "windows-1252", "utf-16le"}[option%4],
			Limits:   export.Limits{Field: 50, Record: 1 << 20},
		}
		e, err := export.Open(t.Context(), []export.File{zipped("Account.csv", a), file(part2, packed("Account.csv", b))}, objects, o)
		if err != nil {
			return
		}
		if _, err := e.DateOrder(nil); err != nil && !errors.Is(err, export.ErrDateOrder) && !errors.Is(err, export.ErrDateConflict) {
			t.Fatal(err)
		}
		for r, err := range e.Records(t.Context(), "Account", export.Position{}) {
			if err != nil {
				t.Fatal(err)
			}
			var raw map[string]string
			if err := json.Unmarshal(r.Raw(), &raw); err != nil {
				t.Fatalf("%v: %s", err, r.Raw())
			}
			for i, name := range e.Header("Account") {
				if r.Err == nil && raw[name] != r.Fields[i] {
					t.Fatalf("%s: %q, raw %q", name, r.Fields[i], raw[name])
				}
			}
		}
	})
}
