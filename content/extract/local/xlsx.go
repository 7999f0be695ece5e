package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/curatore/curatore-go/content/extract"
)

// readXLSX reads the sheets as tables, with the values as they are shown.
func readXLSX(ctx context.Context, r *reading) error {
	a, err := r.open()
	if err != nil {
		return err
	}
	if err := a.unpackable(ctx); err != nil {
		return err
	}
	if err := a.properties(ctx); err != nil {
		return err
	}
	f, err := excelize.OpenReader(io.NewSectionReader(r.ReaderAt, 0, r.Size), excelize.Options{
		UnzipSizeLimit: r.limits.DecodedBytes, UnzipXMLSizeLimit: min(16<<20, r.limits.DecodedBytes),
		ShortDatePattern: "yyyy-mm-dd"}) // of the format whose order depends on the machine
	switch {
	case errors.Is(err, excelize.ErrWorkbookPassword), errors.Is(err, excelize.ErrWorkbookFileFormat):
		return fmt.Errorf("%w: %w", extract.ErrBroken, err)
	case err != nil:
		return fmt.Errorf("its workbook cannot be read: %w", err)
	}
	defer f.Close() //nolint:errcheck // removes temporary files; what was read is complete
	sheets := f.GetSheetList()
	left, missing := r.limits.TextBytes, 0
	for i, name := range sheets {
		if i == r.limits.Pages {
			r.note("only the first %d of %d sheets were read", i, len(sheets))
			break
		}
		t, err := r.sheet(ctx, f, name, left)
		if errors.As(err, &excelize.ErrSheetNotExist{}) {
			r.note("the sheet %q is not in the file", name)
			missing++
			continue
		}
		if err != nil {
			return err
		}
		if text := t.String(); text != "" {
			r.add(extract.Sheet, i+1, name, "## "+strings.Join(strings.Fields(name), " ")+"\n\n"+text)
		}
		if left -= t.bytes; left <= 0 {
			r.note("the text is longer than %d bytes and was cut in the sheet %q", r.limits.TextBytes, name)
			break
		}
	}
	if missing == len(sheets) {
		return fmt.Errorf("%w: none of its %d sheets is in the file", extract.ErrBroken, missing)
	}
	r.metadata["sheets"] = strings.Join(sheets, ", ")
	return nil
}

// unpackable reads all that excelize will unpack, to be sure of the limits: what
// an archive says of its sizes need not be true.
func (a *archive) unpackable(ctx context.Context) error {
	for name, f := range a.files {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if strings.HasSuffix(name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return fmt.Errorf("%w: %q: %w", extract.ErrBroken, f.Name, err)
		}
		_, err = io.Copy(io.Discard, a.budget.Reader(r, f.Name, int64(f.CompressedSize64)))
		if err = errors.Join(err, r.Close()); err != nil {
			if errors.Is(err, extract.ErrTooLarge) {
				return err
			}
			return fmt.Errorf("%w: %q: %w", extract.ErrBroken, path.Base(f.Name), err)
		}
	}
	a.budget = a.limits.NewBudget()
	return nil
}

// sheet reads one sheet, up to a number of bytes.
func (r *reading) sheet(ctx context.Context, f *excelize.File, name string, left int64) (grid, error) {
	var t grid
	rows, err := f.Rows(name)
	if err != nil {
		if strings.Contains(err.Error(), "is not a worksheet") {
			r.note("the sheet %q is a chart", name)
			return t, nil
		}
		return t, err
	}
	defer rows.Close() //nolint:errcheck // reading is over
	for rows.Next() {
		if ctx.Err() != nil {
			return t, context.Cause(ctx)
		}
		cells, err := rows.Columns()
		if err != nil {
			return t, err
		}
		t.add(cells)
		if t.bytes > left {
			break
		}
	}
	return t, rows.Error()
}
