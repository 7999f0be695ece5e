package salesforcetest

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"testing"
)

func TestBrokenZips(t *testing.T) {
	e := []Entry{{"Account.csv", CSV([]string{"Id", "Name"}, []string{"1", `a "b"`})}, {"x/Contact.csv", "Id\n"}}
	good, names := unzip(t, Zip(e...))
	if len(names) != 2 || good["Account.csv"] != "\"Id\",\"Name\"\n\"1\",\"a \"\"b\"\"\"\n" || good["x/Contact.csv"] != "Id\n" {
		t.Errorf("%q", good)
	}

	zr := reader(t, Encrypted(e...))
	for _, f := range zr.File {
		if f.Flags&1 == 0 {
			t.Errorf("%s is not encrypted", f.Name)
		}
	}

	zr = reader(t, BadChecksum(e...))
	for _, f := range zr.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r); !errors.Is(err, zip.ErrChecksum) {
			t.Errorf("%s: %v", f.Name, err)
		}
	}

	cut := Truncated(Zip(e...))
	if _, err := zip.NewReader(bytes.NewReader(cut), int64(len(cut))); !errors.Is(err, zip.ErrFormat) {
		t.Error(err)
	}
}

func TestBomb(t *testing.T) {
	data := Bomb("Account.csv", 200<<20, false)
	f := reader(t, data).File[0]
	if len(data) > 250<<10 || f.UncompressedSize64 < 200<<20 {
		t.Errorf("%d bytes from %d", f.UncompressedSize64, len(data))
	}
	small, _ := unzip(t, Bomb("Account.csv", 3<<20, false))
	if rows := table(t, small["Account.csv"]); len(rows) != 4 {
		t.Errorf("%d rows", len(rows))
	}
	if f := reader(t, Bomb("a", 1<<20, true)).File[0]; f.UncompressedSize64 != 1000 {
		t.Errorf("%d bytes declared", f.UncompressedSize64)
	}
}

func reader(t *testing.T, data []byte) *zip.Reader {
	t.Helper()
	zr, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return zr
}
