package store

import (
	"context"
	"fmt"
	"time"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// A Write runs a function in a write transaction: database.DB.Write, or the
// one of a run, which also holds its lease.
type Write = func(context.Context, func(context.Context, *database.Tx) error) error

// A Deletion tells what a deletion did, or would do.
type Deletion struct {
	Deleted  map[string]int64 // by type name, children that went along included
	Blocked  []string         // the given ids that stay because of their children, in order
	ByParent []Deleted        // the ids, by Type: those of the given Type first
}

// Deleted are ids of one Type that were deleted.
type Deleted struct {
	Type *content.Type
	IDs  []string // in order
}

// Delete deletes records softly, in the given transaction. Children follow the
// rule of their relation: with Cascade they are deleted too, with Block the
// parent stays and is reported unless the children are deleted by the same call,
// with Orphan they keep their link until the parent is purged. A child that
// stays because it is blocked itself keeps its parent too. Records that are
// deleted already, or belong to another organization, are passed over.
//
// The caller removes what it keeps about the deleted records elsewhere, such as
// search chunks, in the same transaction.
func (s *Store) Delete(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, ids []string) (Deletion, error) {
	org, d, err := s.planDeletion(ctx, tx, scope, typ, ids)
	if err != nil {
		return d, err
	}
	now := tx.Dialect().Time(s.Now())
	for _, gone := range d.ByParent {
		list, err := keyList(tx.Dialect(), gone.IDs)
		if err != nil {
			return d, err
		}
		if _, err := tx.Exec(ctx, "UPDATE "+quote(gone.Type.Table())+" SET deleted_at = ?, indexed_at = NULL WHERE organization_id = ? AND deleted_at IS NULL AND id"+oneOf(tx.Dialect()),
			now, org, list); err != nil {
			return d, fmt.Errorf("delete %s: %w", gone.Type.Name(), err)
		}
	}
	return d, nil
}

// WouldDelete tells what Delete would do, and changes nothing.
func (s *Store) WouldDelete(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, ids []string) (Deletion, error) {
	_, d, err := s.planDeletion(ctx, tx, scope, typ, ids)
	return d, err
}

// IDsByKey returns the ids of live records by external key; keys that are not
// stored are missing in the result.
func (s *Store) IDsByKey(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, instance string, keys []string) (map[string]string, error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return nil, err
	}
	stored, err := s.existing(ctx, tx, p, org, instance, keys)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]string, len(stored))
	for key, row := range stored {
		if !row.deleted {
			ids[key] = row.id
		}
	}
	return ids, nil
}

// Live counts the live records of an instance.
func (s *Store) Live(ctx context.Context, scope content.Scope, typ *content.Type, instance string) (n int64, err error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return 0, err
	}
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, "SELECT count(*) FROM "+p.table+" WHERE organization_id = ? AND instance = ? AND deleted_at IS NULL", org, instance).Scan(&n)
	})
	return n, err
}

// Unseen counts the live records of an instance, and those whose key is not in
// the set: what a full sync would delete.
func (s *Store) Unseen(ctx context.Context, scope content.Scope, typ *content.Type, instance string, set Seen) (live, unseen int64, err error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return 0, 0, err
	}
	if err := s.analyze(ctx, measured{"run_keys", "set_id, key"}, measure(p.typ)); err != nil {
		return 0, 0, err
	}
	only, value := set.condition()
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, "SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM run_keys k WHERE k.set_id = ? AND k.key = t."+quote(p.typ.Key().Name)+
			")) FROM "+p.table+" t WHERE t.organization_id = ? AND t.instance = ? AND t.deleted_at IS NULL"+only, append([]any{set.set, org, instance}, value...)...).Scan(&live, &unseen)
	})
	return live, unseen, err
}

// EachUnseen calls do with the ids of the records that Unseen counts, a chunk
// at a time. A chunk that do deletes is not met again; one that it keeps is
// passed over.
func (s *Store) EachUnseen(ctx context.Context, scope content.Scope, typ *content.Type, instance string, set Seen, chunk int, do func(ctx context.Context, ids []string) error) error {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return err
	}
	after := ""
	only, value := set.condition()
	for {
		var ids []string
		if err := s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
			return tx.Select(ctx, &ids, "SELECT t.id FROM "+p.table+" t WHERE t.organization_id = ? AND t.instance = ? AND t.deleted_at IS NULL AND t.id > ?"+
				" AND NOT EXISTS (SELECT 1 FROM run_keys k WHERE k.set_id = ? AND k.key = t."+quote(p.typ.Key().Name)+")"+only+" ORDER BY t.id LIMIT ?",
				append(append([]any{org, instance, after, set.set}, value...), chunk)...)
		}); err != nil {
			return fmt.Errorf("look for %s that are gone: %w", p.typ.Name(), err)
		}
		if len(ids) == 0 {
			return nil
		}
		after = ids[len(ids)-1]
		if err := do(ctx, ids); err != nil {
			return err
		}
	}
}

// Purge removes for good the records of an organization that were deleted
// before a time, in chunks. Links to them become NULL first; the external key
// beside a link stays, so that it resolves again when the record comes back.
// It returns the number of records removed.
func (s *Store) Purge(ctx context.Context, scope content.Scope, typ *content.Type, before time.Time, write Write) (int64, error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return 0, err
	}
	const chunk = 1000
	var purged int64
	for {
		var n int64
		err := write(ctx, func(ctx context.Context, tx *database.Tx) error {
			var ids []string
			if err := tx.Select(ctx, &ids, "SELECT id FROM "+p.table+" WHERE organization_id = ? AND deleted_at < ? ORDER BY deleted_at, id LIMIT ?",
				org, tx.Dialect().Time(before), chunk); err != nil || len(ids) == 0 {
				return err
			}
			list, err := keyList(tx.Dialect(), ids)
			if err != nil {
				return err
			}
			among := oneOf(tx.Dialect())
			for _, other := range s.registry.Types() {
				for _, f := range other.With(content.Parent | content.Link) {
					if f.LinkType != p.typ.Name() {
						continue
					}
					if _, err := tx.Exec(ctx, "UPDATE "+quote(other.Table())+" SET "+linkSet(f, "NULL")+" WHERE organization_id = ? AND "+quote(f.Name)+among, org, list); err != nil {
						return err
					}
				}
			}
			n, err = tx.Exec(ctx, "DELETE FROM "+p.table+" WHERE organization_id = ? AND id"+among, org, list)
			return err
		})
		if err != nil {
			return purged, fmt.Errorf("purge %s: %w", p.typ.Name(), err)
		}
		if n == 0 {
			return purged, nil
		}
		purged += n
	}
}
