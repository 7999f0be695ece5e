package storetest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

func selectColumns(t *testing.T, w *World) {
	w.Put(t, w.Company, full(), &Company{Key: "none", Name: "none"})
	columns := []string{"staff", "order", "type", "revenue", "active", "public", "founded", "seen_at", "tags", "staff", "id"}
	fields, page, err := w.Store.Select(context.Background(), w.Scope, w.Company, columns, store.Query{Order: by("company_id"), Total: true})
	if err != nil || page.Total != 2 || len(page.Items) != 2 {
		t.Fatalf("%+v %v", page, err)
	}
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	same(t, "columns", columns, names)
	f, ids := full(), w.IDs(t, w.Company, "full", "none")
	got := page.Items[0]
	var tags map[string]any
	if err := json.Unmarshal(got[8].(json.RawMessage), &tags); err != nil {
		t.Error(err)
	}
	same(t, "tags", f.Tags, tags)
	got[8] = nil
	same(t, "values", []any{int64(f.Staff), *f.Rank, *f.Kind, *f.Revenue, false, true, *f.Founded, *f.Seen, nil, int64(f.Staff), ids[0]}, got)
	same(t, "no values", []any{int64(0), nil, nil, nil, nil, false, nil, nil, nil, int64(0), ids[1]}, page.Items[1])
	for _, bad := range []string{"ghost", "secret", "organization_id", "raw", "title_key", "row_hash", "*", `id" --`} {
		if _, _, err := w.Store.Select(context.Background(), w.Scope, w.Company, []string{bad}, store.Query{}); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("column %q: %v", bad, err)
		}
	}
}

func selectAll(t *testing.T, w *World) {
	w.Put(t, w.Company, full())
	fields, page, err := w.Store.Select(context.Background(), w.Scope, w.Company, nil, store.Query{})
	if err != nil || len(fields) != len(w.Company.Columns()) || len(page.Items[0]) != len(fields) {
		t.Fatalf("%d columns, %+v, %v", len(fields), page, err)
	}
	if slices.ContainsFunc(fields, func(f *content.Field) bool { return f.Name == "secret" }) || slices.Contains(page.Items[0], any("s3cret")) {
		t.Error("a hidden column is selected")
	}
	rows := companies(30)
	w.Put(t, w.Company, rows...)
	_, first, err := w.Store.Select(context.Background(), w.Scope, w.Company, []string{"company_id"}, store.Query{Limit: 20})
	if err != nil {
		t.Fatal(err)
	}
	_, second, err := w.Store.Select(context.Background(), w.Scope, w.Company, []string{"company_id"}, store.Query{Limit: 20, Cursor: first.NextCursor})
	if err != nil || len(first.Items)+len(second.Items) != 31 || second.Items[0][0] != "c00020" {
		t.Errorf("%d and %d, %v", len(first.Items), len(second.Items), err)
	}
}

// counted is what the tests of counting count.
func counted(t *testing.T, w *World) {
	w.Put(t, w.Company,
		&Company{Key: "1", Name: "x", Kind: new("a"), Revenue: new(1.5), Staff: 1, Active: new(true), User: "u"},
		&Company{Key: "2", Name: "x", Kind: new("a"), Revenue: new(2.0), Staff: 2, Active: new(true), User: "v"},
		&Company{Key: "3", Name: "y", Kind: new("b"), Staff: 4, Active: new(false), User: "v"},
		&Company{Key: "4", Name: "y", Revenue: new(4.0), Staff: 8},
		&Company{Key: "5", Name: "y", Kind: new(""), Staff: 16, User: "v"},
		&Company{Key: "gone", Name: "z", Kind: new("a"), Revenue: new(1000.0), Staff: 1000, Active: new(true), User: "v"})
	w.Delete(t, w.Company, "gone")
	other := w.Fresh(t)
	other.Put(t, w.Company, &Company{Key: "1", Name: "x", Kind: new("a"), Revenue: new(1e6), Staff: 1e6, Active: new(true), User: "v"})
}

