package storetest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

func by(fields ...string) (order []store.Order) {
	for _, f := range fields {
		order = append(order, store.Order{Field: strings.TrimPrefix(f, "-"), Desc: strings.HasPrefix(f, "-")})
	}
	return order
}

func listOrders(t *testing.T, w *World) {
	w.Put(t, w.Company,
		&Company{Key: "1", Name: "b", Revenue: new(2.0), Kind: new("x"), Active: new(true)},
		&Company{Key: "2", Name: "B", Revenue: new(-1.0), Kind: new("Y")},
		&Company{Key: "3", Name: "a", Kind: new("x"), Active: new(false)},
		&Company{Key: "4", Name: "c", Revenue: new(10.0)})
	for order, want := range map[string]string{
		"company_id": "1 2 3 4", "-company_id": "4 3 2 1", "revenue": "2 1 4 3", "-revenue": "4 1 2 3", "type company_id": "2 1 3 4", "-type company_id": "1 3 2 4",
		"type -revenue": "2 1 3 4", "-type revenue company_id": "1 3 2 4", "active -company_id": "3 1 4 2", "-active company_id": "1 3 2 4",
		"title company_id": "3 1 2 4", "-title -company_id": "4 2 1 3", "name": "2 3 1 4", "company_id company_id": "1 2 3 4",
		"created_at company_id": "1 2 3 4", "updated_at -company_id": "4 3 2 1",
	} {
		same(t, order, strings.Fields(want), w.Keys(t, w.Company, store.Query{Order: by(strings.Fields(order)...)}))
	}
}

// pages walks a query by its cursors and returns the keys of each page.
func (w *World) pages(t testing.TB, typ *content.Type, q store.Query) (pages [][]string) {
	t.Helper()
	for {
		page, err := w.Store.List(context.Background(), w.Scope, typ, q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		var keys []string
		for _, row := range page.Items {
			keys = append(keys, typ.KeyOf(row))
		}
		pages = append(pages, keys)
		if q.Cursor = page.NextCursor; q.Cursor == "" {
			return pages
		}
		if len(pages) > 1000 {
			t.Fatal("the cursors have no end")
		}
	}
}

func listCursors(t *testing.T, w *World) {
	for i := range 23 {
		c := &Company{Key: fmt.Sprintf("%02d", i), Name: strings.Repeat("same ", i%2), Staff: i % 4}
		if i%3 > 0 {
			c.Revenue, c.Kind = new(float64(i%5)/3), new(string(rune('a'+i%2)))
		}
		if i%4 > 0 {
			c.Active, c.Seen, c.Founded = new(i%2 == 0), full().Seen, full().Founded
		}
		w.Put(t, w.Company, c)
	}
	for _, order := range []string{"", "title", "-title", "revenue", "-revenue", "-staff revenue", "type -revenue staff", "-active -type", "seen_at", "-founded active", "-created_at", "id", "-id"} {
		q := store.Query{Order: by(strings.Fields(order)...), Limit: 1000}
		all := w.Keys(t, w.Company, q)
		for _, limit := range []int{1, 4, 22, 23, 24} {
			q.Limit = limit
			pages := w.pages(t, w.Company, q)
			if len(pages) != (22+limit)/limit {
				t.Errorf("order %q: %d pages of %d", order, len(pages), limit)
			}
			same(t, fmt.Sprintf("order %q by %d", order, limit), all, slices.Concat(pages...))
		}
	}
	// What is added or deleted between pages does not move the others.
	q := store.Query{Limit: 5, Order: by("company_id")}
	page, err := w.Store.List(context.Background(), w.Scope, w.Company, q)
	if err != nil {
		t.Fatal(err)
	}
	w.Put(t, w.Company, &Company{Key: "00 new", Name: "x"})
	w.Delete(t, w.Company, "01", "04")
	q.Cursor = page.NextCursor
	same(t, "the next page", []string{"05", "06", "07", "08", "09"}, w.Keys(t, w.Company, q))
}

// A title may be as long as any text, also where records are sorted by it: its
// beginning decides, then the id, and a cursor stays short.
func listLongTitles(t *testing.T, w *World) {
	begin, rest := strings.Repeat("é", 255), strings.Repeat("<", 1<<20)
	for i, name := range []string{begin + "b" + rest, begin + "a2" + rest, begin, begin + "b", begin + "a1", "z"} {
		w.Put(t, w.Company, &Company{Key: fmt.Sprint(i), Name: name})
	}
	for order, want := range map[string]string{"name": "5 2 1 4 0 3", "-name": "0 3 1 4 2 5", "-name -id": "3 0 4 1 2 5", "-name -company_id": "3 0 4 1 2 5"} {
		q := store.Query{Order: by(strings.Fields(order)...), Limit: 2}
		same(t, order, strings.Fields(want), slices.Concat(w.pages(t, w.Company, q)...))
		page, err := w.Store.List(context.Background(), w.Scope, w.Company, q)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(page.NextCursor); n > 5000 {
			t.Errorf("%s: a cursor of %d bytes", order, n)
		}
	}
	// All of it is kept, and can be filtered by.
	page, err := w.Store.List(context.Background(), w.Scope, w.Company, store.Query{Filters: []content.Filter{filter("name", content.Equal, begin+"b"+rest)}})
	if err != nil || len(page.Items) != 1 || page.Items[0].(*Company).Key != "0" {
		t.Errorf("%d records, %v", len(page.Items), err)
	}
}

func listForeignCursors(t *testing.T, w *World) {
	ctx := context.Background()
	w.Put(t, w.Company, companies(5)...)
	w.below(t, w.Folder, [2]string{"a", ""}, [2]string{"b", ""}, [2]string{"c", ""})
	q := store.Query{Limit: 2, Filters: []content.Filter{filter("staff", content.Less, "100")}}
	page, err := w.Store.List(ctx, w.Scope, w.Company, q)
	if err != nil {
		t.Fatal(err)
	}
	cursor := page.NextCursor
	for what, other := range map[string]store.Query{
		"another filter":      {Filters: []content.Filter{filter("staff", content.Less, "99")}},
		"no filter":           {},
		"another order":       {Filters: q.Filters, Order: by("-title")},
		"a spelled-out order": {Filters: q.Filters, Order: by("title")},
		"another keyword":     {Filters: q.Filters, Keyword: "c"},
		"filters as any":      {Any: q.Filters},
	} {
		other.Cursor = cursor
		if _, err := w.Store.List(ctx, w.Scope, w.Company, other); !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), "another query") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := w.Store.List(ctx, w.Scope, w.Folder, store.Query{Cursor: cursor, Filters: q.Filters}); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("another type: %v", err)
	}
	// What does not change which records these are may change.
	for what, same := range map[string]store.Query{
		"another limit": {Filters: q.Filters, Limit: 1}, "a total": {Filters: q.Filters, Total: true}, "empty lists": {Filters: q.Filters, Any: []content.Filter{}, Order: []store.Order{}},
	} {
		same.Cursor = cursor
		if page, err := w.Store.List(ctx, w.Scope, w.Company, same); err != nil || w.Company.KeyOf(page.Items[0]) != "c00002" {
			t.Errorf("%s: %v", what, err)
		}
	}
	// In another organization it is a place in the order, and shows nothing.
	other := w.Fresh(t)
	other.Put(t, w.Company, companies(1)...)
	if page, err := other.Store.List(ctx, other.Scope, w.Company, store.Query{Filters: q.Filters, Cursor: cursor}); err != nil || len(page.Items) != 0 {
		t.Errorf("%v %v", page, err)
	}
}

