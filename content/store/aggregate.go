package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// The operations of an [Aggregate].
const (
	AggregateCount = "count" // of records, or of those that have a value in the field
	AggregateSum   = "sum"   // of a number field; null when no record has a value
	AggregateAvg   = "avg"
	AggregateMin   = "min" // of a number, time, date or text field
	AggregateMax   = "max"
)

// An Aggregate computes one value over the records of a group.
type Aggregate struct {
	Op    string // AggregateCount and so on
	Field string // "" for the number of records
}

// An AggregateQuery computes values over records, for each group of those that
// have the same values in some fields. Without GroupBy there is one group, also
// of no records at all.
type AggregateQuery struct {
	Aggregates []Aggregate
	GroupBy    []string         // filterable fields
	Filters    []content.Filter // all hold
	Any        []content.Filter // at least one holds
	Limit      int              // groups at a time; 0 means 50
	Cursor     string           // NextCursor of the page before, of the same query

	// OrderBy is the number of the aggregate, from 1, by which groups are sorted,
	// the highest first, those without a value last; 0 sorts by the fields of
	// GroupBy. It gives the Limit first groups and no cursor.
	OrderBy int
}

// A Group is one row of an aggregation: the values of the fields of GroupBy,
// then those of the aggregates. A value is nil or of the Go type of its kind: a
// count is int64, a sum and an average float64, the others that of the field.
type Group []any

// Aggregate computes over the records of the Scope's organization. Next to the
// page it returns the kinds of the columns of each Group.
func (s *Store) Aggregate(ctx context.Context, scope content.Scope, typ *content.Type, q AggregateQuery) (Page[Group], []content.Kind, error) {
	page := Page[Group]{Total: -1}
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return page, nil, err
	}
	a, err := p.aggregation(q)
	if err != nil {
		return page, nil, err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = DefaultLimit
	}
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		d := tx.Dialect()
		w := live(d, org)
		if err := w.filters(p.typ, q.Filters, q.Any); err != nil {
			return err
		}
		digest := Query{Filters: q.Filters, Any: q.Any, Order: a.orders}.digest(p.typ)
		if q.OrderBy > 0 && q.Cursor != "" {
			return fmt.Errorf("%w cursor: groups that are sorted by a value have none", content.ErrInvalid)
		}
		if err := w.after(a.terms, digest, q.Cursor); err != nil {
			return err
		}
		text := "SELECT " + strings.Join(a.columns, ", ") + " FROM " + p.table + " WHERE " + w.String() + a.tail + " LIMIT ?"
		rows, err := tx.Query(ctx, text, append(w.args, limit+1)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		raw, dest := make([]any, len(a.kinds)), make([]any, len(a.kinds))
		for i := range raw {
			dest[i] = &raw[i]
		}
		var last []any
		for rows.Next() {
			if len(page.Items) == limit {
				page.NextCursor = "more"
				if q.OrderBy == 0 {
					page.NextCursor = encodeCursor(digest, a.terms, d, last)
				}
				break
			}
			if err := rows.Scan(dest...); err != nil {
				return err
			}
			group := make(Group, len(a.kinds))
			for i, kind := range a.kinds {
				if group[i], err = d.Value(kind, raw[i]); err != nil {
					return err
				}
				if f, ok := group[i].(float64); ok && math.IsInf(f, 0) {
					return database.ErrRange // Postgres says so itself
				}
			}
			page.Items, last = append(page.Items, group), slices.Clone(raw[:len(a.terms)])
		}
		return rows.Err()
	})
	if errors.Is(err, database.ErrRange) {
		err = fmt.Errorf("%w sum: it is beyond what a number can hold; narrow the filters", content.ErrInvalid)
	}
	if err != nil {
		return Page[Group]{Total: -1}, nil, fmt.Errorf("aggregate %s: %w", p.typ.Name(), err)
	}
	return page, a.kinds, nil
}

// maxAggregates bounds the aggregates and the fields of a query.
const maxAggregates = 20

