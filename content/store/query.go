package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// An Order sorts by a field. Records without a value come last, whichever the
// direction.
type Order struct {
	Field string `json:"field"` // "title" stands for the record's title, whatever makes it
	Desc  bool   `json:"desc,omitempty"`
}

// DefaultLimit is the number of records that a list returns when it is not told.
const DefaultLimit = 50

// A Query selects records of one Type. The zero Query selects all, ordered by
// title and id, the first 50.
type Query struct {
	Keyword string           // in the title, ignoring case; at most 512 bytes
	Filters []content.Filter // all hold
	Any     []content.Filter // at least one holds
	Order   []Order
	Limit   int    // 0 means 50
	Offset  int    // for pages by number; a cursor is faster
	Cursor  string // NextCursor of the page before, of the same query
	Total   bool   // count all that match
}

// A Page is a part of a query's result.
type Page[T any] struct {
	Items      []T
	Total      int64  // -1 when it was not asked for
	NextCursor string // "" on the last page
}

// List returns records.
func (s *Store) List(ctx context.Context, scope content.Scope, typ *content.Type, q Query) (Page[content.Row], error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return Page[content.Row]{}, err
	}
	return runQuery(ctx, s.db, org, p, q, p.selected, p.scan)
}

// Select returns chosen columns of records, without building the records. A
// value is nil or of the Go type of its column's kind; no names means all of
// content.Type.Columns.
func (s *Store) Select(ctx context.Context, scope content.Scope, typ *content.Type, names []string, q Query) ([]*content.Field, Page[[]any], error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return nil, Page[[]any]{}, err
	}
	columns := p.typ.Columns()
	if len(names) > 0 {
		columns = nil
		for _, name := range names {
			f, err := p.typ.Column(name)
			if err != nil {
				return nil, Page[[]any]{}, err
			}
			columns = append(columns, f)
		}
	}
	list := make([]string, len(columns))
	raw, dest := make([]any, len(columns)), make([]any, len(columns))
	for i, f := range columns {
		list[i], dest[i] = quote(f.Name), &raw[i]
	}
	page, err := runQuery(ctx, s.db, org, p, q, strings.Join(list, ", "), func(d database.Dialect, scan scanner) ([]any, error) {
		if err := scan(dest...); err != nil {
			return nil, err
		}
		values := make([]any, len(columns))
		for i, f := range columns {
			v, err := d.Value(f.Kind, raw[i])
			if err != nil {
				return nil, fmt.Errorf("read %s.%s: %w", p.typ.Name(), f.Name, err)
			}
			values[i] = v
		}
		return values, nil
	})
	return columns, page, err
}

// A scanner reads the selected columns of the current row.
type scanner func(dest ...any) error

// runQuery reads one record more than asked, to know whether there is a next
// page, and puts the order values of the last one into the cursor.
func runQuery[T any](ctx context.Context, db *database.DB, org string, p *plan, q Query, columns string, read func(database.Dialect, scanner) (T, error)) (Page[T], error) {
	page := Page[T]{Total: -1}
	limit := cmp.Or(q.Limit, DefaultLimit)
	if limit < 0 || q.Offset < 0 {
		return page, fmt.Errorf("%w: limit %d and offset %d must not be negative", content.ErrInvalid, q.Limit, q.Offset)
	}
	limit = min(limit, math.MaxInt32)
	if len(q.Keyword) > maxTitle || badText(q.Keyword) >= 0 {
		return page, fmt.Errorf("%w keyword %.40q: it takes at most %d bytes of text", content.ErrInvalid, q.Keyword, maxTitle)
	}
	terms, err := p.order(q.Order)
	if err != nil {
		return page, err
	}
	err = db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		d := tx.Dialect()
		w := live(d, org)
		if q.Keyword != "" {
			w.add(`title_key LIKE ? ESCAPE '\'`, "%"+escapeLike(FoldTitle(q.Keyword))+"%")
		}
		if err := w.filters(p.typ, q.Filters, q.Any); err != nil {
			return err
		}
		if q.Total {
			if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+p.table+" WHERE "+w.String(), w.args...).Scan(&page.Total); err != nil {
				return fmt.Errorf("count %s: %w", p.typ.Name(), err)
			}
		}
		digest := q.digest(p.typ)
		if err := w.after(terms, digest, q.Cursor); err != nil {
			return err
		}
		text := "SELECT " + columns + ", " + keysOf(terms) + " FROM " + p.table + " WHERE " + w.String() +
			" ORDER BY " + orderOf(terms) + " LIMIT ? OFFSET ?"
		rows, err := tx.Query(ctx, text, append(w.args, limit+1, q.Offset)...) //nolint:sqlclosecheck // closed below; the linter loses it in the closure
		if err != nil {
			return fmt.Errorf("list %s: %w", p.typ.Name(), err)
		}
		defer rows.Close()
		keys, keyDest := make([]any, len(terms)), make([]any, len(terms))
		for i := range keys {
			keyDest[i] = &keys[i]
		}
		var all []any
		scan := func(dest ...any) error {
			all = append(append(all[:0], dest...), keyDest...)
			return rows.Scan(all...)
		}
		for rows.Next() {
			if len(page.Items) == limit {
				page.NextCursor = encodeCursor(digest, terms, d, keys)
				break
			}
			item, err := read(d, scan)
			if err != nil {
				return err
			}
			page.Items = append(page.Items, item)
		}
		return rows.Err()
	})
	if err != nil {
		return Page[T]{Total: -1}, err
	}
	return page, nil
}

// digest stands for everything in the query that a cursor must not be taken to
// another one of.
func (q Query) digest(typ *content.Type) string {
	b, _ := json.Marshal([]any{typ.Name(), q.Keyword, // strings only; nil and empty are the same query
		append([]content.Filter{}, q.Filters...), append([]content.Filter{}, q.Any...), append([]Order{}, q.Order...)})
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}
