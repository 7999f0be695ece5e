package databasetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content/database"
)

// Lines returns the rows of a query, each as one line: its values between " | ",
// NULL as "-".
func Lines(t testing.TB, db *database.DB, query string, args ...any) (lines []string) {
	t.Helper()
	if err := db.Read(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		rows, err := tx.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		values, to := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			to[i] = &values[i]
		}
		for rows.Next() {
			if err := rows.Scan(to...); err != nil {
				return err
			}
			line := make([]string, len(values))
			for i, v := range values {
				switch v := v.(type) {
				case nil:
					line[i] = "-"
				case []byte:
					line[i] = string(v)
				default:
					line[i] = fmt.Sprint(v)
				}
			}
			lines = append(lines, strings.Join(line, " | "))
		}
		return rows.Err()
	}); err != nil {
		t.Fatal(err)
	}
	return lines
}
