package export

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"io"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
)

// BenchmarkCSV sets the reader, with its records checked and made strings,
// beside encoding/csv with ReuseRecord, on generated accounts.
func BenchmarkCSV(b *testing.B) {
	quoted := accounts(b)
	for _, in := range []struct{ name, text string }{{"quoted", quoted}, {"bare", bare(quoted)}} {
		b.Run(in.name+"/peer/encoding-csv", func(b *testing.B) {
			b.SetBytes(int64(len(in.text)))
			for b.Loop() {
				c := csv.NewReader(strings.NewReader(in.text))
				c.ReuseRecord = true
				for {
					if _, err := c.Read(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(in.name+"/export", func(b *testing.B) {
			b.SetBytes(int64(len(in.text)))
			for b.Loop() {
				s := &source{encoding: utf8Encoding}
				c := newCSVReader(strings.NewReader(in.text), Limits{}.withDefaults(), maxColumns)
				if err := s.readHeader(c); err != nil {
					b.Fatal(err)
				}
				o := &object{name: "Account", sources: []*source{s}}
				o.unite()
				r := &Record{Fields: make([]string, len(o.header)), object: o}
				for {
					if err := c.read(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
					if r.set(s, c); r.Err != nil {
						b.Fatal(r.Err)
					}
				}
			}
		})
	}
}

// accounts is a generated Account.csv of 5,000 rows.
func accounts(b *testing.B) string {
	parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: 5000, Quirks: true})
	if err != nil {
		b.Fatal(err)
	}
	zr, err := zip.NewReader(bytes.NewReader(parts[0].Data), int64(len(parts[0].Data)))
	if err != nil {
		b.Fatal(err)
	}
	f, err := zr.Open("Account.csv")
	if err != nil {
		b.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// bare writes the same with quotes only where they are needed.
func bare(text string) string {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		panic(err)
	}
	var out strings.Builder
	if err := csv.NewWriter(&out).WriteAll(rows); err != nil {
		panic(err)
	}
	return out.String()
}
