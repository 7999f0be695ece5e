package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/database/databasetest"
	"github.com/curatore/curatore-go/content/store"
)

// table declares a type with a key, a title and more fields.
func table(name string, fields ...content.FieldSpec) *content.Type {
	return named(content.Spec[content.Dynamic]{Name: name, Label: name, Group: "test"}, fields...)
}

func named(spec content.Spec[content.Dynamic], fields ...content.FieldSpec) *content.Type {
	return content.DefineDynamic(spec, append([]content.FieldSpec{
		{Name: "key", Kind: content.String, Roles: content.Key}, {Name: "name", Kind: content.String, Roles: content.Title}}, fields...)...)
}

// catalogue describes the tables and indexes of a database, one a line.
func catalogue(t *testing.T, db *database.DB) (lines []string) {
	t.Helper()
	query := "SELECT type || ' ' || tbl_name || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY 1"
	if db.Dialect().Name() == database.Postgres {
		query = `SELECT 'column ' || table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable || coalesce(column_default, '') || coalesce(collation_name, '') FROM information_schema.columns WHERE table_schema = 'public'
			UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
			UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1`
	}
	if err := db.Read(context.Background(), func(ctx context.Context, tx *database.Tx) error { return tx.Select(ctx, &lines, query) }); err != nil {
		t.Fatal(err)
	}
	return lines
}

func ensure(t *testing.T, db *database.DB, types ...*content.Type) {
	t.Helper()
	if err := store.Ensure(context.Background(), db, types...); err != nil {
		t.Fatal(err)
	}
	left, err := store.Missing(context.Background(), db, types...)
	if err != nil || left != "" {
		t.Fatalf("after Ensure this is missing: %s %v", left, err)
	}
}

// family are types that link to themselves, to each other in a circle, and up.
func family() []*content.Type {
	link := func(name string, role content.Role, typ string) content.FieldSpec {
		return content.FieldSpec{Name: name, Kind: content.String, Roles: role, LinkType: typ}
	}
	var all []content.FieldSpec
	for k := content.String; k <= content.JSON; k++ {
		all = append(all, content.FieldSpec{Name: "opt_" + k.String(), Kind: k}, content.FieldSpec{Name: "req_" + k.String(), Kind: k, Required: true})
	}
	return []*content.Type{
		table("child", link("up", content.Parent, "parent"), link("friend", content.Link, "child")),
		table("parent", append(all, link("favourite", content.Link, "child"))...),
		table("order", link("abroad", content.Link, "elsewhere")),
	}
}

func TestUpAndDownAreWhatEnsureDoes(t *testing.T) {
	for _, kind := range []string{database.SQLite, database.Postgres} {
		t.Run(kind, func(t *testing.T) {
			ensured, printed := databasetest.Open(t, kind), databasetest.Open(t, kind)
			empty := catalogue(t, printed)
			ensure(t, ensured, family()...)
			run := func(sql string) {
				t.Helper()
				write(t, printed, func(ctx context.Context, tx *database.Tx) error { return tx.Run(ctx, sql) })
			}
			up := store.Up(printed.Dialect(), family()...)
			run(up)
			if d := cmp.Diff(catalogue(t, ensured), catalogue(t, printed)); d != "" {
				t.Errorf("Ensure and Up differ: %s", d)
			}
			if missing, err := store.Missing(context.Background(), printed, family()...); missing != "" || err != nil {
				t.Errorf("after Up this is missing: %s %v", missing, err)
			}
			run(store.Down(family()...))
			if d := cmp.Diff(empty, catalogue(t, printed)); d != "" {
				t.Errorf("Down leaves something: %s", d)
			}
			fresh, err := store.Missing(context.Background(), printed, family()...)
			if err != nil || strings.ReplaceAll(up, "\n\n", "\n") != fresh {
				t.Errorf("Missing on a new database is not Up: %v\n%s", err, cmp.Diff(up, fresh))
			}
			run(up)
			for _, want := range []string{`FOREIGN KEY (organization_id, "up") REFERENCES "parents" (organization_id, id)`, "organization_id TEXT", "ON DELETE CASCADE", "PRIMARY KEY (organization_id, id)"} {
				if !strings.Contains(up, want) {
					t.Errorf("Up lacks %q", want)
				}
			}
		})
	}
}

