package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/store"
)

func checkRefuses(t *testing.T, w *World) {
	long := strings.Repeat("é", 513)
	year := func(y int) *time.Time { at := time.Date(y, 6, 1, 0, 0, 0, 0, time.UTC); return &at }
	tag := func(v any) map[string]any { return map[string]any{"x": v} }
	for what, c := range map[string]struct {
		row  Company
		says string
	}{
		"an empty key":              {Company{}, "the key company_id is empty"},
		"a long key":                {Company{Key: strings.Repeat("k", 256)}, "256 bytes, at most 255"},
		"NUL in a key":              {Company{Key: "a\x00"}, "position 1"},
		"a long facet":              {Company{Key: "k", Kind: &long}, "type has 1026 bytes"},
		"a long category":           {Company{Key: "k", Group: &long}, "group has 1026 bytes"},
		"NUL in a title":            {Company{Key: "k", Name: "é\x00"}, "name has a byte that no database takes as text at position 2"},
		"invalid UTF-8 in a text":   {Company{Key: "k", About: new("ab\xe2\x82")}, "about has a byte that no database takes as text at position 2"},
		"invalid UTF-8 in a plain":  {Company{Key: "k", Note: new("\xff")}, "note has a byte"},
		"invalid UTF-8 in a hidden": {Company{Key: "k", Secret: new("\xed\xa0\x80")}, "secret has a byte"},
		"NaN":                       {Company{Key: "k", Revenue: new(math.NaN())}, "revenue is NaN"},
		"infinity":                  {Company{Key: "k", Revenue: new(math.Inf(-1))}, "revenue is -Inf"},
		"the year 10000":            {Company{Key: "k", Seen: year(10000)}, "seen_at is in the year 10000"},
		"the year 0":                {Company{Key: "k", Founded: year(0)}, "founded is in the year 0"},
		"NUL in JSON":               {Company{Key: "k", Address: &Address{City: "a\x00"}}, `address holds JSON with \u0000`},
		"half a surrogate in JSON":  {Company{Key: "k", Tags: tag(json.RawMessage(`"\ud800x"`))}, "tags holds JSON with"},
		"the other half":            {Company{Key: "k", Tags: tag(json.RawMessage(`"\uDC00"`))}, "tags holds JSON with"},
		"two first halves":          {Company{Key: "k", Tags: tag(json.RawMessage(`"\ud800\ud800"`))}, "tags holds JSON with"},
		"a huge number in JSON":     {Company{Key: "k", Tags: tag(json.RawMessage(`[1e999999]`))}, "tags holds JSON with the number 1e999999"},
		"a tiny number in JSON":     {Company{Key: "k", Tags: tag(json.RawMessage(`1e-999999`))}, "tags holds JSON with the number 1e-999999"},
		"deep JSON":                 {Company{Key: "k", Tags: tag(json.RawMessage(strings.Repeat("[", 500) + strings.Repeat("]", 500)))}, "nested deeper than 200"},
	} {
		err := store.Check(w.Company, &c.row)
		if !errors.Is(err, content.ErrInvalid) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%s: %v, want %q", what, err, c.says)
		}
	}
	for _, row := range []content.Row{nil, &Person{}, (*Company)(nil), &content.Dynamic{}} {
		if err := store.Check(w.Company, row); !errors.Is(err, content.ErrInvalid) {
			t.Errorf("%T: %v", row, err)
		}
	}
	checkDynamic(t)
}

// A dynamic row can hold anything.
func checkDynamic(t *testing.T) {
	typ := content.DefineDynamic(content.Spec[content.Dynamic]{Name: "sheet", Label: "Sheet"},
		content.FieldSpec{Name: "key", Kind: content.String, Roles: content.Key | content.Title}, content.FieldSpec{Name: "n", Kind: content.Int},
		content.FieldSpec{Name: "x", Kind: content.Float}, content.FieldSpec{Name: "j", Kind: content.JSON}, content.FieldSpec{Name: "at", Kind: content.Time})
	for i, v := range []any{5, int64(5), "5", 5.0, true, time.Unix(0, 0), json.RawMessage("5"), json.RawMessage("{"), json.RawMessage("\"\xff\""), []byte("5"), struct{}{}, new(int64(5))} {
		fits := map[string]bool{"n": i == 1, "x": i == 3, "j": i == 6, "at": i == 5}
		for j, f := range typ.Fields()[1:] {
			row := &content.Dynamic{Values: []any{"k", nil, nil, nil, nil}}
			row.Values[j+1] = v
			if err := store.Check(typ, row); (err == nil) != fits[f.Name] || err != nil && !errors.Is(err, content.ErrInvalid) {
				t.Errorf("%T %v in a field of kind %s: %v", v, v, f.Kind, err)
			}
		}
	}
	if err := store.Check(typ, &content.Dynamic{Values: []any{"k"}}); err != nil {
		t.Errorf("values missing at the end: %v", err)
	}
}

func checkAccepts(t *testing.T, w *World) {
	edge := func(y, m, d int) *time.Time {
		at := time.Date(y, time.Month(m), d, 23, 59, 59, 999999999, time.UTC)
		return &at
	}
	rows := []content.Row{
		full(),
		&Company{Key: strings.Repeat("é", 127) + "k", Name: strings.Repeat("long title ", 10_000), About: new(strings.Repeat("long text ", 100_000)), Kind: new(strings.Repeat("k", 1024)), Group: new(strings.Repeat("é", 512)), User: strings.Repeat("u", 1024)},
		&Company{Key: "\u0001\uFFFD\U0010FFFF", Name: " ", Revenue: new(math.MaxFloat64), Staff: math.MaxInt, Rank: new(int64(math.MinInt64)), Seen: edge(9999, 12, 31), Founded: edge(9999, 12, 31)},
		&Company{Key: "small", Name: "", Revenue: new(math.SmallestNonzeroFloat64), Seen: edge(1, 1, 1), Founded: edge(1, 1, 1)},
		&Company{Key: "minus zero", Revenue: new(math.Copysign(0, -1)), Tags: map[string]any{}},
		&Company{Key: `'; DROP TABLE "table"; --`, Name: `"\%_`, Kind: new("?"), Tags: map[string]any{"j": json.RawMessage(`[1e300, -0, 0e5, 0.1E-300, "\\u0000 \ud83d\ude00 \uffff", {}, [], "[[[", "\"1e999"]`)}},
		&Company{Key: "deep", Tags: map[string]any{"x": json.RawMessage(strings.Repeat("[", 199) + strings.Repeat("]", 199))}},
	}
	for _, row := range rows {
		if err := store.Check(w.Company, row); err != nil {
			t.Errorf("%.30q: %v", w.Company.KeyOf(row), err)
		}
		w.Put(t, w.Company, row)
		if w.Get(t, w.Company, w.Company.KeyOf(row)) == nil {
			t.Errorf("%.30q is not found again", w.Company.KeyOf(row))
		}
	}
	same(t, "again", store.Counts{Unchanged: int64(len(rows))}, w.Put(t, w.Company, rows...))
	same(t, "listed", len(rows), len(w.Keys(t, w.Company, store.Query{})))
}
