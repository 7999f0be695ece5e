package database

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"
)

// loadSizes are the numbers of rows in one statement on SQLite: few, so that the
// statements are prepared once.
var loadSizes = []int{64, 8, 1}

// Load inserts rows in the quickest way: by COPY on Postgres, with many rows in a
// statement on SQLite. The values stand row by row in one list, each row as long
// as the list of columns. They are strings, ints, int64s, bytes for columns of
// bytes, times as [Dialect.Time] makes them, and nil. The names are those of the
// program, never a user's.
func (tx *Tx) Load(ctx context.Context, table string, columns []string, values []any) error {
	if len(values)%len(columns) != 0 {
		return tx.note(errors.New("load " + table + ": the values are no whole rows"))
	}
	if len(values) == 0 {
		return nil
	}
	if tx.peek {
		return tx.note(errPeek)
	}
	into := table + " (" + strings.Join(columns, ", ") + ")"
	if tx.dialect.Name() == Postgres {
		return tx.note(tx.copyIn(ctx, into, len(columns), values))
	}
	for _, size := range loadSizes {
		for n := size * len(columns); len(values) >= n; values = values[n:] {
			if _, err := tx.Exec(ctx, "INSERT INTO "+into+" VALUES "+Rows(size, len(columns)), values[:n]...); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyBytes is how much of a COPY is handed to the driver at once, which sends it
// in pieces of about this size anyway.
const copyBytes = 60 << 10

// A copier is what the driver makes of a COPY. Its Exec takes a row at a time,
// which costs more than the server needs to store it; so the rows are encoded
// here, many at a time.
type copier interface {
	driver.Stmt
	CopyData(ctx context.Context, lines string) (driver.Result, error)
}

func (tx *Tx) copyIn(ctx context.Context, into string, width int, values []any) error {
	if err := tx.usable(); err != nil {
		return err
	}
	text := "COPY " + into + " FROM STDIN"
	if err := tx.fail(text); err != nil {
		return err
	}
	return tx.conn.Raw(func(c any) (err error) {
		stmt, err := c.(driver.ConnPrepareContext).PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		defer func() {
			if failed := stmt.Close(); err == nil { // else the transaction is rolled back anyway
				err = failed
			}
		}()
		copying := stmt.(copier)
		lines := make([]byte, 0, copyBytes+8<<10)
		for len(values) > 0 {
			if lines, err = appendRow(lines, values[:width]); err != nil {
				return err
			}
			if values = values[width:]; len(lines) < copyBytes && len(values) > 0 {
				continue
			}
			if _, err := copying.CopyData(ctx, string(lines[:len(lines)-1])); err != nil { // it adds the last line end
				return err
			}
			lines = lines[:0]
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		_, err = copying.Exec(nil) // waits for the answer, which tells what was wrong with the rows
		return err
	})
}

// appendRow writes a row in the text form of COPY.
func appendRow(line []byte, row []any) ([]byte, error) {
	for i, v := range row {
		if i > 0 {
			line = append(line, '\t')
		}
		switch v := v.(type) {
		case nil:
			line = append(line, `\N`...)
		case string:
			line = appendEscaped(line, v)
		case []byte:
			if v == nil {
				line = append(line, `\N`...)
				continue
			}
			line = hex.AppendEncode(append(line, `\\x`...), v)
		case int:
			line = strconv.AppendInt(line, int64(v), 10)
		case int64:
			line = strconv.AppendInt(line, v, 10)
		case time.Time:
			line = append(line, pq.FormatTimestamp(v)...)
		default:
			return nil, fmt.Errorf("load: a %T cannot be a value", v)
		}
	}
	return append(line, '\n'), nil
}

// escapes holds what stands behind a backslash for the bytes that mean something
// to COPY.
var escapes = [256]byte{'\\': '\\', '\n': 'n', '\r': 'r', '\t': 't'}

func appendEscaped(line []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		if c := escapes[s[i]]; c != 0 {
			line = append(append(line, s[from:i]...), '\\', c)
			from = i + 1
		}
	}
	return append(line, s[from:]...)
}