func TestEnsureExtends(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		ensure(t, db, table("note"))
		auth := content.NewAuthority()
		scope := organization(t, db, auth)
		put := func(typ *content.Type, values ...any) *store.Store {
			t.Helper()
			registry, err := content.NewRegistry(typ)
			if err != nil {
				t.Fatal(err)
			}
			s := store.New(db, registry, auth)
			write(t, db, func(ctx context.Context, tx *database.Tx) error {
				_, err := s.Upsert(ctx, tx, scope, typ, store.Batch{Rows: []content.Row{&content.Dynamic{Values: values}}})
				return err
			})
			return s
		}
		put(table("note"), "a", "Before")
		var more []content.FieldSpec
		for k := content.String; k <= content.JSON; k++ {
			more = append(more, content.FieldSpec{Name: "opt_" + k.String(), Kind: k, Roles: content.Searched}, content.FieldSpec{Name: "req_" + k.String(), Kind: k, Required: true})
		}
		more = append(more, content.FieldSpec{Name: "kind", Kind: content.String, Roles: content.Facet})
		wide := table("note", more...)
		missing, err := store.Missing(ctx, db, wide)
		if err != nil || !strings.Contains(missing, `ALTER TABLE "notes" ADD COLUMN "req_int" `) || !strings.Contains(missing, `CREATE INDEX "notes_by_kind" ON "notes" (organization_id, "kind");`) {
			t.Errorf("%s %v", missing, err)
		}
		ensure(t, db, wide)
		s := put(wide, "b", "After")
		page, err := s.List(ctx, scope, wide, store.Query{Order: []store.Order{{Field: "key"}}})
		if err != nil || len(page.Items) != 2 {
			t.Fatal(page, err)
		}
		for _, f := range wide.Fields()[2:] {
			old, fresh := f.Value(page.Items[0]), f.Value(page.Items[1])
			if d := cmp.Diff(old, fresh); d != "" {
				t.Errorf("%s of a row that was there before: %s", f.Name, d)
			}
		}
		// Fewer fields drop nothing.
		before := catalogue(t, db)
		ensure(t, db, table("note"))
		if d := cmp.Diff(before, catalogue(t, db)); d != "" {
			t.Errorf("a narrower declaration changes the table: %s", d)
		}
	})
}

func organization(t *testing.T, db *database.DB, auth *content.Authority) content.Scope {
	t.Helper()
	id := store.NewID()
	write(t, db, func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, '2026-01-01T00:00:00.000000Z')", id, id)
		return err
	})
	return auth.Mint(id, "me")
}

func TestEnsureNamesAllThatDoesNotFit(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		text := func(name string) content.FieldSpec { return content.FieldSpec{Name: name, Kind: content.String} }
		ensure(t, db, table("one", text("a"), text("b"), content.FieldSpec{Name: "c", Kind: content.Int, Required: true}), table("two"))
		write(t, db, func(ctx context.Context, tx *database.Tx) error {
			return tx.Run(ctx, "CREATE TABLE threes (id TEXT, organization_id TEXT); CREATE TABLE others (x INTEGER)")
		})
		before := catalogue(t, db)
		err := store.Ensure(ctx, db,
			table("one", content.FieldSpec{Name: "a", Kind: content.Int}, content.FieldSpec{Name: "b", Kind: content.Float}, content.FieldSpec{Name: "c", Kind: content.Int}, text("new")),
			content.DefineDynamic(content.Spec[content.Dynamic]{Name: "two", Label: "two"}, content.FieldSpec{Name: "code", Kind: content.String, Roles: content.Key | content.Title}),
			table("three"), named(content.Spec[content.Dynamic]{Name: "other", Label: "other"}), table("fine"))
		if !errors.Is(err, content.ErrInvalid) {
			t.Fatal(err)
		}
		for _, want := range []string{
			"type one: column ones.a is text, the declaration wants", "type one: column ones.b is text", "type one: column ones.c is NOT NULL",
			"type two: the table twos has another column as its key than code", "type three: the table threes exists and is not one of curatore's", "type other: the table others exists",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error does not say %q", want)
			}
		}
		if t.Failed() {
			t.Log(err)
		}
		if d := cmp.Diff(before, catalogue(t, db)); d != "" {
			t.Errorf("something was changed all the same: %s", d)
		}
		if missing, err := store.Missing(ctx, db, table("three")); missing != "" || !errors.Is(err, content.ErrInvalid) {
			t.Errorf("Missing: %q %v", missing, err)
		}
	})
}

