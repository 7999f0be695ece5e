package store

import (
	"context"
	"crypto/sha256"
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
		if t.History() {
			b.WriteString("DROP TABLE " + quote(historyTable(t)) + ";\n")
		}
		b.WriteString("DROP TABLE " + quote(t.Table()) + ";\n")
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
			lines = append(lines, fmt.Sprintf("FOREIGN KEY (organization_id, %s) REFERENCES %s (organization_id, id)", quote(f.Name), quote(placed[i].Table())))
		}
	}
	table := t.Table()
	all := []object{{table: table, name: table, ddl: "CREATE TABLE " + quote(table) + " (\n    " + strings.Join(lines, ",\n    ") + "\n)" + inRow(d)}}
	index := func(suffix, definition string) {
		name := indexName(table, suffix)
		all = append(all, object{table: table, name: name, ddl: fmt.Sprintf(definition, quote(name), quote(table))})
	}
	index("key", "CREATE UNIQUE INDEX %s ON %s (organization_id, instance, "+quote(t.Key().Name)+")")
	index("titles", "CREATE INDEX %s ON %s (organization_id, title_key, id)")
	index("to_index", "CREATE INDEX %s ON %s (organization_id, id) WHERE indexed_at IS NULL AND deleted_at IS NULL")
	index("deleted", "CREATE INDEX %s ON %s (organization_id, deleted_at) WHERE deleted_at IS NOT NULL")
	for _, f := range t.Fields() {
		if f.Indexed() && !f.Has(content.Key) {
			index("by_"+f.Name, "CREATE INDEX %s ON %s (organization_id, "+quote(f.Name)+")")
		}
	}
	if t.History() {
		all = append(all, historyObject(d, t))
	}
	return all
}

// inRow has Postgres keep rows of up to half a page as they are. It would
// compress the payloads of rows over 2 kB, which most are, to save a tenth of
// their size for a third of the time of an insert.
func inRow(d database.Dialect) string {
	if d.Name() == database.Postgres {
		return " WITH (toast_tuple_target = 4080)"
	}
	return ""
}

// indexName returns "notes_by_kind" for the table notes and the suffix by_kind.
// Names of indexes are one space with those of all tables, and Postgres cuts
// them after 63 bytes: what would be longer, or could be read as another table's
// index ("a_by_b" and "c", "a" and "b_by_c"), ends in a hash instead.
func indexName(table, suffix string) string {
	name := table + "_" + suffix
	if len(name) <= 63 && !strings.Contains(table+"_", "_by_") {
		return name
	}
	sum := sha256.Sum256([]byte(table + " " + suffix))
	return fmt.Sprintf("%.50s_%x", name, sum[:6])
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
// than the declaration is an error that names all of them, and wraps
// content.ErrInvalid. A link column that is added to a table gets no foreign key.
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
	named := map[string]string{} // tables and indexes, which share their names
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
			if other, taken := named[o.name]; taken {
				problems = append(problems, fmt.Errorf("type %s: the name %s is taken by the type %s; set Spec.Table to another name", t.Name(), o.name, other))
			}
			named[o.name] = t.Name()
			_, there := indexes[o.name]
			switch {
			case t.History() && o.name == historyTable(t):
				added, wrong, err := missingHistory(ctx, tx, t)
				if err != nil {
					return nil, err
				}
				todo, problems = append(todo, added...), append(problems, wrong...)
			case o.name != t.Table() && !there:
				todo = append(todo, o)
			case o.name != t.Table():
			case len(have) == 0:
				todo = append(todo, o)
			default:
				added, wrong := compare(d, t, have, indexes)
				todo, problems = append(todo, added...), append(problems, wrong...)
			}
		}
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w: the database does not fit the declarations:\n%w", content.ErrInvalid, errors.Join(problems...))
	}
	return todo, nil
}

// compare holds the columns of a table that exists against the declaration.
func compare(d database.Dialect, t *content.Type, have map[string]columnInfo, indexes map[string]string) (add []object, problems []error) {
	table := t.Table()
	wrong := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf("type %s: %s", t.Name(), fmt.Sprintf(format, args...)))
	}
	for _, c := range append(slices.Clone(systemColumns), "raw") {
		if _, ok := have[c]; !ok {
			wrong("the table %s exists and is not one of curatore's; set Spec.Table to another name", table)
			return nil, problems
		}
	}
	if index, ok := indexes[indexName(table, "key")]; ok && !strings.HasSuffix(index, ", "+t.Key().Name+")") {
		wrong("the table %s has another column as its key than %s; rename the type or migrate the table yourself", table, t.Key().Name)
	}
	for _, f := range t.Fields() {
		held, ok := have[f.Name]
		switch {
		case !ok:
			add = append(add, object{table: table, name: table + "." + f.Name, ddl: "ALTER TABLE " + quote(table) + " ADD COLUMN " + column(d, f)})
		case held.Type != plainType(d, f.Kind):
			wrong("column %s.%s is %s, the declaration wants %s; columns are never changed: rename the field or migrate the column yourself", table, f.Name, held.Type, plainType(d, f.Kind))
		case held.Required && f.Nullable:
			wrong("column %s.%s is NOT NULL, the declaration has records without a value; columns are never changed: rename the field or migrate the column yourself", table, f.Name)
		}
	}
	return add, problems
}

// plainType is a kind's column type as the catalogue of the database names it.
func plainType(d database.Dialect, k content.Kind) string {
	t, _, _ := strings.Cut(d.Type(k), " COLLATE")
	if t == "TIMESTAMPTZ" {
		t = "timestamp with time zone"
	}
	return strings.ToLower(t)
}

// A columnInfo is a column as the database has it, its type in lower case.
type columnInfo struct {
	Name, Type string
	Required   bool
}

func columnsOf(ctx context.Context, tx *database.Tx, table string) (map[string]columnInfo, error) {
	query := `SELECT name, lower(type) AS type, "notnull" <> 0 AS required FROM pragma_table_info(?)`
	if tx.Dialect().Name() == database.Postgres {
		query = "SELECT column_name AS name, lower(data_type) AS type, is_nullable = 'NO' AS required FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ?"
	}
	var rows []columnInfo
	if err := tx.Select(ctx, &rows, query, table); err != nil {
		return nil, fmt.Errorf("look at table %s: %w", table, err)
	}
	columns := map[string]columnInfo{}
	for _, r := range rows {
		columns[r.Name] = r
	}
	return columns, nil
}

// indexesOf returns the definitions of a table's indexes by name, unquoted.
func indexesOf(ctx context.Context, tx *database.Tx, table string) (map[string]string, error) {
	query := "SELECT name, coalesce(sql, '') AS definition FROM sqlite_master WHERE type = 'index' AND tbl_name = ?"
	if tx.Dialect().Name() == database.Postgres {
		query = "SELECT indexname AS name, indexdef AS definition FROM pg_indexes WHERE schemaname = current_schema() AND tablename = ?"
	}
	var rows []struct{ Name, Definition string }
	if err := tx.Select(ctx, &rows, query, table); err != nil {
		return nil, fmt.Errorf("look at the indexes of %s: %w", table, err)
	}
	indexes := map[string]string{}
	for _, r := range rows {
		indexes[r.Name] = strings.ReplaceAll(r.Definition, `"`, "")
	}
	return indexes, nil
}
