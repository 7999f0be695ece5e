package salesforce

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMembers(t *testing.T) {
	for _, test := range []struct {
		raw  string
		want []string // names and values in turn; nil is an error
	}{
		{`{}`, []string{}},
		{`{"Id":"1","Name":"A \"b\"\n","X__c":""}`, []string{"Id", "1", "Name", "A \"b\"\n", "X__c", ""}},
		{` { "b" : "2" , "a" : "1" } `, []string{"b", "2", "a", "1"}},
		{``, nil}, {`null`, nil}, {`[]`, nil}, {`"x"`, nil}, {`{`, nil}, {`{"a"`, nil}, {`{"a":"b"`, nil}, {`{"a":"b",}`, nil}, {`{"a":1}`, nil}, {`{"a":null}`, nil},
		{`{"a":{"b":"c"}}`, nil}, {`{"a":"b"}{}`, nil}, {`{"a":"b"} x`, nil}, {`{a:"b"}`, nil},
	} {
		names, values, err := members([]byte(test.raw))
		if (err == nil) != (test.want != nil) {
			t.Errorf("%s: %v", test.raw, err)
		}
		if err != nil {
			continue
		}
		got := []string{}
		for i := range names {
			got = append(got, names[i], values[i])
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", test.raw, diff)
		}
	}
}

// What members reads, encoding/json reads alike.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":"b"}`, `{"a":"b","a":"c"}`, `{"a":"\u00e9\ud800"}`, `{"a":1}`, `{"a":"b"`, "{\"\xff\":\"\xfe\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		names, values, err := members(raw)
		if err != nil {
			return
		}
		got, want := map[string]string{}, map[string]string{}
		for i := range names {
			got[names[i]] = values[i]
		}
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatalf("members reads %q, encoding/json does not: %v", raw, err)
		}
		if !maps.Equal(got, want) {
			t.Errorf("%q: %v, encoding/json reads %v", raw, got, want)
		}
	})
}
