package searchtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search"
	"github.com/curatore/curatore-go/search/inverted"
)

// A Fixture is a database with a few types and what is needed to index and
// search in it. Every method fails the test on an error.
type Fixture struct {
	T         testing.TB
	DB        *database.DB
	Authority *content.Authority
	Registry  *content.Registry
	Index     *inverted.Index
	Indexer   *search.Indexer
	Searcher  *search.Searcher
}

// Start is the time from which [Doc] counts.
var Start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// New returns a Fixture on a database with the core's tables and nothing else.
func New(t testing.TB, db *database.DB) *Fixture {
	t.Helper()
	f := &Fixture{T: t, DB: db, Authority: content.NewAuthority(), Index: inverted.New(inverted.Options{})}
	define := func(name, label, group string, fields ...content.FieldSpec) *content.Type {
		fields = append([]content.FieldSpec{
			{Name: "key", Kind: content.String, Roles: content.Key},
			{Name: "name", Kind: content.String, Roles: content.Title},
		}, fields...)
		return content.DefineDynamic(content.Spec[content.Dynamic]{Name: name, Label: label, Group: group}, fields...)
	}
	var err error
	f.Registry, err = content.NewRegistry(
		define("crm_account", "Account", "crm",
			content.FieldSpec{Name: "industry", Kind: content.String, Roles: content.Facet},
			content.FieldSpec{Name: "employees", Kind: content.Int, Roles: content.Filterable},
			content.FieldSpec{Name: "revenue", Kind: content.Float, Roles: content.Filterable},
			content.FieldSpec{Name: "active", Kind: content.Bool, Roles: content.Filterable},
			content.FieldSpec{Name: "founded", Kind: content.Date, Roles: content.Filterable}),
		define("crm_contact", "Contact", "crm"),
		define("sam_notice", "Notice", "sam",
			content.FieldSpec{Name: "set_asides", Kind: content.String, Roles: content.Facet}),
		define("asset", "Asset", "assets",
			content.FieldSpec{Name: "source", Kind: content.String, Roles: content.Group}),
	)
	if err != nil {
		t.Fatal(err)
	}
	f.open()
	return f
}

func (f *Fixture) open() {
	now := Start
	config := search.Config{DB: f.DB, Authority: f.Authority, Registry: f.Registry, Index: f.Index, Now: func() time.Time { return now }}
	f.Indexer, f.Searcher = search.NewIndexer(config), search.NewSearcher(config)
}

// Reopen returns the Fixture as another process would see it: with nothing in
// memory.
func (f *Fixture) Reopen() *Fixture {
	other := *f
	other.Index = inverted.New(inverted.Options{})
	other.open()
	return &other
}

// Organization creates an organization and returns a Scope of it. The names of
// organizations are their ids.
func (f *Fixture) Organization(name string) content.Scope {
	f.T.Helper()
	f.write(func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?)", name, name, tx.Dialect().Time(Start))
		return err
	})
	return f.Authority.Mint(name, "test")
}

func (f *Fixture) write(do func(context.Context, *database.Tx) error) {
	f.T.Helper()
	if err := f.DB.Write(context.Background(), do); err != nil {
		f.T.Fatal(err)
	}
}

// Put indexes documents.
func (f *Fixture) Put(scope content.Scope, docs ...content.Document) search.Counts {
	f.T.Helper()
	var counts search.Counts
	f.write(func(ctx context.Context, tx *database.Tx) (err error) {
		counts, err = f.Indexer.Put(ctx, tx, scope, docs)
		return err
	})
	return counts
}

// Delete takes documents out of the index.
func (f *Fixture) Delete(scope content.Scope, typeName string, ids ...string) int {
	f.T.Helper()
	n := 0
	f.write(func(ctx context.Context, tx *database.Tx) (err error) {
		n, err = f.Indexer.Delete(ctx, tx, scope, typeName, ids)
		return err
	})
	return n
}

// Merge merges the segments of an organization.
func (f *Fixture) Merge(scope content.Scope) {
	f.T.Helper()
	if err := f.Indexer.Merge(context.Background(), scope); err != nil {
		f.T.Fatal(err)
	}
}

// Search returns the result of a query.
func (f *Fixture) Search(scope content.Scope, q search.Query) *search.Result {
	f.T.Helper()
	res, err := f.Searcher.Search(context.Background(), scope, q)
	if err != nil {
		f.T.Fatalf("search %+.200v: %v", q, err)
	}
	return res
}

// IDs returns the ids of the hits of a query, best first.
func (f *Fixture) IDs(scope content.Scope, q search.Query) []string {
	f.T.Helper()
	ids := []string{}
	for _, h := range f.Search(scope, q).Hits {
		ids = append(ids, h.ID)
	}
	return ids
}

// Doc returns a document of the type crm_account. Each one made with a larger
// number is an hour newer.
func Doc(n int, title, text string) content.Document {
	return content.Document{ID: fmt.Sprintf("doc%03d", n), Type: "crm_account", Group: "crm", Title: title, Text: text,
		UpdatedAt: Start.Add(time.Duration(n) * time.Hour)}
}

// With returns a document of another type and group with metadata.
func With(d content.Document, typeName, group string, metadata map[string]any) content.Document {
	d.Type, d.Group = typeName, group
	if metadata != nil {
		d.Metadata = map[string]any{group: metadata}
	}
	return d
}
