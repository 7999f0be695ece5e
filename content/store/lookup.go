package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A storedRow is what Upsert has to know of a record that is stored.
type storedRow struct {
	id                    string
	createdAt, updatedAt  time.Time
	indexedAt             *time.Time
	deleted               bool
	rowHash, documentHash []byte
}

// existing returns what is stored under keys.
func (s *Store) existing(ctx context.Context, tx *database.Tx, p *plan, org, instance string, keys []string) (map[string]storedRow, error) {
	stored := make(map[string]storedRow, len(keys))
	return stored, s.byKey(ctx, tx, p, storedColumns, "", org, instance, keys, func(rows *sql.Rows) error {
		var k string
		var r storedRow
		if err := rows.Scan(&k, &r.id, database.ScanTime(&r.createdAt), database.ScanTime(&r.updatedAt), database.ScanNullTime(&r.indexedAt), &r.deleted, &r.rowHash, &r.documentHash); err != nil {
			return err
		}
		stored[k] = r
		return nil
	})
}

const storedColumns = "t.id, t.created_at, t.updated_at, t.indexed_at, t.deleted_at IS NOT NULL, t.row_hash, t.document_hash"

// RowHashes returns the row hashes of live records by key, for callers who can
// tell without the row that nothing has changed.
func (s *Store) RowHashes(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, instance string, keys []string) (map[string][]byte, error) {
	org, p, err := s.enter(scope, typ)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	hashes := make(map[string][]byte, len(keys))
	err = s.byKey(ctx, tx, p, "t.row_hash", "t.deleted_at IS NULL AND ", org, instance, keys, func(rows *sql.Rows) error {
		var key string
		var hash []byte
		if err := rows.Scan(&key, &hash); err != nil {
			return err
		}
		hashes[key] = hash
		return nil
	})
	return hashes, err
}

// byKey looks columns up by keys.
func (s *Store) byKey(ctx context.Context, tx *database.Tx, p *plan, columns, condition, org, instance string, keys []string, scan func(rows *sql.Rows) error) error {
	keys = possible(keys)
	if len(keys) == 0 {
		return nil
	}
	list, err := keyList(tx.Dialect(), keys)
	if err != nil {
		return err
	}
	key := "t." + quote(p.typ.Key().Name)
	query := "SELECT " + key + ", " + columns + " FROM " + p.table + " t WHERE " + condition + "t.organization_id = ? AND t.instance = ? AND " + key
	args := []any{org, instance, list}
	if tx.Dialect().Name() == database.SQLite {
		query += " IN " + listed(tx.Dialect())
	} else if known, err := p.hasStatistics(ctx, tx); err != nil {
		return fmt.Errorf("look up %s: %w", p.typ.Name(), err)
	} else if known {
		query += ` = ANY (?::text[] COLLATE "C")`
	} else {
		// Without statistics, as in a new table, one walk through the organization
		// seems to cost less than so many look-ups. These leave no choice, and cost
		// twice as much.
		query, args = "SELECT found.* FROM unnest(?::text[]) AS k(wanted) CROSS JOIN LATERAL ("+query+` = k.wanted COLLATE "C" LIMIT 1) AS found`, []any{list, org, instance}
	}
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("look up %s: %w", p.typ.Name(), err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// keyList binds many keys or ids as one value, so that the statement stays the
// same. It leaves out those that no database can hold: nothing is stored under
// them, and they would fail the statement or be taken for others.
func keyList(d database.Dialect, keys []string) (any, error) {
	keys = possible(keys)
	if d.Name() == database.Postgres {
		return pq.Array(keys), nil
	}
	b, err := json.Marshal(keys)
	return string(b), err
}

func possible(keys []string) []string {
	bad := func(key string) bool { return badText(key) >= 0 }
	if slices.ContainsFunc(keys, bad) {
		keys = slices.DeleteFunc(slices.Clone(keys), bad)
	}
	return keys
}

// listed is the sub-query that unpacks a [keyList].
func listed(d database.Dialect) string {
	if d.Name() == database.Postgres {
		// The columns' own collation: with another one Postgres does not use
		// their indexes.
		return `(SELECT unnest(?::text[] COLLATE "C"))`
	}
	return "(SELECT value FROM json_each(?))"
}
