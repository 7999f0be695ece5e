package curatore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/curatore/curatore-go/connectors"
	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// An Instance is a connection as an organization has set it up: one of two
// SharePoint sites.
type Instance struct {
	Connection string          `json:"connection"`
	Name       string          `json:"name"` // "" is the only one
	Label      string          `json:"label"`
	Settings   json.RawMessage `json:"settings"` // with references in place of secrets
	CreatedBy  string          `json:"created_by"`
	UpdatedAt  time.Time       `json:"updated_at"`
}

// Configure stores the organization's settings for an instance of a connection, in
// place of what was stored: what differs from the connection's defaults. They are
// checked against the connection's schema; secrets are given by reference. Imports
// of the instance use them from the next one on.
func (o *Organization) Configure(ctx context.Context, in Instance) error {
	conn, err := o.c.connection(in.Connection)
	if err != nil {
		return err
	}
	for _, name := range []string{in.Name, in.Label} {
		if name != "" && !plain(name) {
			return fmt.Errorf("%w: the name and the label of an instance are up to %d bytes of text", content.ErrInvalid, maxName)
		}
	}
	if len(in.Settings) == 0 {
		in.Settings = json.RawMessage("{}")
	}
	if len(in.Settings) > maxSettings || !utf8.Valid(in.Settings) {
		return fmt.Errorf("%w: settings are up to %d bytes of JSON", content.ErrInvalid, maxSettings)
	}
	if err := conn.CheckSettings(in.Settings); err != nil {
		return err
	}
	org, err := o.c.auth.Organization(o.scope)
	if err != nil {
		return err
	}
	return o.c.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		now := tx.Dialect().Time(o.c.now())
		_, err := tx.Exec(ctx, `INSERT INTO connection_settings (organization_id, connection, instance, label, settings, created_by, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (organization_id, connection, instance) DO UPDATE SET label = excluded.label, settings = excluded.settings, updated_at = excluded.updated_at`,
			org, in.Connection, in.Name, in.Label, string(in.Settings), o.scope.Principal(), now, now)
		return err
	})
}

// maxSettings bounds stored settings, in bytes.
const maxSettings = 256 << 10

// Instances returns what the organization has set up, by connection and name.
func (o *Organization) Instances(ctx context.Context) (list []Instance, err error) {
	org, err := o.c.auth.Organization(o.scope)
	if err != nil {
		return nil, err
	}
	err = o.c.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		rows, err := tx.Query(ctx, "SELECT connection, instance, label, settings, created_by, updated_at FROM connection_settings WHERE organization_id = ? ORDER BY connection, instance", org)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var i Instance
			var settings []byte
			if err := rows.Scan(&i.Connection, &i.Name, &i.Label, &settings, &i.CreatedBy, database.ScanTime(&i.UpdatedAt)); err != nil {
				return err
			}
			i.Settings = settings
			list = append(list, i)
		}
		return rows.Err()
	})
	return list, err
}

// RemoveInstance forgets the settings of an instance. What it has imported stays.
// Without such settings it is content.ErrNotFound.
func (o *Organization) RemoveInstance(ctx context.Context, connection, name string) error {
	org, err := o.c.auth.Organization(o.scope)
	if err != nil {
		return err
	}
	return o.c.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		n, err := tx.Exec(ctx, "DELETE FROM connection_settings WHERE organization_id = ? AND connection = ? AND instance = ?", org, connection, name)
		if err == nil && n == 0 {
			return fmt.Errorf("%w: %s has no settings for the instance %.80q", content.ErrNotFound, connection, name)
		}
		return err
	})
}

// TestConnection tries out a connection with the stored settings of an instance and
// those of the options, and imports nothing: whether the service is reachable, the
// credentials are accepted, each permission is there, the clocks agree.
func (o *Organization) TestConnection(ctx context.Context, connection string, options connectors.Options) ([]connectors.Finding, error) {
	conn, err := o.c.connection(connection)
	if err != nil {
		return nil, err
	}
	if options, err = o.c.settled(ctx, o.scope, connection, options); err != nil {
		return nil, err
	}
	return o.c.imports.Test(ctx, o.scope, conn, options)
}

// settled puts the stored settings of an instance under those of the options, each
// setting for itself.
func (c *Curator) settled(ctx context.Context, scope content.Scope, connection string, options connectors.Options) (connectors.Options, error) {
	org, err := c.auth.Organization(scope)
	if err != nil {
		return options, err
	}
	var stored []byte
	err = c.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		err := tx.QueryRow(ctx, "SELECT settings FROM connection_settings WHERE organization_id = ? AND connection = ? AND instance = ?", org, connection, options.Instance).Scan(&stored)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil || len(stored) == 0 {
		return options, err
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(stored, &all); err != nil {
		return options, fmt.Errorf("the stored settings of %s cannot be read: %w", connection, err)
	}
	if len(options.Settings) > 0 {
		over := map[string]json.RawMessage{}
		if err := json.Unmarshal(options.Settings, &over); err != nil {
			return options, fmt.Errorf("%w settings of %s: they are no JSON object", content.ErrInvalid, connection)
		}
		for name, v := range over {
			all[name] = v
		}
	}
	options.Settings, err = json.Marshal(all)
	return options, err
}
