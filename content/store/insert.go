package store

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// insert writes the values of rows, width of them for each. None of them is
// stored when they are fresh, which Postgres need not look for again then.
func (p *plan) insert(ctx context.Context, tx *database.Tx, args []any, fresh bool) (err error) {
	if tx.Dialect().Name() == database.Postgres {
		err = p.insertArrays(ctx, tx, args, fresh)
	} else {
		err = p.insertRows(ctx, tx, args)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", p.typ.Name(), err)
	}
	return nil
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
// Postgres plans it once and binds a few values this way, and not tens of
// thousands.
func (p *plan) insertArrays(ctx context.Context, tx *database.Tx, args []any, fresh bool) error {
	if len(args) == 0 {
		return nil
	}
	values := make([]any, p.width)
	column := func(c int) error {
		if c == organizationColumn || c == instanceColumn || c == updatedColumn { // the same in all rows
			values[c] = args[c]
			return nil
		}
		b, err := appendArray(nil, args[c:], p.width)
		if err != nil {
			return fmt.Errorf("column %d: %w", c, err)
		}
		values[c] = string(b)
		return nil
	}
	last := p.width - 1 // the payloads are half of it all
	statement := p.intoArrays
	var payloads sync.WaitGroup
	var failure error
	payloads.Go(func() {
		if b := appendTexts(args[last:], p.width); b != nil {
			values[last] = string(b)
			return
		}
		statement, failure = p.intoArraysBytes, column(last)
	})
	var err error
	for c := 0; c < last && err == nil; c++ {
		err = column(c)
	}
	payloads.Wait()
	if err = errors.Join(err, failure); err != nil {
		return err
	}
	if !fresh {
		statement += p.conflict
	}
	_, err = tx.ExecPlanned(ctx, statement, values...)
	return err
}

// appendTexts makes a Postgres array of payloads as texts, which are half as long
// as bytes in hexadecimal; nil when one is not a text.
func appendTexts(values []any, step int) []byte {
	b := []byte{'{'}
	for i := 0; i < len(values); i += step {
		if i > 0 {
			b = append(b, ',')
		}
		raw, _ := values[i].([]byte)
		switch {
		case raw == nil:
			b = append(b, "NULL"...)
		case !utf8.Valid(raw) || bytes.IndexByte(raw, 0) >= 0:
			return nil
		default:
			b = appendQuoted(b, string(raw))
		}
	}
	return append(b, '}')
}

// arrayInserts returns the statements of insertArrays, with the payloads as texts
// and as bytes.
func (p *plan) arrayInserts(columns []string) (texts, bytes string) {
	types := arrayTypes(indexedColumn+1, len(p.links), p.imported)
	selected, arrays, names := make([]string, p.width), []string(nil), []string(nil)
	for c, typ := range types {
		name := fmt.Sprintf("c%d", c)
		selected[c] = name
		if c == organizationColumn || c == instanceColumn || c == updatedColumn {
			selected[c] = fmt.Sprintf("$%d::%s", c+1, strings.TrimSuffix(typ, "[]"))
			continue
		}
		arrays, names = append(arrays, fmt.Sprintf("$%d::%s", c+1, typ)), append(names, name)
	}
	statement := func() string {
		return "INSERT INTO " + p.table + " (" + strings.Join(columns, ", ") + ") SELECT " + strings.Join(selected, ", ") +
			" FROM unnest(" + strings.Join(arrays, ", ") + ") AS r(" + strings.Join(names, ", ") + ")"
	}
	bytes = statement()
	last := p.width - 1
	selected[last] = "convert_to(" + selected[last] + ", 'UTF8')"
	arrays[len(arrays)-1] = fmt.Sprintf("$%d::text[]", last+1)
	return statement(), bytes
}

// appendArray appends a Postgres array of every step-th value, from the first.
func appendArray(b []byte, values []any, step int) ([]byte, error) {
	b = append(b, '{')
	for i := 0; i < len(values); i += step {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendElement(b, values[i]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
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
