package content_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
)

func TestParse(t *testing.T) {
	at := time.Date(2026, 1, 31, 15, 4, 5, 123456000, time.UTC)
	for _, c := range []struct {
		kind content.Kind
		text string
		want any // nil for an error
	}{
		{content.String, "", ""}, {content.String, " x ", " x "},
		{content.Int, "-7", int64(-7)}, {content.Int, "9223372036854775807", int64(1<<63 - 1)}, {content.Int, "9223372036854775808", nil},
		{content.Int, "", nil}, {content.Int, "1.0", nil}, {content.Int, "1e3", nil}, {content.Int, " 1", nil}, {content.Int, "1_000", nil},
		{content.Float, "-1.5", -1.5}, {content.Float, "1e3", 1000.0}, {content.Float, "1e400", nil}, {content.Float, "NaN", nil}, {content.Float, "Inf", nil},
		{content.Float, "-infinity", nil}, {content.Float, "", nil}, {content.Float, "1,5", nil},
		{content.Bool, "true", true}, {content.Bool, "0", false}, {content.Bool, "True", nil}, {content.Bool, "yes", nil}, {content.Bool, "", nil},
		{content.Time, "2026-01-31T15:04:05.123456789Z", at}, {content.Time, "2026-01-31T20:34:05.123456+05:30", at},
		{content.Time, "2026-01-31 15:04:05", at.Truncate(time.Second)}, {content.Time, "2026-01-31", at.Truncate(24 * time.Hour)},
		{content.Time, "2026-02-30", nil}, {content.Time, "31/01/2026", nil}, {content.Time, "0000-01-01", nil}, {content.Time, "9999-12-31T23:59:59-01:00", nil}, {content.Time, "", nil},
		{content.Date, "2026-01-31", at.Truncate(24 * time.Hour)}, {content.Date, "2026-01-31T23:30:00-05:00", at.Truncate(24 * time.Hour)}, {content.Date, "", nil},
		{content.JSON, `{"a":1}`, json.RawMessage(`{"a":1}`)}, {content.JSON, "{", nil}, {content.JSON, "", nil},
		{0, "x", nil}, {99, "x", nil},
	} {
		got, err := c.kind.Parse(c.text)
		if d := cmp.Diff(c.want, got); d != "" || (err == nil) != (c.want != nil) {
			t.Errorf("%q as %s: %v %v", c.text, c.kind, got, err)
		}
	}
	votes, _ := ticketType().Field("votes")
	if _, err := votes.Parse("many"); !errors.Is(err, content.ErrInvalid) || err.Error() != `invalid value for votes: "many" is not a whole number` {
		t.Errorf("%v", err)
	}
}

// What is parsed has the Go type of its kind and parses again from what it is
// shown as.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"", "1", "-1.5e10", "true", "2026-01-31", "2026-01-31T15:04:05.999999999+23:59", "0001-01-01T00:00:00Z", "9999-12-31 23:59:59", `{"a":[1]}`, "NaN", "0x1p-2"} {
		f.Add(text)
	}
	typ := content.DefineDynamic(content.Spec[content.Dynamic]{Name: "x", Label: "X"}, content.FieldSpec{Name: "string", Kind: content.String, Roles: content.Key | content.Title},
		content.FieldSpec{Name: "int", Kind: content.Int}, content.FieldSpec{Name: "float", Kind: content.Float}, content.FieldSpec{Name: "bool", Kind: content.Bool},
		content.FieldSpec{Name: "time", Kind: content.Time}, content.FieldSpec{Name: "date", Kind: content.Date}, content.FieldSpec{Name: "json", Kind: content.JSON})
	f.Fuzz(func(t *testing.T, text string) {
		for _, field := range typ.Fields() {
			v, err := field.Parse(text)
			if err != nil {
				if v != nil || !errors.Is(err, content.ErrInvalid) {
					t.Errorf("%q as %s: %v %v", text, field.Kind, v, err)
				}
				continue
			}
			ok := false
			switch field.Kind {
			case content.String:
				_, ok = v.(string)
			case content.Int:
				_, ok = v.(int64)
			case content.Float:
				var n float64
				n, ok = v.(float64)
				ok = ok && n-n == 0 // finite
			case content.Bool:
				_, ok = v.(bool)
			case content.Time, content.Date:
				var at time.Time
				at, ok = v.(time.Time)
				ok = ok && at.Location() == time.UTC && content.Storable(at) && at == at.Truncate(time.Microsecond)
				again, err := field.Parse(at.Format(time.RFC3339Nano))
				ok = ok && err == nil && again == v
			case content.JSON:
				var b json.RawMessage
				b, ok = v.(json.RawMessage)
				ok = ok && json.Valid(b)
			}
			if !ok {
				t.Errorf("%q as %s gives %T %v", text, field.Kind, v, v)
			}
		}
	})
}

func TestFilterCheck(t *testing.T) {
	one, none, two := []string{"a"}, []string(nil), []string{"a", "b"}
	for op, fits := range map[content.Op][3]bool{ // with no value, one, two
		content.Equal: {false, true, false}, content.NotEqual: {false, true, false}, content.Greater: {false, true, false}, content.GreaterOrEqual: {false, true, false},
		content.Less: {false, true, false}, content.LessOrEqual: {false, true, false}, content.In: {false, true, true}, content.NotIn: {false, true, true},
		content.Contains: {false, true, false}, content.StartsWith: {false, true, false}, content.IsNull: {true, false, false}, content.NotNull: {true, false, false},
		content.Exists: {true, false, false},
		"":             {}, "like": {},
	} {
		for i, values := range [][]string{none, one, two} {
			err := content.Filter{Field: "f", Op: op, Values: values}.Check()
			if (err == nil) != fits[i] || err != nil && !errors.Is(err, content.ErrInvalid) {
				t.Errorf("%q with %d values: %v", op, i, err)
			}
		}
	}
	if err := (content.Filter{Op: content.IsNull}).Check(); !errors.Is(err, content.ErrInvalid) {
		t.Errorf("without a field: %v", err)
	}
	if len(content.Ops()) != 13 {
		t.Errorf("%d operators", len(content.Ops()))
	}
}
