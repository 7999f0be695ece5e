package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A table or index as it should be.
type object struct {
	table, name, ddl string
	column           *content.Field // set when the DDL adds a column to a table that exists
}

// Up returns the statements that create the tables of the Types on a database,
// parents before children. Links to Types that are not among them are columns
// without a foreign key.
func Up(d database.Dialect, types ...*content.Type) string {
	var b strings.Builder
	for _, t := range inOrder(types) {
		for _, o := range objects(d, t, types) {
			b.WriteString(o.ddl + ";\n")
		}
		b.WriteString("\n")
	}
	return strings.TrimSpace(b.String()) + "\n"
}

// Down returns the statements that drop the tables, children before parents.
func Down(types ...*content.Type) string {
	ordered := inOrder(types)
	slices.Reverse(ordered)
	var b strings.Builder
	for _, t := range ordered {
		b.WriteString("DROP TABLE " + t.Table() + ";\n")
	}
	return b.String()
}

// inOrder puts each Type behind those that it links to. Types that link to each
// other in a circle keep their order.
func inOrder(types []*content.Type) []*content.Type {
	var ordered []*content.Type
	visited := map[string]bool{}
	var visit func(t *content.Type)
	visit = func(t *content.Type) {
		if visited[t.Name()] {
			return
		}
		visited[t.Name()] = true
		for _, f := range t.With(content.Parent | content.Link) {
			if i := slices.IndexFunc(types, func(o *content.Type) bool { return o.Name() == f.LinkType }); i >= 0 {
				visit(types[i])
			}
		}
		ordered = append(ordered, t)
	}
	for _, t := range types {
		visit(t)
	}
	return ordered
}

// objects returns the table of a Type and its indexes.
func objects(d database.Dialect, t *content.Type, among []*content.Type) []object {
	text, at, blob := d.Type(content.String), d.Type(content.Time), d.Blob()
	lines := []string{
		"id " + text + " NOT NULL",
		"organization_id " + text + " NOT NULL REFERENCES organizations (id) ON DELETE CASCADE",
		"instance " + text + " NOT NULL",
		"created_at " + at + " NOT NULL",
		"title_key " + text + " NOT NULL",
		"updated_at " + at + " NOT NULL",
		"deleted_at " + at,
		"indexed_at " + at,
		"row_hash " + blob + " NOT NULL",
		"document_hash " + blob + " NOT NULL",
	}
	for _, f := range t.Fields() {
		lines = append(lines, column(d, f))
	}
	lines = append(lines, "raw "+blob, "PRIMARY KEY (organization_id, id)")
	placed := inOrder(among)
	position := func(name string) int {
		return slices.IndexFunc(placed, func(o *content.Type) bool { return o.Name() == name })
	}
	for _, f := range t.With(content.Parent | content.Link) {
		// A link stays inside its organization: the key of the parent is
		// (organization, id). NO ACTION, since a rule would have to null the
		// organization too; Purge clears the links first.
		if i := position(f.LinkType); i >= 0 && i <= position(t.Name()) {
			lines = append(lines, fmt.Sprintf("FOREIGN KEY (organization_id, %s) REFERENCES %s (organization_id, id)", quote(f.Name), placed[i].Table()))
		}
	}
	table := t.Table()
	all := []object{{table: table, name: table, ddl: "CREATE TABLE " + table + " (\n    " + strings.Join(lines, ",\n    ") + "\n)"}}
	index := func(suffix, definition string) {
		name := table + "_" + suffix
		all = append(all, object{table: table, name: name, ddl: fmt.Sprintf(definition, name, table)})
	}
	index("key", "CREATE UNIQUE INDEX %s ON %s (organization_id, instance, "+quote(t.Key().Name)+")")
	index("by_title", "CREATE INDEX %s ON %s (organization_id, title_key, id)")
	index("to_index", "CREATE INDEX %s ON %s (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL")
	index("deleted", "CREATE INDEX %s ON %s (organization_id, deleted_at) WHERE deleted_at IS NOT NULL")
	for _, f := range t.Fields() {
		if f.Indexed() && !f.Has(content.Key) {
			index("by_"+f.Name, "CREATE INDEX %s ON %s (organization_id, "+quote(f.Name)+")")
		}
	}
	return all
}