// Keywords of SQL, the longest names, and pairs whose index names would be the
// same, all at once and with records in them.
func TestNamesThatAreHardToStore(t *testing.T) {
	long := func(i int) string { return fmt.Sprintf("%s%02d", strings.Repeat("abcdefg_", 5)[:38], i) }
	var keywords []content.FieldSpec
	for _, word := range []string{"order", "type", "group", "user", "table", "select", "from", "where", "index", "default", "primary", "references", "check", "column", "desc", "limit",
		"offset", "values", "null", "rowid", "oid", "current_user", "excluded", "true", "title", "text", "all", "any", "t", "o", "k", "j", "found", "done", "value", "wanted"} {
		keywords = append(keywords, content.FieldSpec{Name: word, Kind: content.String, Roles: content.Facet | content.Sortable})
	}
	types := []*content.Type{
		table("key_word", keywords...),
		named(content.Spec[content.Dynamic]{Name: "select_type", Label: "x", Table: "select"}),
		named(content.Spec[content.Dynamic]{Name: "user_type", Label: "x", Table: "user"}, content.FieldSpec{Name: "up", Kind: content.String, Roles: content.Parent, LinkType: "select_type", LinkFrom: "name"}),
		table(long(0), content.FieldSpec{Name: long(1), Kind: content.String, Roles: content.Facet}, content.FieldSpec{Name: long(2), Kind: content.String, Roles: content.Facet}),
		table(long(1), content.FieldSpec{Name: long(1), Kind: content.String, Roles: content.Facet}),
		named(content.Spec[content.Dynamic]{Name: "a", Label: "x", Table: "a"}, content.FieldSpec{Name: "b_by_c", Kind: content.String, Roles: content.Facet}, content.FieldSpec{Name: "by_c", Kind: content.String, Roles: content.Facet}),
		named(content.Spec[content.Dynamic]{Name: "a_by_b", Label: "x", Table: "a_by_b"}, content.FieldSpec{Name: "c", Kind: content.String, Roles: content.Facet}),
		named(content.Spec[content.Dynamic]{Name: "a_by", Label: "x", Table: "a_by"}, content.FieldSpec{Name: "c", Kind: content.String, Roles: content.Facet}),
		content.DefineDynamic(content.Spec[content.Dynamic]{Name: "titled", Label: "x"}, content.FieldSpec{Name: "key", Kind: content.String, Roles: content.Key}, content.FieldSpec{Name: "title", Kind: content.String, Roles: content.Title | content.Facet}),
	}
	registry, err := content.NewRegistry(types...)
	if err != nil {
		t.Fatal(err)
	}
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		ctx := context.Background()
		ensure(t, db, types...)
		auth := content.NewAuthority()
		s, scope := store.New(db, registry, auth), organization(t, db, auth)
		for _, typ := range types {
			row := typ.New()
			for _, f := range typ.Fields() {
				if !f.Has(content.Parent) {
					f.Set(row, "v")
				}
			}
			write(t, db, func(ctx context.Context, tx *database.Tx) error {
				n, err := s.Upsert(ctx, tx, scope, typ, store.Batch{Rows: []content.Row{row}})
				if err == nil && n.Created != 1 {
					err = fmt.Errorf("%s: %+v", typ.Name(), n)
				}
				return err
			})
			for _, f := range typ.Fields() {
				q := store.Query{Filters: []content.Filter{{Field: f.Name, Op: content.StartsWith, Values: []string{"V"}}}, Order: []store.Order{{Field: f.Name, Desc: true}}, Total: true}
				if f.Has(content.Parent) {
					q = store.Query{Filters: []content.Filter{{Field: f.Name, Op: content.IsNull}}, Total: true}
				}
				if _, page, err := s.Select(ctx, scope, typ, []string{f.Name}, q); err != nil || len(page.Items) != 1 || page.Total != 1 {
					t.Errorf("%s.%s: %+v %v", typ.Name(), f.Name, page, err)
				}
				if g, err := s.Groups(ctx, scope, typ, f.Name, ""); err != nil || len(g) != 1 {
					t.Errorf("%s.%s: %v %v", typ.Name(), f.Name, g, err)
				}
			}
			if _, err := s.ResolveLinks(ctx, scope, typ, "", db.Write); err != nil {
				t.Error(err)
			}
			rows, err := s.Pending(ctx, scope, typ, "", 5)
			if err != nil {
				t.Error(err)
			}
			write(t, db, func(ctx context.Context, tx *database.Tx) error {
				if err := s.SetIndexed(ctx, tx, scope, typ, rows); err != nil {
					return err
				}
				_, err := s.Delete(ctx, tx, scope, typ, []string{content.RecordOf(row).ID})
				return err
			})
			if n, err := s.Purge(ctx, scope, typ, s.Now().AddDate(1, 0, 0), db.Write); n != 1 || err != nil {
				t.Errorf("%s: %d purged, %v", typ.Name(), n, err)
			}
		}
	})
}

func TestATableNamedLikeAnIndexIsReported(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		err := store.Ensure(context.Background(), db, table("note"), named(content.Spec[content.Dynamic]{Name: "other", Label: "x", Table: "notes_key"}))
		if !errors.Is(err, content.ErrInvalid) || !strings.Contains(err.Error(), "type other: the name notes_key is taken by the type note; set Spec.Table") {
			t.Errorf("%v", err)
		}
	})
}

// Eight goroutines create the same tables at once, as processes do that start
// together.
func TestEnsureBesideItself(t *testing.T) {
	databasetest.Run(t, func(t *testing.T, db *database.DB) {
		results := make(chan error, 8)
		for range cap(results) {
			go func() { results <- store.Ensure(context.Background(), db, family()...) }()
		}
		for range cap(results) {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if lines := catalogue(t, db); !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, "parents_key") }) {
			t.Error("there is no parents_key")
		}
	})
}
