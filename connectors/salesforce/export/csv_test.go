package export

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// row is a record as a test sees it.
type row struct {
	Line   int
	Fields []string
	Err    error
}

// readRows reads all records through a buffer that begins with so many bytes.
func readRows(src io.Reader, buffer, maxRecord int) (rows []row, err error) {
	c := newCSVReader(src, Limits{Field: 40, Record: maxRecord}, 100)
	c.buf = make([]byte, buffer)
	s := &source{encoding: utf8Encoding}
	var end int64
	for {
		if err := c.read(); err == io.EOF {
			return rows, nil
		} else if err != nil {
			return rows, err
		}
		r := row{Line: c.line, Err: c.fault.err}
		text := string(c.bytes())
		for _, f := range c.spans() {
			r.Fields = append(r.Fields, s.decode(text[f.from:f.to], f.doubled))
		}
		rows = append(rows, r)
		p, _ := c.position()
		if p < end {
			return rows, fmt.Errorf("position went back from %d to %d", end, p)
		}
		end = p
	}
}

func TestCSV(t *testing.T) {
	long := strings.Repeat("x", 41)
	for name, tt := range map[string]struct {
		in   string
		want []row
	}{
		"empty":              {"", nil},
		"quoted":             {"\"a\",\"b\"\n\"c\",\"d\"\n", []row{{1, []string{"a", "b"}, nil}, {2, []string{"c", "d"}, nil}}},
		"bare":               {"a,b\nc,d\n", []row{{1, []string{"a", "b"}, nil}, {2, []string{"c", "d"}, nil}}},
		"crlf":               {"a,\"b\"\r\n\"c\",d\r\n", []row{{1, []string{"a", "b"}, nil}, {2, []string{"c", "d"}, nil}}},
		"no line end":        {"a\n\"b\"", []row{{1, []string{"a"}, nil}, {2, []string{"b"}, nil}}},
		"cr at the end":      {"\"a\"\r", []row{{1, []string{"a"}, nil}}},
		"comma at the end":   {"a,", []row{{1, []string{"a", ""}, nil}}},
		"empty fields":       {",\"\",\n", []row{{1, []string{"", "", ""}, nil}}},
		"empty lines":        {"\n\r\na\n\n\nb\n", []row{{3, []string{"a"}, nil}, {6, []string{"b"}, nil}}},
		"line breaks inside": {"\"a\nb\r\nc\",d\ne,f\n", []row{{1, []string{"a\nb\r\nc", "d"}, nil}, {4, []string{"e", "f"}, nil}}},
		"doubled quotes":     {"\"a \"\"b\"\"\",\"\"\"\"\n", []row{{1, []string{`a "b"`, `"`}, nil}}},
		"a quoted comma":     {"\"a,b\",c\n", []row{{1, []string{"a,b", "c"}, nil}}},
		"stray in quotes":    {"\"a\" b\",c\n\"d\",\"e\"\n", []row{{1, nil, ErrQuote}, {2, []string{"d", "e"}, nil}}},
		"stray in bare":      {"a,5\" pipe,c\nd,e,f\n", []row{{1, []string{"a"}, ErrQuote}, {2, []string{"d", "e", "f"}, nil}}},
		"quote not closed":   {"1,\"a\n2,b\n3,c\n", []row{{1, []string{"1"}, ErrQuote}, {2, []string{"2", "b"}, nil}, {3, []string{"3", "c"}, nil}}},
		"not closed, quoted after it": {"\"1\",\"a\n\"2\",\"b\"\n", []row{
			{1, []string{"1"}, ErrQuote}, {2, []string{"2", "b"}, nil}}},
		"stray in the second line": {"\"1\",\"a\nb\",\"c\"d\"\n\"2\",\"e\",\"f\"\n", []row{
			{1, []string{"1"}, ErrQuote}, {2, nil, ErrQuote}, {3, []string{"2", "e", "f"}, nil}}},
		"field too long": {"1," + long + "\n2,\"" + long + "\"\n3,b\n", []row{
			{1, []string{"1", long}, ErrTooLong}, {2, []string{"2", long}, ErrTooLong}, {3, []string{"3", "b"}, nil}}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, buffer := range []int{2, 3, 7, 64, 4096} {
				for _, src := range []io.Reader{
					strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in)),
					iotest.DataErrReader(strings.NewReader(tt.in)),
				} {
					rows, err := readRows(src, buffer, 1<<20)
					if err != nil {
						t.Fatal(err)
					}
					if d := cmp.Diff(tt.want, rows, cmp.Comparer(func(a, b error) bool { return a == b })); d != "" {
						t.Fatalf("buffer %d: %s", buffer, d)
					}
				}
			}
		})
	}
}

