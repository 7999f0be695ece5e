package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// Company has a column of every kind, with and without NULL, in every role; the
// names of some are keywords of SQL.
type Company struct {
	content.Record
	Key      string         `db:"company_id" content:"key"`
	Name     string         `db:"name" content:"title,sort"`
	About    *string        `db:"about" content:"text"`
	Kind     *string        `db:"type" content:"facet"`
	Rank     *int64         `db:"order" content:"filter,sort"`
	Group    *string        `db:"group" content:"category"`
	User     string         `db:"user" content:"facet"`
	Revenue  *float64       `db:"revenue" content:"filter,sort"`
	Staff    int            `db:"staff" content:"filter,sort"`
	Active   *bool          `db:"active" content:"filter,sort"`
	Public   bool           `db:"public" content:"filter"`
	Founded  *time.Time     `db:"founded" content:"date,filter,sort"`
	Seen     *time.Time     `db:"seen_at" content:"filter,sort"`
	Address  *Address       `db:"address" content:"metadata"`
	Tags     map[string]any `db:"tags"`
	Note     *string        `db:"note"`
	Secret   *string        `db:"secret" content:"hidden"`
	Folder   *string        `db:"linked_folder" content:"kept"`
	ParentID *string        `db:"parent_id" content:"parent=company,from=parent_key"`
	Above    *string        `db:"parent_key"`
}

// Address is held as JSON.
type Address struct {
	Street string `json:"street,omitempty"`
	City   string `json:"city,omitempty"`
}

// Node is a record of the smaller types: something below something else.
type Node struct {
	content.Record
	Key   string `db:"key" content:"key"`
	Name  string `db:"name" content:"title"`
	Above string `db:"above"`
}

// The types that stand below a Company, a Contract or each other.

type (
	// Person stands below another type, or below its own.
	Person struct {
		Node
		Up *string `db:"up" content:"parent=company,from=above"`
	}
	// Contract stands below another type, or below its own.
	Contract struct {
		Node
		Up *string `db:"up" content:"parent=company,from=above"`
	}
	// Clause stands below another type, or below its own.
	Clause struct {
		Node
		Up *string `db:"up" content:"parent=contract,from=above"`
	}
	// Invoice stands below another type, or below its own.
	Invoice struct {
		Node
		Up *string `db:"up" content:"parent=contract,from=above"`
	}
	// Folder stands below another type, or below its own.
	Folder struct {
		Node
		Up *string `db:"up" content:"parent=folder,from=above"`
	}
	// Task stands below another type, or below its own.
	Task struct {
		Node
		Up *string `db:"up" content:"parent=task,from=above"`
	}
)

// A World is a store with the types of the suite in a database, and an
// organization in it.
type World struct {
	DB    *database.DB
	Auth  *content.Authority
	Store *store.Store
	Scope content.Scope

	Company, Person, Contract, Clause, Invoice, Folder, Task *content.Type
}

// Open creates the tables of the suite and an organization.
func Open(t testing.TB, db *database.DB) *World {
	t.Helper()
	rule := func(typ, relation string, rule content.OnDelete) content.Child {
		return content.Child{Type: typ, Relation: relation, OnDelete: rule}
	}
	registry, err := content.NewRegistry(
		content.Define(content.Spec[Company]{Name: "company", Label: "Company", Table: "table", Group: "suite", // the table's name is a keyword too
			Children: []content.Child{rule("person", "people", content.Orphan), rule("contract", "contracts", content.Cascade)},
			Statistics: []content.Statistic{
				{Name: "total"},
				{Name: "active", Filters: []content.Filter{{Field: "active", Op: content.Equal, Values: []string{"true"}}}},
				{Name: "revenue", Sum: "revenue"},
				{Name: "active_staff", Sum: "staff", Filters: []content.Filter{{Field: "active", Op: content.Equal, Values: []string{"true"}}}},
				{Name: "by_type", GroupBy: "type", Key: "kind", Value: "revenue"},
				{Name: "by_user", GroupBy: "user", Filters: []content.Filter{{Field: "user", Op: content.NotEqual, Values: []string{""}}}},
			}}),
		content.Define(content.Spec[Person]{Name: "person", Label: "Person", Table: "people", Group: "suite"}),
		content.Define(content.Spec[Contract]{Name: "contract", Label: "Contract", Group: "suite",
			Children: []content.Child{rule("clause", "clauses", content.Cascade), rule("invoice", "invoices", content.Block)}}),
		content.Define(content.Spec[Clause]{Name: "clause", Label: "Clause", Group: "suite"}),
		content.Define(content.Spec[Invoice]{Name: "invoice", Label: "Invoice", Group: "suite"}),
		content.Define(content.Spec[Folder]{Name: "folder", Label: "Folder", Group: "suite", Children: []content.Child{rule("folder", "folders", content.Cascade)}}),
		content.Define(content.Spec[Task]{Name: "task", Label: "Task", Group: "suite", Children: []content.Child{rule("task", "tasks", content.Block)}}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Ensure(context.Background(), db, registry.Types()...); err != nil {
		t.Fatal(err)
	}
	w := &World{DB: db, Auth: content.NewAuthority()}
	w.Store = store.New(db, registry, w.Auth)
	for name, typ := range map[string]**content.Type{"company": &w.Company, "person": &w.Person, "contract": &w.Contract, "clause": &w.Clause, "invoice": &w.Invoice, "folder": &w.Folder, "task": &w.Task} {
		*typ, _ = registry.Type(name)
	}
	w.Scope = w.Organization(t)
	return w
}

// Fresh returns the same World with a new organization.
func (w *World) Fresh(t testing.TB) *World {
	t.Helper()
	fresh := *w
	fresh.Scope = w.Organization(t)
	return &fresh
}

// Organization adds an organization.
func (w *World) Organization(t testing.TB) content.Scope {
	t.Helper()
	id := store.NewID()
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", id, "organization "+id, tx.Dialect().Time(time.Now()))
		return err
	})
	return w.Auth.Mint(id, "tester")
}

