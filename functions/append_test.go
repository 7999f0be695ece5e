package functions

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
)

// TestAppendedLikeEncodingJSON holds that results which write themselves do it
// as their struct tags, and so their schemas, say.
func TestAppendedLikeEncodingJSON(t *testing.T) {
	values := Object{"text": "a <b> & \"c\" \\ \n\r\t\b\f\x00\x1f ü 漢 😀 \u2028\u2029 \xff\xc3( \u007f", "none": nil, "yes": true, "no": false,
		"int": int64(-12), "float": 1.5e300, "raw": json.RawMessage(`{"a":[1]}`), "time": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		"list": []string{"a"}, "ke\"y": "", "": "empty"}
	full := item{ID: "1", Type: "t", DisplayType: "T", Title: "é", Text: "x", TextFormat: content.FormatText, TextPreview: "y",
		Fields: values, Metadata: Object{"a": nil}, ParentID: "2", ParentType: "p"}
	for name, v := range map[string]appender{
		"an item":      full,
		"a bare item":  item{Fields: Object{}},
		"items":        &itemList{Items: []item{full, {Fields: Object{}}}},
		"no items":     &itemList{Items: []item{}},
		"an empty row": &rowList{Model: "m", Rows: rows{values: [][]any{{}}}},
	} {
		got, err := v.appendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := encode(v)
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := v.(*rowList); ok { // rows have no struct tags
			want = bytes.Replace(want, []byte(`"rows":{}`), []byte(`"rows":[{}]`), 1)
			if len(r.Rows.values) != 1 {
				t.Fatal("wrong case")
			}
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got, err := (item{}).appendJSON(nil); err != nil || !bytes.Contains(got, []byte(`"fields":{}`)) {
		t.Errorf("no fields: got %s, %v", got, err)
	}
}

func TestAppendedRows(t *testing.T) {
	r := rows{names: []string{"b", "a"}, values: [][]any{{int64(1), "x"}, {nil, json.RawMessage(`not JSON`)}}}
	got, err := r.appendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[{"b":1,"a":"x"},{"b":null,"a":null}]`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzAppendString(f *testing.F) {
	for _, seed := range []string{"", "plain", "\xff", "\u2028", "\"\\\n", "😀\xed\xa0\x80"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want, err := encode(s)
		if err != nil {
			t.Fatal(err)
		}
		if got := appendString(nil, s); !bytes.Equal(got, want) {
			t.Errorf("%q: got %s, want %s", s, got, want)
		}
	})
}
