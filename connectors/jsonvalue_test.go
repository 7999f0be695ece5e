package connectors_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
)

type bill struct {
	content.Record
	Number string     `json:"number" db:"number" content:"key"`
	Amount float64    `json:"amount" db:"amount"`
	Items  *int64     `json:"items" db:"items"`
	Rate   *float64   `db:"rate"`
	Paid   *bool      `json:"paid" db:"paid"`
	Due    *time.Time `json:"due" db:"due_at" content:"date"`
	Seen   *time.Time `json:"seen" db:"seen_at"`
	Notes  *string    `json:"notes,omitempty" db:"notes"`
}

func read(t *testing.T, typ *content.Type, raw string) (r connectors.Record) {
	t.Helper()
	stream := connectors.JSON(typ, func(context.Context) iter.Seq2[json.RawMessage, error] {
		return func(yield func(json.RawMessage, error) bool) { yield(json.RawMessage(raw), nil) }
	})
	n := 0
	for got, err := range stream.Read(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		r, n = got, n+1
	}
	if n != 1 {
		t.Fatalf("%d records", n)
	}
	return r
}

// What means one thing in another JSON type is read; what does not is left out and
// told. Only what a record cannot be without makes it fail.
func TestJSONValues(t *testing.T) {
	typ := content.Define(content.Spec[bill]{Name: "bill", Label: "Bill"})
	for _, test := range []struct {
		raw, want string
		bad       string // columns and reasons, one a line
		failed    string
	}{
		{raw: `{"number": "1", "amount": 1.5, "items": 2, "RATE": 0.5, "paid": true, "due": "2026-03-01T00:00:00Z", "seen": "2026-03-01T10:00:00+01:00", "notes": "n"}`,
			want: `{"number":"1","amount":1.5,"items":2,"Rate":0.5,"paid":true,"due":"2026-03-01T00:00:00Z","seen":"2026-03-01T10:00:00+01:00","notes":"n"}`},
		{raw: `{"number": 12345678901234567890, "amount": "1e2", "items": "3", "rate": " 0.5 ", "paid": "true", "due": "2026-03-01", "seen": "2026-03-01T10:00:00.000+0000", "notes": 7}`,
			want: `{"number":"12345678901234567890","amount":100,"items":3,"Rate":0.5,"paid":true,"due":"2026-03-01T00:00:00Z","seen":"2026-03-01T10:00:00Z","notes":"7"}`},
		{raw: `{"number": "2", "amount": "0", "items": 3.0, "rate": "", "paid": "", "due": "", "seen": "", "notes": ""}`,
			want: `{"number":"2","amount":0,"items":3,"Rate":null,"paid":null,"due":null,"seen":null,"notes":""}`},
		{raw: `{"number": "3", "amount": 4, "items": 2.5, "rate": "1,5", "paid": "yes", "due": "03/01/2026", "seen": 1767225600, "notes": {"a": 1}}`,
			want: `{"number":"3","amount":4,"items":null,"Rate":null,"paid":null,"due":null,"seen":null}`,
			bad: `items 2.5: it is no whole number that fits int64
Rate "1,5": it is no number that fits float64
paid "yes": it is neither true nor false
due "03/01/2026": it is no time in the form of RFC 3339, and no date
seen 1767225600: it is no time in the form of RFC 3339, and no date
notes {"a": 1}: it is no text`},
		{raw: `{"number": "4", "items": "9223372036854775808", "rate": "NaN", "paid": 1, "amount": "0x10"}`, failed: "invalid: amount: it is no number that fits float64",
			bad: `amount "0x10": it is no number that fits float64
items "9223372036854775808": it is no whole number that fits int64
Rate "NaN": it is no number that fits float64
paid 1: it is neither true nor false`},
		{raw: `{"number": [], "amount": 1}`, failed: "invalid: number: it is no text", bad: `number []: it is no text`},
		{raw: `["number"]`, failed: "invalid: it cannot be decoded"},
		{raw: `{"number": "5"`, failed: "invalid: it cannot be decoded"},
		{raw: `null`, want: `{"number":"","amount":0,"items":null,"Rate":null,"paid":null,"due":null,"seen":null}`},
	} {
		r := read(t, typ, test.raw)
		var bad []string
		for _, v := range r.Values {
			bad = append(bad, v.Column+" "+v.Value+": "+v.Err.Error())
		}
		if d := cmp.Diff(test.bad, strings.Join(bad, "\n")); d != "" {
			t.Errorf("%s: %s", test.raw, d)
		}
		if test.failed != "" {
			if r.Err == nil || !strings.HasPrefix(r.Err.Error(), test.failed) || !errors.Is(r.Err, content.ErrInvalid) || string(r.Raw) != test.raw || r.Row != nil {
				t.Errorf("%s: %+v", test.raw, r)
			}
			continue
		}
		if r.Err != nil || r.Row == nil {
			t.Errorf("%s: %v", test.raw, r.Err)
			continue
		}
		row := *r.Row.(*bill)
		if string(row.Raw) != test.raw {
			t.Errorf("the payload is %s", row.Raw)
		}
		row.Record = content.Record{}
		type plain struct {
			Number string     `json:"number"`
			Amount float64    `json:"amount"`
			Items  *int64     `json:"items"`
			Rate   *float64   `json:"Rate"`
			Paid   *bool      `json:"paid"`
			Due    *time.Time `json:"due"`
			Seen   *time.Time `json:"seen"`
			Notes  *string    `json:"notes,omitempty"`
		}
		got, err := json.Marshal(plain{row.Number, row.Amount, row.Items, row.Rate, row.Paid, row.Due, row.Seen, row.Notes})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(test.want, string(got)); d != "" {
			t.Errorf("%s: %s", test.raw, d)
		}
	}
	if r := read(t, typ, `{"amount": "x", "number": "6"}`); r.Key != "6" {
		t.Errorf("the key of a failed record is %q", r.Key)
	}
}

func FuzzJSONValues(f *testing.F) {
	f.Add(`{"number": 1, "amount": "1", "items": 1.0, "due": "2026-03-01", "paid": "true"}`)
	f.Add(`{"NUMBER": null, "number": {}, "amount": "", "seen": "2026-03-01T10:00:00.000+0000"}`)
	f.Fuzz(func(t *testing.T, raw string) {
		r := read(t, content.Define(content.Spec[bill]{Name: "bill", Label: "Bill"}), raw)
		if (r.Row == nil) != (r.Err != nil) {
			t.Errorf("%+v", r)
		}
		if json.Unmarshal([]byte(raw), new(bill)) == nil && (r.Err != nil || len(r.Values) > 0) {
			t.Errorf("encoding/json reads it, and it is %v, %v", r.Err, r.Values)
		}
	})
}