// ID returns the id of the World's organization.
func (w *World) ID(t testing.TB) string {
	t.Helper()
	id, err := w.Auth.Organization(w.Scope)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Write runs a transaction that must succeed.
func (w *World) Write(t testing.TB, do func(ctx context.Context, tx *database.Tx) error) {
	t.Helper()
	if err := w.DB.Write(context.Background(), do); err != nil {
		t.Fatal(err)
	}
}

// Try runs an Upsert in a transaction of its own.
func (w *World) Try(typ *content.Type, b store.Batch) (n store.Counts, err error) {
	err = w.DB.Write(context.Background(), func(ctx context.Context, tx *database.Tx) error {
		n, err = w.Store.Upsert(ctx, tx, w.Scope, typ, b)
		return err
	})
	return n, err
}

// Batch upserts a batch.
func (w *World) Batch(t testing.TB, typ *content.Type, b store.Batch) store.Counts {
	t.Helper()
	n, err := w.Try(typ, b)
	if err != nil {
		t.Fatal(err)
	}
	if sum := n.Created + n.Updated + n.Unchanged + n.Duplicates; sum != int64(len(b.Rows)) {
		t.Errorf("%+v add up to %d of %d rows", n, sum, len(b.Rows))
	}
	return n
}

// Put upserts rows of the one instance.
func (w *World) Put(t testing.TB, typ *content.Type, rows ...content.Row) store.Counts {
	t.Helper()
	return w.Batch(t, typ, store.Batch{Rows: rows})
}

// Keys returns the keys of what a query lists.
func (w *World) Keys(t testing.TB, typ *content.Type, q store.Query) []string {
	t.Helper()
	page, err := w.Store.List(context.Background(), w.Scope, typ, q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	keys := make([]string, len(page.Items))
	for i, row := range page.Items {
		keys[i] = typ.KeyOf(row)
	}
	return keys
}

// Get returns a record by its key, nil when there is none.
func (w *World) Get(t testing.TB, typ *content.Type, key string) content.Row {
	t.Helper()
	row, err := w.Store.GetByKey(context.Background(), w.Scope, typ, "", key)
	if errors.Is(err, content.ErrNotFound) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return row
}

// IDs returns the ids of records by their keys.
func (w *World) IDs(t testing.TB, typ *content.Type, keys ...string) []string {
	t.Helper()
	ids := make([]string, len(keys))
	for i, key := range keys {
		row := w.Get(t, typ, key)
		if row == nil {
			t.Fatalf("there is no %s %q", typ.Name(), key)
		}
		ids[i] = content.RecordOf(row).ID
	}
	return ids
}

// Delete deletes records by their keys.
func (w *World) Delete(t testing.TB, typ *content.Type, keys ...string) (d store.Deletion) {
	t.Helper()
	ids := w.IDs(t, typ, keys...)
	w.Write(t, func(ctx context.Context, tx *database.Tx) (err error) {
		d, err = w.Store.Delete(ctx, tx, w.Scope, typ, ids)
		return err
	})
	return d
}

// Index marks everything of a Type as indexed and returns the keys of what was
// waiting.
func (w *World) Index(t testing.TB, typ *content.Type) (keys []string) {
	t.Helper()
	rows := w.pending(t, typ)
	for _, row := range rows {
		keys = append(keys, typ.KeyOf(row))
	}
	w.Write(t, func(ctx context.Context, tx *database.Tx) error {
		return w.Store.SetIndexed(ctx, tx, w.Scope, typ, rows)
	})
	return keys
}

func (w *World) pending(t testing.TB, typ *content.Type) []content.Row {
	t.Helper()
	rows, err := w.Store.Pending(context.Background(), w.Scope, typ, "", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// Link resolves the links of a Type.
func (w *World) Link(t testing.TB, typ *content.Type) int64 {
	t.Helper()
	n, err := w.Store.ResolveLinks(context.Background(), w.Scope, typ, "", w.DB.Write)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// below stores rows, each a key and the key of the record above it, and resolves
// their links.
func (w *World) below(t testing.TB, typ *content.Type, keysAndParents ...[2]string) {
	t.Helper()
	for _, k := range keysAndParents {
		row := typ.New()
		for name, v := range map[string]string{"key": k[0], "name": "the " + k[0], "above": k[1]} {
			f, _ := typ.Field(name)
			f.Set(row, v)
		}
		w.Put(t, typ, row)
	}
	w.Link(t, typ)
}

// companies makes n rows: c00000, c00001, …
func companies(n int) []content.Row {
	rows := make([]content.Row, n)
	for i := range rows {
		rows[i] = &Company{Key: fmt.Sprintf("c%05d", i), Name: fmt.Sprintf("Company %05d", i), Staff: i}
	}
	return rows
}

// same reports a difference.
func same(t testing.TB, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts...); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// cmpopts let nil and empty lists be the same.
var cmpopts = []cmp.Option{cmp.Transformer("list", func(list []string) []string { return append([]string{}, list...) })}
