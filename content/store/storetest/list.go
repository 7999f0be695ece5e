package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

// filter writes a filter in short.
func filter(field string, op content.Op, values ...string) content.Filter {
	return content.Filter{Field: field, Op: op, Values: values}
}

func listDefaults(t *testing.T, w *World) {
	w.Put(t, w.Company, &Company{Key: "3", Name: "b"}, &Company{Key: "1", Name: "Ä"}, &Company{Key: "4", Name: "B"}, &Company{Key: "2", Name: "a"}, &Company{Key: "0 has no title"})
	ids := w.IDs(t, w.Company, "3", "4")
	equal := []string{"3", "4"} // one title but for the case: by id
	if ids[1] < ids[0] {
		slices.Reverse(equal)
	}
	same(t, "by title", append(append([]string{"0 has no title", "2"}, equal...), "1"), w.Keys(t, w.Company, store.Query{}))
	page, err := w.Store.List(context.Background(), w.Scope, w.Company, store.Query{})
	if err != nil || page.Total != -1 || page.NextCursor != "" {
		t.Errorf("%+v %v", page, err)
	}
	w.Put(t, w.Company, companies(60)...)
	page, err = w.Store.List(context.Background(), w.Scope, w.Company, store.Query{Total: true})
	if err != nil || len(page.Items) != store.DefaultLimit || page.Total != 65 || page.NextCursor == "" {
		t.Errorf("%d items of %d, %v", len(page.Items), page.Total, err)
	}
	if page, err := w.Fresh(t).Store.List(context.Background(), w.Fresh(t).Scope, w.Company, store.Query{Total: true}); err != nil || len(page.Items) != 0 || page.Total != 0 {
		t.Errorf("an empty organization: %+v %v", page, err)
	}
}

