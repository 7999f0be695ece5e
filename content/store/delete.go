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
	Blocked  []string         // ids that stay because of their children
	ByParent []Deleted        // the ids, by Type
}

// Deleted are ids of one Type that were deleted.
type Deleted struct {
	Type *content.Type
	IDs  []string
}

// Delete deletes records softly, in the given transaction. Children follow the
// rule of their relation: with Cascade they are deleted too, with Block the
// parent stays and is reported, with Orphan they keep their link until the
// parent is purged. Records that are deleted already, or belong to another
// organization, are passed over.
//
// The caller removes what it keeps about the deleted records elsewhere, such as
// search chunks, in the same transaction.
func (s *Store) Delete(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, ids []string) (Deletion, error) {
	d := Deletion{Deleted: map[string]int64{}}
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return d, err
	}
	return d, s.delete(ctx, tx, org, p, ids, &d, true)
}

// WouldDelete tells what Delete would do, and changes nothing.
func (s *Store) WouldDelete(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, ids []string) (Deletion, error) {
	d := Deletion{Deleted: map[string]int64{}}
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return d, err
	}
	return d, s.delete(ctx, tx, org, p, ids, &d, false)
}

func (s *Store) delete(ctx context.Context, tx *database.Tx, org string, p *plan, ids []string, d *Deletion, really bool) error {
	if len(ids) == 0 {
		return nil
	}
	list, err := keyList(tx.Dialect(), ids)
	if err != nil {
		return err
	}
	among := listed(tx.Dialect())
	// Blocked ones first: what stays takes nothing along.
	blocked := map[string]bool{}
	for _, c := range p.typ.Children() {
		if c.OnDelete != content.Block {
			continue
		}
		child, err := s.childPlan(c)
		if err != nil {
			return err
		}
		var parents []string
		field := quote(c.Field)
		if err := tx.Select(ctx, &parents, "SELECT DISTINCT "+field+" FROM "+child.table+" WHERE organization_id = ? AND deleted_at IS NULL AND "+field+" IN "+among, org, list); err != nil {
			return fmt.Errorf("delete %s: %w", p.typ.Name(), err)
		}
		for _, id := range parents {
			if !blocked[id] {
				blocked[id] = true
				d.Blocked = append(d.Blocked, id)
			}
		}
	}
	var gone []string
	if err := tx.Select(ctx, &gone, "SELECT id FROM "+p.table+" WHERE organization_id = ? AND deleted_at IS NULL AND id IN "+among+" ORDER BY id", org, list); err != nil {
		return fmt.Errorf("delete %s: %w", p.typ.Name(), err)
	}
	kept := gone[:0]
	for _, id := range gone {
		if !blocked[id] {
			kept = append(kept, id)
		}
	}
	gone = kept
	if len(gone) == 0 {
		return nil
	}
	if list, err = keyList(tx.Dialect(), gone); err != nil {
		return err
	}
	if really {
		if _, err := tx.Exec(ctx, "UPDATE "+p.table+" SET deleted_at = ?, indexed_at = NULL WHERE organization_id = ? AND deleted_at IS NULL AND id IN "+among,
			tx.Dialect().Time(s.Now()), org, list); err != nil {
			return fmt.Errorf("delete %s: %w", p.typ.Name(), err)
		}
	}
	d.Deleted[p.typ.Name()] += int64(len(gone))
	d.ByParent = append(d.ByParent, Deleted{p.typ, gone})
	for _, c := range p.typ.Children() {
		if c.OnDelete != content.Cascade {
			continue
		}
		child, err := s.childPlan(c)
		if err != nil {
			return err
		}
		var below []string
		if err := tx.Select(ctx, &below, "SELECT id FROM "+child.table+" WHERE organization_id = ? AND deleted_at IS NULL AND "+quote(c.Field)+" IN "+among, org, list); err != nil {
			return fmt.Errorf("delete %s: %w", c.Type, err)
		}
		if !really && child == p {
			below = without(below, gone) // nothing has been marked, so a circle would not end
		}
		if err := s.delete(ctx, tx, org, child, below, d, really); err != nil {
			return err
		}
	}
	return nil
}

func without(ids, these []string) []string {
	drop := map[string]bool{}
	for _, id := range these {
		drop[id] = true
	}
	var rest []string
	for _, id := range ids {
		if !drop[id] {
			rest = append(rest, id)
		}
	}
	return rest
}

func (s *Store) childPlan(c content.Child) (*plan, error) {
	typ, err := s.registry.Lookup(c.Type)
	if err != nil {
		return nil, err
	}
	return s.plan(typ)
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

// Unseen counts the live records of an instance, and those whose key is not in
// the set: what a full sync would delete.
func (s *Store) Unseen(ctx context.Context, scope content.Scope, typ *content.Type, instance string, set Seen) (live, unseen int64, err error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return 0, 0, err
	}
	if s.db.Dialect().Name() == database.Postgres {
		// Without fresh statistics the anti-join is planned for an empty table.
		if err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error { return tx.Run(ctx, "ANALYZE run_keys") }); err != nil {
			return 0, 0, err
		}
	}
	err = s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, "SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM run_keys k WHERE k.set_id = ? AND k.key = t."+quote(p.typ.Key().Name)+
			")) FROM "+p.table+" t WHERE t.organization_id = ? AND t.instance = ? AND t.deleted_at IS NULL", set.set, org, instance).Scan(&live, &unseen)
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
	for {
		var ids []string
		if err := s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
			return tx.Select(ctx, &ids, "SELECT t.id FROM "+p.table+" t WHERE t.organization_id = ? AND t.instance = ? AND t.deleted_at IS NULL AND t.id > ?"+
				" AND NOT EXISTS (SELECT 1 FROM run_keys k WHERE k.set_id = ? AND k.key = t."+quote(p.typ.Key().Name)+") ORDER BY t.id LIMIT ?",
				org, instance, after, set.set, chunk)
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
			among := listed(tx.Dialect())
			for _, other := range s.registry.Types() {
				for _, f := range other.With(content.Parent | content.Link) {
					if f.LinkType != p.typ.Name() {
						continue
					}
					if _, err := tx.Exec(ctx, "UPDATE "+other.Table()+" SET "+quote(f.Name)+" = NULL WHERE organization_id = ? AND "+quote(f.Name)+" IN "+among, org, list); err != nil {
						return err
					}
				}
			}
			n, err = tx.Exec(ctx, "DELETE FROM "+p.table+" WHERE organization_id = ? AND id IN "+among, org, list)
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
