package curatore

import (
	"context"
	"fmt"
	"strings"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// Link links a record to another one, such as an opportunity to the solicitation
// that it is about: in the one field of its type that belongs to the program and
// leads to records of that type. Both must be records of this organization; else it
// is content.ErrNotFound. No import changes the link. Get shows it from both ends.
func (o *Organization) Link(ctx context.Context, typeName, id, targetType, targetID string) error {
	if targetID == "" {
		return fmt.Errorf("%w: the id of the %s is empty; use Unlink to take a link away", content.ErrInvalid, targetType)
	}
	return o.link(ctx, typeName, id, targetType, targetID)
}

// Unlink takes a link away; where there is none it does nothing.
func (o *Organization) Unlink(ctx context.Context, typeName, id, targetType string) error {
	return o.link(ctx, typeName, id, targetType, "")
}

func (o *Organization) link(ctx context.Context, typeName, id, targetType, targetID string) error {
	typ, err := o.c.registry.Lookup(typeName)
	if err != nil {
		return err
	}
	var field *content.Field
	var possible []string
	for _, f := range typ.With(content.Link) {
		if !f.Has(content.Kept) {
			continue
		}
		possible = append(possible, f.LinkType)
		if f.LinkType == targetType {
			field = f
		}
	}
	if field == nil {
		return fmt.Errorf("%w: %s cannot be linked to %q; it can be to: %s", content.ErrInvalid, typeName, targetType, strings.Join(possible, ", "))
	}
	return o.c.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		_, err := o.c.store.SetLink(ctx, tx, o.scope, typ, id, field.Name, targetID)
		return err
	})
}
