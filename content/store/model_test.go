//go:build !race

package store_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/content/store/storetest"
)

// The model: what a query selects, in plain Go over rows in memory.

func matches(typ *content.Type, row content.Row, f content.Filter) bool {
	field, err := typ.Column(f.Field)
	if err != nil {
		panic(err)
	}
	v := field.Value(row)
	var operands []any
	for _, text := range f.Values {
		x, err := field.Parse(text)
		if err != nil {
			panic(err)
		}
		operands = append(operands, x)
	}
	equal := func(x any) bool { return compareValues(v, x) == 0 }
	switch f.Op {
	case content.IsNull:
		return v == nil
	case content.NotNull, content.Exists:
		return v != nil
	case content.NotEqual:
		return v == nil || !equal(operands[0])
	case content.NotIn:
		return v == nil || !slices.ContainsFunc(operands, equal)
	}
	if v == nil {
		return false
	}
	switch f.Op {
	case content.Equal:
		return equal(operands[0])
	case content.In:
		return slices.ContainsFunc(operands, equal)
	case content.Greater:
		return compareValues(v, operands[0]) > 0
	case content.GreaterOrEqual:
		return compareValues(v, operands[0]) >= 0
	case content.Less:
		return compareValues(v, operands[0]) < 0
	case content.LessOrEqual:
		return compareValues(v, operands[0]) <= 0
	case content.Contains:
		return strings.Contains(lowerASCII(v.(string)), lowerASCII(f.Values[0]))
	case content.StartsWith:
		return strings.HasPrefix(lowerASCII(v.(string)), lowerASCII(f.Values[0]))
	}
	panic(f.Op)
}

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func compareValues(a, b any) int {
	switch a := a.(type) {
	case string:
		return strings.Compare(a, b.(string))
	case int64:
		return cmp.Compare(a, b.(int64))
	case float64:
		return cmp.Compare(a, b.(float64))
	case bool:
		switch {
		case a == b.(bool):
			return 0
		case a:
			return 1
		}
		return -1
	case time.Time:
		return a.Compare(b.(time.Time))
	}
	panic(fmt.Sprintf("%T", a))
}

// selected returns the rows that a query selects, in order, without limits.
func selected(typ *content.Type, rows []content.Row, q store.Query) []content.Row {
	var found []content.Row
	for _, row := range rows {
		ok := strings.Contains(store.FoldTitle(typ.Title(row)), store.FoldTitle(q.Keyword))
		for _, f := range q.Filters {
			ok = ok && matches(typ, row, f)
		}
		if len(q.Any) > 0 {
			ok = ok && slices.ContainsFunc(q.Any, func(f content.Filter) bool { return matches(typ, row, f) })
		}
		if ok {
			found = append(found, row)
		}
	}
	order := q.Order
	if len(order) == 0 {
		order = []store.Order{{Field: "title"}}
	}
	slices.SortFunc(found, func(a, b content.Row) int {
		for _, o := range order {
			var x, y any
			if o.Field == "title" {
				x, y = store.FoldTitle(typ.Title(a)), store.FoldTitle(typ.Title(b))
			} else {
				f, err := typ.Column(o.Field)
				if err != nil {
					panic(err)
				}
				x, y = f.Value(a), f.Value(b)
			}
			switch {
			case x == nil && y == nil:
				continue
			case x == nil:
				return 1
			case y == nil:
				return -1
			}
			if c := compareValues(x, y); c != 0 {
				if o.Desc {
					return -c
				}
				return c
			}
		}
		return strings.Compare(content.RecordOf(a).ID, content.RecordOf(b).ID)
	})
	return found
}

// A generator makes values of few kinds that meet often, the awkward ones among
// them.
type generator struct{ *rand.Rand }

func (g generator) of(list ...string) string { return list[g.IntN(len(list))] }

