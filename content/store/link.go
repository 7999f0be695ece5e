package store

import (
	"context"
	"encoding/json"
	"fmt"

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
// target is not there is NULL. Only what differs is written. It returns the
// number of links changed.
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
		after := ""
		for {
			type pair struct {
				ID     string
				Target *string
			}
			var pairs []pair
			link := "t." + quote(f.Name)
			query := "SELECT t.id AS id, o.id AS target FROM " + p.table + " t LEFT JOIN " + target.Table() +
				" o ON o.organization_id = ? AND o.instance = ? AND o." + quote(target.Key().Name) + " = t." + quote(f.LinkFrom) +
				" WHERE t.organization_id = ? AND t.instance = ? AND t.id > ? AND (t." + quote(f.LinkFrom) + " IS NOT NULL OR " + link + " IS NOT NULL)" +
				" AND (" + link + " <> o.id OR (" + link + " IS NULL) <> (o.id IS NULL)) ORDER BY t.id LIMIT ?"
			if err := s.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
				return tx.Select(ctx, &pairs, query, org, instance, org, instance, after, linkChunk)
			}); err != nil {
				return changed, fmt.Errorf("resolve %s.%s: %w", p.table, f.Name, err)
			}
			if len(pairs) == 0 {
				break
			}
			after = pairs[len(pairs)-1].ID
			ids, targets := make([]string, len(pairs)), make([]*string, len(pairs))
			list := make([][2]*string, len(pairs))
			for i, pr := range pairs {
				ids[i], targets[i], list[i] = pr.ID, pr.Target, [2]*string{&pr.ID, pr.Target}
			}
			if err := write(ctx, func(ctx context.Context, tx *database.Tx) error {
				from, args := "unnest(?::text[], ?::text[]) AS found(id, target)", []any{pq.Array(ids), pq.Array(targets)}
				if tx.Dialect().Name() == database.SQLite {
					b, err := json.Marshal(list)
					if err != nil {
						return err
					}
					from, args = "(SELECT value ->> 0 AS id, value ->> 1 AS target FROM json_each(?)) AS found", []any{string(b)}
				}
				n, err := tx.Exec(ctx, "UPDATE "+p.table+" SET "+quote(f.Name)+" = found.target FROM "+from+
					" WHERE "+p.table+".organization_id = ? AND "+p.table+".id = found.id", append(args, org)...)
				changed += n
				return err
			}); err != nil {
				return changed, fmt.Errorf("resolve %s.%s: %w", p.table, f.Name, err)
			}
		}
	}
	return changed, nil
}
