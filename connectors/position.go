package connectors

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/curatore/curatore-go/content/database"
)

// position returns where the last import of an incremental stream ended.
func (im *importing) position(ctx context.Context, stream string) (position string, err error) {
	err = im.DB.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		err := tx.QueryRow(ctx, "SELECT position FROM connection_state WHERE organization_id = ? AND connection = ? AND instance = ? AND stream = ?",
			im.organization, im.c.Name(), im.options.Instance, stream).Scan(&position)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("position of %s: %w", stream, err)
	}
	return position, nil
}

// savePosition keeps the position of an incremental stream, in the transaction
// of the records before it.
func (im *importing) savePosition(ctx context.Context, tx *database.Tx, stream, position string) error {
	if position == "" {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO connection_state (organization_id, connection, instance, stream, position, updated_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (organization_id, connection, instance, stream) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at`,
		im.organization, im.c.Name(), im.options.Instance, stream, position, tx.Dialect().Time(im.now()))
	if err != nil {
		return fmt.Errorf("position of %s: %w", stream, err)
	}
	return nil
}
