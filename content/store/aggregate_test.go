package store_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
)

// Aggregates are equal on both databases, and of one organization alone.
func TestAggregate(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		registry, err := content.NewRegistry(content.DefineDynamic(content.Spec[content.Dynamic]{Name: "deal", Label: "Deal", Group: "g"},
			content.FieldSpec{Name: "key", Kind: content.String, Roles: content.Key | content.Title, Required: true},
			content.FieldSpec{Name: "stage", Kind: content.String, Roles: content.Facet},
			content.FieldSpec{Name: "won", Kind: content.Bool, Roles: content.Facet},
			content.FieldSpec{Name: "amount", Kind: content.Float, Roles: content.Sortable},
			content.FieldSpec{Name: "number", Kind: content.Int, Roles: content.Filterable},
			content.FieldSpec{Name: "closed", Kind: content.Date, Roles: content.Filterable}))
		if err != nil {
			t.Fatal(err)
		}
		typ := registry.Types()[0]
		if err := store.Ensure(t.Context(), db, typ); err != nil {
			t.Fatal(err)
		}
		authority := content.NewAuthority()
		s := store.New(db, registry, authority)
		mine, theirs := authority.Mint("one", "p"), authority.Mint("two", "p")
		stages := []any{"b", "a", nil, "c"}
		err = db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			for n, scope := range []content.Scope{mine, theirs} {
				org, err := authority.Organization(scope)
				if err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", org, org, tx.Dialect().Time(time.Now())); err != nil {
					return err
				}
				var rows []content.Row
				for i := range 20 + 5*n {
					row := typ.New().(*content.Dynamic)
					row.Values = []any{fmt.Sprintf("k%02d", i), stages[i%4], i%3 == 0, float64(i) + 0.5, int64(i), time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC)}
					if i%5 == 0 {
						row.Values[3], row.Values[4] = nil, nil
					}
					rows = append(rows, row)
				}
				if _, err := s.Upsert(ctx, tx, scope, typ, store.Batch{Rows: rows}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		ask := func(q store.AggregateQuery) []store.Group {
			t.Helper()
			page, _, err := s.Aggregate(t.Context(), mine, typ, q)
			if err != nil {
				t.Fatal(err)
			}
			return page.Items
		}
		all := []store.Aggregate{{Op: store.AggregateCount}, {Op: store.AggregateCount, Field: "amount"}, {Op: store.AggregateSum, Field: "number"}, {Op: store.AggregateAvg, Field: "amount"},
			{Op: store.AggregateMin, Field: "closed"}, {Op: store.AggregateMax, Field: "stage"}}
		want := []store.Group{{int64(20), int64(16), 160.0, 10.5, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), "c"}}
		if diff := gocmp.Diff(want, ask(store.AggregateQuery{Aggregates: all})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		by := store.AggregateQuery{Aggregates: all[:1], GroupBy: []string{"stage", "won"}, Filters: []content.Filter{{Field: "number", Op: content.Less, Values: []string{"12"}}}}
		whole := ask(by)
		var paged []store.Group
		by.Limit = 2
		for {
			page, _, err := s.Aggregate(t.Context(), mine, typ, by)
			if err != nil {
				t.Fatal(err)
			}
			paged = append(paged, page.Items...)
			if by.Cursor = page.NextCursor; by.Cursor == "" {
				break
			}
		}
		if diff := gocmp.Diff(whole, paged); diff != "" || len(whole) < 5 || whole[0][0] != "a" || whole[len(whole)-1][0] != nil {
			t.Errorf("pages (-whole +paged):\n%s", diff)
		}
		top := ask(store.AggregateQuery{Aggregates: all[2:3], GroupBy: []string{"stage"}, OrderBy: 1})
		if !slices.IsSortedFunc(top, func(a, b store.Group) int { return int(math.Copysign(1, b[1].(float64)-a[1].(float64))) }) || len(top) != 4 {
			t.Errorf("not sorted: %v", top)
		}
		first, _, err := s.Aggregate(t.Context(), mine, typ, store.AggregateQuery{Aggregates: all[:1], GroupBy: []string{"stage"}, Limit: 1})
		if err != nil || first.NextCursor == "" {
			t.Fatal(first, err)
		}
		for name, q := range map[string]store.AggregateQuery{
			"a cursor of another query": {Aggregates: all[:2], GroupBy: []string{"stage"}, Cursor: first.NextCursor},
			"a cursor of another group": {Aggregates: all[:1], GroupBy: []string{"won"}, Cursor: first.NextCursor},
			"nothing to compute":        {},
			"an unknown operation":      {Aggregates: []store.Aggregate{{Op: "median", Field: "amount"}}},
			"an unknown field":          {Aggregates: []store.Aggregate{{Op: store.AggregateSum, Field: "ghost"}}},
			"SQL as a field":            {Aggregates: []store.Aggregate{{Op: store.AggregateSum, Field: `amount") FROM x --`}}},
			"a sum of text":             {Aggregates: []store.Aggregate{{Op: store.AggregateSum, Field: "stage"}}},
			"a maximum of booleans":     {Aggregates: []store.Aggregate{{Op: store.AggregateMax, Field: "won"}}},
			"the same group twice":      {Aggregates: all[:1], GroupBy: []string{"won", "won"}},
			"an order by nothing":       {Aggregates: all[:1], GroupBy: []string{"won"}, OrderBy: 2},
		} {
			if _, _, err := s.Aggregate(t.Context(), mine, typ, q); !errors.Is(err, content.ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, _, err := s.Aggregate(t.Context(), content.Scope{}, typ, store.AggregateQuery{Aggregates: all}); !errors.Is(err, content.ErrScope) {
			t.Errorf("the zero Scope: %v", err)
		}
	})
}
