package export_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"io"
	"testing"

	"github.com/curatore/curatore-go/connectors/salesforce/export"
	"github.com/curatore/curatore-go/connectors/salesforce/salesforcetest"
)

var objects = []string{"Account", "Contact", "Opportunity"}

// BenchmarkExport sets reading an export of 20,000 accounts with 40 columns
// beside a loop that only unpacks and decodes it with encoding/csv.
func BenchmarkExport(b *testing.B) {
	parts, _, err := salesforcetest.Parts(salesforcetest.Options{Accounts: 20_000})
	if err != nil {
		b.Fatal(err)
	}
	data := parts[0].Data
	files := []export.File{{Name: parts[0].Name, Size: int64(len(data)), ReaderAt: bytes.NewReader(data)}}
	zr, err := zip.NewReader(files[0], files[0].Size)
	if err != nil {
		b.Fatal(err)
	}
	size := int64(0)
	unpack := func(b *testing.B) io.Reader {
		for _, f := range zr.File {
			if f.Name == "Account.csv" {
				size = int64(f.UncompressedSize64)
				r, err := f.Open()
				if err != nil {
					b.Fatal(err)
				}
				return r
			}
		}
		b.Fatal("no Account.csv")
		return nil
	}
	b.Run("peer/unpack", func(b *testing.B) {
		for b.Loop() {
			if _, err := io.Copy(io.Discard, unpack(b)); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(size)
	})
	b.Run("peer/unpack+encoding-csv", func(b *testing.B) {
		for b.Loop() {
			decode(b, unpack(b))
		}
		b.SetBytes(size)
	})
	b.Run("Open", func(b *testing.B) {
		for b.Loop() {
			if _, err := export.Open(b.Context(), files, objects, export.Options{}); err != nil {
				b.Fatal(err)
			}
		}
		b.SetBytes(size)
	})
	for _, raw := range []bool{false, true} {
		name := "Records"
		if raw {
			name = "Records+AppendRaw"
		}
		b.Run(name, func(b *testing.B) {
			e, err := export.Open(b.Context(), files, objects, export.Options{})
			if err != nil {
				b.Fatal(err)
			}
			var buf []byte
			for b.Loop() {
				n := 0
				for r, err := range e.Records(b.Context(), "Account", export.Position{}) {
					if err != nil || r.Err != nil {
						b.Fatal(err, r)
					}
					if raw {
						buf = r.AppendRaw(buf[:0])
					}
					n++
				}
				if n != 20_000 {
					b.Fatal(n)
				}
			}
			b.SetBytes(size)
		})
	}
}

func decode(b *testing.B, r io.Reader) {
	c := csv.NewReader(r)
	c.ReuseRecord = true
	for {
		if _, err := c.Read(); err == io.EOF {
			return
		} else if err != nil {
			b.Fatal(err)
		}
	}
}