func (g generator) text(k content.Kind) string {
	switch k {
	case content.Int:
		return g.of("-9223372036854775808", "-2", "0", "1", "2", "10", "9007199254740993", "9223372036854775807")
	case content.Float:
		return g.of("-1e300", "-0.5", "0", "0.1", "0.30000000000000004", "0.3", "2", "10", "5e-324")
	case content.Bool:
		return g.of("true", "false")
	case content.Time:
		return g.of("0001-01-01T00:00:00.000001Z", "2026-01-01", "2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:01+01:00", "9999-12-31T23:59:59.999999Z")
	case content.Date:
		return g.of("0001-01-02", "1999-12-31", "2026-01-01", "9999-12-31")
	}
	return g.of("", " ", "a", "A", "ab", "AB", "b%", "b_", `b\`, "é", "É", "z", "aé", "'", `"`, "10", "9")
}

func (g generator) company(i int) *storetest.Company {
	c := &storetest.Company{Key: fmt.Sprintf("%s%03d", g.of("k", "K", "é"), i), Name: g.of("", "One", "one", "ÖNE", "öne", "two%", "T_o", strings.Repeat("long ", 200))}
	for _, f := range fieldsToQuery {
		if g.IntN(3) == 0 || f.Has(content.Key|content.Title|content.Parent) || f.Name == "id" || strings.HasSuffix(f.Name, "ed_at") {
			continue
		}
		v, err := f.Parse(g.text(f.Kind))
		if err != nil {
			panic(err)
		}
		f.Set(c, v)
	}
	return c
}

var fieldsToQuery []*content.Field

func (g generator) query() (q store.Query) {
	filters := func(n int) (list []content.Filter) {
		for range n {
			f := fieldsToQuery[g.IntN(len(fieldsToQuery))]
			op := content.Ops()[g.IntN(len(content.Ops()))]
			if !f.Filterable() || f.Kind != content.String && (op == content.Contains || op == content.StartsWith) {
				continue
			}
			n := 1
			switch op {
			case content.IsNull, content.NotNull, content.Exists:
				n = 0
			case content.In, content.NotIn:
				n = 1 + g.IntN(3)
			}
			flt := content.Filter{Field: f.Name, Op: op}
			for range n {
				flt.Values = append(flt.Values, g.text(f.Kind))
			}
			list = append(list, flt)
		}
		return list
	}
	q.Filters, q.Any = filters(g.IntN(3)), filters(g.IntN(3))
	if g.IntN(4) == 0 {
		q.Keyword = g.of("o", "ÖN", "%", "_", "long l", "nothing", "e")
	}
	for range g.IntN(4) {
		f := fieldsToQuery[g.IntN(len(fieldsToQuery))]
		if g.IntN(6) == 0 {
			q.Order = append(q.Order, store.Order{Field: "title", Desc: g.IntN(2) == 0})
		} else if f.Sortable() {
			q.Order = append(q.Order, store.Order{Field: f.Name, Desc: g.IntN(2) == 0})
		}
	}
	return q
}

// Random queries over random records give what the model gives: whole, by
// offset and by cursor.
func TestQueriesAgainstAModel(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		w := storetest.Open(t, db)
		fieldsToQuery = slices.DeleteFunc(w.Company.Columns(), func(f *content.Field) bool { return !f.Filterable() && !f.Sortable() })
		g := generator{rand.New(rand.NewPCG(3, 1))}
		other := w.Fresh(t)
		for i := range 150 {
			w.Put(t, w.Company, g.company(i))
			other.Put(t, w.Company, g.company(i))
		}
		w.Delete(t, w.Company, w.Keys(t, w.Company, store.Query{Limit: 10})...)
		page, err := w.Store.List(ctx, w.Scope, w.Company, store.Query{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		rows := page.Items
		keys := func(rows []content.Row) []string {
			list := make([]string, len(rows))
			for i, row := range rows {
				list[i] = w.Company.KeyOf(row)
			}
			return list
		}
		for i := range 400 {
			q := g.query()
			want := keys(selected(w.Company, rows, q))
			q.Total = true
			limit, offset := 1+g.IntN(40), g.IntN(30)
			whole, byPage := q, q
			whole.Limit = 1000
			if got := w.Keys(t, w.Company, whole); !slices.Equal(got, want) {
				t.Fatalf("query %d %+v: %s", i, q, gocmp.Diff(want, got))
			}
			byPage.Limit, byPage.Offset = limit, offset
			if got := w.Keys(t, w.Company, byPage); !slices.Equal(got, want[min(offset, len(want)):min(offset+limit, len(want))]) {
				t.Fatalf("query %d %+v at %d: %v of %v", i, q, offset, got, want)
			}
			var pages []string
			for q.Limit = limit; ; {
				page, err := w.Store.List(ctx, w.Scope, w.Company, q)
				if err != nil {
					t.Fatal(err)
				}
				if page.Total != int64(len(want)) || len(page.Items) > limit || page.NextCursor != "" && len(page.Items) != limit {
					t.Fatalf("query %d %+v: a page of %d, total %d of %d", i, q, len(page.Items), page.Total, len(want))
				}
				pages = append(pages, keys(page.Items)...)
				if q.Cursor = page.NextCursor; q.Cursor == "" {
					break
				}
			}
			if !slices.Equal(pages, want) {
				t.Fatalf("query %d %+v by pages of %d: %s", i, q, limit, gocmp.Diff(want, pages))
			}
			if len(q.Any) == 0 && q.Keyword == "" {
				if n, err := w.Store.Count(ctx, w.Scope, w.Company, q.Filters...); err != nil || n != int64(len(want)) {
					t.Fatalf("query %d %+v: %d of %d, %v", i, q, n, len(want), err)
				}
			}
		}
	})
}

// Whatever Check lets pass, both databases take and give back.
func TestWhatPassesCheckIsStored(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(5, 8))}
	piece := func() string {
		return g.of("a", "é", "\x00", "\x01", "\x7f", "\ufffd", "\xff", "\xed\xa0\x80", "\U0010ffff", "\ufeff", "\u2028", "'", "\"", "\\", "\\x00", "%", "?", "$1", "{}", "\n", strings.Repeat("x", 250), strings.Repeat("é", 500))
	}
	text := func() (s string) {
		for range g.IntN(4) {
			s += piece()
		}
		return s
	}
	number := func() json.RawMessage {
		return json.RawMessage(g.of("0", "-0", "1e308", "1e309", "1E-308", "1e-400", "0.000000000000000000001", "123456789012345678901234567890", "-1.5e-7", strings.Repeat("9", 300), strings.Repeat("9", 1100)))
	}
	escaped := func() json.RawMessage {
		return json.RawMessage(`"` + g.of(`\u0041`, `\u0000`, `\\u0000`, `\ud83d\ude00`, `\ud83d`, `\ude00`, `\uD83D\uD83D`, `\/`, `\"`, `é`) + g.of("", "x", `\\`) + `"`)
	}
	var value func(depth int) any
	value = func(depth int) any {
		switch g.IntN(7) {
		case 0:
			return text()
		case 1:
			return number()
		case 2:
			return escaped()
		case 3:
			return nil
		case 4:
			var list []any
			for range g.IntN(4) {
				if depth < 5 {
					list = append(list, value(depth+1))
				}
			}
			return list
		case 5:
			return json.RawMessage(strings.Repeat("[", 190+g.IntN(20)) + strings.Repeat("]", 200))
		}
		return map[string]any{text(): text()}
	}
	row := func(i int) *storetest.Company {
		opt := func() *string {
			if g.IntN(2) == 0 {
				return nil
			}
			s := text()
			return &s
		}
		at := func() *time.Time {
			t := time.Date(g.IntN(10100)-50, time.Month(g.IntN(14)), g.IntN(40), g.IntN(30), 0, 0, g.IntN(1e9), time.FixedZone("", g.IntN(100_000)-50_000))
			return &t
		}
		c := &storetest.Company{Key: text() + fmt.Sprint(i), Name: text(), About: opt(), Kind: opt(), Group: opt(), User: text(), Note: opt(), Secret: opt(), Above: opt(), Founded: at(), Seen: at(),
			Revenue: new([]float64{0, math.Copysign(0, -1), 1e308, 5e-324, -1e-300, 1 / (g.Float64() - g.Float64())}[g.IntN(6)]), Staff: int(g.Uint64()), Rank: new(int64(g.Uint64()))}
		if g.IntN(2) == 0 {
			c.Tags = map[string]any{text(): value(0)}
		}
		c.Raw = []byte(text())
		return c
	}
	type world struct {
		*storetest.World
		name string
	}
	var worlds []world
	for _, kind := range []string{database.SQLite, database.Postgres} {
		worlds = append(worlds, world{storetest.Open(t, databasetest.Open(t, kind)), kind})
	}
	passed := 0
	const rounds = 2500
	for i := range rounds {
		c := row(i)
		if err := store.Check(worlds[0].Company, c); err != nil {
			continue
		}
		passed++
		for _, w := range worlds {
			again := *c
			n, err := w.Try(w.Company, store.Batch{Rows: []content.Row{&again}})
			if err != nil || n.Created != 1 {
				t.Fatalf("%s: row %d passes Check, and then: %+v %v\n%+v", w.name, i, n, err, c)
			}
			got, _ := w.Get(t, w.Company, c.Key).(*storetest.Company)
			if got == nil {
				t.Fatalf("%s: row %d is not found again", w.name, i)
			}
			for _, f := range w.Company.Fields() {
				want, have := f.Value(c), f.Value(got)
				if f.Kind == content.JSON || !f.Imported() {
					continue // JSONB writes it in its own way
				}
				if d := gocmp.Diff(want, have); d != "" {
					t.Fatalf("%s: row %d: %s: %s", w.name, i, f.Name, d)
				}
			}
			if !bytes.Equal(got.Raw, c.Raw) {
				t.Fatalf("%s: row %d: payload %q, put %q", w.name, i, got.Raw, c.Raw)
			}
		}
	}
	if passed < rounds/20 || passed > rounds*3/4 {
		t.Errorf("%d of %d rows pass: the generator shows nothing", passed, rounds)
	}
}
