package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/lib/pq"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// linkChunk is how many links one transaction changes; see [database.DB.Write]
// on how long one may take.
const linkChunk = 2000

// ResolveLinks sets the link fields that are resolved from external keys, for
// all records of a Type that came from one instance: a link whose record has
// been moved changes, one whose target has arrived since is set, one whose
// target is not there is NULL. Only what differs is written, and it is queued for
// indexing, since links can be filtered by. It returns the number of links
// changed.
func (s *Store) ResolveLinks(ctx context.Context, scope content.Scope, typ *content.Type, instance string, write Write) (int64, error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return 0, err
	}
	var changed int64
	for _, f := range p.typ.With(content.Parent | content.Link) {
		target, known := s.registry.Type(f.LinkType)
		if f.LinkFrom == "" || !known {
			continue
		}
		if err := s.analyze(ctx, measure(p.typ), measure(target)); err != nil {
			return changed, err
		}
		after := ""
		for {
			var pairs []linkPair
			link := "t." + quote(f.Name)
			query := "SELECT t.id AS id, o.id AS target FROM " + p.table + " t " + joinTarget(target, f) +
				" WHERE t.organization_id = ? AND t.instance = ? AND t.id > ? AND (t." + quote(f.LinkFrom) + " IS NOT NULL OR " + link + " IS NOT NULL)" +
				" AND (" + link + " <> o.id OR (" + link + " IS NULL) <> (o.id IS NULL)) ORDER BY t.id LIMIT ?"
			if err := s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
				return tx.Select(ctx, &pairs, query, org, instance, org, instance, after, linkChunk)
			}); err != nil {
				return changed, fmt.Errorf("resolve %s.%s: %w", p.typ.Name(), f.Name, err)
			}
			if len(pairs) == 0 {
				break
			}
			after = pairs[len(pairs)-1].ID
			if err := write(ctx, func(ctx context.Context, tx *database.Tx) error {
				n, err := setLinks(ctx, tx, p.table, linkSet(f, "%s"), org, pairs)
				changed += n
				return err
			}); err != nil {
				return changed, fmt.Errorf("resolve %s.%s: %w", p.typ.Name(), f.Name, err)
			}
		}
	}
	return changed, nil
}

// joinTarget joins the record o that a link of t should lead to; its values are
// the organization and the instance.
func joinTarget(target *content.Type, f *content.Field) string {
	return "LEFT JOIN " + quote(target.Table()) + " o ON o.organization_id = ? AND o.instance = ? AND o." + quote(target.Key().Name) + " = t." + quote(f.LinkFrom)
}

// A linkPair is a record and what it links to; nil is nothing.
type linkPair struct {
	ID     string
	Target *string
}

// linkSet is the SET clause of a link: what is indexed and changes is queued.
func linkSet(f *content.Field, value string) string {
	set := quote(f.Name) + " = " + value
	if !f.Has(content.Unindexed) {
		set += ", indexed_at = NULL"
	}
	return set
}

// setLinks sets a link of many records, by its SET clause with a place for the
// value. Postgres takes them as one statement. SQLite would look for the pairs' rows by walking the table, and has no round
// trip to save: one prepared statement for each is the fastest.
func setLinks(ctx context.Context, tx *database.Tx, table, set, org string, pairs []linkPair) (changed int64, err error) {
	if tx.Dialect().Name() == database.Postgres {
		ids, targets := make([]string, len(pairs)), make([]*string, len(pairs))
		for i, p := range pairs {
			ids[i], targets[i] = p.ID, p.Target
		}
		return tx.Exec(ctx, "UPDATE "+table+" t SET "+fmt.Sprintf(set, "found.target")+" FROM "+`unnest(?::text[] COLLATE "C", ?::text[] COLLATE "C") AS found(id, target) WHERE t.organization_id = ? AND t.id = found.id`,
			pq.Array(ids), pq.Array(targets), org)
	}
	for _, p := range pairs {
		n, err := tx.Exec(ctx, "UPDATE "+table+" SET "+fmt.Sprintf(set, "?")+" WHERE organization_id = ? AND id = ?", p.Target, org, p.ID)
		if err != nil {
			return changed, err
		}
		changed += n
	}
	return changed, nil
}

// linkRows sets the links of rows to records that are stored, deleted ones too.
func (s *Store) linkRows(ctx context.Context, tx *database.Tx, p *plan, org, instance string, rows []content.Row) error {
	for _, f := range p.links {
		target, err := s.registry.Lookup(f.LinkType)
		if err != nil {
			return err
		}
		targetPlan, err := s.plan(target)
		if err != nil {
			return err
		}
		from, _ := p.typ.Field(f.LinkFrom)
		wanted := map[string]string{}
		for _, row := range rows {
			if key, _ := from.Value(row).(string); key != "" {
				wanted[key] = ""
			}
		}
		if len(wanted) > 0 {
			if err := s.byKey(ctx, tx, targetPlan, "t.id", "", org, instance, slices.Collect(maps.Keys(wanted)), func(rows *sql.Rows) error {
				var key, id string
				if err := rows.Scan(&key, &id); err != nil {
					return err
				}
				wanted[key] = id
				return nil
			}); err != nil {
				return err
			}
		}
		for _, row := range rows {
			key, _ := from.Value(row).(string)
			if id := wanted[key]; id != "" {
				f.Set(row, id)
			} else {
				f.Set(row, nil)
			}
		}
	}
	return nil
}
