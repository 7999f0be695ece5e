package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// Count returns the number of records that pass all of the filters.
func (s *Store) Count(ctx context.Context, scope content.Scope, typ *content.Type, filters ...content.Filter) (int64, error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return 0, err
	}
	var n int64
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		w := live(tx.Dialect(), org)
		if err := w.filters(p.typ, filters, nil); err != nil {
			return err
		}
		return tx.QueryRow(ctx, "SELECT count(*) FROM "+p.table+" WHERE "+w.String(), w.args...).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", p.typ.Name(), err)
	}
	return n, nil
}

// A GroupCount is one value of a field, how many records have it, and the sum
// asked for. A nil Value stands for the records without one.
type GroupCount struct {
	Value any
	Count int64
	Sum   float64
}

// Groups counts records by the values of a field, most frequent first, and adds
// up a number field when sum is not "".
func (s *Store) Groups(ctx context.Context, scope content.Scope, typ *content.Type, by, sum string, filters ...content.Filter) ([]GroupCount, error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return nil, err
	}
	field, err := p.typ.Column(by)
	if err != nil {
		return nil, err
	}
	if !field.Filterable() {
		return nil, fmt.Errorf("%w group: %s.%s is declared without facet or filter", content.ErrInvalid, p.typ.Name(), by)
	}
	total, err := p.sum(sum)
	if err != nil {
		return nil, err
	}
	var groups []GroupCount
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		w := live(tx.Dialect(), org)
		if err := w.filters(p.typ, filters, nil); err != nil {
			return err
		}
		column := quote(field.Name)
		rows, err := tx.Query(ctx, "SELECT "+column+", count(*), "+total+" FROM "+p.table+" WHERE "+w.String()+
			" GROUP BY "+column+" ORDER BY 2 DESC, ("+column+" IS NULL), "+column, w.args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var g GroupCount
			var raw any
			if err := rows.Scan(&raw, &g.Count, &g.Sum); err != nil {
				return err
			}
			if g.Value, err = tx.Dialect().Value(field.Kind, raw); err != nil {
				return err
			}
			groups = append(groups, g)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("count %s by %s: %w", p.typ.Name(), by, err)
	}
	return groups, nil
}

// sum returns the expression that adds up a number field; "" gives zero.
func (p *plan) sum(name string) (string, error) {
	if name == "" {
		return "0.0", nil
	}
	f, err := p.typ.Column(name)
	if err != nil {
		return "", err
	}
	if !f.Aggregatable() {
		return "", fmt.Errorf("%w sum: %s.%s is no number", content.ErrInvalid, p.typ.Name(), name)
	}
	return "coalesce(sum(CAST(" + quote(name) + " AS DOUBLE PRECISION)), 0.0)", nil
}

// totals computes statistics that are single numbers, all in one statement.
func (s *Store) totals(ctx context.Context, scope content.Scope, typ *content.Type, stats []content.Statistic) (map[string]any, error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return nil, err
	}
	result := map[string]any{}
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		var columns []string
		var args []any
		for _, st := range stats {
			w := &where{dialect: tx.Dialect()}
			w.add("TRUE")
			if err := w.filters(p.typ, st.Filters, nil); err != nil {
				return err
			}
			expression := "count(*) FILTER (WHERE " + w.String() + ")"
			if st.Sum != "" {
				if _, err := p.sum(st.Sum); err != nil {
					return err
				}
				expression = "coalesce(sum(CAST(" + quote(st.Sum) + " AS DOUBLE PRECISION)) FILTER (WHERE " + w.String() + "), 0.0)"
			}
			columns, args = append(columns, expression), append(args, w.args...)
		}
		counts, sums := make([]int64, len(stats)), make([]float64, len(stats))
		dest := make([]any, len(stats))
		for i, st := range stats {
			dest[i] = &counts[i]
			if st.Sum != "" {
				dest[i] = &sums[i]
			}
		}
		w := live(tx.Dialect(), org)
		if err := tx.QueryRow(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+p.table+" WHERE "+w.String(), append(args, w.args...)...).Scan(dest...); err != nil {
			return err
		}
		for i, st := range stats {
			result[st.Name] = counts[i]
			if st.Sum != "" {
				result[st.Name] = sums[i]
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("statistics of %s: %w", typ.Name(), err)
	}
	return result, nil
}

// Stats returns the declared statistics of a Type by name: an int64 for a count,
// a float64 for a sum, and a list of maps for a statistic by groups.
func (s *Store) Stats(ctx context.Context, scope content.Scope, typ *content.Type) (map[string]any, error) {
	var single, grouped []content.Statistic
	for _, st := range typ.Statistics() {
		st.Filters = append(slices.Clone(st.Filters), s.due(typ, st)...)
		if st.GroupBy == "" {
			single = append(single, st)
		} else {
			grouped = append(grouped, st)
		}
	}
	result := map[string]any{}
	if len(single) > 0 {
		var err error
		if result, err = s.totals(ctx, scope, typ, single); err != nil {
			return nil, err
		}
	}
	for _, st := range grouped {
		groups, err := s.Groups(ctx, scope, typ, st.GroupBy, st.Value, st.Filters...)
		if err != nil {
			return nil, err
		}
		list := make([]map[string]any, 0, len(groups))
		for _, g := range groups {
			entry := map[string]any{cmp.Or(st.Key, st.GroupBy): g.Value, "count": g.Count}
			if st.Value != "" {
				entry["value"] = g.Sum
			}
			list = append(list, entry)
		}
		result[st.Name] = list
	}
	return result, nil
}

// due is the filter of a statistic about what lies ahead.
func (s *Store) due(typ *content.Type, st content.Statistic) []content.Filter {
	f, ok := typ.Field(st.Due)
	if !ok {
		return nil
	}
	now, layout := s.Now().UTC(), time.RFC3339
	if f.Kind == content.Date {
		layout = time.DateOnly
	}
	return []content.Filter{{Field: f.Name, Op: content.GreaterOrEqual, Values: []string{now.Format(layout)}},
		{Field: f.Name, Op: content.LessOrEqual, Values: []string{now.AddDate(0, 0, st.Days).Format(layout)}}}
}

// IDs returns the ids of the records that pass all of the filters, by id.
func (s *Store) IDs(ctx context.Context, scope content.Scope, typ *content.Type, filters ...content.Filter) ([]string, error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return nil, err
	}
	var ids []string
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		w := live(tx.Dialect(), org)
		if err := w.filters(p.typ, filters, nil); err != nil {
			return err
		}
		return tx.Select(ctx, &ids, "SELECT id FROM "+p.table+" WHERE "+w.String()+" ORDER BY id", w.args...)
	})
	return ids, err
}

// Children returns the records of a relation below a record, by title.
func (s *Store) Children(ctx context.Context, scope content.Scope, child content.Child, parentID string, q Query) (Page[content.Row], error) {
	typ, err := s.registry.Lookup(child.Type)
	if err != nil {
		return Page[content.Row]{}, err
	}
	q.Filters = append([]content.Filter{{Field: child.Field, Op: content.Equal, Values: []string{parentID}}}, q.Filters...)
	return s.List(ctx, scope, typ, q)
}