func countFilters(t *testing.T, w *World) {
	counted(t, w)
	for want, filters := range map[int64][]content.Filter{
		5: nil, 2: {filter("type", content.Equal, "a")}, 1: {filter("type", content.Equal, "a"), filter("staff", content.Greater, "1")}, 0: {filter("type", content.Equal, "c")},
		3: {filter("type", content.NotEqual, "a")},
	} {
		if n, err := w.Store.Count(context.Background(), w.Scope, w.Company, filters...); err != nil || n != want {
			t.Errorf("%v: %d, want %d, %v", filters, n, want, err)
		}
	}
	if _, err := w.Store.Count(context.Background(), w.Scope, w.Company, filter("ghost", content.IsNull)); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

func countGroups(t *testing.T, w *World) {
	counted(t, w)
	ctx := context.Background()
	groups := func(by, sum string, filters ...content.Filter) []store.GroupCount {
		t.Helper()
		g, err := w.Store.Groups(ctx, w.Scope, w.Company, by, sum, filters...)
		if err != nil {
			t.Error(err)
		}
		return g
	}
	group := func(v any, n int64, sum float64) store.GroupCount {
		return store.GroupCount{Value: v, Count: n, Sum: sum}
	}
	same(t, "with a sum", []store.GroupCount{group("a", 2, 3.5), group("", 1, 0), group("b", 1, 0), group(nil, 1, 4)}, groups("type", "revenue"))
	same(t, "without", []store.GroupCount{group(true, 2, 0), group(nil, 2, 0), group(false, 1, 0)}, groups("active", ""))
	same(t, "filtered", []store.GroupCount{group("v", 2, 20)}, groups("user", "staff", filter("staff", content.GreaterOrEqual, "4"), filter("user", content.NotEqual, "")))
	same(t, "nothing", []store.GroupCount(nil), groups("user", "staff", filter("staff", content.Less, "0")))
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	w.Put(t, w.Company, &Company{Key: "dated", Founded: &day})
	same(t, "dates", []store.GroupCount{group(day, 1, 0)}, groups("founded", "", filter("founded", content.NotNull)))
	for _, bad := range [][2]string{{"ghost", ""}, {"note", ""}, {"secret", ""}, {"type", "ghost"}, {"type", "name"}, {"type", "seen_at"}} {
		if _, err := w.Store.Groups(ctx, w.Scope, w.Company, bad[0], bad[1]); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func countStatistics(t *testing.T, w *World) {
	counted(t, w)
	got, err := w.Store.Stats(context.Background(), w.Scope, w.Company)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "statistics", map[string]any{
		"total": int64(5), "active": int64(2), "revenue": 7.5, "active_staff": 3.0,
		"by_type": []map[string]any{{"kind": "a", "count": int64(2), "value": 3.5}, {"kind": "", "count": int64(1), "value": 0.0}, {"kind": "b", "count": int64(1), "value": 0.0}, {"kind": nil, "count": int64(1), "value": 4.0}},
		"by_user": []map[string]any{{"user": "v", "count": int64(3)}, {"user": "u", "count": int64(1)}},
	}, got)
	empty, err := w.Store.Stats(context.Background(), w.Fresh(t).Scope, w.Company)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "of nothing", map[string]any{"total": int64(0), "active": int64(0), "revenue": 0.0, "active_staff": 0.0, "by_type": []map[string]any{}, "by_user": []map[string]any{}}, empty)
	none, err := w.Store.Stats(context.Background(), w.Scope, w.Person)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "of a type without", map[string]any{}, none)
}

func countIDs(t *testing.T, w *World) {
	ctx := context.Background()
	counted(t, w)
	ids, err := w.Store.IDs(ctx, w.Scope, w.Company, filter("type", content.Equal, "a"))
	want := w.IDs(t, w.Company, "1", "2")
	slices.Sort(want)
	same(t, "ids", want, ids)
	if err != nil {
		t.Error(err)
	}
	w.below(t, w.Person, [2]string{"p2", "1"}, [2]string{"p1", "1"}, [2]string{"p3", "2"}, [2]string{"gone", "1"})
	w.Delete(t, w.Person, "gone")
	children := func(parent string, q store.Query) (keys []string) {
		t.Helper()
		page, err := w.Store.Children(ctx, w.Scope, w.Company.Children()[0], parent, q)
		if err != nil {
			t.Error(err)
		}
		for _, row := range page.Items {
			keys = append(keys, w.Person.KeyOf(row))
		}
		return keys
	}
	same(t, "children", []string{"p1", "p2"}, children(want[0], store.Query{}))
	q := store.Query{Filters: []content.Filter{filter("key", content.Equal, "p2")}}
	same(t, "filtered", []string{"p2"}, children(w.IDs(t, w.Company, "1")[0], q))
	same(t, "the caller's filters", 1, len(q.Filters))
	same(t, "of nobody", []string(nil), children("nobody", store.Query{}))
	if _, err := w.Store.Children(ctx, w.Scope, content.Child{Type: "ghost", Field: "up"}, want[0], store.Query{}); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("%v", err)
	}
}