// column returns a column's definition. A column that cannot be NULL has its
// zero value as default, so that it can be added to a table with rows.
func column(d database.Dialect, f *content.Field) string {
	s := quote(f.Name) + " " + d.Type(f.Kind)
	if f.Nullable {
		return s
	}
	zero := map[content.Kind]string{content.String: "''", content.Int: "0", content.Float: "0", content.Bool: "FALSE"}[f.Kind]
	if f.Kind == content.Bool && d.Name() == database.SQLite {
		zero = "0"
	}
	if zero == "" {
		return s
	}
	return s + " NOT NULL DEFAULT " + zero
}

// Ensure creates the tables, columns and indexes of the Types that the database
// lacks. It never drops or narrows anything: a column that holds another kind
// than the declaration is an error that names all of them.
func Ensure(ctx context.Context, db *database.DB, types ...*content.Type) error {
	return db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if err := tx.Lock(ctx, "curatore schema"); err != nil {
			return err
		}
		missing, err := missing(ctx, tx, types)
		if err != nil {
			return err
		}
		for _, o := range missing {
			if err := tx.Run(ctx, o.ddl); err != nil {
				return fmt.Errorf("create %s: %w", o.name, err)
			}
		}
		return nil
	})
}

// Missing returns the SQL that [Ensure] would run; it is empty when the
// database is up to date.
func Missing(ctx context.Context, db *database.DB, types ...*content.Type) (string, error) {
	var b strings.Builder
	err := db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		missing, err := missing(ctx, tx, types)
		for _, o := range missing {
			b.WriteString(o.ddl + ";\n")
		}
		return err
	})
	return b.String(), err
}

func missing(ctx context.Context, tx *database.Tx, types []*content.Type) ([]object, error) {
	d := tx.Dialect()
	var todo []object
	var problems []error
	for _, t := range inOrder(types) {
		have, err := columnsOf(ctx, tx, t.Table())
		if err != nil {
			return nil, err
		}
		indexes, err := indexesOf(ctx, tx, t.Table())
		if err != nil {
			return nil, err
		}
		for _, o := range objects(d, t, types) {
			if o.name == t.Table() {
				if len(have) == 0 {
					todo = append(todo, o)
					continue
				}
				if have["organization_id"] == "" || have["row_hash"] == "" {
					problems = append(problems, fmt.Errorf("type %s: the table %s exists and is not one of curatore's; set Spec.Table to another name", t.Name(), t.Table()))
					continue
				}
				for _, f := range t.Fields() {
					switch held := have[f.Name]; {
					case held == "":
						todo = append(todo, object{table: t.Table(), name: t.Table() + "." + f.Name, ddl: "ALTER TABLE " + t.Table() + " ADD COLUMN " + column(d, f)})
					case held != plainType(d, f.Kind):
						problems = append(problems, fmt.Errorf("type %s: column %s.%s is %s, the declaration wants %s; columns are never changed: rename the field or migrate the column yourself",
							t.Name(), t.Table(), f.Name, held, plainType(d, f.Kind)))
					}
				}
			} else if !slices.Contains(indexes, o.name) {
				todo = append(todo, o)
			}
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w: the database does not fit the declarations:\n%w", content.ErrInvalid, errors.Join(problems...))
	}
	return todo, nil
}

// plainType is a kind's column type as the catalogue of the database names it.
func plainType(d database.Dialect, k content.Kind) string {
	t, _, _ := strings.Cut(d.Type(k), " COLLATE")
	if t == "TIMESTAMPTZ" {
		t = "timestamp with time zone"
	}
	return strings.ToLower(t)
}

// columnsOf returns the columns of a table with their types in lower case.
func columnsOf(ctx context.Context, tx *database.Tx, table string) (map[string]string, error) {
	query := "SELECT name, lower(type) AS type FROM pragma_table_info(?)"
	if tx.Dialect().Name() == database.Postgres {
		query = "SELECT column_name AS name, lower(data_type) AS type FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ?"
	}
	var rows []struct{ Name, Type string }
	if err := tx.Select(ctx, &rows, query, table); err != nil {
		return nil, fmt.Errorf("look at table %s: %w", table, err)
	}
	columns := map[string]string{}
	for _, r := range rows {
		columns[r.Name] = r.Type
	}
	return columns, nil
}

func indexesOf(ctx context.Context, tx *database.Tx, table string) (names []string, err error) {
	query := "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ?"
	if tx.Dialect().Name() == database.Postgres {
		query = "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename = ?"
	}
	if err := tx.Select(ctx, &names, query, table); err != nil {
		return nil, fmt.Errorf("look at the indexes of %s: %w", table, err)
	}
	return names, nil
}
