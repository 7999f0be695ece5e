package curatore

import (
	"context"
	"time"

	"github.com/curatore/curatore-go/content"
)

// A Version is a record as it was before a write changed it.
type Version struct {
	Number     int // from 1, the oldest
	Item       content.Item
	WrittenAt  time.Time
	ReplacedAt time.Time
}

// History returns the earlier versions of a record, the newest first, of a type
// that is declared to keep them: up to limit of those older than the version
// before; 0 and 0 give the newest 50.
func (o *Organization) History(ctx context.Context, typeName, id string, before, limit int) ([]Version, error) {
	typ, err := o.c.registry.Lookup(typeName)
	if err != nil {
		return nil, err
	}
	stored, err := o.c.store.History(ctx, o.scope, typ, id, before, limit)
	versions := make([]Version, len(stored))
	for i, v := range stored {
		versions[i] = Version{v.Number, typ.Item(v.Row, ""), v.WrittenAt, v.ReplacedAt}
	}
	return versions, err
}
