package functions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/functions"
)

type record struct {
	ID     string            `json:"id"`
	Type   string            `json:"type"`
	Title  string            `json:"title"`
	Fields map[string]string `json:"fields"`
}

// BenchmarkCall measures what the Engine adds to a handler: everything from raw
// arguments to an encoded result. The direct form calls the same handler and
// encodes nothing.
func BenchmarkCall(b *testing.B) {
	fields := map[string]string{}
	for _, name := range []string{"industry", "city", "state", "country", "phone", "website", "owner", "stage"} {
		fields[name] = "some value of " + name
	}
	handle := func(_ context.Context, _ *functions.Call, in getArgs) (record, error) {
		return record{ID: in.ID, Type: in.Type, Title: "Acme", Fields: fields}, nil
	}
	e := engine(b, functions.Config{}, functions.Define(functions.Spec{Name: "get", Description: "Gets."}, handle),
		functions.Define(functions.Spec{Name: "find", Description: "Finds."},
			func(_ context.Context, _ *functions.Call, in find) (find, error) { return in, nil }))
	args := json.RawMessage(`{"type":"salesforce_account","id":"0195a6c8-7d3e-7c1b-9a45-3f1f0c1d2e4b"}`)
	b.Run("direct", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := handle(b.Context(), nil, getArgs{ID: "x"}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Call(b.Context(), scope, "get", args); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("find", func(b *testing.B) {
		args := json.RawMessage(`{"query":"acme","types":["account"],"where":[{"field":"stage","op":"eq","values":["open"]}]}`)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := e.Call(b.Context(), scope, "find", args); err != nil {
				b.Fatal(err)
			}
		}
	})
}

type getArgs struct {
	Type string `json:"type" jsonschema:"enum=salesforce_account,enum=salesforce_contact"`
	ID   string `json:"id" jsonschema:"minLength=1,maxLength=200"`
}

// BenchmarkOverhead measures what a call of get through the Engine takes more
// than the direct store call, for a record of 40 columns with its raw payload.
// The two take turns, so that a busy machine slows both.
func BenchmarkOverhead(b *testing.B) {
	specs := []content.FieldSpec{{Name: "key", Kind: content.String, Roles: content.Key | content.Title, Required: true}}
	raw := map[string]string{}
	for i := range 39 {
		specs = append(specs, content.FieldSpec{Name: fmt.Sprintf("column_%02d", i), Kind: content.String, Roles: content.Searched})
		raw[fmt.Sprintf("Column %02d", i)] = "a value of some length"
	}
	registry, err := content.NewRegistry(content.DefineDynamic(content.Spec[content.Dynamic]{Name: "wide", Label: "Wide", Group: "w", Text: content.TextNone}, specs...))
	if err != nil {
		b.Fatal(err)
	}
	typ := registry.Types()[0]
	db := databasetest.Open(b, database.SQLite)
	if err := store.Ensure(b.Context(), db, typ); err != nil {
		b.Fatal(err)
	}
	scopes := content.NewAuthority()
	mine, records := scopes.Mint("mine", "me"), store.New(db, registry, scopes)
	row, _ := typ.New().(*content.Dynamic)
	row.Values[0] = "K1"
	for i := range 39 {
		row.Values[1+i] = "a value of some length"
	}
	if row.Raw, err = json.Marshal(raw); err != nil {
		b.Fatal(err)
	}
	err = db.Write(b.Context(), func(ctx context.Context, tx *database.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", "mine", "mine", tx.Dialect().Time(time.Now())); err != nil {
			return err
		}
		_, err := records.Upsert(ctx, tx, mine, typ, store.Batch{Rows: []content.Row{row}})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	e := engine(b, functions.Config{}, functions.Builtins(functions.Sources{Registry: registry, Records: records})...)
	args := json.RawMessage(`{"type":"wide","id":"` + row.ID + `"}`)
	var direct, called time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := records.Get(b.Context(), mine, typ, row.ID); err != nil {
			b.Fatal(err)
		}
		between := time.Now()
		if _, err := e.Call(b.Context(), mine, "get", args); err != nil {
			b.Fatal(err)
		}
		direct, called = direct+between.Sub(start), called+time.Since(between)
	}
	b.ReportMetric(float64(direct.Nanoseconds())/float64(b.N), "store-ns/op")
	b.ReportMetric(float64(called.Nanoseconds())/float64(b.N), "call-ns/op")
	b.ReportMetric(float64((called-direct).Nanoseconds())/float64(b.N), "overhead-ns/op")
}
