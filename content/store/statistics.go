package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/lib/pq"

	"github.com/curatore/curatore-go/content/database"
)

// analyze has Postgres look at tables that have grown to more than twice the size
// that it knows, before statements are planned that walk through them. It would
// do so by itself a minute or more later; until then it plans for small tables.
func (s *Store) analyze(ctx context.Context, tables ...string) error {
	if s.db.Dialect().Name() != database.Postgres {
		return nil
	}
	err := s.db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
		var grown []string
		if err := tx.Select(ctx, &grown, `SELECT oid::regclass::text FROM pg_class WHERE oid = ANY (?::regclass[])
AND pg_relation_size(oid) / current_setting('block_size')::bigint > 2 * relpages + 10`, pq.Array(tables)); err != nil || len(grown) == 0 {
			return err
		}
		return tx.Run(ctx, "ANALYZE "+strings.Join(grown, ", "))
	})
	if err != nil {
		return fmt.Errorf("gather statistics: %w", err)
	}
	return nil
}
