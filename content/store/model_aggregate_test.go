//go:build !race

package store_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/content/store/storetest"
)

// aggregated is what a query computes, in plain Go over rows in memory.
func aggregated(typ *content.Type, rows []content.Row, q store.AggregateQuery) []store.Group {
	column := func(name string) *content.Field {
		f, err := typ.Column(name)
		if err != nil {
			panic(err)
		}
		return f
	}
	type members struct {
		values store.Group
		rows   []content.Row
	}
	var groups []*members
	if len(q.GroupBy) == 0 {
		groups = []*members{{}}
	}
	for _, row := range selected(typ, rows, store.Query{Filters: q.Filters, Any: q.Any}) {
		var values store.Group
		for _, name := range q.GroupBy {
			values = append(values, column(name).Value(row))
		}
		at := slices.IndexFunc(groups, func(g *members) bool { return gocmp.Equal(g.values, values) })
		if at < 0 {
			at, groups = len(groups), append(groups, &members{values: values})
		}
		groups[at].rows = append(groups[at].rows, row)
	}
	slices.SortFunc(groups, func(a, b *members) int {
		for i := range a.values {
			if c := compareNullsLast(a.values[i], b.values[i]); c != 0 {
				return c
			}
		}
		return 0
	})
	var all []store.Group
	for _, g := range groups {
		for _, aggregate := range q.Aggregates {
			g.values = append(g.values, computed(aggregate, column, g.rows))
		}
		all = append(all, g.values)
	}
	return all
}

func compareNullsLast(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return compareValues(a, b)
}

// computed is one aggregate over the rows of a group.
func computed(a store.Aggregate, column func(string) *content.Field, rows []content.Row) any {
	if a.Field == "" {
		return int64(len(rows))
	}
	var values []any
	for _, row := range rows {
		if v := column(a.Field).Value(row); v != nil {
			values = append(values, v)
		}
	}
	sum := 0.0
	for _, v := range values {
		switch v := v.(type) {
		case int64:
			sum += float64(v)
		case float64:
			sum += v
		}
	}
	switch {
	case a.Op == store.AggregateCount:
		return int64(len(values))
	case len(values) == 0:
		return nil
	case a.Op == store.AggregateSum:
		return sum
	case a.Op == store.AggregateAvg:
		return sum / float64(len(values))
	case a.Op == store.AggregateMin:
		return slices.MinFunc(values, compareValues)
	}
	return slices.MaxFunc(values, compareValues)
}

// aggregate makes a query with aggregates.
func (g generator) aggregate(fields []*content.Field) (q store.AggregateQuery) {
	filters := g.query()
	q.Filters, q.Any = filters.Filters, filters.Any
	for range g.IntN(3) {
		f := fields[g.IntN(len(fields))]
		if f.Filterable() && f.Kind != content.JSON && !slices.Contains(q.GroupBy, f.Name) {
			q.GroupBy = append(q.GroupBy, f.Name)
		}
	}
	q.Aggregates = []store.Aggregate{{Op: store.AggregateCount}}
	for range g.IntN(5) {
		op := g.of(store.AggregateCount, store.AggregateSum, store.AggregateAvg, store.AggregateMin, store.AggregateMax)
		f := fields[g.IntN(len(fields))]
		for op != store.AggregateCount && (f.Kind == content.JSON || f.Kind == content.Bool) || (op == store.AggregateSum || op == store.AggregateAvg) && !f.Aggregatable() {
			f = fields[g.IntN(len(fields))]
		}
		q.Aggregates = append(q.Aggregates, store.Aggregate{Op: op, Field: f.Name})
	}
	return q
}

