package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/functions"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	authority = content.NewAuthority()
	scope     = authority.Mint("org-1", "tester")
)

var cursorValue = regexp.MustCompile(`"next_cursor": ?"[^"]+"`)

// golden compares JSON with a file in testdata, indented for people. What a
// cursor looks like is the business of who made it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	got = cursorValue.ReplaceAll(got, []byte(`"next_cursor":"…"`))
	var indented bytes.Buffer
	if err := json.Indent(&indented, got, "", "  "); err != nil {
		t.Fatalf("%v in %s", err, got)
	}
	indented.WriteByte('\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, indented.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run go test with -update to write it", err)
	}
	if diff := cmp.Diff(string(want), indented.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func engine(t testing.TB, config functions.Config, fns ...*functions.Function) *functions.Engine {
	t.Helper()
	e, err := functions.NewEngine(config, fns...)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// failure returns the *functions.Error of a call that must fail.
func failure(t *testing.T, err error) *functions.Error {
	t.Helper()
	var e *functions.Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want a *functions.Error", err)
	}
	return e
}

// echo declares a function that returns its input.
func echo[T any](name string) *functions.Function {
	return functions.Define(functions.Spec{Name: name, Description: "Returns its input."},
		func(_ context.Context, _ *functions.Call, in T) (T, error) { return in, nil })
}

// schema reads a schema as a program would write it.
func schema(t testing.TB, text string) *jsonschema.Schema {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return &s
}
