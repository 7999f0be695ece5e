package store

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// fuzzed has a field of every kind to filter and order by.
func fuzzed(t testing.TB) *plan {
	t.Helper()
	var fields []content.FieldSpec
	for k := content.String; k < content.JSON; k++ {
		fields = append(fields, content.FieldSpec{Name: k.String(), Kind: k, Roles: content.Filterable | content.Sortable},
			content.FieldSpec{Name: "req_" + k.String(), Kind: k, Required: true, Roles: content.Filterable | content.Sortable})
	}
	typ := content.DefineDynamic(content.Spec[content.Dynamic]{Name: "fuzzed", Label: "Fuzzed"},
		append(fields, content.FieldSpec{Name: "key", Kind: content.String, Roles: content.Key | content.Title}, content.FieldSpec{Name: "secret", Kind: content.String, Roles: content.Hidden})...)
	registry, err := content.NewRegistry(typ)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(nil, registry, content.NewAuthority()).plan(typ)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// harmless is SQL of our own making: names in quotes, operators, placeholders.
var harmless = regexp.MustCompile(`^(?:[()?,<>= ]|"[a-z_]+"|title_key|id|AND|OR|NOT|NULL|IS|IN|LIKE|ILIKE|ESCAPE '\\')*$`)

func checkWhere(t *testing.T, w *where) {
	t.Helper()
	if text := w.String(); !harmless.MatchString(text) || strings.Count(text, "?") != len(w.args) {
		t.Errorf("%d values for %s", len(w.args), text)
	}
	for _, arg := range w.args {
		if s, ok := arg.(string); ok && badText(s) >= 0 {
			t.Errorf("binds %q", s)
		}
		if at, ok := arg.(time.Time); ok && !content.Storable(at) {
			t.Errorf("binds %v", at)
		}
	}
}

var dialects = []database.Dialect{database.DialectOf(database.SQLite), database.DialectOf(database.Postgres)}

// A cursor comes from outside: whatever it is, it is taken or refused as invalid,
// and never becomes SQL.
func FuzzCursor(f *testing.F) {
	p := fuzzed(f)
	orders := [][]Order{nil, {{Field: "title", Desc: true}}, {{Field: "int"}, {Field: "req_float", Desc: true}}, {{Field: "string", Desc: true}, {Field: "bool"}, {Field: "time"}, {Field: "date", Desc: true}}, {{Field: "id", Desc: true}}}
	for i, order := range orders {
		terms, err := p.order(order)
		if err != nil {
			f.Fatal(err)
		}
		for _, values := range [][]any{make([]any, len(terms)), {"a", "b"}, {int64(1), 0.5, "x"}, {"a", int64(1), "2026-01-01T00:00:00.000001Z", nil, "x"}, {"", nil, nil, "2026-01-01", "x"}, {"x"}} {
			if len(values) == len(terms) {
				f.Add(uint(i), encodeCursor("digest", terms, dialects[0], values))
			}
		}
		f.Add(uint(i), base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"q":"digest","v":[%s null]}`, strings.Repeat(`1e9999,`, len(terms)-1))))
	}
	f.Add(uint(0), "?")
	f.Fuzz(func(t *testing.T, i uint, text string) {
		terms, err := p.order(orders[i%uint(len(orders))])
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range dialects {
			w := &where{dialect: d}
			if err := w.after(terms, "digest", text); err != nil {
				if !errors.Is(err, content.ErrInvalid) || len(w.terms) != 0 {
					t.Errorf("%q: %v", text, err)
				}
				continue
			}
			checkWhere(t, w)
		}
	})
}

// So do filters.
func FuzzFilter(f *testing.F) {
	p := fuzzed(f)
	for _, c := range p.typ.Columns() {
		for _, op := range content.Ops() {
			f.Add(c.Name, string(op), "1", "2026-01-01", uint(2))
		}
	}
	f.Add("ghost", "eq", "", "", uint(1))
	f.Add(`id" = 1 OR "`, "like", "'", "%_\\", uint(1))
	f.Add("secret", "contains", "\x00", "\xff", uint(1))
	f.Fuzz(func(t *testing.T, field, op, a, b string, n uint) {
		filter := content.Filter{Field: field, Op: content.Op(op), Values: []string{a, b, a, b}[:n%5]}
		for _, d := range dialects {
			w := &where{dialect: d}
			if err := w.filters(p.typ, []content.Filter{filter}, []content.Filter{filter, filter}); err != nil {
				if !errors.Is(err, content.ErrInvalid) {
					t.Errorf("%v: %v", filter, err)
				}
				continue
			}
			if field == "secret" {
				t.Errorf("%v is taken", filter)
			}
			checkWhere(t, w)
		}
	})
}

// Titles are folded to short, valid, lower-case text, the same when folded again.
func FuzzFoldTitle(f *testing.F) {
	for _, title := range []string{"", "ABC", "Ünïcode", "u\u0308", "İ", "a\x00b", "u\x00\u0308", "Y\u030a0", "\xff\xfe", strings.Repeat("é", 400), strings.Repeat("x", 511) + "é", "ΣΊΣΥΦΟΣ", "\u212a"} {
		f.Add(title)
	}
	f.Fuzz(func(t *testing.T, title string) {
		folded := FoldTitle(title)
		if len(folded) > maxTitle || badText(folded) >= 0 {
			t.Errorf("%q becomes %q of %d bytes", title, folded, len(folded))
		}
		if len(folded) < maxTitle-8 && FoldTitle(folded) != folded {
			t.Errorf("%q becomes %q, and then %q", title, folded, FoldTitle(folded))
		}
	})
}

// What badJSON lets pass is JSON in UTF-8, and scanning never runs off its end.
func FuzzBadJSON(f *testing.F) {
	for _, text := range []string{`{"a":[1,-2.5e3,"\\\"\u00e9\ud83d\ude00",null]}`, `"\ud800"`, `"\u0000"`, `1e999`, `[[[[`, `"\`, `"\u12`, `-`, `0e5`, `"\ud83d\u"`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if badJSON(b) == "" && (badText(string(b)) >= 0 || strings.Contains(string(b), `"\u0000"`)) {
			t.Errorf("%q passes", b)
		}
	})
}