func listBadCursors(t *testing.T, w *World) {
	ctx := context.Background()
	w.Put(t, w.Company, companies(9)...)
	q := store.Query{Limit: 2, Order: by("-revenue", "staff", "active", "seen_at", "type")}
	page, err := w.Store.List(ctx, w.Scope, w.Company, q)
	if err != nil {
		t.Fatal(err)
	}
	b, err := base64.RawURLEncoding.DecodeString(page.NextCursor)
	if err != nil {
		t.Fatal(err)
	}
	digest := string(b[:strings.Index(string(b), `"v"`)])
	for _, values := range []string{
		"", "null", "[]", "{}", "[1]", "[null,null,null,null,null,null]", "[null,1,null,null,null,null]", `[null,1,null,null,null,"\u0000"]`, `["x",1,null,null,null,"x"]`,
		`[1e999,1,null,null,null,"x"]`, `[null,1.5,null,null,null,"x"]`, `[null,99999999999999999999,null,null,null,"x"]`, `[null,1,"perhaps",null,null,"x"]`, `[null,1,null,"soon",null,"x"]`,
		`[null,1,null,null,"a\u0000","x"]`, `[[],1,null,null,null,"x"]`, `[null,{"a":1},null,null,null,"x"]`, `[null,1,null,null,null,"x","y"]`, "[", `"`,
	} {
		q.Cursor = base64.RawURLEncoding.EncodeToString([]byte(digest + `"v":` + values + "}"))
		if _, err := w.Store.List(ctx, w.Scope, w.Company, q); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%s: %v", values, err)
		}
	}
	for _, text := range []string{"x", "====", page.NextCursor + "=", page.NextCursor[1:], page.NextCursor[:10], strings.Repeat("A", 100_000), "\x00", "e30"} {
		q.Cursor = text
		if _, err := w.Store.List(ctx, w.Scope, w.Company, q); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}
