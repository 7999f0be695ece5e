package functions_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/functions"
)

type leaf struct {
	Names []string `json:"names"`
}

type tree struct {
	leaf
	List     []leaf          `json:"list"`
	ByName   map[string]leaf `json:"by_name"`
	None     map[string]int  `json:"none"`
	Pointer  *leaf           `json:"pointer"`
	Nil      *leaf           `json:"nil"`
	Array    [2]leaf         `json:"array"`
	Nested   [][]string      `json:"nested"`
	Optional []string        `json:"optional,omitempty"`
	Omitted  leaf            `json:"omitted,omitzero"`
	Kept     leaf            `json:"kept,omitempty"`
	Blob     []byte          `json:"blob"`
	Own      Open            `json:"own"`
}

// TestNilListsAreEmpty holds that no list and no object of a result is null, and
// that what the handler returned is not written to: others may be reading it.
func TestNilListsAreEmpty(t *testing.T) {
	shared := tree{
		List: []leaf{{Names: []string{"a"}}, {}}, ByName: map[string]leaf{"x": {}}, Pointer: &leaf{}, Nested: [][]string{nil, {"b"}},
	}
	fn := func(context.Context, *functions.Call, empty) (tree, error) { return shared, nil }
	pointer := func(context.Context, *functions.Call, empty) (*tree, error) { return &shared, nil }
	e := engine(t, functions.Config{},
		functions.Define(functions.Spec{Name: "tree", Description: "d"}, fn),
		functions.Define(functions.Spec{Name: "pointer", Description: "d"}, pointer),
	)
	want := `{"names":[],"list":[{"names":["a"]},{"names":[]}],"by_name":{"x":{"names":[]}},"none":{},"pointer":{"names":[]},` +
		`"nil":null,"array":[{"names":[]},{"names":[]}],"nested":[[],["b"]],"kept":{"names":[]},"blob":"","own":{}}`
	for _, name := range []string{"tree", "pointer"} {
		result, err := e.Call(t.Context(), scope, name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(result.Data)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if shared.Names != nil || shared.List[1].Names != nil || shared.ByName["x"].Names != nil || shared.Pointer.Names != nil || shared.Nested[0] != nil {
		t.Error("what the handler returned was written to")
	}
	var schema struct {
		Properties map[string]struct{ Type any }
	}
	f := e.Functions()[1]
	if err := json.Unmarshal(f.OutputSchema(), &schema); err != nil || schema.Properties["list"].Type != "array" {
		t.Errorf("list has type %v, %v", schema.Properties["list"].Type, err)
	}
}
