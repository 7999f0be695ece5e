package store

import (
	"context"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// SetLink sets a link that belongs to the program (content.Kept) to a record, or
// to nothing when target is "". Both records have to be live ones of the scope's
// organization; else it is content.ErrNotFound. It reports whether something has
// changed. No import changes such a link; it becomes NULL when its target is
// purged.
func (s *Store) SetLink(ctx context.Context, tx *database.Tx, scope content.Scope, typ *content.Type, id, field, target string) (bool, error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return false, err
	}
	f, ok := p.typ.Field(field)
	if !ok || !f.Has(content.Link) || !f.Has(content.Kept) {
		return false, fmt.Errorf("%w: %s.%.80s is no link that a program may set", content.ErrInvalid, p.typ.Name(), field)
	}
	if err := s.mustLive(ctx, tx, org, p.typ, id); err != nil {
		return false, err
	}
	var value any
	if target != "" {
		other, known := s.registry.Type(f.LinkType)
		if !known {
			return false, fmt.Errorf("%w: %s.%s leads to %s, and this program has no such connection", content.ErrDisabled, p.typ.Name(), field, f.LinkType)
		}
		if err := s.mustLive(ctx, tx, org, other, target); err != nil {
			return false, err
		}
		value = target
	}
	same := " IS NOT ?"
	if tx.Dialect().Name() == database.Postgres {
		same = " IS DISTINCT FROM ?"
	}
	n, err := tx.Exec(ctx, "UPDATE "+p.table+" SET "+linkSet(f, "?")+" WHERE organization_id = ? AND id = ? AND deleted_at IS NULL AND "+quote(f.Name)+same, value, org, id, value)
	if err != nil {
		return false, fmt.Errorf("link %s: %w", p.typ.Name(), err)
	}
	return n > 0, nil
}

// mustLive reports a record that is not there, in any of the ways.
func (s *Store) mustLive(ctx context.Context, tx *database.Tx, org string, typ *content.Type, id string) error {
	var n int
	if badText(id) < 0 {
		if err := tx.Get(ctx, &n, "SELECT count(*) FROM "+quote(typ.Table())+" WHERE organization_id = ? AND id = ? AND deleted_at IS NULL", org, id); err != nil {
			return err
		}
	}
	if n == 0 {
		return fmt.Errorf("%w: %s %.80q", content.ErrNotFound, typ.Label(""), id)
	}
	return nil
}
