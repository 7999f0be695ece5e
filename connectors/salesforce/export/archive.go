package export

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Limits bound what an export may make this package read and hold. A zero field
// has its default; an export over a limit is refused with ErrTooLarge, a row
// over one fails with ErrTooLong.
type Limits struct {
	// Field is the bytes of one field: 16 MiB. Salesforce stores 131,072
	// characters in a long text area; files encoded in text are longer.
	Field int
	// Record is the bytes of one row, which is the most that is held in memory:
	// 32 MiB.
	Record int
	// Total is the uncompressed bytes of all wanted files: 64 GiB.
	Total int64
	// Ratio is how many bytes one compressed byte may stand for, in wanted files
	// of more than 32 MiB: 400. Deflate ends at 1032. Exports reach 5 to 20, and
	// 100 with 800 empty columns.
	Ratio int64
	// Entries is the files in one zip: 200,000, attachments included.
	Entries int
}

const ratioFloor = 32 << 20

func (l Limits) withDefaults() Limits {
	if l.Field == 0 {
		l.Field = 16 << 20
	}
	if l.Record == 0 {
		l.Record = max(32<<20, 2*l.Field)
	}
	if l.Total == 0 {
		l.Total = 64 << 30
	}
	if l.Ratio == 0 {
		l.Ratio = 400
	}
	if l.Entries == 0 {
		l.Entries = 200_000
	}
	return l
}

// pick finds the wanted CSVs in a file, in the order of want. found are the
// names of what is there, CSVs first.
func pick(f File, want []string, limits Limits) (picked []*source, found []string, err error) {
	name := baseName(f.Name)
	var magic [4]byte
	n, err := f.ReadAt(magic[:min(f.Size, 4)], 0)
	if err != nil && err != io.EOF {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if n == 0 {
		return nil, nil, fmt.Errorf("%s is %w: it is empty", name, ErrNotZip)
	}
	local := bytes.HasPrefix(magic[:n], []byte("PK\x03\x04"))
	if isCSV(name) && !local {
		if i := index(want, name); i >= 0 {
			picked = append(picked, &source{place: name, object: i, file: f, size: f.Size})
		}
		return picked, []string{name}, nil
	}
	entries, err := directory(f, limits)
	if err != nil {
		cause := ErrNotZip
		switch {
		case errors.Is(err, ErrTooLarge):
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		case !errors.Is(err, zip.ErrFormat) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF):
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		case local:
			cause = ErrTruncated
			err = errors.New("a zip file without its directory, download it again")
		default:
			err = errors.New("give the .ZIP parts of a data export, or .csv files")
		}
		return nil, nil, fmt.Errorf("%s is %w: %w", name, cause, err)
	}
	for _, e := range entries {
		if insecure(e.Name) {
			return nil, nil, fmt.Errorf("%s: %w %q leads out of the archive; no export of Salesforce has such a name", name, ErrInsecure, clip(e.Name))
		}
		if strings.HasSuffix(e.Name, "/") {
			continue
		}
		found = append(found, e.Name)
		i := index(want, e.Name)
		if i < 0 {
			continue
		}
		s := &source{place: name + "/" + baseName(e.Name), object: i, entry: e, size: int64(e.UncompressedSize64), check: e.CRC32}
		if err := s.admit(limits); err != nil {
			return nil, nil, err
		}
		for _, other := range picked {
			if other.object == i {
				return nil, nil, fmt.Errorf("%s: %s.csv is %w in one zip: %q and %q", name, want[i], ErrDuplicate, other.entry.Name, e.Name)
			}
		}
		picked = append(picked, s)
	}
	slices.SortStableFunc(found, func(a, b string) int {
		return boolToInt(!isCSV(a)) - boolToInt(!isCSV(b))
	})
	return picked, found, nil
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// admit refuses an entry by what the directory says of it. More than that is
// never read: archive/zip ends with an error where an entry goes on behind its
// declared size.
func (s *source) admit(limits Limits) error {
	e := s.entry
	switch {
	case e.Flags&1 != 0:
		return fmt.Errorf("%s is %w: give the export without a password", s.place, ErrEncrypted)
	case e.Method != zip.Store && e.Method != zip.Deflate:
		return fmt.Errorf("%s: compression method %d is not known: pack the export again with deflate", s.place, e.Method)
	case s.size < 0 || s.size > limits.Total:
		return fmt.Errorf("%s: %d bytes are %w of %d", s.place, e.UncompressedSize64, ErrTooLarge, limits.Total)
	case s.size > ratioFloor && s.size/limits.Ratio > int64(min(e.CompressedSize64, 1<<62)):
		return fmt.Errorf("%s: %d bytes packed into %d are %w of 1:%d: this looks like a zip bomb",
			s.place, e.UncompressedSize64, e.CompressedSize64, ErrTooLarge, limits.Ratio)
	}
	return nil
}

// index finds the object that a file holds by its exact base name, in any case.
func index(want []string, name string) int {
	base := baseName(name)
	return slices.IndexFunc(want, func(object string) bool { return strings.EqualFold(base, object+".csv") })
}

// insecure is true for names that point out of the archive.
func insecure(name string) bool {
	name = strings.ReplaceAll(name, `\`, "/")
	return strings.HasPrefix(name, "/") || len(name) > 1 && name[1] == ':' || strings.ContainsRune(name, 0) ||
		slices.Contains(strings.Split(name, "/"), "..")
}

// directory lists the entries of a zip.
func directory(f File, limits Limits) ([]*zip.File, error) {
	// Entries are made while the directory is read, so the bytes of the
	// directory are limited, too. 256 bytes hold a header and a long name.
	r := &budget{ReaderAt: f, left: int64(limits.Entries)*256 + 1<<20}
	zr, err := zip.NewReader(r, f.Size)
	if err != nil && err != zip.ErrInsecurePath {
		return nil, err
	}
	if len(zr.File) > limits.Entries {
		return nil, fmt.Errorf("%d entries are %w of %d", len(zr.File), ErrTooLarge, limits.Entries)
	}
	r.open = true
	entries := zr.File
	zr.File = nil // the picked entries hold zr, and need not hold all others
	return entries, nil
}

// budget is a ReaderAt that ends after so many bytes, until it is open.
type budget struct {
	io.ReaderAt
	left int64
	open bool
}

func (b *budget) ReadAt(p []byte, off int64) (int, error) {
	if !b.open {
		if b.left -= int64(len(p)); b.left < 0 {
			return 0, fmt.Errorf("its directory is %w", ErrTooLarge)
		}
	}
	return b.ReaderAt.ReadAt(p, off)
}
