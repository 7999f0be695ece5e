package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A Version is a record as it was before a write changed it. It does not change
// any more.
type Version struct {
	Number     int // from 1, the oldest
	Row        content.Row
	WrittenAt  time.Time // when it became what it was
	ReplacedAt time.Time // when it ended
}

// historyTable is where the earlier versions of a Type with history stand.
func historyTable(t *content.Type) string { return t.Table() + "_history" }

// historyColumns are those of the table, in order: its own, then what is copied.
func historyColumns(t *content.Type) (own, copied []string) {
	copied = []string{"instance", "created_at", "updated_at", "row_hash", "document_hash"}
	for _, f := range t.Fields() {
		copied = append(copied, quote(f.Name))
	}
	return []string{"organization_id", "id", "history_number", "history_until"}, append(copied, "raw")
}

// historyObject returns the table of earlier versions. They go when the record is
// purged. Links are kept as ids, without a foreign key: what they led to may be
// gone.
func historyObject(d database.Dialect, t *content.Type) object {
	text, at, blob := d.Type(content.String), d.Type(content.Time), d.Blob()
	lines := []string{
		"organization_id " + text + " NOT NULL",
		"id " + text + " NOT NULL",
		"history_number " + d.Type(content.Int) + " NOT NULL",
		"history_until " + at + " NOT NULL",
		"instance " + text + " NOT NULL",
		"created_at " + at + " NOT NULL",
		"updated_at " + at + " NOT NULL",
		"row_hash " + blob + " NOT NULL",
		"document_hash " + blob + " NOT NULL",
	}
	for _, f := range t.Fields() {
		lines = append(lines, column(d, f))
	}
	lines = append(lines, "raw "+blob, "PRIMARY KEY (organization_id, id, history_number)",
		"FOREIGN KEY (organization_id, id) REFERENCES "+quote(t.Table())+" (organization_id, id) ON DELETE CASCADE")
	name := historyTable(t)
	return object{table: name, name: name, ddl: "CREATE TABLE " + quote(name) + " (\n    " + strings.Join(lines, ",\n    ") + "\n)"}
}

// missingHistory returns what the table of earlier versions lacks.
func missingHistory(ctx context.Context, tx *database.Tx, t *content.Type) (add []object, problems []error, err error) {
	d := tx.Dialect()
	have, err := columnsOf(ctx, tx, historyTable(t))
	if err != nil {
		return nil, nil, err
	}
	if len(have) == 0 {
		return []object{historyObject(d, t)}, nil, nil
	}
	own, copied := historyColumns(t)
	for _, c := range append(own, copied...) {
		name := strings.Trim(c, `"`)
		f, field := t.Field(name)
		held, there := have[name]
		switch {
		case !there && field:
			add = append(add, object{table: historyTable(t), name: historyTable(t) + "." + name, ddl: "ALTER TABLE " + quote(historyTable(t)) + " ADD COLUMN " + column(d, f)})
		case !there:
			problems = append(problems, fmt.Errorf("type %s: the table %s exists and is not one of curatore's; set Spec.Table to another name", t.Name(), historyTable(t)))
			return nil, problems, nil
		case field && held.Type != plainType(d, f.Kind):
			problems = append(problems, fmt.Errorf("type %s: column %s.%s is %s, the declaration wants %s; columns are never changed: rename the field or migrate the column yourself", t.Name(), historyTable(t), name, held.Type, plainType(d, f.Kind)))
		}
	}
	return add, problems, nil
}

// keepVersions copies records, given by id, before they are overwritten.
func (p *plan) keepVersions(ctx context.Context, tx *database.Tx, org string, at time.Time, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	list, err := keyList(tx.Dialect(), ids)
	if err != nil {
		return err
	}
	own, copied := historyColumns(p.typ)
	history := quote(historyTable(p.typ))
	in, when := " IN "+listed(tx.Dialect()), "?"
	if tx.Dialect().Name() == database.Postgres {
		in, when = ` = ANY (CAST(? AS text[]) COLLATE "C")`, "?::timestamptz"
	}
	query := "INSERT INTO " + history + " (" + strings.Join(append(own, copied...), ", ") + ") SELECT t.organization_id, t.id, " +
		"COALESCE((SELECT max(h.history_number) FROM " + history + " h WHERE h.organization_id = t.organization_id AND h.id = t.id), 0) + 1, " +
		when + ", t." + strings.Join(copied, ", t.") + " FROM " + p.table + " t WHERE t.organization_id = ? AND t.id" + in
	if _, err := tx.Exec(ctx, query, tx.Dialect().Time(at), org, list); err != nil {
		return fmt.Errorf("keep versions of %s: %w", p.typ.Name(), err)
	}
	return nil
}

// History returns the earlier versions of a record, the newest first, up to limit
// of them older than the version before; 0 and 0 give the newest 50. A Type
// without history has none. A record of another organization is
// content.ErrNotFound.
func (s *Store) History(ctx context.Context, scope content.Scope, typ *content.Type, id string, before, limit int) ([]Version, error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return nil, err
	}
	if _, err := s.Get(ctx, scope, typ, id); err != nil || !p.typ.History() {
		return nil, err
	}
	if limit <= 0 || limit > maxVersions {
		limit = defaultVersions
	}
	if before <= 0 {
		before = 1 << 30
	}
	_, copied := historyColumns(p.typ)
	var versions []Version
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		rows, err := tx.Query(ctx, "SELECT history_number, history_until, "+strings.Join(copied, ", ")+" FROM "+quote(historyTable(p.typ))+
			" WHERE organization_id = ? AND id = ? AND history_number < ? ORDER BY history_number DESC LIMIT ?", org, id, before, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			v := Version{Row: p.typ.New()}
			rec := content.RecordOf(v.Row)
			rec.ID, rec.OrganizationID = id, org
			raw := make([]any, len(p.typ.Fields()))
			dest := []any{&v.Number, database.ScanTime(&v.ReplacedAt), &rec.Instance, database.ScanTime(&rec.CreatedAt), database.ScanTime(&rec.UpdatedAt), &rec.RowHash, &rec.DocumentHash}
			for i := range raw {
				dest = append(dest, &raw[i])
			}
			if err := rows.Scan(append(dest, &rec.Raw)...); err != nil {
				return err
			}
			for i, f := range p.typ.Fields() {
				value, err := tx.Dialect().Value(f.Kind, raw[i])
				if err != nil {
					return err
				}
				f.Set(v.Row, value)
			}
			v.WrittenAt = rec.UpdatedAt
			versions = append(versions, v)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("history of %s: %w", p.typ.Name(), err)
	}
	return versions, nil
}

// How many versions History gives.
const (
	defaultVersions = 50
	maxVersions     = 1000
)
