package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A where collects the conditions of a statement and their values.
type where struct {
	dialect database.Dialect
	terms   []string
	args    []any
}

func (w *where) add(term string, args ...any) {
	w.terms = append(w.terms, term)
	w.args = append(w.args, args...)
}

// String returns the conditions joined by AND.
func (w *where) String() string { return strings.Join(w.terms, " AND ") }

// live starts the conditions of every read: one organization, not deleted.
func live(d database.Dialect, org string) *where {
	w := &where{dialect: d}
	w.add("organization_id = ?", org)
	w.add("deleted_at IS NULL")
	return w
}

// maxFilters is below the depth of an expression that SQLite takes.
const maxFilters = 200

// filters adds all of the filters, and one of any when there are such.
func (w *where) filters(typ *content.Type, all, any []content.Filter) error {
	values := len(all) + len(any)
	if values > maxFilters {
		return fmt.Errorf("%w: %d filters; a query takes at most %d", content.ErrInvalid, values, maxFilters)
	}
	for _, f := range slices.Concat(all, any) {
		values += len(f.Values)
	}
	if most := database.MaxVariables / 2; values > most {
		return fmt.Errorf("%w: filters with %d values; a query takes at most %d", content.ErrInvalid, values, most)
	}
	for _, f := range all {
		term, args, err := condition(w.dialect, typ, f)
		if err != nil {
			return err
		}
		w.add(term, args...)
	}
	if len(any) == 0 {
		return nil
	}
	var terms []string
	for _, f := range any {
		term, args, err := condition(w.dialect, typ, f)
		if err != nil {
			return err
		}
		terms = append(terms, term)
		w.args = append(w.args, args...)
	}
	w.terms = append(w.terms, "("+strings.Join(terms, " OR ")+")")
	return nil
}

var comparison = map[content.Op]string{content.Equal: "=", content.Greater: ">", content.GreaterOrEqual: ">=", content.Less: "<", content.LessOrEqual: "<="}

// condition writes a filter as SQL. The column comes from the declaration, the
// values are read in its kind and bound.
func condition(d database.Dialect, typ *content.Type, f content.Filter) (string, []any, error) {
	if err := f.Check(); err != nil {
		return "", nil, err
	}
	field, err := typ.Column(f.Field)
	if err != nil {
		return "", nil, err
	}
	if !field.Filterable() {
		return "", nil, fmt.Errorf("%w filter: %s.%s cannot be filtered by; it is declared without facet or filter", content.ErrInvalid, typ.Name(), f.Field)
	}
	for _, text := range f.Values {
		if badText(text) >= 0 {
			return "", nil, fmt.Errorf("%w filter: the value %.40q for %s is not text that a database can hold", content.ErrInvalid, text, f.Field)
		}
	}
	column := quote(field.Name)
	if f.Op == content.Contains || f.Op == content.StartsWith {
		return like(d, typ, field, f)
	}
	args := make([]any, len(f.Values))
	for i, text := range f.Values {
		v, err := field.Parse(text)
		if err != nil {
			return "", nil, err
		}
		args[i] = d.Bind(field.Kind, v)
	}
	switch f.Op {
	case content.IsNull:
		return column + " IS NULL", nil, nil
	case content.NotNull, content.Exists:
		return column + " IS NOT NULL", nil, nil
	case content.NotEqual:
		return "(" + column + " <> ? OR " + column + " IS NULL)", args, nil
	case content.In:
		return column + " IN (" + database.Placeholders(len(args)) + ")", args, nil
	case content.NotIn:
		return "(" + column + " NOT IN (" + database.Placeholders(len(args)) + ") OR " + column + " IS NULL)", args, nil
	}
	return column + " " + comparison[f.Op] + " ?", args, nil
}

// maxPattern is below the length of a pattern that SQLite takes, escapes
// included.
const maxPattern = 20_000

// like writes contains and starts_with, which ignore the case of A to Z, on both
// databases. (A keyword, which looks in titles only, ignores it in all scripts.)
func like(d database.Dialect, typ *content.Type, field *content.Field, f content.Filter) (string, []any, error) {
	if field.Kind != content.String {
		return "", nil, fmt.Errorf("%w filter: %s needs text, %s.%s is a %s", content.ErrInvalid, f.Op, typ.Name(), field.Name, field.Kind)
	}
	if len(f.Values[0]) > maxPattern {
		return "", nil, fmt.Errorf("%w filter: %s on %s takes at most %d bytes, got %d", content.ErrInvalid, f.Op, field.Name, maxPattern, len(f.Values[0]))
	}
	pattern := escapeLike(f.Values[0]) + "%"
	if f.Op == content.Contains {
		pattern = "%" + pattern
	}
	op := "LIKE"
	if d.Name() == database.Postgres {
		op = "ILIKE"
	}
	return quote(field.Name) + " " + op + ` ? ESCAPE '\'`, []any{pattern}, nil
}

// escapeLike makes the text stand for itself in a LIKE pattern.
func escapeLike(s string) string {
	return strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s)
}
