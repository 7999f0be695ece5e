package curatore

import (
	"context"
	"fmt"

	"github.com/curatore/curatore-go/content/database"
)

// Organizations returns the names of all organizations, in order. It is for
// whoever operates the program: it tells of every tenant.
func (c *Curator) Organizations(ctx context.Context) (names []string, err error) {
	err = c.db.Read(ctx, func(ctx context.Context, tx *database.Tx) error {
		return tx.Select(ctx, &names, "SELECT name FROM organizations WHERE name <> ? ORDER BY name", "")
	})
	if err != nil {
		return nil, fmt.Errorf("list organizations: %w", err)
	}
	return names, nil
}
