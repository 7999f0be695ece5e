package curatore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/content/store"
	"github.com/curatore/curatore-go/curatore/keys"
)

// maxName bounds the names of organizations and principals, in bytes.
const maxName = 200

// An Organization is a Curator bound to one organization and one principal. All
// its methods see and change that organization's data only. It is a small value
// behind a pointer, safe for concurrent use; make one for each caller.
type Organization struct {
	c     *Curator
	name  string
	scope content.Scope
	key   *keys.Key // by which the caller came; nil for the program itself
}

// Organization returns the organization of that name, which is created when it
// is new. Principal says who acts, for the runs and the audit: a user, a
// program; it must not be empty. It is the caller's business to know that this
// principal may act for this organization.
func (c *Curator) Organization(ctx context.Context, name, principal string) (*Organization, error) {
	name = strings.TrimSpace(name)
	if !plain(name) || !plain(principal) {
		return nil, fmt.Errorf("%w: an organization needs a name and a principal of 1 to %d bytes of text", content.ErrInvalid, maxName)
	}
	id, err := c.organizationID(ctx, name)
	if errors.Is(err, content.ErrNotFound) {
		if err = c.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO organizations (id, name, created_at) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
				store.NewID(), name, tx.Dialect().Time(c.now()))
			return err
		}); err == nil {
			id, err = c.organizationID(ctx, name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("organization %q: %w", name, err)
	}
	return &Organization{c: c, name: name, scope: c.auth.Mint(id, principal)}, nil
}

// plain reports whether a name is one that both databases take.
func plain(name string) bool {
	return name != "" && len(name) <= maxName && utf8.ValidString(name) && !strings.ContainsRune(name, 0)
}

func (c *Curator) organizationID(ctx context.Context, name string) (id string, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Get(ctx, &id, "SELECT id FROM organizations WHERE name = ?", name)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("%w: there is no organization %q", content.ErrNotFound, name)
	}
	return id, err
}

// DeleteOrganization removes an organization and everything that belongs to it:
// records, chunks, runs, events, failures, objects. It cannot be undone. On
// SQLite it holds the writer for as long as it takes. After an error something may
// be gone already; call it again. Without such an organization it is
// content.ErrNotFound.
func (c *Curator) DeleteOrganization(ctx context.Context, name string) error {
	id, err := c.organizationID(ctx, name)
	if err != nil {
		return err
	}
	// The objects first: when that fails, the organization is still there to be
	// deleted again. Then those that were stored meanwhile.
	if err := c.deleteObjects(ctx, id); err != nil {
		return err
	}
	if err := c.deleteRows(ctx, name); err != nil {
		return err
	}
	return c.deleteObjects(ctx, id)
}

// deleteRows removes what the database has of an organization.
func (c *Curator) deleteRows(ctx context.Context, name string) error {
	return c.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM run_keys WHERE set_id IN (SELECT s.id FROM run_key_sets s JOIN runs r ON r.id = s.run_id
			JOIN organizations o ON o.id = r.organization_id WHERE o.name = ?)`, name); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "DELETE FROM organizations WHERE name = ?", name)
		if err == nil && n == 0 {
			return fmt.Errorf("%w: there is no organization %q", content.ErrNotFound, name)
		}
		return err
	})
}

// Name returns the organization's name.
func (o *Organization) Name() string { return o.name }

// Scope returns the Scope that the methods act in, for calls to other packages
// of this module.
func (o *Organization) Scope() content.Scope { return o.scope }

// Types returns the record types, those of all connections and of the program.
func (o *Organization) Types() []*content.Type { return o.c.registry.Types() }
