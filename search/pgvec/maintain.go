package pgvec

import (
	"context"

	"github.com/curatore/curatore-go/content/database"
)

// Maintain builds the indexes that have become worth it and drops those of models
// that are no longer used, for all organizations. Call it after a load, and now
// and then: rows are indexed several times faster together than one by one.
func (x *Index) Maintain(ctx context.Context, db *database.DB) error {
	return nil
}
