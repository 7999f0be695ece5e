package search

import (
	"context"
	"database/sql"
	"fmt"
	"iter"

	"github.com/curatore/curatore-go/content"
	"github.com/curatore/curatore-go/content/database"
	"github.com/curatore/curatore-go/search/inverted"
)

// A Comparison tells how far the keyword index of an organization agrees with the
// rows of its chunks.
type Comparison struct {
	// Unfindable is the number of chunks, by type name, that have a row and are not
	// in the index.
	Unfindable map[string]int64
	// WithoutRow is the number of chunks in the index that have no row. A search that
	// comes upon one is an error.
	WithoutRow int64
	// Damage is what of the index cannot be read. A search that needs it is an error.
	Damage []inverted.Damage

	withoutRow []int64
}

// Sound reports whether the two agree.
func (c *Comparison) Sound() bool { return len(c.Unfindable)+len(c.Damage) == 0 && c.WithoutRow == 0 }

// Compare holds the keyword index of the Scope's organization against the rows of
// its chunks, in one state of the database. It reads the numbers of all chunks, not
// their postings; see [inverted.Index.Verify].
func (x *Indexer) Compare(ctx context.Context, tx *database.Tx, scope content.Scope) (*Comparison, error) {
	organization, err := x.config.Authority.Organization(scope)
	if err != nil {
		return nil, err
	}
	c := &Comparison{}
	v, damage, err := x.config.Index.Readable(ctx, tx, organization)
	if err != nil {
		return nil, err
	}
	c.Damage = damage
	all, err := v.Select(ctx, nil, nil)
	if err != nil {
		return nil, err
	}
	// each search filters by type, so that nobody finds what has lost it
	findable, err := v.Select(ctx, []content.Filter{{Field: FieldType, Op: content.NotNull}}, nil)
	if err != nil {
		return nil, err
	}
	next, stop := iter.Pull(all.All())
	defer stop()
	indexed, more := next()
	without := func(until int64) {
		for ; more && indexed < until; indexed, more = next() {
			c.withoutRow = append(c.withoutRow, indexed)
		}
	}
	err = each(ctx, tx, func(rows *sql.Rows) error {
		var number int64
		var typeName string
		if err := rows.Scan(&number, &typeName); err != nil {
			return err
		}
		without(number)
		if more && indexed == number {
			indexed, more = next()
		}
		if !findable.Contains(number) {
			if c.Unfindable == nil {
				c.Unfindable = map[string]int64{}
			}
			c.Unfindable[typeName]++
		}
		return nil
	}, "SELECT number, source_type FROM search_chunks WHERE organization_id = ? ORDER BY number", organization)
	if err != nil {
		return nil, fmt.Errorf("read the numbers of chunks: %w", err)
	}
	without(1 << 62)
	c.WithoutRow = int64(len(c.withoutRow))
	return c, nil
}

// Repair takes out of the index what makes searches fail: chunks that have no row,
// and segments that cannot be read. What was in those is found again when it has
// been put again.
func (x *Indexer) Repair(ctx context.Context, tx *database.Tx, scope content.Scope) error {
	organization, err := x.config.Authority.Organization(scope)
	if err != nil {
		return err
	}
	w, err := x.config.Index.Writer(ctx, tx, organization)
	if err != nil {
		return err
	}
	if _, err := w.DropDamaged(ctx); err != nil {
		return err
	}
	c, err := x.Compare(ctx, tx, scope)
	if err != nil {
		return err
	}
	_, err = w.Delete(ctx, c.withoutRow)
	return err
}
