package store

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// insert writes the values of rows, width of them for each.
func (p *plan) insert(ctx context.Context, tx *database.Tx, args []any) error {
	if tx.Dialect().Name() == database.Postgres {
		return p.insertArrays(ctx, tx, args)
	}
	return p.insertRows(ctx, tx, args)
}

// insertRows writes rows in statements of a few sizes, so that few are prepared.
func (p *plan) insertRows(ctx context.Context, tx *database.Tx, args []any) error {
	for len(args) > 0 {
		n := 1
		for _, size := range []int{database.MaxVariables / p.width, 500, 100, 10} {
			if size*p.width <= min(len(args), database.MaxVariables) {
				n = size
				break
			}
		}
		if _, err := tx.Exec(ctx, p.upsertOf(n), args[:n*p.width]...); err != nil {
			return err
		}
		args = args[n*p.width:]
	}
	return nil
}

// insertArrays writes rows by one statement that takes an array for each column.
// Postgres plans and binds a few values this way, and not tens of thousands.
func (p *plan) insertArrays(ctx context.Context, tx *database.Tx, args []any) error {
	if len(args) == 0 {
		return nil
	}
	arrays := make([]any, p.width)
	var b []byte
	for column := range p.width {
		b = append(b[:0], '{')
		for i := column; i < len(args); i += p.width {
			if i > column {
				b = append(b, ',')
			}
			var err error
			if b, err = appendElement(b, args[i]); err != nil {
				return fmt.Errorf("%s column %d: %w", p.table, column, err)
			}
		}
		arrays[column] = string(append(b, '}'))
	}
	_, err := tx.Exec(ctx, p.intoArrays+p.conflict, arrays...)
	return err
}

// appendElement appends a bound value as an element of a Postgres array.
func appendElement(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "NULL"...), nil
	case string:
		return appendQuoted(b, v), nil
	case []byte:
		if v == nil {
			return append(b, "NULL"...), nil
		}
		b = append(b, `"\\x`...)
		return append(hex.AppendEncode(b, v), '"'), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	case float64:
		return strconv.AppendFloat(b, v, 'g', -1, 64), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case time.Time:
		return append(v.AppendFormat(append(b, '"'), time.RFC3339Nano), '"'), nil
	}
	return nil, fmt.Errorf("%w: a %T cannot be bound", content.ErrInvalid, v)
}

// appendQuoted quotes an element: only the quote and the backslash have a
// meaning inside quotes.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(append(b, s[from:i]...), '\\')
			from = i
		}
	}
	return append(append(b, s[from:]...), '"')
}

// arrayTypes returns the casts of the arrays of insertArrays.
func arrayTypes(system, links int, imported []*content.Field) []string {
	d := database.DialectOf(database.Postgres)
	text, at, blob := "text[]", "timestamptz[]", "bytea[]"
	types := []string{text, text, text, at, text, at, blob, blob, at}[:system]
	for _, f := range imported {
		types = append(types, plainType(d, f.Kind)+"[]")
	}
	for range links {
		types = append(types, text)
	}
	return append(types, blob)
}