// Records over the limit are skipped without holding them.
func TestCSVSkipsGiants(t *testing.T) {
	giant := strings.Repeat("line of text\n", 1000)
	for name, tt := range map[string]struct {
		in   string
		line int // of the row behind
	}{
		"quoted":         {"1,\"" + giant + "\"\n", 1001},
		"quoted, more":   {"1,\"" + giant + "\",b,\"c\nd\"\n", 1002},
		"doubled quotes": {"1,\"" + strings.Repeat(`""`, 1000) + "\"\r\n", 1},
		"bare":           {"1," + strings.Repeat("x", 10000) + ",\"a\nb\",c\n", 2},
		"many fields":    {"1" + strings.Repeat(",", 10000) + "\n", 1},
		"many quoted":    {"1" + strings.Repeat(`,""`, 10000) + "\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			in := "0,a\n" + tt.in + "2,b\n"
			for _, src := range []io.Reader{strings.NewReader(in), iotest.HalfReader(strings.NewReader(in))} {
				rows, err := readRows(src, 64, 256)
				if err != nil {
					t.Fatal(err)
				}
				if len(rows) != 3 {
					t.Fatalf("%d rows, want 3: %v", len(rows), rows)
				}
				if r := rows[1]; !errors.Is(r.Err, ErrTooLong) || r.Line != 2 || len(r.Fields) == 0 || r.Fields[0] != "1" {
					t.Errorf("giant: %+v", r)
				}
				if d := cmp.Diff(row{Line: tt.line + 2, Fields: []string{"2", "b"}}, rows[2]); d != "" {
					t.Error(d)
				}
			}
		})
	}
	for name, in := range map[string]string{
		"stray quote": "0,a\n1,\"" + giant + "\"x\n2,b\n",
		"never ends":  "0,a\n1,\"" + giant,
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := readRows(strings.NewReader(in), 64, 256)
			if err != ErrRunaway || len(rows) != 1 {
				t.Errorf("%d rows and %v, want 1 and %v", len(rows), err, ErrRunaway)
			}
		})
	}
}

func TestCSVGivesBackMemory(t *testing.T) {
	in := strings.Repeat("x", 3<<20) + "\n" + strings.Repeat("a,b\n", 1<<20)
	c := newCSVReader(strings.NewReader(in), Limits{}.withDefaults(), 10)
	for {
		if err := c.read(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if len(c.buf) != bufferSize {
		t.Errorf("the buffer still has %d bytes, want %d", len(c.buf), bufferSize)
	}
}

func TestCSVErrorOfSource(t *testing.T) {
	broken := errors.New("broken")
	for _, in := range []string{"", "a", "a,", "a\nb,\"c", "a\n\"b\"", "a\"b", "\"" + strings.Repeat("x", 1000)} {
		_, err := readRows(io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken)), 16, 256)
		if err != broken {
			t.Errorf("%q: %v, want %v", in, err, broken)
		}
	}
}

// FuzzCSV holds the reader against encoding/csv on what the latter accepts, and
// against itself with other buffers on everything.
func FuzzCSV(f *testing.F) {
	for _, s := range []string{
		"a,b\n", "\"a\",\"b\"\r\n", "\"a\"\"b\"\n", "\"a\nb\"", "\r\n\na", "a\"b\n", "\"a\"b,c\nd\n", "\"", ",", "a,\r", "\"\r\n\"\r\n", "\"a\",\"" + strings.Repeat("x", 300) + "\"\nb",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		read := func(src io.Reader, buffer, maxRecord int) []row {
			rows, err := readRows(src, buffer, maxRecord)
			if err != nil && err != ErrRunaway {
				t.Fatal(err)
			}
			return rows
		}
		rows := read(strings.NewReader(in), bufferSize, 1<<20)
		again := read(iotest.OneByteReader(strings.NewReader(in)), 2, 1<<20)
		if d := cmp.Diff(rows, again, cmp.Comparer(func(a, b error) bool { return a == b })); d != "" {
			t.Fatalf("with another buffer: %s", d)
		}
		read(strings.NewReader(in), 2, 8) // does not panic

		c := csv.NewReader(strings.NewReader(in))
		c.FieldsPerRecord = -1
		want, err := c.ReadAll()
		if err != nil {
			return
		}
		var got [][]string
		for _, r := range rows {
			if r.Err != nil && r.Err != ErrTooLong {
				t.Fatalf("line %d: %v", r.Line, r.Err)
			}
			for i, f := range r.Fields { // encoding/csv changes line ends in text
				r.Fields[i] = strings.ReplaceAll(f, "\r\n", "\n")
			}
			got = append(got, r.Fields)
		}
		for _, w := range want {
			if len(w) > 100 {
				return // more than readRows notes
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

func TestOrdinary(t *testing.T) {
	text := bytes.Repeat([]byte("abc\xe9-\x00\x80\xff"), 4)
	for i := range text {
		for _, c := range []byte(",\n\"") {
			data := bytes.Clone(text)
			data[i] = c
			if got := ordinary(data); got != i {
				t.Errorf("%q: %d, want %d", data, got, i)
			}
		}
	}
	if got := ordinary(text); got != len(text) {
		t.Errorf("%d, want %d", got, len(text))
	}
}
