package database

import (
	"context"
	"errors"
	"strings"
)

// loadSizes are the numbers of rows in one statement on SQLite: few, so that the
// statements are prepared once.
var loadSizes = []int{64, 8, 1}

// Load inserts rows in the quickest way: by COPY on Postgres, with many rows in a
// statement on SQLite. The values stand row by row in one list, each row as long
// as the list of columns. They are those that Exec takes; bytes are for columns of
// bytes only. The names are those of the program, never a user's.
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

func (tx *Tx) copyIn(ctx context.Context, into string, width int, values []any) (err error) {
	if err := tx.usable(); err != nil {
		return err
	}
	text := "COPY " + into + " FROM STDIN"
	if err := tx.fail(text); err != nil {
		return err
	}
	stmt, err := tx.conn.PrepareContext(ctx, text)
	if err != nil {
		return err
	}
	defer func() {
		if failed := stmt.Close(); err == nil { // else the transaction is rolled back anyway
			err = failed
		}
	}()
	for ; len(values) > 0; values = values[width:] {
		if _, err := stmt.ExecContext(ctx, values[:width]...); err != nil {
			return err
		}
	}
	_, err = stmt.ExecContext(ctx) // waits for the answer, which tells what was wrong with the rows
	return err
}