// An aggregation is a checked AggregateQuery as SQL.
type aggregation struct {
	columns []string
	kinds   []content.Kind
	terms   []term  // of GroupBy
	orders  []Order // that stand for the query in its cursor
	tail    string  // GROUP BY and ORDER BY
}

func (p *plan) aggregation(q AggregateQuery) (aggregation, error) {
	var a aggregation
	if n := len(q.Aggregates); n == 0 || n+len(q.GroupBy) > maxAggregates {
		return a, fmt.Errorf("%w: %d aggregates and %d fields to group by; use 1 to %d", content.ErrInvalid, n, len(q.GroupBy), maxAggregates)
	}
	if q.OrderBy < 0 || q.OrderBy > len(q.Aggregates) {
		return a, fmt.Errorf("%w order: there is no aggregate %d", content.ErrInvalid, q.OrderBy)
	}
	var by, order []string
	for i, name := range q.GroupBy {
		f, err := p.typ.Column(name)
		if err != nil {
			return a, err
		}
		if !f.Filterable() || f.Kind == content.JSON || slices.Contains(q.GroupBy[:i], name) {
			return a, fmt.Errorf("%w group: %s cannot be grouped by %s; it is declared without facet or filter, or named twice", content.ErrInvalid, p.typ.Name(), name)
		}
		t := term{column: quote(f.Name), kind: f.Kind, nullable: f.Nullable}
		a.terms, a.kinds = append(a.terms, t), append(a.kinds, f.Kind)
		a.columns, by = append(a.columns, t.column), append(by, t.column)
		a.orders = append(a.orders, Order{Field: "group:" + name})
	}
	for _, g := range q.Aggregates {
		expression, kind, err := p.aggregate(g)
		if err != nil {
			return a, err
		}
		a.columns, a.kinds = append(a.columns, expression), append(a.kinds, kind)
		a.orders = append(a.orders, Order{Field: g.Op + ":" + g.Field})
	}
	if len(by) == 0 {
		return a, nil
	}
	if q.OrderBy > 0 {
		chosen := a.columns[len(by)+q.OrderBy-1]
		order = append(order, "("+chosen+" IS NULL)", chosen+" DESC")
	}
	a.tail = " GROUP BY " + strings.Join(by, ", ") + " ORDER BY " + strings.Join(append(order, orderOf(a.terms)), ", ")
	return a, nil
}

// aggregate writes one aggregate. Sums are of doubles on both databases, and an
// average is one divided: the avg of Postgres adds up squares, too, which are beyond
// a double long before the sum is.
func (p *plan) aggregate(g Aggregate) (expression string, kind content.Kind, err error) {
	if g.Op == AggregateCount && g.Field == "" {
		return "count(*)", content.Int, nil
	}
	f, err := p.typ.Column(g.Field)
	if err != nil {
		return "", 0, err
	}
	column := quote(f.Name)
	switch g.Op {
	case AggregateCount:
		return "count(" + column + ")", content.Int, nil
	case AggregateSum, AggregateAvg:
		if !f.Aggregatable() {
			return "", 0, fmt.Errorf("%w %s: %s.%s is no number", content.ErrInvalid, g.Op, p.typ.Name(), g.Field)
		}
		sum := "sum(CAST(" + column + " AS DOUBLE PRECISION))"
		if g.Op == AggregateAvg {
			return sum + " / count(" + column + ")", content.Float, nil
		}
		return sum, content.Float, nil
	case AggregateMin, AggregateMax:
		if f.Kind == content.JSON || f.Kind == content.Bool || !f.Sortable() && !f.Aggregatable() && !f.Filterable() {
			return "", 0, fmt.Errorf("%w %s: %s.%s has no order", content.ErrInvalid, g.Op, p.typ.Name(), g.Field)
		}
		return g.Op + "(" + column + ")", f.Kind, nil
	}
	return "", 0, fmt.Errorf("%w: unknown aggregate %q; use count, sum, avg, min or max", content.ErrInvalid, g.Op)
}