// Random aggregates over random records give what the model gives: whole, by cursor,
// and sorted by a value.
func TestAggregatesAgainstAModel(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		w := storetest.Open(t, db)
		fieldsToQuery = slices.DeleteFunc(w.Company.Columns(), func(f *content.Field) bool { return !f.Filterable() && !f.Sortable() })
		g := generator{rand.New(rand.NewPCG(7, 1))}
		other := w.Fresh(t)
		for i := range 80 {
			c := g.company(i)
			c.Staff %= 1000 // beyond 2^53 the order in which they are added up shows
			if c.Rank != nil {
				*c.Rank %= 1000
			}
			w.Put(t, w.Company, c)
			other.Put(t, w.Company, g.company(i))
		}
		w.Delete(t, w.Company, w.Keys(t, w.Company, store.Query{Limit: 8})...)
		page, err := w.Store.List(ctx, w.Scope, w.Company, store.Query{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		near := cmpopts.EquateApprox(1e-12, 0) // sums are added up in another order
		ask := func(q store.AggregateQuery) ([]store.Group, string) {
			t.Helper()
			got, _, err := w.Store.Aggregate(ctx, w.Scope, w.Company, q)
			if err != nil {
				t.Fatalf("%+v: %v", q, err)
			}
			return got.Items, got.NextCursor
		}
		grouped, computed := 0, map[string]int{}
		for i := range 250 {
			q := g.aggregate(fieldsToQuery)
			want := aggregated(w.Company, page.Items, q)
			q.Limit = 1000
			if got, _ := ask(q); !gocmp.Equal(got, want, near) {
				t.Fatalf("query %d %+v: %s", i, q, gocmp.Diff(want, got, near))
			}
			for _, a := range q.Aggregates {
				computed[a.Op]++
			}
			if len(want) < 2 {
				continue
			}
			grouped++
			byPage, paged := q, []store.Group(nil)
			for byPage.Limit = 1 + g.IntN(9); ; {
				got, next := ask(byPage)
				paged = append(paged, got...)
				if byPage.Cursor = next; next == "" {
					break
				}
			}
			if !gocmp.Equal(paged, want, near) {
				t.Fatalf("query %d %+v by pages: %s", i, byPage, gocmp.Diff(want, paged, near))
			}
			top := q
			top.OrderBy, top.Limit = 1+g.IntN(len(q.Aggregates)), 3
			at := len(q.GroupBy) + top.OrderBy - 1
			slices.SortStableFunc(want, func(a, b store.Group) int {
				if a[at] == nil || b[at] == nil {
					return compareNullsLast(a[at], b[at])
				}
				return -compareValues(a[at], b[at])
			})
			got, _ := ask(top)
			for j := range got {
				if !gocmp.Equal(got[j][at], want[j][at], near) {
					t.Fatalf("query %d %+v: %s", i, top, gocmp.Diff(want[:len(got)], got, near))
				}
			}
		}
		if grouped < 50 || len(computed) != 5 || slices.Min([]int{computed["sum"], computed["avg"], computed["min"], computed["max"]}) < 50 {
			t.Errorf("%d queries with groups, aggregates %v: the generator shows nothing", grouped, computed)
		}
	})
}

// A sum beyond what a number can hold is refused in the same words by both databases;
// an average of numbers whose squares are beyond it is none.
func TestSumsBeyondNumbers(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		w := storetest.Open(t, db)
		ask := func(op string, filters ...content.Filter) (any, error) {
			page, _, err := w.Store.Aggregate(t.Context(), w.Scope, w.Company, store.AggregateQuery{Aggregates: []store.Aggregate{{Op: op, Field: "revenue"}}, Filters: filters})
			if err != nil {
				return nil, err
			}
			return page.Items[0][0], nil
		}
		for i, revenue := range []float64{1e200, -1e200, 3, math.MaxFloat64, math.MaxFloat64} {
			w.Put(t, w.Company, &storetest.Company{Key: fmt.Sprint("k", i), Name: "n", Revenue: &revenue})
		}
		for _, op := range []string{store.AggregateSum, store.AggregateAvg} {
			if got, err := ask(op); !errors.Is(err, content.ErrInvalid) || err.Error() != "aggregate company: invalid sum: it is beyond what a number can hold; narrow the filters" {
				t.Errorf("%s: %v, %v", op, got, err)
			}
		}
		if got, err := ask(store.AggregateAvg, content.Filter{Field: "revenue", Op: content.Greater, Values: []string{"1"}}, content.Filter{Field: "revenue", Op: content.Less, Values: []string{"1e300"}}); err != nil || got != 5e199 {
			t.Errorf("a large average: %v, %v", got, err)
		}
	})
}
