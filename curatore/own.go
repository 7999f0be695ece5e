package curatore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
)

// Write calls do in one transaction, for what a program stores, deletes and enqueues
// together: all of it happens, or nothing. An error of do takes it back.
//
// It is short: on SQLite others wait for it. The Tx belongs to do, and its own
// statements see the rows of all organizations.
func (c *Curator) Write(ctx context.Context, do func(ctx context.Context, tx *database.Tx) error) error {
	return c.db.Write(ctx, do)
}

// OrganizationOf returns the organization, and the principal, on whose behalf a
// function is called or a run is worked on; see functions.Call.Scope and
// jobs.Task.Scope.
func (c *Curator) OrganizationOf(ctx context.Context, scope content.Scope) (*Organization, error) {
	id, err := c.auth.Organization(scope)
	if err != nil {
		return nil, err
	}
	o := &Organization{c: c, scope: scope}
	err = c.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Get(ctx, &o.name, "SELECT name FROM organizations WHERE id = ?", id)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: the organization was deleted", content.ErrNotFound)
	}
	return o, err
}

// Put stores records of one of the program's own types (Config.Types): those whose key
// is new, and those that differ from what is stored. They are found as soon as the
// transaction is committed, which comes from [Curator.Write], from a function's
// Call.Write or from a job's Task.Commit. Each row gets its id and times.
//
// A link by an external key is set when its target is stored already. With an
// Embedder, vectors are made by the next import, Reindex or Embed.
func (o *Organization) Put(ctx context.Context, tx *database.Tx, typeName string, rows ...content.Row) (store.Counts, error) {
	typ, err := o.c.ownType(typeName)
	if err != nil {
		return store.Counts{}, err
	}
	n, err := o.c.imports.Put(ctx, tx, o.scope, typ, rows)
	if err == nil && n.Created+n.Updated > 0 {
		o.c.mergeAfter(tx, o.scope)
	}
	return n, err
}

// Delete deletes records of one of the program's own types, by id, and returns how
// many there were, with those that go with them. Maintenance purges them later.
func (o *Organization) Delete(ctx context.Context, tx *database.Tx, typeName string, ids ...string) (int64, error) {
	typ, err := o.c.ownType(typeName)
	if err != nil {
		return 0, err
	}
	return o.c.imports.Remove(ctx, tx, o.scope, typ, ids)
}

// ownType refuses types whose records an import would change or delete again.
func (c *Curator) ownType(name string) (*content.Type, error) {
	typ, err := c.registry.Lookup(name)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(c.config.Types, func(t *content.Type) bool { return t.Name() == name }) {
		return nil, fmt.Errorf("%w: records of %s come from imports; what the program writes itself is of a type in Config.Types", content.ErrInvalid, name)
	}
	return typ, nil
}

// mergeAfter keeps the index fast behind a transaction that added to it. What comes
// while it is being merged is merged the next time.
func (c *Curator) mergeAfter(tx *database.Tx, scope content.Scope) {
	organization, err := c.auth.Organization(scope)
	if err != nil || c.searcher == nil {
		return
	}
	tx.AfterEnd(func(committed bool) {
		if !committed {
			return
		}
		if _, busy := c.merging.LoadOrStore(organization, true); busy {
			return
		}
		c.untilClosed(context.Background(), func(ctx context.Context) { // not in the transaction's
			defer c.merging.Delete(organization)
			if err := c.indexer.Merge(ctx, scope); err != nil && ctx.Err() == nil && c.config.Logger != nil {
				c.config.Logger.WarnContext(ctx, "the search index could not be merged", "error", err)
			}
		})
	})
}