func listKeyword(t *testing.T, w *World) {
	for i, title := range []string{"100% of it", "100 of it", "a_b", "axb", `a\b`, "Ünïcode", "u\u0308nit", "ΣΊΣΥΦΟΣ", "İstanbul", "straße", "it's \"it\"", "long " + strings.Repeat("x", 600) + " end"} {
		w.Put(t, w.Company, &Company{Key: fmt.Sprintf("%02d", i), Name: title})
	}
	for keyword, want := range map[string]string{
		"100%": "00", "0 OF": "01", "%": "00", "_": "02", `\`: "04", "ü": "05 06", "U\u0308N": "05 06", "ünïcode": "05", "σίσυφοσ": "07", "İST": "08", "STRASSE": "", "ß": "09",
		"IT'S \"": "10", "xxx": "11", "end": "", "nothing": "", " ": "00 01 10 11", "--": "", "' OR 1=1": "",
	} {
		q := store.Query{Keyword: keyword, Total: true, Order: []store.Order{{Field: "company_id"}}}
		same(t, "keyword "+keyword, strings.Fields(want), w.Keys(t, w.Company, q))
		if page, err := w.Store.List(context.Background(), w.Scope, w.Company, q); err != nil || page.Total != int64(len(strings.Fields(want))) {
			t.Errorf("keyword %s: total %d, %v", keyword, page.Total, err)
		}
	}
}

// operands are three values of a kind in their order, as filters write them.
var operands = map[string][3]string{
	"company_id": {"hi", "lo", "mid"}, "type": {"", "a", "b"}, "group": {"A", "a", "é"}, "order": {"-5", "0", "10"}, "revenue": {"-1.5", "0.1", "1e300"}, "staff": {"2", "10", "100"},
	"founded": {"1999-12-31", "2026-03-04", "2026-03-05"}, "seen_at": {"2026-03-04T05:06:07.000001Z", "2026-03-04T05:06:07.000002Z", "2026-03-05"},
	"created_at": {"2026-01-01", "2026-01-02", "2026-01-03"},
}

func listOperators(t *testing.T, w *World) {
	for i, key := range []string{"lo", "mid", "hi", "none"} {
		row := &Company{Key: key, Name: key}
		for name, values := range operands {
			f, declared := w.Company.Field(name)
			if !declared || name == "company_id" || i == 3 && f.Nullable {
				continue
			}
			v, err := f.Parse(values[min(i, 2)])
			if err != nil {
				t.Fatal(err)
			}
			f.Set(row, v)
		}
		w.Batch(t, w.Company, store.Batch{Rows: []content.Row{row}, Time: time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC)})
	}
	for name, v := range operands {
		none := "none"
		switch name {
		case "company_id":
			continue
		case "created_at": // of a later day
			none = ""
		case "staff": // it is as high as hi
			none = ""
		}
		for _, c := range []struct {
			filter content.Filter
			want   string
		}{
			{filter(name, content.Equal, v[1]), "mid"},
			{filter(name, content.NotEqual, v[1]), "lo hi " + none},
			{filter(name, content.Greater, v[1]), "hi"},
			{filter(name, content.GreaterOrEqual, v[1]), "mid hi"},
			{filter(name, content.Less, v[1]), "lo"},
			{filter(name, content.LessOrEqual, v[1]), "lo mid"},
			{filter(name, content.In, v[0], v[2], v[2]), "lo hi"},
			{filter(name, content.NotIn, v[0], v[2]), "mid " + none},
			{filter(name, content.NotIn, v[0], v[1], v[2]), none},
			{filter(name, content.IsNull), none},
			{filter(name, content.NotNull), "lo mid hi"},
			{filter(name, content.Exists), "lo mid hi"},
		} {
			got := w.Keys(t, w.Company, store.Query{Filters: []content.Filter{c.filter}})
			if none == "" { // leave the fourth record out
				got = slices.DeleteFunc(got, func(key string) bool { return key == "none" })
			}
			slices.Sort(got)
			want := strings.Fields(c.want)
			slices.Sort(want)
			same(t, fmt.Sprint(c.filter), want, got)
		}
	}
	listTruth(t, w)
	listText(t, w)
}

func listTruth(t *testing.T, w *World) {
	w = w.Fresh(t)
	w.Put(t, w.Company, &Company{Key: "yes", Active: new(true), Public: true}, &Company{Key: "no", Active: new(false)}, &Company{Key: "unknown"})
	for _, c := range []struct {
		filter content.Filter
		want   string
	}{
		{filter("active", content.Equal, "true"), "yes"}, {filter("active", content.Equal, "0"), "no"}, {filter("active", content.NotEqual, "true"), "no unknown"},
		{filter("active", content.Greater, "false"), "yes"}, {filter("active", content.LessOrEqual, "false"), "no"}, {filter("active", content.In, "true", "false"), "no yes"},
		{filter("active", content.IsNull), "unknown"}, {filter("public", content.Equal, "true"), "yes"}, {filter("public", content.NotEqual, "true"), "no unknown"}, {filter("public", content.IsNull), ""},
	} {
		same(t, fmt.Sprint(c.filter), strings.Fields(c.want), w.Keys(t, w.Company, store.Query{Filters: []content.Filter{c.filter}}))
	}
}

func listText(t *testing.T, w *World) {
	w = w.Fresh(t)
	for _, kind := range []string{"Red wine", "red%", "r_d", `r\d`, "INFRARED", "é", "É", "x"} {
		w.Put(t, w.Company, &Company{Key: kind, Name: kind, Kind: new(kind)})
	}
	w.Put(t, w.Company, &Company{Key: "none", Name: "none"})
	for _, c := range []struct {
		filter content.Filter
		want   []string
	}{
		{filter("type", content.Contains, "RED"), []string{"INFRARED", "Red wine", "red%"}},
		{filter("type", content.StartsWith, "red"), []string{"Red wine", "red%"}},
		{filter("type", content.StartsWith, "red%"), []string{"red%"}},
		{filter("type", content.Contains, "_"), []string{"r_d"}},
		{filter("type", content.Contains, `\`), []string{`r\d`}},
		{filter("type", content.Contains, "É"), []string{"É"}}, // letters beyond A to Z keep their case
		{filter("type", content.Contains, ""), []string{"INFRARED", "Red wine", `r\d`, "r_d", "red%", "x", "É", "é"}},
		{filter("type", content.Contains, strings.Repeat("%", 20_000)), nil},
	} {
		got := w.Keys(t, w.Company, store.Query{Filters: []content.Filter{c.filter}})
		slices.Sort(got)
		slices.Sort(c.want)
		same(t, fmt.Sprintf("%.60v", c.filter), c.want, got)
	}
}

func listCombines(t *testing.T, w *World) {
	for i := range 12 {
		w.Put(t, w.Company, &Company{Key: fmt.Sprintf("%02d", i), Name: "x", Staff: i, Kind: new([]string{"a", "b", "c"}[i%3]), Public: i%2 == 0})
	}
	even, small := filter("public", content.Equal, "true"), filter("staff", content.Less, "6")
	a, b := filter("type", content.Equal, "a"), filter("type", content.Equal, "b")
	id := []store.Order{{Field: "company_id"}}
	for _, c := range []struct {
		q    store.Query
		want string
	}{
		{store.Query{Filters: []content.Filter{even, small}}, "00 02 04"},
		{store.Query{Any: []content.Filter{a, b}}, "00 01 03 04 06 07 09 10"},
		{store.Query{Any: []content.Filter{a}}, "00 03 06 09"},
		{store.Query{Filters: []content.Filter{even}, Any: []content.Filter{a, b}}, "00 04 06 10"},
		{store.Query{Filters: []content.Filter{even, small}, Any: []content.Filter{a, b}, Keyword: "X"}, "00 04"},
		{store.Query{Filters: []content.Filter{a, b}}, ""},
	} {
		c.q.Order = id
		same(t, fmt.Sprint(c.q), strings.Fields(c.want), w.Keys(t, w.Company, c.q))
	}
}

func listRefuses(t *testing.T, w *World) {
	ctx := context.Background()
	w.Put(t, w.Company, companies(1)...)
	many := make([]content.Filter, 201)
	for i := range many {
		many[i] = filter("staff", content.Equal, "1")
	}
	for want, q := range map[string]store.Query{
		"limit -1":  {Limit: -1},
		"offset -1": {Offset: -1},
		"has no field \"ghost\"; it has id, created_at, updated_at, company_id, name": {Filters: []content.Filter{filter("ghost", content.IsNull)}},
		"company has no field \"secret\"":                                             {Filters: []content.Filter{filter("secret", content.IsNull)}},
		"company has no field \"organization_id\"":                                    {Any: []content.Filter{filter("organization_id", content.NotNull)}},
		"company has no field \"id; --\"":                                             {Order: []store.Order{{Field: "id; --"}}},
		"company.note cannot be filtered by":                                          {Filters: []content.Filter{filter("note", content.IsNull)}},
		"company.address cannot be filtered by":                                       {Filters: []content.Filter{filter("address", content.IsNull)}},
		"company cannot be sorted by note":                                            {Order: []store.Order{{Field: "note"}}},
		"company cannot be sorted by public":                                          {Order: []store.Order{{Field: "public"}}},
		"unknown operator \"like\"":                                                   {Filters: []content.Filter{filter("type", "like", "x")}},
		"eq takes exactly one value, got 0":                                           {Filters: []content.Filter{filter("type", content.Equal)}},
		"contains needs text, company.staff is a int":                                 {Filters: []content.Filter{filter("staff", content.Contains, "1")}},
		`invalid value for staff: "many" is not a`:                                    {Filters: []content.Filter{filter("staff", content.Equal, "many")}},
		`invalid value for active: "maybe" is`:                                        {Filters: []content.Filter{filter("active", content.Equal, "maybe")}},
		`invalid value for seen_at: "soon" is`:                                        {Filters: []content.Filter{filter("seen_at", content.Less, "soon")}},
		`the value "a\x00" for type is not text`:                                      {Filters: []content.Filter{filter("type", content.Equal, "a\x00")}},
		`the value "\xff" for type is not text`:                                       {Filters: []content.Filter{filter("type", content.In, "a", "\xff")}},
		"201 filters; a query takes at most 200":                                      {Any: many},
		"values; a query takes at most":                                               {Filters: []content.Filter{filter("type", content.In, make([]string, 40_000)...)}},
		"contains on type takes at most 20000 bytes":                                  {Filters: []content.Filter{filter("type", content.Contains, strings.Repeat("x", 20_001))}},
		`invalid keyword "a\x00"`:                                                     {Keyword: "a\x00"},
		"invalid keyword \"xxxxxxxx":                                                  {Keyword: strings.Repeat("x", 513)},
		"invalid cursor: pass next_cursor of the page before":                         {Cursor: "?"},
	} {
		page, err := w.Store.List(ctx, w.Scope, w.Company, q)
		if !errors.Is(err, content.ErrInvalid) || !strings.Contains(fmt.Sprint(err), want) || page.Items != nil {
			t.Errorf("%v, want %q", err, want)
		}
	}
	many = many[:200]
	for i := range many {
		many[i].Values = []string{"0"}
	}
	for what, q := range map[string]store.Query{
		"many filters":   {Filters: many},
		"many others":    {Any: many},
		"many values":    {Filters: []content.Filter{filter("type", content.NotIn, make([]string, 10_000)...)}},
		"a large limit":  {Limit: math.MaxInt},
		"a large offset": {Offset: math.MaxInt64},
	} {
		if _, err := w.Store.List(ctx, w.Scope, w.Company, q); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func listPages(t *testing.T, w *World) {
	w.Put(t, w.Company, companies(10)...)
	for _, c := range []struct {
		limit, offset int
		want          string
		more          bool
	}{
		{3, 0, "c00000 c00001 c00002", true}, {3, 9, "c00009", false}, {3, 7, "c00007 c00008 c00009", false}, {10, 0, "", false}, {1, 8, "c00008", true}, {5, 10, "", false}, {5, 1000, "", false},
	} {
		page, err := w.Store.List(context.Background(), w.Scope, w.Company, store.Query{Limit: c.limit, Offset: c.offset, Total: true})
		var keys []string
		for _, row := range page.Items {
			keys = append(keys, w.Company.KeyOf(row))
		}
		if err != nil || page.Total != 10 || (page.NextCursor != "") != c.more || c.limit < 10 && strings.Join(keys, " ") != c.want {
			t.Errorf("limit %d offset %d: %v, total %d, cursor %q, %v", c.limit, c.offset, keys, page.Total, page.NextCursor, err)
		}
	}
}
