package curatore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/curatore/keys"
	"github.com/curatore/curatore-go/functions"
)

// keyStore is where the API keys of all organizations are.
func (c *Curator) keyStore() *keys.Store {
	return &keys.Store{DB: c.db, Authority: c.auth, Now: c.now}
}

// CreateKey makes an API key of the organization, which is shown this once; see
// keys.Request. It is the caller's business to know that the principal may.
func (o *Organization) CreateKey(ctx context.Context, r keys.Request) (text string, key keys.Key, err error) {
	return o.c.keyStore().Create(ctx, o.scope, r)
}

// RevokeKey makes a key of the organization worthless, by its id.
func (o *Organization) RevokeKey(ctx context.Context, id string) error {
	return o.c.keyStore().Revoke(ctx, o.scope, id)
}

// Keys returns the organization's keys, the newest first.
func (o *Organization) Keys(ctx context.Context) ([]keys.Key, error) {
	return o.c.keyStore().List(ctx, o.scope)
}

// OrganizationByKey returns the organization that an API key belongs to, bound to
// the principal of the key, and what the key is for. The functions of that
// organization are those that its scopes allow: without keys.Write those that
// read. What else may be done with it is for the caller to hold against
// keys.Key.Allows. A key that is not good is keys.ErrRefused.
func (c *Curator) OrganizationByKey(ctx context.Context, text string) (*Organization, keys.Key, error) {
	scope, key, err := c.keyStore().Verify(ctx, text)
	if err != nil {
		return nil, keys.Key{}, err
	}
	id, err := c.auth.Organization(scope)
	if err != nil {
		return nil, keys.Key{}, err
	}
	o := &Organization{c: c, scope: scope, key: &key}
	err = c.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Get(ctx, &o.name, "SELECT name FROM organizations WHERE id = ?", id)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows), errors.Is(err, content.ErrNotFound):
		return nil, keys.Key{}, keys.ErrRefused // it was deleted a moment ago
	case err != nil:
		return nil, keys.Key{}, fmt.Errorf("the organization of a key: %w", err)
	}
	return o, key, nil
}

// Functions returns the functions that this principal may call, bound to the
// organization, for openaitools and others who hand them to a model.
func (o *Organization) Functions() functions.Bound {
	fns := o.c.engine.Bind(o.scope)
	switch {
	case o.key == nil || o.key.Allows(keys.Read) && o.key.Allows(keys.Write):
		return fns
	case o.key.Allows(keys.Read):
		return fns.Reading()
	}
	return functions.Bound{}
}

// Audit returns what functions wrote for the organization, the newest first:
// before the entry with an id, or the newest of all for ""; limit 0 is 100.
func (o *Organization) Audit(ctx context.Context, before string, limit int) ([]functions.Entry, error) {
	return (&functions.Ledger{DB: o.c.db, Authority: o.c.auth, Now: o.c.now}).Entries(ctx, o.scope, before, limit)
}
