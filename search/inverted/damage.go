package inverted

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/curatore/curatore-go/content/database"
)

// A Damage is a segment that searches cannot read, and why.
type Damage struct {
	Segment string
	Chunks  int // that were in it
	Err     error
}

// Readable returns the index of an organization as the transaction sees it without
// its damaged segments, and tells which those are: whose tables cannot be read, or
// that have not all of their blocks. It reads the tables from the database, and
// nothing of the postings; [Index.Verify] does.
func (x *Index) Readable(ctx context.Context, tx *database.Tx, organization string) (*View, []Damage, error) {
	version, segments, err := readManifest(ctx, tx, organization, 0)
	if err != nil {
		return nil, nil, err
	}
	blocks := map[string]int{}
	err = query(ctx, tx, func(rows *sql.Rows) error {
		var id string
		var n int
		err := rows.Scan(&id, &n)
		blocks[id] = n
		return err
	}, "SELECT segment_id, count(*) FROM search_postings WHERE organization_id = ? GROUP BY segment_id", organization)
	if err != nil {
		return nil, nil, fmt.Errorf("search index: count blocks: %w", err)
	}
	v := x.view(tx, organization, version, nil)
	v.cache = newCache(0)
	var damage []Damage
	for _, s := range segments {
		one := *v
		one.segments = []segmentRow{s}
		switch err := one.opens(ctx, blocks[s.id]); {
		case errors.Is(err, errCorrupt):
			damage = append(damage, Damage{s.id, s.chunks - s.deleted, err})
		case err != nil:
			return nil, nil, err
		default:
			v.segments = append(v.segments, s)
		}
	}
	return v, damage, nil
}

// opens reads what every search of the one segment of a View needs.
func (v *View) opens(ctx context.Context, blocks int) error {
	tables, err := v.tables(ctx, v.segments)
	if err != nil {
		return err
	}
	if _, err := v.dead(ctx, tables); err != nil {
		return err
	}
	firsts, err := v.terms(ctx)
	if err == nil && len(firsts[0]) != blocks {
		err = fmt.Errorf("search index: segment %s: it has %d of %d blocks: %w", v.segments[0].id, blocks, len(firsts[0]), errCorrupt)
	}
	return err
}

// DropDamaged takes the segments out of the index that [Index.Readable] tells to be
// damaged. What was in them is to be indexed anew.
func (w *Writer) DropDamaged(ctx context.Context) ([]Damage, error) {
	_, damage, err := w.index.Readable(ctx, w.tx, w.organization)
	if err != nil {
		return nil, err
	}
	for _, d := range damage {
		for _, statement := range []string{
			"DELETE FROM search_postings WHERE organization_id = ? AND segment_id = ?",
			"DELETE FROM search_columns WHERE organization_id = ? AND segment_id = ?",
			"DELETE FROM search_segments WHERE organization_id = ? AND id = ?",
		} {
			if _, err := w.tx.Exec(ctx, statement, w.organization, d.Segment); err != nil {
				return nil, fmt.Errorf("search index: drop segment %s: %w", d.Segment, err)
			}
		}
	}
	return damage, nil
}
