package store

import (
	"context"
	"fmt"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
)

// requeueRows is how many records are queued in one transaction.
const requeueRows = 2000

// Requeue makes all live records of a Type wait to be indexed again, as if they
// had changed. It works in short transactions, each through write, and returns
// the number of records.
func (s *Store) Requeue(ctx context.Context, scope content.Scope, typ *content.Type, write Write) (n int64, err error) {
	org, p, err := s.enter(scope, typ)
	if err != nil {
		return 0, err
	}
	for after := ""; ; {
		var last []string
		err := write(ctx, func(ctx context.Context, tx *database.Tx) error {
			last = nil
			w := live(tx.Dialect(), org)
			w.add("id > ?", after)
			if err := tx.Select(ctx, &last, "SELECT id FROM (SELECT id FROM "+p.table+" WHERE "+w.String()+" ORDER BY id LIMIT ?) AS next ORDER BY id DESC LIMIT 1", append(w.args, requeueRows)...); err != nil || len(last) == 0 {
				return err
			}
			w.add("id <= ?", last[0])
			w.add("indexed_at IS NOT NULL")
			changed, err := tx.Exec(ctx, "UPDATE "+p.table+" SET indexed_at = NULL WHERE "+w.String(), w.args...)
			n += changed
			return err
		})
		if err != nil {
			return n, fmt.Errorf("queue %s for the index: %w", p.typ.Name(), err)
		}
		if len(last) == 0 {
			return n, nil
		}
		after = last[0]
	}
}
