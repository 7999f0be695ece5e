package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A Seen is the set of keys that a full sync has met in one stream. It stands
// in the database, so that it grows without growing in memory and outlives the
// process.
type Seen struct {
	set  int64
	only []fieldValue // all of them have to hold
}

// A fieldValue narrows records to those with a value of a field.
type fieldValue struct {
	field *content.Field
	value string
}

// Within returns the same set for comparison with those records only whose field
// has a value: a part of the source that was seen as a whole. What it was within
// already goes on to hold.
func (set Seen) Within(field *content.Field, value string) Seen {
	set.only = append(slices.Clone(set.only), fieldValue{field, value})
	return set
}

// condition narrows the records that are compared, of a table t.
func (set Seen) condition() (condition string, args []any) {
	for _, o := range set.only {
		condition += " AND t." + quote(o.field.Name) + " = ?"
		args = append(args, o.value)
	}
	return condition, args
}

// OpenSeen returns the set of a run and a Type, a new one or the one that an
// interrupted process left.
func (s *Store) OpenSeen(ctx context.Context, tx *database.Tx, runID string, typ *content.Type) (Seen, error) {
	var set Seen
	if _, err := tx.Exec(ctx, "INSERT INTO run_key_sets (run_id, type) VALUES (?, ?) ON CONFLICT (run_id, type) DO NOTHING", runID, typ.Name()); err != nil {
		return set, fmt.Errorf("keys seen: %w", err)
	}
	err := tx.QueryRow(ctx, "SELECT id FROM run_key_sets WHERE run_id = ? AND type = ?", runID, typ.Name()).Scan(&set.set)
	return set, err
}

// Add adds the keys of a batch and returns those that an earlier batch had
// added. The keys of one batch differ from each other; a batch that is added
// again, after a crash, is not a repetition.
func (set Seen) Add(ctx context.Context, tx *database.Tx, batch int64, keys []string) (again []string, err error) {
	keys = possible(keys) // what cannot be stored cannot be missing
	list, err := keyList(tx.Dialect(), keys)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	from := "json_each(?)"
	if tx.Dialect().Name() == database.Postgres {
		from = `unnest(?::text[] COLLATE "C") AS j(value)`
	}
	added, err := tx.Exec(ctx, "INSERT INTO run_keys (set_id, key, batch) SELECT CAST(? AS BIGINT), value, CAST(? AS BIGINT) FROM "+from+
		" WHERE TRUE ON CONFLICT (set_id, key) DO NOTHING", set.set, batch, list)
	if err != nil {
		return nil, fmt.Errorf("keys seen: %w", err)
	}
	if added == int64(len(keys)) {
		return nil, nil
	}
	err = tx.Select(ctx, &again, "SELECT key FROM run_keys WHERE set_id = ? AND batch <> ? AND key IN (SELECT value FROM "+from+")", set.set, batch, list)
	return again, err
}

// Drop removes a part of the set and reports whether anything is left, so that
// a large set goes in several short transactions.
func (set Seen) Drop(ctx context.Context, tx *database.Tx) (more bool, err error) {
	if tx.Dialect().Name() == database.SQLite { // where a long transaction holds up all others
		const chunk = 20000
		var last string
		err = tx.QueryRow(ctx, "SELECT key FROM run_keys WHERE set_id = ? ORDER BY key LIMIT 1 OFFSET ?", set.set, chunk).Scan(&last)
		switch {
		case err == nil:
			_, err = tx.Exec(ctx, "DELETE FROM run_keys WHERE set_id = ? AND key < ?", set.set, last)
			return true, err
		case !errors.Is(err, sql.ErrNoRows):
			return false, err
		}
	}
	if _, err = tx.Exec(ctx, "DELETE FROM run_keys WHERE set_id = ?", set.set); err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, "DELETE FROM run_key_sets WHERE id = ?", set.set)
	return false, err
}
